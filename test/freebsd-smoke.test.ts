import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { inPlace, simulatorCommand, vmrunCommand, type Place } from './e2e/support/place.js';
import { makeFakeHost, type FakeHost } from './host/fake-host.js';
import { vectors } from './simulator/vectors.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const script = path.join(root, 'scripts/freebsd-smoke.sh');
const parts = path.join(root, 'scripts/freebsd-smoke');
const page = readFileSync(path.join(root, 'docs/freebsd.md'), 'utf8');

let host: FakeHost;
beforeEach(() => {
  host = makeFakeHost();
});
afterEach(() => {
  host.remove();
});

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What became of each claim: `held`, `NOT HELD`, `not tried`. */
  readonly claims: Readonly<Record<string, string>>;
}

/** Runs the script on a host that says it is FreeBSD; its VMs are simulated. */
async function smoke(place: Place, ...words: readonly string[]): Promise<Ended> {
  const tools = place.path('tools');
  if (!existsSync(tools)) makeTools(place);
  const env = {
    PATH: `${tools}:${path.dirname(process.execPath)}:${host.env.PATH}`,
    TMPDIR: place.folder,
    HOME: place.folder,
    VMRUN: place.path('tools/vmrun'),
    BHYVE: place.path('tools/bhyve'),
    FIRMWARE: place.write('firmware.fd', ''),
    VMM: place.path('vmm'),
    EXAMPLES: place.path('examples'),
    VECTORS: place.path('vectors.json'),
  };
  const child = spawn('sh', [script, ...words], { cwd: place.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));
  await once(child, 'close');
  const lines = [...printed.stdout.matchAll(/^([a-z-]+) +(held|NOT HELD|not tried) /gm)];
  const claims = Object.fromEntries(lines.map(([, id = '', result = '']) => [id, result]));
  return { status: child.exitCode, ...printed, claims };
}

/** Those tools of FreeBSD that no other test plays. */
function makeTools(place: Place): void {
  mkdirSync(place.path('tools'));
  mkdirSync(place.path('vmm'));
  // Some of each: a process of the simulator is started for every one.
  mkdirSync(place.path('examples'));
  for (const name of ['windows.json', 'storage.json']) {
    copyFileSync(path.join(root, 'examples', name), place.path('examples', name));
  }
  const some = [
    ...vectors.filter(({ dump }) => dump).slice(0, 4),
    ...vectors.filter(({ stage }) => stage === 'parse').slice(0, 4),
  ];
  place.write('vectors.json', JSON.stringify(some));
  const node = `${place.path('vmm')}/\${1#--vm=}`;
  place.script(
    'tools/uname',
    'case $1 in -s) echo FreeBSD ;; -r) echo 15.0-RELEASE ;; *) echo FreeBSD 15.0-RELEASE ;; esac',
  );
  place.script('tools/id', 'echo 0');
  place.script('tools/bhyve', `exec ${simulatorCommand.join(' ')} "$@"`);
  place.script('tools/bhyvectl', `case $2 in --create) : >"${node}" ;; --destroy) rm "${node}" ;; *) exit 64 ;; esac`);
  place.script(
    'tools/fstat',
    'echo "USER     CMD          PID   FD MOUNT      INUM MODE         SZ|DV R/W NAME"',
    '[ "$(readlink "/proc/$2/fd/9")" = "$3" ] && echo "root     tail        $2    9 /tmp         77 -rw-------  0 rw  $3"',
  );
  place.script('tools/daemon', 'shift; "$@" </dev/null >/dev/null 2>&1 &');
  // Renames the log of its file, and runs the command (flag R) that is the last word of the line.
  place.script(
    'tools/newsyslog',
    'set -- "$3"; read -r log mode count size when flags command <"$1"',
    'case $flags in *R*) ;; *) exit 1 ;; esac; mv "$log" "$log.0" && exec "$command"',
  );
  // Only what is locked is signalled, which no test on Linux can lock.
  place.script('tools/pkill', 'exit 3');
  place.script(
    'tools/vmrun',
    'case $1 in ps | stop) word=$1; shift; set -- "$word" --simulate "$@" ;; facts) ;; *)',
    '  case " $* " in *" --dry-run "*) ;; *) set -- --simulate=run "$@" ;; esac ;;',
    'esac',
    `exec ${vmrunCommand.join(' ')} "$@"`,
  );
}

/** Processes are as Linux tells of them, and what only a FreeBSD has is not there. */
const onLinux = process.platform === 'linux' ? test : test.skip;

const leftOf = (place: Place): readonly string[] =>
  readdirSync(place.folder).filter((name) => name.startsWith('vmrun-smoke'));

describe('scripts/freebsd-smoke.sh', () => {
  test('has a row in docs/freebsd.md for each claim, in the same words, and a check', () => {
    const listed = execFileSync('sh', [script, '--list'], { encoding: 'utf8' }).trimEnd().split('\n');
    const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (.+?) \| `(.+?)` \| .+ \| .+ \|$/gm)];
    expect(rows.map(([, id = '', words = '']) => `${id}: ${words}`)).toEqual(listed);
    expect(rows.filter(([, , , file = '']) => !existsSync(path.join(root, file)))).toEqual([]);
    const checks = readFileSync(path.join(parts, 'checks.sh'), 'utf8');
    const claims = readFileSync(path.join(parts, 'claims'), 'utf8').trimEnd().split('\n');
    expect(claims.filter((line) => !checks.includes(`\n${line.split(' ')[1]}() {`))).toEqual([]);
  });

  test('tries nothing on a system that is no FreeBSD, and says so', async () => {
    await inPlace(async (place) => {
      makeTools(place);
      place.script('tools/uname', 'echo Plan9');
      const ended = await smoke(place);
      expect(ended).toMatchObject({ status: 69, stdout: '' });
      expect(ended.stderr).toContain('this is Plan9');
      expect(host.calls()).toEqual([]);
    });
  });

  onLinux('says of each claim whether it holds, and takes back what it has changed', async () => {
    await inPlace(async (place) => {
      host.addInterface('em0', { groups: 'egress' });
      const [interfaces, cards] = [readdirSync(path.join(host.state, 'interfaces')), host.cards()];
      const modules = ' 1    1 0xffffffff80200000  1f3e2d0 kernel (/boot/kernel/kernel)\n';
      host.setModules(modules);
      const ended = await smoke(place, '--card', 'pci0:3:0:0');
      const isOdd = (result: string): boolean => result !== 'held';
      expect(Object.fromEntries(Object.entries(ended.claims).filter(([, result]) => isOdd(result)))).toEqual({
        privilege: 'not tried',
        'rc-script': 'not tried',
        'periodic-conf': 'not tried',
        // Nobody sits at a terminal.
        'terminal-settings': 'not tried',
        // Linux has none of them.
        'open-lock': 'NOT HELD',
        'open-share': 'NOT HELD',
        'log-signal': 'NOT HELD',
        'tap-opened': 'NOT HELD',
        'null-modem': 'NOT HELD',
      });
      expect(ended.stdout).toMatch(/\n29 held, 5 not held, 4 not tried\n$/);
      expect(ended.stdout).toContain('\n    while a child had it: opened\n');
      expect(ended.stdout).toContain('\n    alone: opened\n');
      expect(ended.stdout).toMatch(/^rc-script +not tried +.*: there is no \/etc\/rc\.subr$/m);
      expect(ended).toMatchObject({ status: 1, stderr: '' });
      expect(readdirSync(path.join(host.state, 'interfaces'))).toEqual(interfaces);
      expect(host.cards()).toBe(cards);
      expect(host.calls().filter((call) => call.startsWith('kldunload'))).toContain('kldunload nmdm');
      expect(readFileSync(path.join(host.state, 'modules'), 'utf8')).toBe(modules);
      expect(readdirSync(place.path('vmm'))).toEqual([]);
      expect(leftOf(place)).toEqual([]);
    });
  });

  test('says what it has seen where a tool is not as vmrun believes', async () => {
    await inPlace(async (place) => {
      makeTools(place);
      place.script('tools/bhyve', 'echo memory.size=640K');
      host.breakTool('ifconfig', 'en0 is up\n', 0);
      const ended = await smoke(place, '--only', 'tool-', '--only', 'tap-create', '--only', 'config');
      expect(ended.claims).toEqual({
        'tool-ifconfig': 'NOT HELD',
        'tool-pciconf': 'held',
        'tool-kldstat': 'held',
        'tool-sysctl': 'held',
        'tap-create': 'NOT HELD',
        'config-vectors': 'NOT HELD',
        'config-examples': 'NOT HELD',
      });
      expect(ended.stdout).toContain('\n    only bhyve: memory.size=640K\n');
      expect(ended.stdout).toContain('en0 is up');
      expect(ended.status).toBe(1);
      expect(leftOf(place)).toEqual([]);
    });
  });

  test('takes back what it has changed where it is interrupted', async () => {
    await inPlace(async (place) => {
      makeTools(place);
      // At the first look after the tap was made, the terminal says Ctrl-C.
      place.script(
        'tools/ifconfig',
        `'${path.join(host.state, 'tools/ifconfig')}' "$@" || exit`,
        'case $2 in create) kill -INT "$PPID" ;; esac',
      );
      const ended = await smoke(place, '--only', 'tap-create');
      expect(ended.status).toBe(130);
      expect(host.calls()).toContain('ifconfig tap9117 create');
      expect(host.hasInterface('tap9117')).toBe(false);
      expect(leftOf(place)).toEqual([]);
    });
  });

  onLinux('writes what it has found into the table, and leaves alone what it has not tried', async () => {
    await inPlace(async (place) => {
      const file = place.write('freebsd.md', page);
      const ended = await smoke(
        place,
        '--only',
        'rc-script',
        '--only',
        'fifo',
        '--only',
        'open-lock',
        '--update',
        file,
      );
      expect(ended.claims).toMatchObject({ 'fifo-shell': 'held', 'open-lock': 'NOT HELD', 'rc-script': 'not tried' });
      const before = page.split('\n');
      const changed = readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          line === before[index]
            ? []
            : [/^\| `(.+?)` .* \| (.+): 15\.0-RELEASE, \d{4}-\d\d-\d\d \|$/.exec(line)?.slice(1)],
        );
      expect(changed).toEqual([
        ['open-lock', 'NOT HELD'],
        ['fifo-shell', 'held'],
        ['fifo-node', 'held'],
      ]);
    });
  });
});

describe('scripts for sh', () => {
  const files = [
    'rc.d/vmrun',
    'scripts/freebsd-smoke.sh',
    'scripts/freebsd-smoke/checks.sh',
    'scripts/freebsd-ci.sh',
    'port/files/450.vmrun.in',
    'port/files/vmrun-reopen-logs.in',
  ];
  const hasShellcheck = hasCommand('shellcheck');

  test.each(files)('%s is read by sh', (file) => {
    expect(execFileSync('sh', ['-n', path.join(root, file)], { encoding: 'utf8' })).toBe('');
  });

  (hasShellcheck ? test : test.skip).each(files)('%s has no fault that shellcheck knows', (file) => {
    // What rc.subr(8) reads and sets, and lists of words that are meant as such.
    const idioms = ['-e', file === 'rc.d/vmrun' ? 'SC1091,SC2034,SC2048,SC2154,SC2174' : 'SC1091'];
    expect(execFileSync('shellcheck', ['-x', '-s', 'dash', ...idioms, file], { cwd: root, encoding: 'utf8' })).toBe('');
  });
});

function hasCommand(name: string): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(path.join(folder, name)));
}
