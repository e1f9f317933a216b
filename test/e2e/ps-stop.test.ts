import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { formatWhen } from '../../src/cli/clock-time.js';
import type { RunState } from '../../src/host/run-directory/run-state.js';
import type { KnownRun } from '../../src/supervisor/runs.js';
import { puppet, type Puppet } from '../supervisor/orphans.js';
import { askVmrun } from './support/ask.js';
import {
  deepest,
  endProcess,
  inPlace,
  isRunning,
  killBhyve,
  smallVm,
  until,
  vmrunCommand,
  type Place,
} from './support/place.js';
import { runVmrun, startVmrun, type Ended, type Running, type Said } from './support/vmrun.js';
import { patienceMs } from '../support/patience.js';

interface Scene {
  readonly place: Place;
  readonly bhyve: Puppet;
  /** Runs the VM of the place. */
  readonly start: (...more: readonly string[]) => Running;
  /** The same, until bhyve is up. */
  readonly running: (...more: readonly string[]) => Promise<{ readonly vm: Running; readonly pid: number }>;
  /** bhyve without its supervisor. */
  readonly orphan: () => Promise<number>;
  readonly vmrun: (...words: readonly string[]) => Promise<Said>;
  readonly stop: (...more: readonly string[]) => Promise<Ended>;
  /** `vmrun ps --json`. */
  readonly runs: () => Promise<readonly KnownRun[]>;
  /** `vmrun ps`, without its heading. */
  readonly table: () => Promise<readonly string[]>;
}

const withVm = (fields: object, use: (scene: Scene) => Promise<void>, { onSigterm = 'bye 1' } = {}): Promise<void> =>
  inPlace(async (place) => {
    const bhyve = puppet(place, { onSigterm });
    mkdirSync(place.path('bin'));
    const about = { env: { PATH: `${place.path('bin')}:${process.env.PATH ?? ''}` } };
    place.spec(fields);
    const runDirectory = ['--run-dir', place.runBase];
    const words = ['-c', 'vm.json', '--no-requirement-check', ...runDirectory, '--bhyve', bhyve.file, '--events', '-'];
    const start: Scene['start'] = (...more) => startVmrun(place, [...words, ...more], about);
    const vmrun: Scene['vmrun'] = (...all) =>
      (all[0] === 'ps' ? askVmrun : runVmrun)(place, [...all, ...runDirectory], about);
    const running: Scene['running'] = async (...more) => {
      const vm = start(...more);
      const { pid } = await vm.event('boot');
      await vm.said('up ');
      return { vm, pid };
    };
    try {
      await use({
        place,
        bhyve,
        start,
        running,
        orphan: async () => {
          const { vm, pid } = await running();
          vm.kill('SIGKILL');
          await once(vm.child, 'exit');
          return pid;
        },
        vmrun,
        stop: (...more) => runVmrun(place, ['stop', place.name, ...more, ...runDirectory], about),
        runs: async () => {
          const { status, stdout } = await vmrun('ps', '--json');
          expect(status).toBe(0);
          return JSON.parse(stdout) as readonly KnownRun[];
        },
        table: async () => {
          const { status, stdout } = await vmrun('ps');
          expect(status).toBe(0);
          const [heading = '', ...lines] = stdout.trimEnd().split('\n');
          expect(heading.split(/ +/)).toEqual(['NAME', 'STATE', 'TARGET', 'BOOT', 'UP', 'PID', 'SUPERVISOR']);
          for (const line of [heading, ...lines]) expect(line.length).toBeLessThanOrEqual(80);
          return lines;
        },
      });
    } finally {
      for (const { pid } of place.processes()) endProcess(pid);
      await until(() => place.processes().length === 0);
    }
  });

const supervisorOf = ({ child }: Running): number => child.pid ?? 0;

async function ended(vm: Running): Promise<Ended> {
  const end = await vm.ended;
  expect(end.events.filter(({ kind }) => kind === 'stop')).toMatchObject([{ because: 'asked' }]);
  return end;
}

describe('vmrun ps', () => {
  test('lists nothing where nothing runs, and makes no folder for it', async () => {
    await withVm({}, async ({ place, runs, table }) => {
      expect(await table()).toEqual([]);
      expect(await runs()).toEqual([]);
      expect(existsSync(place.runBase)).toBe(false);
      mkdirSync(`${place.runBase}/empty`, { recursive: true });
      writeFileSync(`${place.runBase}/file`, '');
      expect(await runs()).toEqual([]);
    });
  });

  test('lists a VM that runs', async () => {
    await withVm({ targets: { disk: {} } }, async ({ place, running, runs, table }) => {
      const { vm, pid } = await running('-t', 'disk');
      const [run, ...others] = await runs();
      expect(others).toEqual([]);
      expect(run).toMatchObject({ name: place.name, status: 'supervised', pid, supervisor: supervisorOf(vm) });
      expect(run?.state).toMatchObject({ version: 1, phase: 'running', target: 'disk', boot: 1, bhyve: { pid } });
      const [line = ''] = await table();
      expect(line).toMatch(new RegExp(`^${place.name}  running  disk +1 +\\d.*  ${pid} +${supervisorOf(vm)}$`));
      vm.kill('SIGTERM');
      await ended(vm);
      expect(await runs()).toEqual([]);
    });
  });

  test('lists a loader that runs, with its pid', async () => {
    await withVm({}, async ({ place, start, runs, table, stop }) => {
      puppet(place, { name: 'bin/bhyveload' });
      place.spec({ loader: { kind: 'bhyveload', disk: place.write('disk.img', '') } });
      const vm = start();
      const loader = await vm.event('loader');
      const pid = loader.state === 'started' ? loader.pid : 0;
      await vm.said('up ');
      expect(await runs()).toMatchObject([{ status: 'supervised', pid, state: { phase: 'loading', loader: { pid } } }]);
      expect((await table())[0]).toContain('  loading  ');
      expect((await stop()).status).toBe(0);
      await ended(vm);
    });
  });

  test('lists a VM that waits for its next boot, without a pid', async () => {
    await withVm({ restart: { delay: '1h', max_delay: '1h' } }, async ({ bhyve, start, runs, table, stop }) => {
      const vm = start();
      for (let boot = 1; boot <= 2; boot += 1) {
        const { pid } = await vm.event('boot', boot);
        await vm.said(`up ${pid}\n`);
        bhyve.end(0);
        await vm.event('reboot', boot);
      }
      const [run] = await runs();
      expect(run).toMatchObject({
        status: 'supervised',
        state: { phase: 'waiting', last: { boot: 2, reason: 'reboot' } },
      });
      expect(run).not.toHaveProperty('pid');
      const { nextBootAt, last } = run?.state ?? {};
      // The pause begins when the end has been seen to.
      expect(Date.parse(nextBootAt ?? '') - Date.parse(last?.at ?? '')).toBeGreaterThanOrEqual(3_600_000);
      const [row, note] = await table();
      expect(row).toMatch(new RegExp(`  waiting  default +2 +- +- +${supervisorOf(vm)}$`));
      expect(note).toMatch(/^ {2}boot 3 begins at (?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d, in \d+ min$/);
      expect((await stop()).status).toBe(0);
      expect((await ended(vm)).status).toBe(0);
    });
  });

  test('says no more when the next boot comes once it has come', async () => {
    await withVm({ restart: { delay: '50ms', max_delay: '50ms' } }, async ({ bhyve, start, runs, stop }) => {
      const vm = start();
      for (let boot = 1; boot <= 3; boot += 1) {
        const { pid } = await vm.event('boot', boot);
        await vm.said(`up ${pid}\n`);
        if (boot < 3) bhyve.end(0);
      }
      const [run] = await runs();
      expect(run).toMatchObject({ state: { phase: 'running', boot: 3, last: { boot: 2 } } });
      expect(run?.state).not.toHaveProperty('nextBootAt');
      expect((await stop()).status).toBe(0);
      await ended(vm);
    });
  });

  test('says what became of one whose supervisor was killed', async () => {
    await withVm({}, async ({ place, orphan, runs, table }) => {
      const pid = await orphan();
      const [run] = await runs();
      expect(run).toMatchObject({ name: place.name, status: 'orphaned', pid, state: { bhyve: { pid } } });
      expect(run).not.toHaveProperty('supervisor');
      const [line, , ...notes] = await table();
      expect(line).toMatch(new RegExp(`  orphaned  default +1 +\\d.*  ${pid} +-$`));
      expect(notes.slice(0, 2)).toEqual([
        `    vmrun -c FILE --adopt --run-dir ${place.runBase}`,
        `    vmrun stop ${place.name} --run-dir ${place.runBase}`,
      ]);
      await killBhyve(pid);
      const [left] = await runs();
      expect(left).toMatchObject({
        ...{ name: place.name, status: 'left' },
        ended: { boot: 1, end: 'killed', reason: 'signal', words: 'was killed by SIGKILL' },
      });
      expect(left).not.toHaveProperty('pid');
      const [leftLine, endNote, whyNote, , ...leftNotes] = await table();
      expect(leftLine).toMatch(/ {2}left +default +1 +- +- +-$/);
      expect([endNote, whyNote]).toEqual(['  boot 1 was killed by SIGKILL', expect.stringMatching(/^ {2}boot 1: /)]);
      expect(leftNotes).toContain(`    vmrun stop ${place.name} --run-dir ${place.runBase}`);
    });
  });

  test('says what does not work beside the VM', async () => {
    await withVm({}, async ({ running, runs, table }) => {
      const { vm } = await running('--log', '/dev/full');
      await vm.event('degraded');
      expect((await runs())[0]?.state?.degraded).toHaveProperty('log');
      expect((await table())[1]).toMatch(/^ {2}log does not work: /);
      vm.kill('SIGTERM');
      await ended(vm);
    });
  });

  test('changes nothing, whatever it finds', async () => {
    await withVm({}, async ({ place, orphan, runs, table }) => {
      await orphan();
      const folder = place.path('run', place.name);
      const before = readdirSync(folder);
      await runs();
      await table();
      expect(readdirSync(folder)).toEqual(before);
    });
  });

  test('says which are simulated, and lists them or the others alone', async () => {
    await withVm({}, async ({ place, running, vmrun, runs }) => {
      const words = ['-c', 'vm.json', '--simulate', '--run-dir', place.runBase, '--events', '-'];
      const simulated = startVmrun(place, words);
      await simulated.event('boot');
      expect(await runs()).toMatchObject([{ name: place.name, simulated: true }]);
      const { vm, pid } = await running();
      const [real, other, ...more] = await runs();
      expect(more).toEqual([]);
      expect(real).toMatchObject({ name: place.name, pid });
      expect(real).not.toHaveProperty('simulated');
      expect(other).toMatchObject({ name: place.name, simulated: true });
      const listed = async (...options: readonly string[]): Promise<number> =>
        (await vmrun('ps', ...options)).stdout.split('\n').filter((line) => line.trim().startsWith(place.name)).length;
      const { stdout } = await vmrun('ps');
      expect(stdout).toMatch(new RegExp(`^NAME.*\n${place.name} .*\n\nSimulated:\n  NAME.*\n  ${place.name} .*\n$`));
      expect([await listed(), await listed('--simulate'), await listed('--no-simulate')]).toEqual([2, 1, 1]);
      expect((await vmrun('ps', '--no-simulate')).stdout).not.toContain('Simulated');
      const lines = (...options: readonly string[]) => vmrun('ps', '--format', 'lines', ...options);
      expect((await lines()).stderr).toMatch(/^vmrun: 1 simulated VM is not listed; --simulate lists them/);
      for (const option of ['--simulate', '--no-simulate']) expect((await lines(option)).stderr).toBe('');
      expect((await vmrun('stop', place.name)).stderr).toContain(`vmrun stop ${place.name} --simulate`);
      expect((await ended(vm)).status).toBe(1);
      expect((await vmrun('stop', place.name, '--no-simulate')).status).toBe(69);
      // The simulated one is found where there is no other.
      expect((await vmrun('stop', place.name)).status).toBe(0);
      expect((await ended(simulated)).status).toBe(1);
    });
  });
});

describe('vmrun stop', () => {
  test('powers a guest off and waits until nothing is left of the run', async () => {
    await withVm({ reboot_on: ['reboot', 'power_off'] }, async ({ place, running, stop }) => {
      const { vm, pid } = await running('-p', 'vm.pid');
      const { status, stdout, stderr } = await stop();
      expect(place.runDirectories()).toEqual([]);
      expect(isRunning(pid)).toBe(false);
      expect(existsSync(place.path('vm.pid'))).toBe(false);
      expect([status, stdout]).toEqual([0, '']);
      expect(stderr).toContain(`asking process ${supervisorOf(vm)} to stop it`);
      expect(stderr).toContain(`${place.name}: stopped\n`);
      expect((await ended(vm)).status).toBe(1);
    });
  });

  test('takes the name from a spec, and says nothing with -q', async () => {
    await withVm({}, async ({ running, vmrun }) => {
      const { vm } = await running();
      expect(await vmrun('stop', '-q', '-c', 'vm.json')).toMatchObject({ status: 0, stdout: '', stderr: '' });
      await ended(vm);
    });
  });

  const byForce = 'stopped by force: the guest had not powered off, bhyve was killed';

  test('says after two seconds what it waits for, and until when', async () => {
    await withVm(
      { stop_timeout: '1h' },
      async ({ place, bhyve, running }) => {
        const { vm } = await running();
        const stopping = startVmrun(place, ['stop', place.name, '--run-dir', place.runBase]);
        await stopping.said('waiting for the guest to power off');
        bhyve.end(1);
        const { status, stderr } = await stopping.ended;
        expect(status).toBe(0);
        expect(stderr.match(/waiting/g)).toHaveLength(1);
        expect(stderr).toMatch(
          /: waiting for the guest to power off, until [-\d: ]+, in \d+ min; then it is ended by force\n.*: stopped\n$/,
        );
        await ended(vm);
      },
      { onSigterm: '' },
    );
  });

  test.each<[title: string, firstWords: readonly string[], words: readonly string[]]>([
    ['without options', ['--timeout', '30m'], []],
    ['with more time than is left', [], ['--timeout', '2h']],
  ])(
    'that comes second, %s, joins the wait of the first, and says how long that is',
    async (_title, firstWords, words) => {
      await withVm(
        { stop_timeout: '1h' },
        async ({ place, bhyve, running }) => {
          const { vm } = await running('--log', 'run.log');
          const stopIn = ['stop', place.name, '--run-dir', place.runBase];
          const first = startVmrun(place, [...stopIn, ...firstWords]);
          await vm.event('stopping');
          const second = startVmrun(place, [...stopIn, ...words]);
          const asked = (): number =>
            readFileSync(place.path('run.log'), 'utf8').match(/SIGTERM stops the VM/g)?.length ?? 0;
          await until(() => asked() === 2);
          await second.said('then it is ended by force');
          const { guestUntil } = JSON.parse(
            readFileSync(place.path('run', place.name, 'state.json'), 'utf8'),
          ) as RunState;
          const [when] = formatWhen(new Date(guestUntil ?? ''), new Date()).split(', in ');
          bhyve.end(1);
          const stops = await Promise.all([first.ended, second.ended]);
          expect(stops[1].stderr).toContain(`, until ${when ?? ''}, in `);
          for (const { status, stderr } of stops) {
            expect(status).toBe(0);
            expect(stderr).toMatch(/: stopped\n$/);
          }
          const { status, events } = await ended(vm);
          expect(status).toBe(1);
          expect(events.filter(({ kind }) => kind === 'stopping')).toMatchObject([{ how: 'power button' }]);
          expect(place.runDirectories()).toEqual([]);
        },
        { onSigterm: '' },
      );
    },
  );

  test.each<[title: string, words: readonly string[], givenMs: number]>([
    ['its stop_timeout is over', [], 200],
    ['--timeout is over', ['--timeout', '100ms'], 100],
    ['asked with --now', ['--now'], 0],
  ])('ends a guest that is deaf by force, where %s, and the run knows that time', async (_title, words, givenMs) => {
    await withVm(
      { stop_timeout: words.length === 0 ? '200ms' : '1h' },
      async ({ place, running, stop }) => {
        const { vm, pid } = await running();
        const stopped = await stop(...words);
        expect(stopped.status).toBe(0);
        expect(stopped.stderr).toContain(`${place.name}: ${byForce}\n`);
        expect(isRunning(pid)).toBe(false);
        const { status, events } = await ended(vm);
        expect(status).toBe(137);
        expect(events.find(({ kind }) => kind === 'stopping')).toMatchObject({ timeoutMs: givenMs });
        expect(place.runDirectories()).toEqual([]);
      },
      { onSigterm: '' },
    );
  });

  test('of a VM that is only being prepared kills the hook', async () => {
    await withVm({ hooks: { pre_start: ['sleep', '600'] } }, async ({ place, start, stop }) => {
      const vm = start();
      await vm.event('hook');
      expect((await stop()).status).toBe(0);
      const { events } = await ended(vm);
      expect(events.filter(({ kind }) => kind === 'boot')).toEqual([]);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test.each<[title: string, onSigterm: string, words: readonly string[], says: string]>([
    ['asked to power off', 'bye 1', [], 'stopped'],
    ['killed after --timeout where it is deaf', '', ['--timeout', '0.1'], byForce],
    ['killed with --now', '', ['--now'], byForce],
  ])('ends a bhyve whose supervisor was killed: %s', async (_title, onSigterm, words, says) => {
    await withVm(
      { graphic: { host: '127.0.0.1', password: 'geheim17' } },
      async ({ place, orphan, stop }) => {
        const pid = await orphan();
        const { status, stderr } = await stop(...words);
        expect(status).toBe(0);
        expect(stderr).toContain(`its supervisor is gone, stopping process ${pid}`);
        expect(stderr).toContain(`${place.name}: ${says}\n`);
        expect(isRunning(pid)).toBe(false);
        expect(place.runDirectories()).toEqual([]);
      },
      { onSigterm },
    );
  });

  test('removes what a run that was killed has left, and says that nothing ran: exit status 69', async () => {
    await withVm({ graphic: { host: '127.0.0.1', password: 'geheim17' } }, async ({ place, orphan, stop }) => {
      const pid = await orphan();
      await killBhyve(pid);
      expect(readdirSync(place.path('run', place.name))).toContain('bhyve.conf');
      const { status, stderr } = await stop();
      expect(status).toBe(69);
      expect(stderr).toContain('removing what a run that was killed has left');
      expect(stderr).toMatch(/: that is removed; there was nothing to stop\n$/);
      expect(stderr).not.toContain('no VM of this name');
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('goes on where the supervisor is killed over it', async () => {
    await withVm(
      { stop_timeout: '1h' },
      async ({ place, running, vmrun }) => {
        const { vm, pid } = await running();
        const stopping = startVmrun(place, ['stop', place.name, '--run-dir', place.runBase, '--timeout', '1s']);
        await stopping.said('asking process');
        await vm.event('stopping');
        vm.kill('SIGKILL');
        expect((await stopping.ended).status).toBe(0);
        expect((await stopping.ended).stderr).toContain(`its supervisor is gone, stopping process ${pid}`);
        expect(isRunning(pid)).toBe(false);
        expect(place.runDirectories()).toEqual([]);
        expect((await vmrun('ps', '--json')).stdout).toBe('[]\n');
      },
      { onSigterm: '' },
    );
  });

  test('may be asked for twice at once, with and without a supervisor', async () => {
    await withVm({}, async ({ place, running, orphan, stop }) => {
      const { vm } = await running();
      for (const { status } of await Promise.all([stop(), stop()])) expect([0, 69]).toContain(status);
      await vm.ended;
      await orphan();
      for (const { status } of await Promise.all([stop(), stop()])) expect([0, 69]).toContain(status);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('leaves a process alone that has got the number of the bhyve or of the supervisor', async () => {
    await withVm({}, async ({ place, stop }) => {
      const foreign = spawn('sleep', ['600'], { stdio: 'ignore' });
      const { pid = 0 } = foreign;
      const bhyve = { pid, start: 'long ago' };
      mkdirSync(place.path('run', place.name), { recursive: true, mode: 0o700 });
      const state = { version: 1, name: place.name, supervisor: pid, since: 'then', phase: 'running', bhyve };
      writeFileSync(place.path('run', place.name, 'state.json'), JSON.stringify(state));
      writeFileSync(place.path('run', place.name, 'vm.pid'), `bhyve ${pid} 1 default\n`);
      writeFileSync(place.path('run', place.name, 'lock'), `process ${pid} since then\n`);
      expect((await stop('--now')).status).toBe(69);
      expect(isRunning(pid)).toBe(true);
      foreign.kill('SIGKILL');
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test.each<[words: readonly string[], status: number, says: string]>([
    [['no-such-vm'], 69, 'no VM of this name runs'],
    [['../run'], 69, 'no VM of this name runs'],
    [[], 64, 'give the name of one VM, or its spec with -c'],
    [['a', '-c', 'vm.json'], 64, 'give the name of one VM, or its spec with -c'],
    [['a', '--now', '--timeout', '1s'], 64, '--now and --timeout exclude one another'],
    [['a', '--timeout', 'soon'], 64, 'a number with a unit'],
    [['-c', 'none.json'], 66, 'none.json'],
  ])('%j: exit status %i', async (words, status, says) => {
    await withVm({}, async ({ vmrun }) => {
      const refused = await vmrun('stop', ...words);
      expect(refused.stderr).toContain(says);
      expect(refused.status).toBe(status);
    });
  });

  /** vmrun as somebody else. */
  const asNobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', ...vmrunCommand];
  const [program = '', ...words] = asNobody;
  const canBeNobody =
    process.getuid?.() === 0 && spawnSync(program, [...words, '--version'], { timeout: patienceMs }).status === 0;

  (canBeNobody ? test : test.skip)('of another user says whom to ask, and changes nothing', async () => {
    await withVm({}, async ({ place, running, stop }) => {
      chmodSync(place.folder, 0o755);
      const { vm, pid } = await running();
      const words = ['stop', place.name, '--run-dir', place.runBase];
      const refused = await runVmrun(place, words, { command: asNobody, cwd: '/' });
      expect(refused.status).toBe(75);
      expect(refused.stderr).toContain('stop it as the user who runs it, or as root');
      expect(isRunning(pid)).toBe(true);
      expect((await stop()).status).toBe(0);
      await ended(vm);
    });
  });
});

(process.platform === 'linux' ? test : test.skip)(
  'what ps cannot look at is told, and the others are listed',
  async () => {
    await inPlace(async (place) => {
      const base = deepest(place.path('runs'));
      for (const name of ['a', 'bcd']) mkdirSync(`${base}/${name}`, { recursive: true });
      const words = ['ps', '--no-simulate', '--run-dir', base];
      const command = ['flock', '-x', `${base}/a/lock`, ...vmrunCommand];
      const { status, stdout, stderr } = await startVmrun(place, words, { command }).ended;
      expect(stdout).toMatch(/^NAME .*\na +starting /);
      expect(stderr).toMatch(
        /^vmrun: bcd: it is not known who runs it: cannot look at .*: name too long \(ENAMETOOLONG\)$/m,
      );
      expect(status).toBe(71);
    });
  },
);

test('a folder of run directories that is not there is told to people, and is no failure', async () => {
  await inPlace(async (place) => {
    const folder = place.path('runz');
    const told = `vmrun: there is no folder ${folder} or ${folder}-simulated, so nothing runs there\n`;
    for (const [more, stdout, stderr] of [
      [[], /^NAME +STATE.*\n$/, told],
      [['--json'], /^\[\]\n$/, ''],
      [['--format', 'lines'], /^$/, ''],
    ] as const) {
      const { status, ...said } = await askVmrun(place, ['ps', '--run-dir', folder, ...more]);
      expect([status, said.stderr]).toEqual([0, stderr]);
      expect(said.stdout).toMatch(stdout);
    }
    place.write('file', '');
    const { stderr } = await askVmrun(place, ['ps', '--no-simulate', '--run-dir', place.path('file')]);
    expect(stderr).toBe(`vmrun: there is no folder ${place.path('file')}, so nothing runs there\n`);
    mkdirSync(`${folder}-simulated`);
    expect((await askVmrun(place, ['ps', '--run-dir', folder])).stderr).toBe('');
    expect((await askVmrun(place, ['ps'])).stderr).toBe('');
  });
});

test('an empty folder of run directories is refused: an empty variable must not mean the folder one is in', async () => {
  await inPlace(async (place) => {
    const spec = place.write('vm.json', JSON.stringify(smallVm(place.name)));
    for (const words of [['ps'], ['stop', place.name], ['-c', spec, '--simulate=halt']]) {
      const { status, stdout, stderr } = await startVmrun(place, [...words, '--run-dir', ''], {}).ended;
      expect([status, stdout]).toEqual([64, '']);
      expect(stderr).toContain('the folder of the run directories has an empty name');
    }
  });
});
