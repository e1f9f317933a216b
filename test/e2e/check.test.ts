import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { onFakeHost } from './support/needy.js';
import { askVmrun } from './support/ask.js';
import { inPlace, isRunning, killBhyve } from './support/place.js';
import { runVmrun } from './support/vmrun.js';

describe('vmrun check', () => {
  test('says of each target that is ready that it is, and of others what they lack, once', async () => {
    await onFakeHost(async ({ place, host, vmrun, checking }) => {
      writeFileSync(place.path('rom.fd'), Buffer.alloc(4096));
      place.spec({
        bootrom: 'rom.fd',
        targets: {
          install: { emulations: [{ device: 'ahci-cd', path: 'cd.iso' }] },
          again: { inherits: 'install' },
          net: { emulations: [{ device: 'virtio-net', name: 'tap9' }] },
        },
      });
      const { name } = place;
      expect(await vmrun(checking())).toMatchObject({
        status: 0,
        stdout: `${name}: ready to boot target default\n`,
        stderr: '',
      });
      const one = await vmrun(checking('-t', 'install'));
      expect(one).toMatchObject({ status: 69, stdout: '' });
      expect(one.stderr).toContain('cd.iso does not exist\n');
      const all = await vmrun(checking('--all-targets'));
      expect(all).toMatchObject({ status: 69, stdout: `${name}: ready to boot target default\n` });
      expect(all.stderr).toContain(`${name}: 2 problems, the host is not ready; nothing was changed\n`);
      expect(all.stderr.match(/cd\.iso does not exist/g)).toHaveLength(1);
      expect(all.stderr).toContain('cd.iso does not exist (targets install and again)\n');
      expect(all.stderr).toContain('there is no interface tap9 (target net)\n');
      expect(all.stderr).toContain('vmrun can fix 1 of them: run it with --recover\n');
      host.addInterface('tap9');
      writeFileSync(place.path('cd.iso'), `${'\0'.repeat(16 * 2048 + 1)}CD001${'\0'.repeat(2042)}`);
      expect(await vmrun(checking('--all-targets'))).toMatchObject({
        status: 0,
        stdout: ['default', 'install', 'again', 'net'].map((t) => `${name}: ready to boot target ${t}\n`).join(''),
        stderr: '',
      });
    });
  });

  test('says of what a start fixes by itself that it will, and is ready', async () => {
    await onFakeHost(async ({ place, host, vmrun, checking }) => {
      writeFileSync(place.path('rom.fd'), Buffer.alloc(4096));
      host.addInterface('bridge0', { groups: 'bridge' });
      const card = { device: 'virtio-net', name: 'tap9', bridge: 'bridge0' };
      const write = (fix: boolean, more: object = {}): void =>
        void place.spec({ bootrom: 'rom.fd', emulations: [{ ...card, fix, ...more }] });
      write(true);
      const ready = await vmrun(checking());
      expect(ready).toMatchObject({ status: 0, stdout: `${place.name}: ready to boot target default\n` });
      expect(ready.stderr).toContain('2 warnings\n');
      expect(ready.stderr).toMatch(/there is no interface tap9\n +fix: none is needed: .* runs ifconfig tap9 create\n/);
      expect(ready.stderr).not.toContain('--recover');
      const json = await vmrun(checking('--json'));
      expect(JSON.parse(json.stdout)).toMatchObject({
        ready: true,
        targets: [{ ready: true, problems: [{ severity: 'warning' }, { severity: 'warning' }] }],
      });
      write(false);
      expect((await vmrun(checking())).status).toBe(69);
      // What no start fixes is an error with it, too.
      write(true, { bridge: 'bridge1' });
      const other = await vmrun(checking());
      expect(other).toMatchObject({ status: 69, stdout: '' });
      expect(other.stderr).toContain('there is no bridge bridge1');
    });
  });

  test('asks every tool once, however many targets there are', async () => {
    await onFakeHost(async ({ place, host, vmrun, checking }) => {
      writeFileSync(place.path('rom.fd'), Buffer.alloc(4096));
      const emulations = [
        { device: 'virtio-net', name: 'tap9' },
        { device: 'passthru', src: '3:0:2' },
      ];
      place.spec({ bootrom: 'rom.fd', emulations, targets: { a: {}, b: { mem: '128M' }, c: { cpu: 2 } } });
      await vmrun(checking('--all-targets'));
      expect([...host.calls()].sort()).toEqual(['ifconfig', 'kldstat -v', 'pciconf -l']);
    });
  });

  test('prints one JSON object with --json, and nothing else', async () => {
    await onFakeHost(async ({ place, vmrun, checking }) => {
      writeFileSync(place.path('rom.fd'), Buffer.alloc(4096));
      place.spec({ bootrom: 'rom.fd', emulations: [{ device: 'virtio-net', name: 'tap9' }], targets: { b: {} } });
      const ended = await vmrun(checking('--all-targets', '--json'));
      expect(ended).toMatchObject({ status: 69, stderr: '' });
      const problems = [
        {
          code: 'interface-missing',
          severity: 'error',
          message: 'there is no interface tap9',
          fix: 'ifconfig tap9 create',
          subject: 'emulations[0] virtio-net "tap9"',
          place: { file: 'vm.json', line: 1, column: 130, pointer: '/emulations/0/name' },
          mend: { command: 'ifconfig tap9 create', automatic: true },
        },
      ];
      const said: unknown = JSON.parse(ended.stdout);
      expect(said).toEqual({
        name: place.name,
        source: 'vm.json',
        ready: false,
        problems: [],
        targets: [
          { target: 'default', ready: false, problems },
          { target: 'b', ready: false, problems },
        ],
        host: { system: process.platform },
      });
      expect(ended.stdout).toBe(`${JSON.stringify(said, undefined, 2)}\n`);
    });
  });

  test('tells a spec that is not good as every command does, in JSON too', async () => {
    await onFakeHost(async ({ place, vmrun, checking }) => {
      place.spec({ mem: 'much' });
      const bad = await vmrun(checking());
      expect(bad).toMatchObject({ status: 65, stdout: '' });
      expect(bad.stderr).toContain('vm.json: 1 problem\n');
      const json = await vmrun(checking('--json'));
      expect(json).toMatchObject({ status: 65, stderr: '' });
      expect(JSON.parse(json.stdout)).toMatchObject({
        source: 'vm.json',
        ready: false,
        problems: [{ code: 'wrong-text', place: { file: 'vm.json', pointer: '/mem' } }],
        targets: [],
      });
      expect(await vmrun(['check', '-c', 'none.json'])).toMatchObject({ status: 66, stdout: '' });
      const unread = await vmrun(['check', '-c', 'none.json', '--json']);
      expect(unread).toMatchObject({ status: 66, stderr: '' });
      expect(JSON.parse(unread.stdout)).toMatchObject({ source: 'none.json', problems: [{ code: 'unreadable' }] });
    });
  });

  test.each<[title: string, words: readonly string[], says: string]>([
    ['no spec', [], "required option '-c, --config <file>' not specified"],
    ['-t with --all-targets', ['-c', 'vm.json', '-t', 'b', '--all-targets'], 'exclude one another'],
    ['a target that there is not', ['-c', 'vm.json', '-t', 'instal', '--json'], 'did you mean "install"?'],
    ['a host on standard input', ['-c', 'vm.json', '--host', '-'], '--host takes a file'],
    ['an option with a slip', ['-c', 'vm.json', '--all-target'], 'Did you mean --all-targets?'],
    ['an operand', ['-c', 'vm.json', 'vm.json'], 'too many arguments'],
  ])('64: %s', async (_title, words, says) => {
    await inPlace(async (place) => {
      place.spec({ targets: { install: {} } });
      const ended = await askVmrun(place, ['check', ...words]);
      expect(ended).toMatchObject({ status: 64, stdout: '' });
      expect(ended.stderr).toContain(says);
    });
  });

  test('has a help with an example; a command comes first, so a spec may have its name', async () => {
    await inPlace(async (place) => {
      for (const [name, example] of [
        ['check', 'vmrun check -c vm.json --all-targets'],
        ['facts', 'vmrun facts -c web.json'],
      ] as const) {
        const ended = await askVmrun(place, [name, '--help']);
        expect(ended).toMatchObject({ status: 0, stderr: '' });
        expect(ended.stdout).toMatch(new RegExp(`^Usage: vmrun ${name} `));
        expect(ended.stdout).toContain(example);
        expect(ended.stdout.split('\n').length).toBeLessThan(30);
      }
      place.spec({ name: 'check' }, 'check');
      const ended = await askVmrun(place, ['-c', 'check', '-d']);
      expect(ended).toMatchObject({ status: 0, stderr: '' });
      expect(ended.stdout).toMatch(/ check\n$/);
      const last = await runVmrun(place, ['-c', 'check', 'facts']);
      expect(last.status).toBe(64);
      expect(last.stderr).toContain('a command comes first: vmrun facts -c FILE');
    });
  });

  test('colours its report where that is asked for', async () => {
    await onFakeHost(async ({ place, vmrun, checking }) => {
      place.spec();
      expect((await vmrun(checking('--color'))).stderr).toContain('\u001b[');
      expect((await vmrun(['check', '-c', 'none', '--color'])).stderr).toContain('\u001b[');
      expect((await vmrun(checking(), { env: { FORCE_COLOR: '1' } })).stderr).toContain('\u001b[');
      expect((await vmrun(checking('--no-color'), { env: { FORCE_COLOR: '1' } })).stderr).not.toContain('\u001b[');
    });
  });
});

describe('a name that is in use is told by a check, as by a run', () => {
  test('with who runs it and since when; the VM runs on, and nothing of it is touched', async () => {
    await onFakeHost(async ({ place, start, vmrun, running, checking }) => {
      writeFileSync(place.path('rom.fd'), Buffer.alloc(4096));
      place.spec({ com1: 'stdio', bootrom: 'rom.fd' });
      const env = { VMRUN_SIM_SCRIPT: 'run' };
      const first = start(running(), { env });
      await first.said('login: ', 'stdout');
      const folder = place.path('run', place.name);
      // All but its FIFO, which would be waited for.
      const contents = (): readonly unknown[] =>
        readdirSync(folder).map((file) => [file, file !== 'vm.line' && readFileSync(`${folder}/${file}`, 'utf8')]);
      const before = contents();
      const sentence = `this VM is run by process ${first.child.pid ?? 0} since 20`;
      const ended = await vmrun(checking());
      expect(ended).toMatchObject({ status: 69, stdout: '' });
      expect(ended.stderr).toContain(sentence);
      for (const more of [[], ['--force'], ['--no-requirement-check'], ['--force', '--no-requirement-check']]) {
        const second = await vmrun(running(...more), { env });
        expect(second).toMatchObject({ status: 75, stdout: '' });
        expect(second.stderr).toContain(sentence);
      }
      expect(contents()).toEqual(before);
      first.kill('SIGTERM');
      expect(await first.ended).toMatchObject({ status: 1 });
      expect(place.runDirectories()).toEqual([]);
      expect(await vmrun(checking())).toMatchObject({ status: 0, stderr: '' });
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('also where only its bhyve is left', async () => {
    await onFakeHost(async ({ place, start, vmrun, running, checking }) => {
      writeFileSync(place.path('rom.fd'), Buffer.alloc(4096));
      place.spec({ com1: 'stdio', bootrom: 'rom.fd' });
      const first = start(running('--events', '-'), { env: { VMRUN_SIM_SCRIPT: 'run' } });
      const { pid } = await first.event('boot');
      await first.said('login: ', 'stdout');
      first.kill('SIGKILL');
      await once(first.child, 'exit');
      for (let attempt = 1; attempt <= 2; attempt += 1) {
        const ended = await vmrun(checking());
        expect(ended).toMatchObject({ status: 69, stdout: '' });
        expect(ended.stderr).toContain(`this VM still runs as process ${pid}`);
        expect(ended.stderr).toContain('--force');
      }
      expect(isRunning(pid)).toBe(true);
      await killBhyve(pid);
      expect(await vmrun(checking())).toMatchObject({ status: 0, stderr: '' });
      expect(existsSync(place.path('run', place.name, 'state.json'))).toBe(true);
    });
  });
});

const elsewhere = process.platform === 'freebsd' ? test.skip : test; // FreeBSD has bhyve

describe('on a system without bhyve', () => {
  elsewhere('a check says what can be said, and what was not checked in one sentence', async () => {
    await onFakeHost(async ({ place, host, vmrun }) => {
      writeFileSync(place.path('rom.fd'), Buffer.alloc(4096));
      const emulations = [
        { device: 'virtio-blk', path: 'disk.img' },
        { device: 'virtio-net', name: 'tap0' },
        { device: 'passthru', src: '3:0:0' },
      ];
      place.spec({ bootrom: 'rom.fd', com1: '/dev/nmdm0A', emulations });
      const ended = await vmrun(['check', '-c', 'vm.json', '--run-dir', place.runBase]);
      expect(ended.status).toBe(69);
      expect(ended.stderr).toMatch(/: 2 problems, the host is not ready/);
      expect(ended.stderr).toContain(
        `this system is ${process.platform}: interfaces, cards and kernel modules were not checked`,
      );
      expect(ended.stderr).toMatch(/fix: .*--simulate.*--host/);
      expect(ended.stderr).toContain('disk.img does not exist');
      expect(host.calls()).toEqual([]);
    });
  });

  elsewhere('facts have the reasons in them', async () => {
    await inPlace(async (place) => {
      const ended = await askVmrun(place, ['facts'], { env: { PATH: '/none' } });
      expect(ended).toMatchObject({ status: 0, stderr: '' });
      const error = expect.stringContaining('it was not found') as unknown;
      expect(JSON.parse(ended.stdout)).toMatchObject({
        version: 1,
        system: process.platform,
        interfaces: { error },
        cards: { error },
        modules: { error },
        sysctls: { error },
        files: {},
      });
    });
  });
});

describe('vmrun facts', () => {
  test('names what each spec asks for in any target, once, by absolute paths in order', async () => {
    await onFakeHost(async ({ place, vmrun }) => {
      const iso = { emulations: [{ device: 'ahci-cd', path: 'cd.iso' }] };
      place.spec({ bootrom: 'rom.fd', emulations: [{ device: 'virtio-blk', path: 'z.img' }], targets: { iso } });
      place.spec({ bootrom: 'rom.fd', emulations: [{ device: 'virtio-blk', path: 'a.img' }] }, 'b.json');
      const ended = await vmrun(['facts', '-c', 'vm.json', '-c', 'b.json']);
      expect(ended).toMatchObject({ status: 0, stderr: '' });
      const { files, cards } = JSON.parse(ended.stdout) as {
        readonly files: object;
        readonly cards: readonly unknown[];
      };
      const ours = Object.keys(files).filter((file) => file.startsWith(place.folder));
      expect(ours).toEqual(['a.img', 'cd.iso', 'rom.fd', 'z.img'].map((file) => place.path(file)));
      expect(cards).not.toEqual([]);
    });
  });

  test('refuses a spec that is not good', async () => {
    await onFakeHost(async ({ place, vmrun }) => {
      place.spec({ mem: 'much' });
      expect(await vmrun(['facts', '-c', 'vm.json'])).toMatchObject({ status: 65, stdout: '' });
      expect(await vmrun(['facts', '-c', 'none.json'])).toMatchObject({ status: 66, stdout: '' });
      expect(await vmrun(['facts', 'vm.json'])).toMatchObject({ status: 65, stdout: '' });
    });
  });
});
