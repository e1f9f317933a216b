import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import type { RunEvent } from '../../src/supervisor/events.js';
import { inPlace, isRunning, killBhyve, until, type Place } from './support/place.js';
import { runVmrun, simulated, startVmrun, type Running } from './support/vmrun.js';

const pidFiles = ['-p', 'vm.pid', '-P', 'vmrun.pid'] as const;

/** A VM with all that has to be cleaned up; its console says when it answers SIGTERM. */
const writeSpec = (place: Place, fields: object = {}): string =>
  place.spec({
    com1: 'stdio',
    graphic: { host: '127.0.0.1', password: 'geheim17' },
    emulations: [{ device: 'virtio-console', ports: [place.path('a.sock'), place.path('b.sock')] }],
    ...fields,
  });

const login = (vm: Running): Promise<unknown> => vm.said('login: ', 'stdout');
const content = (place: Place, name: string): string => readFileSync(place.path(name), 'utf8');

function expectNothingLeft(place: Place): void {
  expect(readdirSync(place.folder).filter((name) => name !== 'vm.json' && !name.startsWith('run'))).toEqual([]);
  expect(place.runDirectories()).toEqual([]);
  expect(place.processes()).toEqual([]);
}

describe('SIGTERM to vmrun', () => {
  test.each<[title: string, script: string, status: number]>([
    ['powers a guest off', 'run', 1],
    ['waits for a guest that takes its time', 'run:500ms', 1],
    ['ends a guest that is deaf, after stop_timeout', 'deaf', 137],
    ['is stronger than a policy that boots again', 'reboot:1h', 1],
  ])('%s, and nothing is left', async (_title, script, status) => {
    await inPlace(async (place) => {
      writeSpec(place, { stop_timeout: script === 'deaf' ? '300ms' : 60, reboot_on: ['reboot', 'power_off'] });
      const vm = startVmrun(place, simulated(place, script, ...pidFiles));
      const { pid } = await vm.event('boot');
      await login(vm);
      expect(lstatSync(place.path('a.sock')).isSocket()).toBe(true);
      expect(content(place, 'vm.pid')).toBe(`${pid}\n`);
      expect(content(place, 'vmrun.pid')).toBe(`${vm.child.pid ?? 0}\n`);
      vm.kill('SIGTERM');
      const ended = await vm.ended;
      expect(ended).toMatchObject({ status, signal: null });
      expect(ended.events.at(-1)).toMatchObject({ kind: 'stop', because: 'asked', boots: 1 });
      expectNothingLeft(place);
    });
  });

  test('presses the power button of a guest that bhyve itself restarts', async () => {
    await inPlace(async (place) => {
      writeSpec(place, { monitor: true, release: 16 });
      const vm = startVmrun(place, simulated(place, 'reboot,run'));
      await vm.said('boot 2', 'stdout');
      await login(vm);
      vm.kill('SIGTERM');
      const ended = await vm.ended;
      expect(ended).toMatchObject({ status: 1, signal: null });
      expect(ended.events.filter(({ kind }) => kind === 'boot')).toHaveLength(1);
      expect(ended.events.flatMap((event) => (event.kind === 'stopping' ? [event.how] : []))).toEqual(['power button']);
      expectNothingLeft(place);
    });
  });

  test('before a guest listens to it still ends bhyve, by the signal itself', async () => {
    await inPlace(async (place) => {
      place.spec();
      const bhyve = place.script('bhyve', 'echo up >&2', 'exec sleep 600');
      const words = ['-c', 'vm.json', '--no-requirement-check', '--run-dir', place.runBase, '--bhyve', bhyve];
      const vm = startVmrun(place, words);
      await vm.said('up\n');
      vm.kill('SIGTERM');
      expect(await vm.ended).toMatchObject({ status: 143, signal: null });
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('in a back-off ends it with the status of the last boot', async () => {
    await inPlace(async (place) => {
      place.spec({ restart: { delay: '1h', max_delay: '1h' } });
      const vm = startVmrun(place, simulated(place, 'reboot'));
      await vm.event('reboot', 2);
      vm.kill('SIGTERM');
      expect(await vm.ended).toMatchObject({ status: 0, signal: null });
      expect(place.runDirectories()).toEqual([]);
    });
  });
});

test.each<NodeJS.Signals>(['SIGINT', 'SIGQUIT', 'SIGHUP'])('%s stops the VM as SIGTERM does', async (signal) => {
  await inPlace(async (place) => {
    writeSpec(place);
    const vm = startVmrun(place, simulated(place, 'run'));
    await login(vm);
    vm.kill(signal);
    expect(await vm.ended).toMatchObject({ status: 1, signal: null });
    expectNothingLeft(place);
  });
});

test('a second SIGINT does not wait for the guest any longer', async () => {
  await inPlace(async (place) => {
    writeSpec(place, { stop_timeout: '1h' });
    const vm = startVmrun(place, simulated(place, 'deaf'));
    await login(vm);
    vm.kill('SIGINT');
    await vm.said('a second signal or vmrun stop --now ends it now');
    // As somebody presses Ctrl-C who is impatient: what comes at once is taken for an echo of the first.
    const pressing = setInterval(() => {
      vm.kill('SIGINT');
    }, 50);
    await vm.event('stop');
    clearInterval(pressing);
    expect(await vm.ended).toMatchObject({ status: 137, signal: null });
    expectNothingLeft(place);
  });
});

test('bhyve that is killed by somebody else is told, and cleaned up after', async () => {
  await inPlace(async (place) => {
    writeSpec(place);
    const vm = startVmrun(place, simulated(place, 'run', ...pidFiles));
    const { pid } = await vm.event('boot');
    await login(vm);
    process.kill(pid, 'SIGKILL');
    const ended = await vm.ended;
    expect(ended.status).toBe(137);
    expect(ended.stderr).toContain('was killed by SIGKILL');
    expectNothingLeft(place);
  });
});

describe('after kill -9 of vmrun', () => {
  /** vmrun gone, its bhyve orphaned; what it still holds of our pipes is no reason to wait. */
  async function orphan(place: Place, script = 'run'): Promise<number> {
    const vm = startVmrun(place, simulated(place, script, ...pidFiles));
    const { pid } = await vm.event('boot');
    await login(vm);
    vm.kill('SIGKILL');
    await once(vm.child, 'exit');
    expect(isRunning(pid)).toBe(true);
    return pid;
  }

  test('its bhyve is found, told with its pid, and left running', async () => {
    await inPlace(async (place) => {
      writeSpec(place);
      const pid = await orphan(place);
      for (let attempt = 1; attempt <= 2; attempt += 1) {
        const ended = await runVmrun(place, simulated(place, 'halt'));
        expect(ended.status).toBe(75);
        expect(ended.stderr).toContain(`this VM still runs as process ${pid}`);
        expect(ended.stderr).toContain('take it over with --simulate --adopt, or end it with --simulate --force');
      }
      const check = await runVmrun(place, ['check', 'vm.json', '--run-dir', `${place.runBase}-simulated`]);
      expect(check.stderr).toContain('take it over with --simulate --adopt, or end it with --simulate --force');
      expect(isRunning(pid)).toBe(true);
      expect(existsSync(place.path('a.sock'))).toBe(true);
      process.kill(pid, 'SIGKILL');
      await until(() => !isRunning(pid));
    });
  });

  test.each<[script: string, how: string]>([
    ['run', 'asked to power off'],
    ['deaf', 'killed where it does not follow'],
  ])('--force ends it (%s: %s) and runs the VM', async (script) => {
    await inPlace(async (place) => {
      writeSpec(place, { stop_timeout: '200ms', emulations: [] });
      const pid = await orphan(place, script);
      const ended = await runVmrun(place, simulated(place, 'halt', '--force', ...pidFiles));
      expect(ended.status).toBe(2);
      expect(isRunning(pid)).toBe(false);
      expectNothingLeft(place);
    });
  });

  test('the next run takes over what is left, and none of it stays: no secrets, no pid files', async () => {
    await inPlace(async (place) => {
      writeSpec(place, { emulations: [] });
      const pid = await orphan(place);
      await killBhyve(pid);
      const [directory = ''] = place.runDirectories();
      expect(readFileSync(place.path('run-simulated', directory, 'bhyve.conf'), 'utf8')).toContain('geheim17');
      place.spec();
      expect((await runVmrun(place, simulated(place, 'halt', ...pidFiles))).status).toBe(2);
      expectNothingLeft(place);
    });
  });

  test('a process that got the number of the dead bhyve is not taken for it', async () => {
    await inPlace(async (place) => {
      place.spec();
      const state = { version: 1, name: place.name, supervisor: 1, since: '', bhyve: { pid: process.pid, start: '1' } };
      mkdirSync(place.path('run-simulated', place.name), { recursive: true, mode: 0o700 });
      writeFileSync(place.path('run-simulated', place.name, 'state.json'), JSON.stringify(state));
      expect((await runVmrun(place, simulated(place, 'halt', '--force'))).status).toBe(2);
      expect(place.runDirectories()).toEqual([]);
    });
  });
});

describe('events', () => {
  test('go to a file as JSON lines, each with its times, in order', async () => {
    await inPlace(async (place) => {
      writeSpec(place);
      const words = ['-c', 'vm.json', '--simulate=reboot,halt', '--run-dir', place.runBase, '--events', 'events.jsonl'];
      const ended = await runVmrun(place, words);
      expect(ended).toMatchObject({ status: 2, events: [] });
      const lines = content(place, 'events.jsonl').trimEnd().split('\n');
      const events = lines.map((line) => JSON.parse(line) as RunEvent);
      expect(events.map(({ kind }) => kind)).toEqual([
        ...['boot', 'exit', 'cleanup', 'cleanup', 'reboot'],
        ...['boot', 'exit', 'cleanup', 'cleanup', 'cleanup', 'stop'],
      ]);
      for (const { time, monotonicMs } of events) {
        expect(new Date(time).toISOString()).toBe(time);
        expect(typeof monotonicMs).toBe('number');
      }
      const times = events.map(({ monotonicMs }) => monotonicMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(lines.join('\n')).not.toContain('geheim17');
    });
  });

  test('are added to a file that is there', async () => {
    await inPlace(async (place) => {
      place.spec();
      const words = ['-c', 'vm.json', '--simulate=halt', '--run-dir', place.runBase, '--events', 'events.jsonl'];
      await runVmrun(place, words);
      const once = content(place, 'events.jsonl').split('\n').length;
      await runVmrun(place, words);
      expect(content(place, 'events.jsonl').split('\n').length).toBe(2 * once - 1);
    });
  });

  test.each<[title: string, file: string]>([
    ['a folder that is missing', 'none/events'],
    ['a full disk', '/dev/full'],
    ['a folder', '.'],
  ])('that cannot be written (%s) are told once and stop no VM', async (_title, file) => {
    await inPlace(async (place) => {
      place.spec();
      const words = ['-c', 'vm.json', '--simulate=reboot,reboot,halt', '--run-dir', place.runBase, '--events', file];
      const ended = await runVmrun(place, words);
      expect(ended.status).toBe(2);
      expect(ended.stderr.match(/events are not written/g)).toHaveLength(1);
    });
  });

  test('into a FIFO that nobody reads are not waited for', async () => {
    await inPlace(async (place) => {
      place.spec();
      execFileSync('mkfifo', [place.path('fifo')]);
      const words = ['-c', 'vm.json', '--simulate=halt', '--run-dir', place.runBase, '--events', 'fifo'];
      const ended = await runVmrun(place, words);
      expect(ended.status).toBe(2);
      expect(ended.stderr).toContain('fifo: events are not written: no such device or address (ENXIO)');
    });
  });
});

describe('what people see', () => {
  const run = (place: Place, script: string, words: readonly string[], env: Record<string, string> = {}) =>
    runVmrun(place, ['-c', 'vm.json', `--simulate=${script}`, '--run-dir', place.runBase, ...words], { env });

  test('is the boots and what became of them, on stderr', async () => {
    await inPlace(async (place) => {
      place.spec({ targets: { disk: { mem: '128M' } }, next_target: 'disk' });
      const { stdout, stderr } = await run(place, 'reboot,power_off', []);
      expect(stdout).toBe('');
      const lines = stderr
        .trimEnd()
        .replaceAll(/pid \d+|\d+ ms/g, '...')
        .split('\n');
      expect(lines).toEqual(
        [
          'boot 1, target default (...)',
          'boot 1 rebooted after ...',
          'next: boot 2, target disk',
          'boot 2, target disk (...)',
          '  ~ memory.size: 64M -> 128M',
          'boot 2 powered off after ...',
        ].map((line) => `vmrun: ${place.name}: ${line}`),
      );
    });
  });

  test.each<[words: readonly string[], says: string]>([
    [['--no-reboot'], 'not booted again: --no-reboot'],
    [['--reboot-count', '1'], 'not booted again: --reboot-count is reached'],
  ])('is why a guest that rebooted is not booted again: %j', async (words, says) => {
    await inPlace(async (place) => {
      place.spec();
      const { stderr, status } = await run(place, 'reboot', words);
      expect(stderr).toContain(says);
      expect(status).toBe(0);
    });
  });

  test('is nothing with -q, unless something is wrong', async () => {
    await inPlace(async (place) => {
      place.spec();
      expect(await run(place, 'reboot,power_off', ['-q'])).toMatchObject({ stdout: '', stderr: '' });
      expect((await run(place, 'error', ['-q'])).stderr).toContain('failed with status 4');
      expect((await run(place, 'signal:SEGV', ['-q'])).stderr).toContain('was killed by SIGSEGV');
      place.spec({ restart: { max: 1, delay: 0 } });
      expect((await run(place, 'reboot', ['-q'])).stderr).toContain('too many reboots');
      place.spec({ post_start_script: '/no/such/hook' });
      expect((await run(place, 'halt:300ms', ['-q'])).stderr).toContain('/no/such/hook is not there');
    });
  });

  test('is the command and each step with -v', async () => {
    await inPlace(async (place) => {
      place.spec({ graphic: { host: '127.0.0.1', password: 'geheim17' } });
      const { stderr } = await run(place, 'halt', ['-v']);
      expect(stderr).toContain(' -m 64M ');
      expect(stderr).toContain('removed run directory');
      expect(stderr).not.toContain('geheim17');
    });
  });

  const escape = '\u001b[';
  test.each<[words: readonly string[], env: Record<string, string>, coloured: boolean]>([
    [[], {}, false],
    [['--color'], {}, true],
    [['--no-color'], {}, false],
    [[], { FORCE_COLOR: '1' }, true],
    [[], { FORCE_COLOR: '0' }, false],
    [[], { FORCE_COLOR: '' }, false],
    [['--no-color'], { FORCE_COLOR: '1' }, false],
    [['--color'], { NO_COLOR: '1' }, true],
    [[], { NO_COLOR: '1' }, false],
  ])('with %j and %j is coloured: %s', async (words, env, coloured) => {
    await inPlace(async (place) => {
      place.spec();
      const { stderr } = await run(place, 'halt', words, env);
      expect(stderr.includes(escape)).toBe(coloured);
      const refused = await runVmrun(place, ['-c', 'none.json', ...words], { env });
      expect(refused.stderr.includes(escape)).toBe(coloured);
    });
  });
});

describe("bhyve's stderr", () => {
  const runScript = async (place: Place, ...lines: readonly string[]) => {
    const bhyve = place.script('bhyve', ...lines);
    return runVmrun(place, [
      ...['-c', 'vm.json', '--no-requirement-check', '--run-dir', place.runBase, '--bhyve', bhyve, '--events', '-'],
    ]);
  };

  test('is passed on in whole lines with who says them, between those of vmrun', async () => {
    await inPlace(async (place) => {
      place.spec();
      const { stderr, status } = await runScript(
        place,
        'printf on >&2',
        'sleep 0.1',
        'echo e >&2',
        'printf two >&2',
        'exit 1',
      );
      expect(status).toBe(1);
      const lines = stderr.trimEnd().split('\n');
      expect(lines.slice(1, 3)).toEqual([`${place.name}: bhyve: one`, `${place.name}: bhyve: two`]);
      expect(lines[3]).toContain('powered off');
    });
  });

  test('explains a failure with its last lines, and what to do', async () => {
    await inPlace(async (place) => {
      place.spec();
      const ended = await runScript(
        place,
        'for n in 1 2 3 4 5; do echo "noise $n" >&2; done',
        'echo "bhyve: Unable to setup memory (22)" >&2',
        'exit 4',
      );
      expect(ended.status).toBe(4);
      expect(ended.stderr).toContain('a leftover VM of this name has another memory size');
      expect(ended.stderr).toMatch(/^ {4}bhyve: noise 4$|bhyve: noise 4/m);
      expect(ended.stderr).toContain('fix: destroy the leftover');
      const exit = ended.events.find(({ kind }) => kind === 'exit');
      expect(exit).toMatchObject({
        end: { kind: 'failed', status: 4 },
        why: { evidence: ['noise 4', 'noise 5', 'bhyve: Unable to setup memory (22)'] },
      });
    });
  });

  test('of the simulator that refuses a command is explained too', async () => {
    await inPlace(async (place) => {
      place.spec({ extra_options: '-z' });
      const ended = await runVmrun(place, simulated(place, 'run'));
      expect(ended.status).toBe(1);
      expect(ended.stderr).toContain('this bhyve does not know the option -z');
      expect(ended.stderr).not.toContain('powered off');
    });
  });

  test('may be a flood: all of it arrives, in order', async () => {
    await inPlace(async (place) => {
      place.spec();
      const { stderr } = await runScript(
        place,
        'n=0; while [ $n -lt 5000 ]; do n=$((n+1)); echo "line $n of a flood of lines"; done >&2',
        'exit 2',
      );
      const numbers = [...stderr.matchAll(/^\S+: bhyve: line (\d+) of/gm)].map(([, number]) => Number(number));
      expect(numbers).toEqual(Array.from({ length: 5000 }, (_, index) => index + 1));
    });
  });
});

test('a console on stdio needs no terminal to be simulated', async () => {
  await inPlace(async (place) => {
    const input = JSON.stringify({ name: place.name, cpu: 1, mem: '64M', com1: 'stdio' });
    const words = ['-c-', '--simulate=power_off', '--run-dir', place.runBase];
    const ended = await runVmrun(place, words, { input });
    expect(ended.status).toBe(1);
    expect(ended.stdout).toContain(`${place.name} login: `);
  });
});

test('what is typed reaches the guest, and its console comes on standard output alone', async () => {
  await inPlace(async (place) => {
    place.spec({ com1: 'stdio' });
    const vm = startVmrun(place, simulated(place, 'run'), { stdio: ['pipe', 'pipe', 'pipe'] });
    await login(vm);
    vm.child.stdin?.write('root\r');
    await vm.said('login: root', 'stdout');
    vm.kill('SIGTERM');
    const { status, stdout, stderr } = await vm.ended;
    expect(status).toBe(1);
    expect(stdout).not.toContain('vmrun:');
    expect(stderr).not.toContain('login:');
  });
});

test('a hook runs beside the VM and its words come on stderr', async () => {
  await inPlace(async (place) => {
    const hook = place.script('hook', 'echo "up: $VMRUN_NAME as $VMRUN_PID"');
    writeSpec(place, { post_start_script: hook, emulations: [] });
    const vm = startVmrun(place, simulated(place, 'run'));
    const { pid } = await vm.event('boot');
    await vm.said(`up: ${place.name} as ${pid}\n`);
    await login(vm);
    vm.kill('SIGTERM');
    expect((await vm.ended).status).toBe(1);
  });
});
