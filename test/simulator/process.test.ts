import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { lstat, mkdir, readdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { guest, launcher, runSim, startProgram, startSim, withFolder, type Running } from './bhyve-sim.js';

const play = (
  script: string,
  env: Readonly<Record<string, string>> = {},
): { readonly env: Record<string, string> } => ({
  env: { VMRUN_SIM_SCRIPT: script, ...env },
});
const arm64Guest = ['-o', 'console=stdio', '-o', 'bootrom=/u-boot.bin'] as const;

describe('a guest ends as its script says', () => {
  test.each<[script: string, release: string, status: number]>([
    ['reboot', '15', 0],
    ['power_off', '15', 1],
    ['halt', '15', 2],
    ['triple_fault', '15', 3],
    ['error', '15', 4],
    ['suspend', '15', 0],
    ['suspend', '16', 5],
    ['halt:20ms', '15', 2],
  ])('%s in release %s with status %i', async (script, release, status) => {
    const ended = await runSim([...guest, 'vm'], play(script, { VMRUN_SIM_RELEASE: release }));
    expect(ended).toMatchObject({ status, signal: null });
    expect(ended.stderr === '').toBe(script !== 'error');
  });

  test.each<[script: string, signal: string]>([
    ['signal:KILL', 'SIGKILL'],
    ['signal:SIGTERM', 'SIGTERM'],
    ['signal:INT:20ms', 'SIGINT'],
  ])('%s by that signal', async (script, signal) => {
    expect(await runSim([...guest, 'vm'], play(script))).toMatchObject({ status: null, signal });
  });

  test.each<[boot: string, status: number]>([
    ['1', 0],
    ['2', 2],
    ['3', 1],
    ['9', 1],
  ])('boot %s of reboot,halt,power_off with status %i', async (boot, status) => {
    const ended = await runSim([...guest, 'vm'], play('reboot,halt,power_off', { VMRUN_BOOT: boot }));
    expect(ended.status).toBe(status);
  });
});

describe('a variable that is read only when the guest powers off', () => {
  const wrong = ['-o', 'destroy_on_poweroff=2', ...guest, 'vm'];
  const said = 'bhyve: Invalid value 2 for boolean variable destroy_on_poweroff: No error: 0\n';

  test.each<[script: string, status: number, stderr: string]>([
    ['power_off', 4, said],
    ['reboot', 0, ''],
    ['halt', 2, ''],
  ])('and is wrong: %s ends with status %i', async (script, status, stderr) => {
    expect(await runSim(wrong, play(script))).toMatchObject({ status, stderr });
  });

  test('and is wrong: SIGTERM ends bhyve with 4', async () => {
    const sim = startSim(wrong, play('run'));
    await sim.said('login:');
    sim.child.kill('SIGTERM');
    expect(await sim.ended).toMatchObject({ status: 4, signal: null, stderr: said });
  });
});

test('a folder is not a file for the firmware', async () => {
  await withFolder(async (folder) => {
    const ended = await runSim(['-f', `opt/x,file=${folder}`, ...guest, 'vm'], play('power_off'));
    expect(ended).toMatchObject({
      status: 64,
      stderr: `bhyve: Unable to read file "${folder}": Is a directory\nbhyve: invalid fwcfg item 'opt/x,file=${folder}'\n`,
    });
  });
});

describe('SIGTERM', () => {
  test.each<[title: string, script: string, argv: readonly string[], env: Record<string, string>]>([
    ['a guest that runs', 'run', guest, {}],
    ['a guest that takes its time', 'run:20ms', guest, {}],
    ['a guest about to reboot', 'reboot:1h', guest, {}],
    ['a guest of release 14 with -A', 'run', ['-A', ...guest], { VMRUN_SIM_RELEASE: '14' }],
  ])('powers off %s', async (_title, script, argv, env) => {
    const sim = startSim([...argv, 'vm'], play(script, env));
    await sim.said('login: ');
    sim.child.kill('SIGTERM');
    expect(await sim.ended).toMatchObject({ status: 1, signal: null });
  });

  test.each<[title: string, argv: readonly string[], env: Record<string, string>]>([
    ['on arm64', arm64Guest, { VMRUN_SIM_ARCH: 'arm64' }],
    ['without ACPI', [...guest, '-o', 'acpi_tables=false'], {}],
    ['in release 14 without -A', guest, { VMRUN_SIM_RELEASE: '14' }],
    ['to the parent in monitor mode', ['-M', ...guest], { VMRUN_SIM_RELEASE: '16' }],
  ])('only kills %s', async (_title, argv, env) => {
    const sim = startSim([...argv, 'vm'], play('run', env));
    await sim.said('login: ');
    sim.child.kill('SIGTERM');
    expect(await sim.ended).toMatchObject({ status: null, signal: 'SIGTERM' });
  });

  test.each(['deaf', 'run:1h'])('a second time changes nothing for a guest that does %s', async (script) => {
    const sim = startSim([...guest, 'vm'], play(script));
    await sim.said('login: ');
    for (const typed of ['first', 'second']) {
      sim.child.kill('SIGTERM');
      sim.type(typed);
      await sim.said(typed);
    }
    sim.child.kill('SIGKILL');
    expect(await sim.ended).toMatchObject({ signal: 'SIGKILL' });
  });
});

test.each<NodeJS.Signals>(['SIGINT', 'SIGHUP'])('%s kills', async (signal) => {
  const sim = startSim([...guest, 'vm'], play('run'));
  await sim.said('login: ');
  sim.child.kill(signal);
  expect(await sim.ended).toMatchObject({ status: null, signal });
});

describe('the console', () => {
  test('says what the machine is, waits for a login and echoes', async () => {
    const argv = [...guest, '-c', '2', '-m', '1G', '-s', '0,hostbridge', '-s', '4,virtio-blk,/d.img', 'web'];
    const sim = startSim(argv, play('run', { VMRUN_BOOT: '3' }));
    await sim.said('web login: ');
    sim.type('root\n');
    await sim.said('web login: root\r\nweb login: ');
    sim.child.kill('SIGTERM');
    const { stdout } = await sim.ended;
    expect(stdout.split('\r\n')).toEqual([
      'bhyve-sim: web, boot 3, as bhyve of FreeBSD 15 (amd64)',
      'cpus: 2',
      'memory: 1024 MiB',
      'pci 0:0:0: hostbridge',
      'pci 0:4:0: virtio-blk',
      'pci 0:31:0: lpc',
      '',
      'web login: root',
      'web login: ',
      '',
    ]);
  });

  test('is the MMIO uart on arm64', async () => {
    const ended = await runSim([...arm64Guest, 'vm'], play('power_off', { VMRUN_SIM_ARCH: 'arm64' }));
    expect(ended).toMatchObject({ status: 1, stdout: expect.stringMatching(/vm login: \r\n$/) });
  });

  test.each<[title: string, argv: readonly string[]]>([
    ['no lpc device holds com1', ['-l', 'com1,stdio', '-l', 'bootrom,/rom.fd']],
    ['com1 is a tty', ['-s', '31,lpc', '-l', 'com1,/dev/nmdm0A', '-l', 'bootrom,/rom.fd']],
  ])('is silent where %s', async (_title, argv) => {
    expect(await runSim([...argv, 'vm'], play('halt'))).toMatchObject({ status: 2, stdout: '', stderr: '' });
  });

  test('may lose its reader', async () => {
    const sim = startSim([...guest, 'vm'], play('run'));
    await sim.said('login: ');
    sim.child.stdout?.destroy();
    sim.type('anybody there?\n');
    sim.child.stdin?.end();
    sim.child.kill('SIGTERM');
    expect(await sim.ended).toMatchObject({ status: 1, stderr: '' });
  });
});

/** A guest between two FIFOs that both sides hold open in both directions, so that none sees an end of file. */
async function onFifos<T>(
  use: (fifos: { readonly type: (text: string) => void; readonly take: () => string }, sim: Running) => Promise<T>,
): Promise<T> {
  return withFolder(async (cwd) => {
    await promisify(execFile)('mkfifo', ['in', 'out'], { cwd });
    const flags = constants.O_RDWR | constants.O_NONBLOCK;
    const [input, output] = [openSync(path.join(cwd, 'in'), flags), openSync(path.join(cwd, 'out'), flags)];
    const command = 'exec "$@" 0<>in 1<>out';
    const sim = startProgram('/bin/sh', ['-c', command, 'sh', process.execPath, launcher, ...guest, 'vm'], {
      cwd,
      ...play('run'),
    });
    try {
      return await use({ type: (text) => void writeSync(input, text), take: () => taken(output) }, sim);
    } finally {
      sim.child.kill('SIGKILL');
      await sim.ended;
      closeSync(input);
      closeSync(output);
    }
  });
}

/** What is in a FIFO now. */
function taken(descriptor: number): string {
  const bytes = Buffer.alloc(128 * 1024);
  try {
    return bytes.toString('utf8', 0, readSync(descriptor, bytes));
  } catch {
    return '';
  }
}

const soon = () => new Promise((resolve) => setImmediate(resolve));

describe('a console on two FIFOs', () => {
  test('is read and written without an end of file', async () => {
    await onFifos(async ({ type, take }, sim) => {
      let seen = '';
      const until = async (text: string): Promise<void> => {
        while (!seen.includes(text)) {
          seen += take();
          await soon();
        }
      };
      await until('login: ');
      type('root\n');
      await until('login: root\r\nvm login: ');
      type('poweroff\n');
      expect(await sim.ended).toMatchObject({ status: 1 });
    });
  });

  test('drops what nobody reads, and the guest goes on', async () => {
    await onFifos(async ({ type, take }, sim) => {
      // Far more than a FIFO holds comes back as its echo; all of it is read by the guest.
      const line = `${'x'.repeat(1022)}\n`;
      for (let lines = 0; lines < 200;) {
        try {
          type(line);
          lines += 1;
        } catch {
          await soon();
        }
      }
      type('poweroff\n');
      expect(await sim.ended).toMatchObject({ status: 1 });
      const kept = take();
      expect(kept.length).toBeGreaterThan(32 * 1024);
      expect(kept.length).toBeLessThanOrEqual(64 * 1024);
      expect(kept).toContain('vm login: xxx');
    });
  });
});

describe('virtio-console', () => {
  const ports = (...names: readonly string[]): readonly string[] => [
    ...guest,
    '-s',
    `5,virtio-console,${names.map((name, index) => `p${index}=${name}`).join(',')}`,
    'vm',
  ];

  test('listens before the guest runs, one connection a port', async () => {
    await withFolder(async (cwd) => {
      const sim = startSim(ports('a.sock', path.join(cwd, 'b.sock')), { cwd, ...play('run') });
      await sim.said('login: ');
      const first = connect(path.join(cwd, 'a.sock'));
      await once(first, 'connect');
      const second = connect(path.join(cwd, 'a.sock'));
      await once(second.resume(), 'close');
      first.destroy();
      expect((await lstat(path.join(cwd, 'b.sock'))).isSocket()).toBe(true);
      sim.child.kill('SIGTERM');
      expect((await sim.ended).status).toBe(1);
    });
  });

  test.each(['power_off', 'reboot:20ms', 'signal:KILL', 'signal:TERM', 'error'])(
    'leaves its sockets behind after %s, and the next start trips over them',
    async (script) => {
      await withFolder(async (cwd) => {
        await runSim(ports('a.sock', 'b.sock'), { cwd, ...play(script) });
        expect((await readdir(cwd)).sort()).toEqual(['a.sock', 'b.sock']);
        expect(await runSim(ports('c.sock', 'b.sock'), { cwd, ...play('run') })).toMatchObject({
          status: 4,
          stdout: '',
          stderr: [
            'cannot create port 1: Address already in use',
            'Device emulation initialization error: Address already in use',
            '',
          ].join('\n'),
        });
        expect((await readdir(cwd)).sort()).toEqual(['a.sock', 'b.sock', 'c.sock']);
      });
    },
  );

  test('is refused where its folder is missing', async () => {
    await withFolder(async (cwd) => {
      const ended = await runSim(ports('none/a.sock'), { cwd, ...play('run') });
      expect(ended.status).toBe(4);
      expect(ended.stderr).toMatch(/^cannot create port 0: No such file or directory\n/);
    });
  });

  test('needs only its base name to fit into an address', async () => {
    await withFolder(async (cwd) => {
      const deep = path.join(cwd, 'd'.repeat(120));
      await mkdir(deep);
      const name = `${'s'.repeat(98)}.sock`;
      const ended = await runSim(ports(path.join(deep, name), '8080'), { cwd, ...play('halt') });
      expect(ended).toMatchObject({ status: 2, stderr: '' });
      expect(await readdir(deep)).toEqual([name]);
      expect((await lstat(path.join(cwd, '8080'))).isSocket()).toBe(true);
    });
  });
});

describe('monitor mode', () => {
  const monitored = ['-M', ...guest];
  const release = { VMRUN_SIM_RELEASE: '16' };

  test('starts a guest again that reboots', async () => {
    const ended = await runSim([...monitored, 'vm'], play('reboot,reboot,power_off', release));
    expect(ended.status).toBe(1);
    expect(ended.stdout.match(/boot \d/g)).toEqual(['boot 1', 'boot 2', 'boot 3']);
  });

  test('does not with -N', async () => {
    expect((await runSim(['-N', ...monitored, 'vm'], play('reboot,power_off', release))).status).toBe(0);
  });

  test('tells of a crash', async () => {
    const ended = await runSim([...monitored, 'vm'], play('signal:SEGV', release));
    expect(ended).toMatchObject({ status: 4, signal: null });
    expect(ended.stderr).toContain('Child process was killed by signal');
  });
});

test.each<[variable: string, value: string, complaint: string]>([
  ['VMRUN_SIM_RELEASE', '13', 'VMRUN_SIM_RELEASE must be 14, 15, 16, got "13"'],
  ['VMRUN_SIM_ARCH', 'riscv', 'VMRUN_SIM_ARCH must be amd64 or arm64, got "riscv"'],
  ['VMRUN_SIM_MAXCPU', '0', 'VMRUN_SIM_MAXCPU must be a whole number from 1 on, got "0"'],
  ['VMRUN_SIM_LOADED', 'maybe', 'VMRUN_SIM_LOADED must be yes or no, got "maybe"'],
  ['VMRUN_BOOT', '-1', 'VMRUN_BOOT must be a whole number from 1 on, got "-1"'],
  ['VMRUN_SIM_SCRIPT', 'run,dance', 'VMRUN_SIM_SCRIPT: "dance" is not a step of a script; use'],
])('%s=%s is a wrong surrounding, not a wrong command line', async (variable, value, complaint) => {
  const ended = await runSim([...guest, 'vm'], { env: { [variable]: value } });
  expect(ended).toMatchObject({ status: 64, stdout: '' });
  expect(ended.stderr).toContain(`bhyve-sim: ${complaint}`);
});

test('an empty variable is as good as none', async () => {
  const env = { VMRUN_SIM_RELEASE: '', VMRUN_SIM_ARCH: '', VMRUN_SIM_MAXCPU: '', VMRUN_SIM_LOADED: '', VMRUN_BOOT: '' };
  expect((await runSim([...guest, 'vm'], play('halt', env))).status).toBe(2);
});

test('the host decides how many vCPUs there may be, and whether a loader has been', async () => {
  expect(await runSim([...guest, '-c', '5', 'vm'], play('run', { VMRUN_SIM_MAXCPU: '4' }))).toMatchObject({
    status: 4,
    stderr: '5 vCPUs requested but only 4 available\n',
  });
  expect((await runSim(['vm'], play('halt', { VMRUN_SIM_LOADED: 'yes' }))).status).toBe(2);
});

test('files of -k and -f are read while the options are', async () => {
  await withFolder(async (cwd) => {
    await writeFile(path.join(cwd, 'vm.conf'), '# a comment\npci.0.29.0.password=se,cr=et\nconfig.dump=yes');
    await writeFile(path.join(cwd, 'item.bin'), 'x');
    const ended = await runSim(['-s', '29,fbuf', '-k', 'vm.conf', '-f', 'opt/x,file=item.bin', 'vm'], { cwd });
    expect(ended).toMatchObject({ status: 1, stderr: '' });
    expect(ended.stdout).toContain('pci.0.29.0.password=se,cr=et\n');
  });
});

test('ps shows the name of the VM', async () => {
  const sim = startSim([...guest, 'vm-with-a-name'], play('run'));
  await sim.said('login: ');
  const { stdout } = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(sim.child.pid)]);
  sim.child.kill('SIGTERM');
  await sim.ended;
  expect(stdout.trim()).toBe('bhyve: vm-with-a-name');
});

test('what its arguments say is printed with what cannot be seen as escapes', async () => {
  const { stdout, stderr } = await runSim(
    ['-s', '3,no-\u001b[2Jmodel', '-l', 'com1,\u202e', 'v\u001b]0;m'],
    play('halt'),
  );
  expect(stderr).toContain('\\e[2J');
  for (const unseen of ['\u001b', '\u202e']) expect(`${stdout}${stderr}`).not.toContain(unseen);
  const named = await runSim([...guest, 'v\u001b[2Jm'], play('halt'));
  expect(`${named.stdout}${named.stderr}`).not.toContain('\u001b');
});
