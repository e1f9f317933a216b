import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { askVmrun } from './support/ask.js';
import { inPlace, simulatorCommand, smallVm, vmrunCommand, type Place } from './support/place.js';
import { runVmrun } from './support/vmrun.js';
import { patienceMs } from '../support/patience.js';

/** Something of everything, with words that a shell would take apart. */
const rich = (place: Place): object => ({
  ...smallVm(place.name),
  cpu: { sockets: 1, cores: 2, threads: 2 },
  com1: 'stdio',
  uuid: '5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01',
  graphic: { host: '::1', port: 5907, password: 'pa;s=%w"', width: 1024, height: 768 },
  emulations: [
    { device: 'virtio-blk', path: "/vm/it's a $disk; echo no.img" },
    { device: 'nvme', path: '/vm/a,comma.img' },
    { device: 'virtio-net', name: 'tap0', mac: '58:9c:fc:00:00:01' },
    { device: 'virtio-console', ports: ['/tmp/a b.sock'] },
    { device: 'raw', value: 'virtio-rnd' },
  ],
  extra_options: '-w -o "system.serial_number=a b"',
});

const dryRun = async (place: Place, ...words: readonly string[]): Promise<string> => {
  const ended = await askVmrun(place, ['-c', place.path('vm.json'), '--run-dir', place.runBase, '-d', ...words]);
  expect(ended.status).toBe(0);
  return ended.stdout;
};

test('every format says the same command', async () => {
  await inPlace(async (place) => {
    place.write('vm.json', JSON.stringify(rich(place)));
    const words = JSON.parse(await dryRun(place, '--format', 'json', '--', '-S')) as readonly string[];
    expect(words[0]).toBe('bhyve');
    expect(words.slice(-5)).toEqual(['-w', '-o', 'system.serial_number=a b', '-S', place.name]);
    expect(await dryRun(place, '--format', 'lines', '--', '-S')).toBe(`${words.join('\n')}\n`);
    const shell = await dryRun(place, '--', '-S');
    expect(shell.split('\n')).toHaveLength(2);
    const print = `${process.execPath} -e 'console.log(JSON.stringify(process.argv.slice(1)))' -- ${shell}`;
    expect(JSON.parse(execFileSync('/bin/sh', ['-c', print], { encoding: 'utf8' }))).toEqual(words);
    expect(await dryRun(place, '--format', 'shell', '--', '-S')).toBe(shell);
  });
});

test('the config format is what bhyve makes of the command, with the password starred', async () => {
  await inPlace(async (place) => {
    place.write('vm.json', JSON.stringify(rich(place)));
    const words = JSON.parse(await dryRun(place, '--format', 'json')) as readonly string[];
    const secret = words[words.indexOf('-k') + 1] ?? '';
    expect(secret).toBe(path.join(place.runBase, place.name, 'bhyve.conf'));
    // The file that a run would write, as it would be but for the password.
    const fbuf = words.find((word) => word.includes('fbuf'))?.split(':')[1] ?? '';
    const copy = place.write('bhyve.conf', `pci.0.${fbuf}.0.password=***\n`);
    const [program = '', ...before] = simulatorCommand;
    const replaced = words.slice(1).map((word) => (word === secret ? copy : word));
    const dump = spawnSync(program, [...before, '-o', 'config.dump=1', ...replaced], {
      encoding: 'utf8',
      timeout: patienceMs,
    });
    expect(dump.status).toBe(1);
    const lines = dump.stdout.split('\n').filter((line) => line !== 'config.dump=1');
    expect((await dryRun(place, '--format', 'config')).split('\n')).toEqual(lines);
    expect(lines).toContain(`pci.0.${fbuf}.0.password=***`);
  });
});

test('a word that bhyve would refuse is told by the config format', async () => {
  await inPlace(async (place) => {
    place.spec({ extra_options: '-s 40,virtio-rnd' });
    const ended = await askVmrun(place, ['-c', 'vm.json', '-d', '--format', 'config']);
    expect(ended.status).toBe(65);
    expect(ended.stderr).toContain('bhyve would not accept this command: Invalid PCI slot info field "40,virtio-rnd"');
  });
});

test.each(['shell', 'lines', 'json', 'config'])('the password is in no output of the %s format', async (format) => {
  await inPlace(async (place) => {
    place.spec({ graphic: { host: '127.0.0.1', password: 'geheim17' } });
    for (const words of [['-d', '--format', format], ['--debug'], ['-d', '-v', '--format', format]]) {
      const { stdout, stderr, status } = await askVmrun(place, ['-c', 'vm.json', ...words]);
      expect(status).toBe(0);
      expect(stdout + stderr).not.toContain('geheim17');
    }
  });
});

test('a password that cannot be right is not printed by the message that says so', async () => {
  await inPlace(async (place) => {
    place.spec({ graphic: { host: '127.0.0.1', password: 'geheimer-als-acht' } });
    const { stderr, status } = await askVmrun(place, ['-c', 'vm.json', '-d']);
    expect(status).toBe(65);
    expect(stderr).toContain('/graphic/password');
    expect(stderr).not.toContain('geheimer');
  });
});

test('--debug prints the effective spec and the plan as JSON, with secrets starred', async () => {
  await inPlace(async (place) => {
    place.write(
      'vm.json',
      JSON.stringify({
        ...rich(place),
        targets: { big: { mem: '1G', emulations: [{ device: 'e1000', name: 'tap1' }] } },
      }),
    );
    const { stdout, status } = await askVmrun(place, [
      '-c',
      'vm.json',
      '--debug',
      '-t',
      'big',
      '--run-dir',
      place.runBase,
    ]);
    expect(status).toBe(0);
    const { spec, plan } = JSON.parse(stdout) as { spec: Record<string, unknown>; plan: Record<string, unknown> };
    expect(spec).toMatchObject({ mem: '1G', graphic: { password: '***' } });
    expect(spec).not.toHaveProperty('targets');
    expect(plan).toMatchObject({ name: place.name, target: 'big', memoryBytes: 2 ** 30 });
    expect(plan.devices).toHaveLength(10);
    expect(Object.values(plan.variables as object)).toContain('***');
    expect(plan.command).toEqual(JSON.parse(await dryRun(place, '--format', 'json', '-t', 'big')));
  });
});

test('needs nothing of the host: no bhyve, no disks, no interfaces', async () => {
  await inPlace(async (place) => {
    place.spec({
      bootrom: '/none/rom.fd',
      emulations: [
        { device: 'virtio-blk', path: '/none/disk.img' },
        { device: 'virtio-net', name: 'tap99', type: 'tap', fix: true },
        { device: 'passthru', src: '3:0:0', fix: true },
      ],
    });
    const { stdout, stderr, status } = await askVmrun(place, ['-c', 'vm.json', '-d', '-f', '--bhyve', '/none/bhyve']);
    expect(status).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^\/none\/bhyve .*passthru,3\/0\/0/);
  });
});

/** Modules of Node.js that a program has loaded when it ends; those that Node.js keeps to itself are not counted. */
function loadedModules(place: Place, ...program: readonly string[]): readonly string[] {
  const watch = place.write(
    'watch.cjs',
    `const { writeFileSync } = require('node:fs');
    process.on('exit', () => writeFileSync(process.env.LOADED, JSON.stringify(process.moduleLoadList)));`,
  );
  const loaded = place.path('loaded.json');
  const env = { ...process.env, LOADED: loaded };
  const { status } = spawnSync(process.execPath, ['-r', watch, ...program], {
    ...{ cwd: place.folder, env, timeout: patienceMs },
  });
  expect(status).toBe(0);
  return (JSON.parse(readFileSync(loaded, 'utf8')) as readonly string[]).flatMap((entry) => {
    const name = entry.replace(/^NativeModule /, '');
    return name === entry || name.startsWith('internal/') ? [] : [name];
  });
}

test('loads none of the modules of Node.js that take longer than the whole dry run', () =>
  inPlace((place) => {
    place.write('vm.json', JSON.stringify(rich(place)));
    const bare = new Set(loadedModules(place, '-e', '0'));
    const own = loadedModules(place, ...vmrunCommand.slice(1), '-c', 'vm.json', '-d').filter((name) => !bare.has(name));
    // child_process and tty bring streams and sockets with them.
    expect(own.sort()).toEqual(['os', 'vm']);
    return Promise.resolve();
  }));

test('$BHYVE_EXEC names the program, --bhyve wins over it', async () => {
  await inPlace(async (place) => {
    place.spec();
    const env = { BHYVE_EXEC: '/opt/my bhyve' };
    const first = async (...words: readonly string[]): Promise<unknown> => {
      const { stdout } = await askVmrun(place, ['-c', 'vm.json', '-d', '--format', 'json', ...words], { env });
      return (JSON.parse(stdout) as readonly string[])[0];
    };
    expect(await first()).toBe('/opt/my bhyve');
    expect(await first('--bhyve', '/opt/other')).toBe('/opt/other');
  });
});

test('relative paths start at the spec; where a serial number is made of them they are always told in full', async () => {
  await inPlace(async (place) => {
    const emulations = [
      { device: 'virtio-blk', path: 'disk.img' },
      { device: 'nvme', path: 'nvme.img' },
    ];
    place.spec({ emulations });
    const here = await askVmrun(place, ['-c', 'vm.json', '-d']);
    expect(here.stdout).toContain(`virtio-blk,${place.path('disk.img')}`);
    expect(here.stdout).toContain('nvme,nvme.img');
    const elsewhere = await askVmrun(place, ['-c', place.path('vm.json'), '-d'], { cwd: '/' });
    expect(elsewhere.stdout).toContain(`virtio-blk,${place.path('disk.img')}`);
    expect(elsewhere.stdout).toContain(`nvme,${place.path('nvme.img')}`);
    const piped = await askVmrun(place, ['-c-', '-d'], { input: readFileSync(place.path('vm.json')) });
    expect(piped.stdout).toBe(here.stdout);
  });
});

/** Needs strace, and leave to use it. */
const strace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0 ? test : test.skip;

describe('touches nothing', () => {
  const packageFolder = fileURLToPath(new URL('../..', import.meta.url));
  const system = /^\/(?:proc|sys|dev|etc|lib|lib32|lib64|usr|opt|run\/systemd)(?:\/|$)/;

  strace.each<[format: string]>([['shell'], ['lines'], ['json'], ['config'], ['debug']])('%s', (format) =>
    inPlace(async (place) => {
      place.write('vm.json', JSON.stringify(rich(place)));
      const before = readdirSync(place.folder);
      const words = format === 'debug' ? ['--debug'] : ['-d', '--format', format];
      const log = place.path('strace.log');
      const ended = await runVmrun(
        place,
        ['-c', 'vm.json', '-f', '-p', 'vm.pid', '-P', 'me.pid', '--events', 'ev', ...words],
        {
          command: ['strace', '-f', '-qq', '-s', '4096', '-o', log, ...vmrunCommand],
        },
      );
      expect(ended.status).toBe(0);
      expect(readdirSync(place.folder)).toEqual([...before, 'strace.log'].sort());
      const calls = readFileSync(log, 'utf8')
        .split('\n')
        .map((line) => line.replace(/^\d+\s+/, ''));
      const called = (...names: readonly string[]): readonly string[] =>
        calls.filter((call) => names.some((name) => call.startsWith(`${name}(`)));
      expect(called('execve')).toHaveLength(1);
      expect(called('fork', 'vfork')).toEqual([]);
      // Node's own threads share everything with it.
      expect(called('clone', 'clone3').filter((call) => !call.includes('CLONE_THREAD'))).toEqual([]);
      expect(
        called(
          ...['socket', 'connect', 'bind', 'listen', 'unlink', 'unlinkat', 'mkdir', 'mkdirat', 'rmdir', 'rename'],
          ...['renameat', 'renameat2', 'link', 'linkat', 'symlink', 'symlinkat', 'truncate', 'ftruncate', 'chmod'],
          ...['fchmod', 'fchmodat', 'chown', 'lchown', 'fchown', 'fchownat', 'mknod', 'mknodat', 'kill', 'utimensat'],
        ),
      ).toEqual([]);
      const opened = called('open', 'openat', 'creat');
      expect(opened.filter((call) => /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC/.test(call) && !call.includes('"/dev/'))).toEqual(
        [],
      );
      const node = path.dirname(path.dirname(realpathSync(process.execPath)));
      const isKnown = (file: string): boolean =>
        system.test(file) || [packageFolder, node].some((folder) => file.startsWith(folder));
      const files = opened
        .filter((call) => !call.includes('= -1'))
        .flatMap((call) => /"([^"]*)"/.exec(call)?.slice(1) ?? [])
        .filter((file) => !isKnown(file));
      expect(files.map((file) => path.basename(file))).toEqual(['vm.json']);
    }),
  );
});

test('stdio that stands for a served console is said to be no terminal, by a plan, too', () =>
  inPlace(async (place) => {
    place.spec({ com1: 'console' });
    const words = `stdio is two FIFOs here, by which vmrun serves the console: vmrun console ${place.name}`;
    const dry = await askVmrun(place, ['-c', 'vm.json', '--dry-run']);
    expect(dry).toMatchObject({ status: 0, stderr: `vmrun: ${words}\n` });
    const plan = await askVmrun(place, ['plan', 'vm.json']);
    expect(plan.stdout.replaceAll(/\s+/g, ' ')).toContain(words);
  }));
