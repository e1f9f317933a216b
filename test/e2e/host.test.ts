import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { quoteCommand } from '../../src/base/shell.js';
import { askVmrun } from './support/ask.js';
import { inPlace, vmrunCommand } from './support/place.js';
import { heldBack, inTerminal, openTerminal, typeAhead } from './support/terminal.js';
import { looks, needyVm, onFakeHost, type HostedPlace } from './support/needy.js';

/** The report of a run or a check on `needyVm`, its first line excepted. */
const report = (port: number): string => `
com1
  vm.json:6:11  /com1  kernel module nmdm is not loaded: needed for com1 on /dev/nmdm0A
    fix: kldload -n nmdm

emulations[0] virtio-blk "disk.img"
  vm.json:17:15  /emulations/0/path  disk.img does not exist
    fix: correct the path, or create the file; truncate -s 20G FILE makes an empty disk

emulations[1] virtio-net "tap7"
  vm.json:21:15  /emulations/1/name  there is no interface tap7
    fix: ifconfig tap7 create

emulations[2] virtio-net "tap3"
  vm.json:25:15  /emulations/2/name  tap3 is open in process 812
    fix: stop that process, or use another tap

emulations[3] passthru "3:0:0"
  vm.json:29:14  /emulations/3/src  pci0:3:0:0 is in use by the host as igb0, it must be on the ppt driver
    fix: devctl set driver -f pci0:3:0:0 ppt

emulations[4] virtio-console
  vm.json:34:9  /emulations/4/ports/0  console.sock is left over, no program listens on it
    fix: rm console.sock

graphic
  vm.json:12:13  /graphic/port  TCP port 127.0.0.1:${port} for VNC is in use
    fix: stop the program that listens there (sockstat -l -p ${port}), or use another port
`;

const contents = ({ place }: HostedPlace): readonly string[] => readdirSync(place.folder).sort();

describe('a host that lacks seven things', () => {
  test('is told in one report by a check, with their places and commands, and nothing is changed', async () => {
    await onFakeHost(async (hosted) => {
      const { place, host, vmrun, checking } = hosted;
      const { port, close } = await needyVm(hosted);
      const before = contents(hosted);
      const ended = await vmrun(checking());
      expect(ended).toMatchObject({ status: 69, stdout: '' });
      expect(ended.stderr).toBe(
        `${place.name}: 7 problems, the host is not ready; nothing was changed\n${report(port)}\n` +
          'vmrun can fix 4 of them: run it with --recover\n',
      );
      expect([...host.calls()].sort()).toEqual(looks);
      expect(contents(hosted)).toEqual(before);
      await close();
    });
  });

  test('is told by a run in the same words, and bhyve is not started', async () => {
    await onFakeHost(async (hosted) => {
      const { place, host, vmrun, running } = hosted;
      const { port, close } = await needyVm(hosted);
      const ended = await vmrun(running());
      expect(ended).toMatchObject({ status: 69, stdout: '' });
      expect(ended.stderr).toBe(`${place.name}: 7 problems, bhyve was not started\n${report(port)}`);
      expect([...host.calls()].sort()).toEqual(looks);
      expect(place.runDirectories()).toEqual([]);
      expect(existsSync(place.path('console.sock'))).toBe(true);
      await close();
    });
  });

  test('has four of them fixed by --recover; what can be taken back is, last first, since three remain', async () => {
    await onFakeHost(async (hosted) => {
      const { place, host, vmrun, running } = hosted;
      const { close } = await needyVm(hosted);
      const ended = await vmrun(running('--recover'));
      expect(ended).toMatchObject({ status: 69, stdout: '' });
      expect(ended.stderr).toMatch(/: 3 problems, bhyve was not started\n/);
      expect(ended.stderr).toMatch(/disk\.img does not exist[^]*tap3 is open in process 812[^]*for VNC is in use/);
      expect(changes(host.calls())).toEqual([
        'kldload -n nmdm',
        'ifconfig tap7 create',
        'devctl set driver -f pci0:3:0:0 ppt',
        'devctl clear driver -f pci0:3:0:0',
        'ifconfig tap7 destroy',
      ]);
      expect(host.hasInterface('tap7')).toBe(false);
      expect(host.cards()).toContain('igb0@pci0:3:0:0');
      expect(existsSync(place.path('console.sock'))).toBe(false);
      expect(place.runDirectories()).toEqual([]);
      await close();
    });
  });

  test('runs the VM with --recover once the others are put right, and is as before when that has ended', async () => {
    await onFakeHost(async (hosted) => {
      const { place, host, vmrun, running } = hosted;
      const { close } = await needyVm(hosted);
      await close();
      host.addInterface('tap3');
      writeFileSync(place.path('disk.img'), Buffer.alloc(4096));
      const env = { VMRUN_SIM_SCRIPT: 'reboot,power_off' };
      const ended = await vmrun(running('--recover', '--events', '-'), { env });
      expect(ended).toMatchObject({ status: 1, signal: null });
      expect(ended.events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['boot', 'exit', 'reboot', 'stop']));
      expect(ended.events.filter(({ kind }) => kind === 'boot')).toHaveLength(2);
      expect(changes(host.calls())).toEqual([
        'kldload -n nmdm',
        'ifconfig tap7 create',
        'devctl set driver -f pci0:3:0:0 ppt',
        'devctl clear driver -f pci0:3:0:0',
        'ifconfig tap7 destroy',
      ]);
      expect(host.hasInterface('tap7')).toBe(false);
      expect(host.cards()).toContain('igb0@pci0:3:0:0');
      expect(place.runDirectories()).toEqual([]);
      expect(existsSync(place.path('console.sock'))).toBe(false);
    });
  });
});

const changes = (calls: readonly string[]): readonly string[] => calls.filter((call) => !looks.includes(call));

test.each(['check', 'run'] as const)('a %s with 32 taps starts as many processes as one with one tap', async (form) => {
  await onFakeHost(async ({ place, host, vmrun, running, checking }) => {
    writeFileSync(place.path('rom.fd'), Buffer.alloc(4096));
    const callsWith = async (taps: number): Promise<number> => {
      const emulations = Array.from({ length: taps }, (_, n) => ({
        device: 'virtio-net',
        name: `tap${n}`,
        slot: `${1 + Math.floor(n / 8)}:${n % 8}`,
      }));
      place.spec({ bootrom: 'rom.fd', emulations });
      const before = host.calls().length;
      const ended = await vmrun(form === 'check' ? checking() : running());
      expect(ended.status).toBe(69);
      expect(ended.stderr.match(/there is no interface tap/g)).toHaveLength(taps);
      return host.calls().length - before;
    };
    expect(await callsWith(32)).toBeLessThanOrEqual((await callsWith(1)) + 1);
  });
});

describe('a host that was captured', () => {
  test('gives the report, for people and for programs, that the host itself gives', async () => {
    await onFakeHost(async (hosted) => {
      const { place, host, vmrun, checking } = hosted;
      const { close } = await needyVm(hosted);
      const captured = await vmrun(['facts', '-c', 'vm.json']);
      expect(captured).toMatchObject({ status: 0, stderr: '' });
      place.write('host.json', captured.stdout);
      const live = await vmrun(checking());
      const liveJson = await vmrun(checking('--json'));
      await close();
      host.addInterface('tap7');
      const calls = host.calls().length;
      const recorded = await vmrun(checking('--host', 'host.json'));
      expect(recorded).toMatchObject({ status: live.status, stdout: live.stdout, stderr: live.stderr });
      const recordedJson = await vmrun(checking('--json', '--host', 'host.json'));
      const { taken } = JSON.parse(captured.stdout) as { readonly taken: string };
      const { host: label, ...said } = JSON.parse(recordedJson.stdout) as { readonly host: object };
      const { host: liveLabel, ...liveSaid } = JSON.parse(liveJson.stdout) as { readonly host: object };
      expect(said).toEqual(liveSaid);
      expect(label).toEqual({ ...liveLabel, captured: taken });
      expect(host.calls()).toHaveLength(calls);
    });
  });

  test('is ready, and what it was not asked is not an error', async () => {
    await onFakeHost(async ({ place, host, vmrun, checking }) => {
      writeFileSync(place.path('rom.fd'), Buffer.alloc(4096));
      writeFileSync(place.path('disk.img'), '');
      host.addInterface('tap0');
      place.spec({ bootrom: 'rom.fd', emulations: [{ device: 'virtio-net', name: 'tap0' }] });
      place.write('host.json', (await vmrun(['facts', '-c', 'vm.json'])).stdout);
      expect(await vmrun(checking('--host', 'host.json'))).toMatchObject({
        status: 0,
        stdout: `${place.name}: ready to boot target default\n`,
        stderr: '',
      });
      place.spec({ bootrom: 'rom.fd', emulations: [{ device: 'virtio-blk', path: 'disk.img' }] });
      const ended = await vmrun(checking('--host', 'host.json'));
      expect(ended).toMatchObject({ status: 0, stdout: `${place.name}: ready to boot target default\n` });
      expect(ended.stderr).toContain(`${place.name}: 1 warning\n`);
      expect(ended.stderr).toContain('warning: the captured host says nothing about disk.img');
    });
  });

  const example = (name: string): string => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));

  test.each<[spec: string, status: number, stdout: string, says: readonly string[]]>([
    ['passthru.json', 0, 'router: ready to boot target default\n', []],
    ['freebsd.json', 0, 'freebsd-test: ready to boot target default\nfreebsd-test: ready to boot target install\n', []],
    [
      'windows.json',
      69,
      '',
      ['/dev/vmm/windows is there already', 'tap2 is open in process 2417', 'the captured host says nothing about'],
    ],
  ])('among the examples is judged on any machine: %s', async (spec, status, stdout, says) => {
    await inPlace(async (place) => {
      const words = ['check', '--all-targets', '-c', example(spec), '--host', example('hosts/server.json')];
      const ended = await askVmrun(place, words);
      expect(ended).toMatchObject({ status, stdout });
      if (says.length === 0) expect(ended.stderr).toBe('');
      for (const sentence of says) expect(ended.stderr).toContain(sentence);
      // From the folder of the spec its names stay as they are written.
      const there = { cwd: example('') };
      const again = ['check', '--all-targets', '-c', spec, '--host', 'hosts/server.json'];
      expect(await askVmrun(place, again, there)).toMatchObject({ status, stdout });
    });
  });

  test('has a VM of this name, and it is told how to clear it', async () => {
    await onFakeHost(async ({ place, vmrun, checking }) => {
      writeFileSync(place.path('rom.fd'), Buffer.alloc(4096));
      place.spec({ bootrom: 'rom.fd' });
      const facts = JSON.parse((await vmrun(['facts', '-c', 'vm.json'])).stdout) as object;
      place.write('host.json', JSON.stringify({ ...facts, vms: ['other', place.name] }));
      const ended = await vmrun(checking('--host', 'host.json'));
      expect(ended.status).toBe(69);
      expect(ended.stderr).toContain(`/dev/vmm/${place.name} is there already`);
      expect(ended.stderr).toContain(`bhyvectl --vm=${place.name} --destroy`);
    });
  });

  test.each<[title: string, content: string | undefined, status: number, says: string]>([
    ['is not there', undefined, 66, 'vmrun facts'],
    ['is something else', '{"name": "vm"}', 65, 'these are not the facts of a host'],
    ['is no JSON', '{', 65, 'host.json:1'],
  ])('in a file that %s is told as that', async (_title, content, status, says) => {
    await onFakeHost(async ({ place, vmrun, checking }) => {
      place.spec();
      if (content !== undefined) place.write('host.json', content);
      const ended = await vmrun(checking('--host', 'host.json'));
      expect(ended).toMatchObject({ status, stdout: '' });
      expect(ended.stderr).toContain(says);
      const json = await vmrun(checking('--host', 'host.json', '--json'));
      expect(json).toMatchObject({ status, stderr: '' });
      expect(JSON.parse(json.stdout)).toMatchObject({ source: 'host.json', ready: false, targets: [] });
    });
  });
});

describe('nobody is asked', () => {
  const question = '[y/N]';
  /** Its only fault can be fixed. */
  const needsTap = ({ place }: HostedPlace, fields: object = {}): void => {
    writeFileSync(place.path('rom.fd'), Buffer.alloc(4096));
    place.spec({ bootrom: 'rom.fd', emulations: [{ device: 'virtio-net', name: 'tap7' }], ...fields });
  };
  const inTerminalOf = ({ place, host }: HostedPlace, words: readonly string[], before = ''): Promise<string> => {
    const env = Object.entries(host.env).map(([key, value]) => `${key}=${value}`);
    return openTerminal(
      place,
      `${before}${quoteCommand(['env', ...env, ...vmrunCommand, ...words])}`,
      'echo "status $?"',
    ).ended;
  };

  test('where standard input is not a terminal', async () => {
    await onFakeHost(async (hosted) => {
      needsTap(hosted);
      const ended = await hosted.vmrun(hosted.running(), { input: 'y\ny\n' });
      expect(ended).toMatchObject({ status: 69, stdout: '' });
      expect(ended.stderr).not.toContain(question);
      expect(hosted.host.hasInterface('tap7')).toBe(false);
    });
  });

  inTerminal('where standard input carries the spec', () =>
    onFakeHost(async (hosted) => {
      needsTap(hosted);
      const words = ['-c-', '--run-dir', hosted.place.runBase, '--bhyve', hosted.bhyve];
      const shown = await inTerminalOf(hosted, words, 'cat vm.json | ');
      expect(shown).toContain('there is no interface tap7');
      expect(shown).not.toContain(question);
      expect(shown).toContain('status 69');
    }),
  );

  inTerminal('where standard input is the console of the guest', () =>
    onFakeHost(async (hosted) => {
      needsTap(hosted, { com1: 'stdio' });
      const shown = await inTerminalOf(hosted, hosted.running());
      expect(shown).toContain('there is no interface tap7');
      expect(shown).not.toContain(question);
      expect(shown).toContain('status 69');
    }),
  );

  inTerminal('by a check', () =>
    onFakeHost(async (hosted) => {
      needsTap(hosted);
      const shown = await inTerminalOf(hosted, hosted.checking());
      expect(shown).toContain('vmrun can fix it: run it with --recover');
      expect(shown).not.toContain(question);
      expect(shown).toContain('status 69');
    }),
  );

  inTerminal('but a person at a terminal, whose silence is a no', () =>
    onFakeHost(async (hosted) => {
      needsTap(hosted);
      const ask = (answer: string): Promise<string> => {
        const { place, host, running } = hosted;
        const env = Object.entries(host.env).map(([key, value]) => `${key}=${value}`);
        const command = quoteCommand(['env', ...env, 'VMRUN_SIM_SCRIPT=halt', ...vmrunCommand, ...running()]);
        const terminal = openTerminal(place, command, 'echo "status $?"');
        void terminal.shows(question).then(() => {
          terminal.type(answer);
        });
        return terminal.ended;
      };
      expect(await ask('\r')).toContain('status 69');
      expect(changes(hosted.host.calls())).toEqual([]);
      expect(await ask('y\r')).toContain('status 2');
      expect(changes(hosted.host.calls())).toEqual(['ifconfig tap7 create', 'ifconfig tap7 destroy']);
    }),
  );

  inTerminal('and what was typed before the question is no answer to it', () =>
    onFakeHost(async (hosted) => {
      needsTap(hosted);
      const { place, host, running } = hosted;
      const env = Object.entries(host.env).map(([key, value]) => `${key}=${value}`);
      const command = quoteCommand(['env', ...env, 'VMRUN_SIM_SCRIPT=halt', ...vmrunCommand, ...running()]);
      const terminal = openTerminal(place, ...heldBack, command, 'echo "status $?"');
      await typeAhead(place, terminal, 'y\r');
      await terminal.shows(question);
      terminal.type('\r');
      expect(await terminal.ended).toContain('status 69');
      expect(changes(host.calls())).toEqual([]);
    }),
  );
});

test('a dry run and a plan ask no tool and start no bhyve, whatever else the words say', async () => {
  await onFakeHost(async (hosted) => {
    const { place, host, vmrun } = hosted;
    const { close } = await needyVm(hosted);
    const before = contents(hosted);
    const bhyve = place.script('logging-bhyve', `echo bhyve >> '${host.state}/calls'`);
    for (const words of [['-d'], ['-d', '--recover', '--force'], ['-d', '--format', 'config'], ['--debug']]) {
      const ended = await vmrun(['-c', 'vm.json', '--run-dir', place.runBase, '--bhyve', bhyve, ...words]);
      expect(ended).toMatchObject({ status: 0, signal: null });
    }
    await close();
    expect(host.calls()).toEqual([]);
    expect(contents(hosted)).toEqual([...before, 'logging-bhyve'].sort());
  });
});
