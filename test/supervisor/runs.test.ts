import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { codeOf } from '../../src/base/error-code.js';
import { ProblemsError } from '../../src/base/problem.js';
import { systemClock, type Clock } from '../../src/host/clock.js';
import { systemHost, type Host } from '../../src/host/host.js';
import { openLedger } from '../../src/host/repair/ledger.js';
import { takeLock } from '../../src/host/files/lock.js';
import { openRunDirectory } from '../../src/host/run-directory/run-directory.js';
import { holderWords } from '../../src/host/run-directory/run-files.js';
import type { Force } from '../../src/host/run-directory/run-state.js';
import { listRuns, stopRun, type KnownRun, type StopWait } from '../../src/supervisor/runs.js';
import { makeFakeHost } from '../host/fake-host.js';
import { deepest, endProcess, inPlace, isRunning, type Place } from '../e2e/support/place.js';
import { fakeKernel } from '../e2e/support/supervised.js';
import { deadPid, unlockedOrphanOf, openPlace, orphanOf, puppet, stateOf, writeState } from './orphans.js';

const list = ({ runBase }: Place): Promise<readonly KnownRun[]> => listRuns({ runBase });

/** Its minutes take half a second, for what is waited for in vain. */
const inHaste = (): Host => {
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => 200 * systemClock.monotonicMs(),
    sleep: (ms, signal) => systemClock.sleep(ms / 200, signal),
  };
  return { ...systemHost(), clock };
};

/** In haste for so long as the guest has, and not afterwards: what was killed takes its own time to be gone. */
const inHasteFor = (guestMs: number): Host => {
  const host = inHaste();
  const startMs = systemClock.monotonicMs();
  const goneMs = (): number => systemClock.monotonicMs() - startMs;
  const hastyMs = guestMs / 200 + 1;
  const clock: Clock = {
    ...host.clock,
    monotonicMs: () => startMs + 200 * Math.min(goneMs(), hastyMs) + Math.max(0, goneMs() - hastyMs),
    sleep: (ms, signal) => systemClock.sleep(goneMs() < hastyMs ? ms / 200 : ms, signal),
  };
  return { ...host, clock };
};

/** A process of ours that has nothing to do with any VM; it must live. */
async function withForeign(use: (pid: number) => Promise<void>): Promise<void> {
  const foreign = spawn('sleep', ['600'], { stdio: 'ignore' });
  const { pid = 0 } = foreign;
  try {
    await use(pid);
    expect(isRunning(pid)).toBe(true);
  } finally {
    foreign.kill('SIGKILL');
    await once(foreign, 'exit');
  }
}

const codesOf = async (stopping: Promise<unknown>): Promise<readonly string[]> => {
  const thrown: unknown = await stopping.then(
    (outcome) => {
      throw new Error(`it worked: ${String(outcome)}`);
    },
    (error: unknown) => error,
  );
  if (!(thrown instanceof ProblemsError)) throw thrown;
  return thrown.problems.map(({ code }) => code);
};

describe('the runs of a folder', () => {
  test('are none where there is no folder, and for what is no run directory or is empty', async () => {
    await inPlace(async (place) => {
      expect(await list(place)).toEqual([]);
      mkdirSync(place.path('run', 'empty'), { recursive: true });
      writeFileSync(place.path('run', 'file'), '');
      expect(await list(place)).toEqual([]);
      expect(existsSync(place.path('run', 'empty', 'lock'))).toBe(false);
    });
  });

  test('are in the order of their names', async () => {
    await inPlace(async (place) => {
      for (const name of ['web', 'db', 'Mail'])
        writeState({ ...place, name }, JSON.stringify(stateOf({ ...place, name })));
      expect((await list(place)).map(({ name, status }) => [name, status])).toEqual([
        ['Mail', 'left'],
        ['db', 'left'],
        ['web', 'left'],
      ]);
    });
  });

  test('are supervised by whoever has the lock, and tell what that has told', async () => {
    await inPlace(async (place) => {
      const { runBase, name } = place;
      const directory = await openPlace(place);
      expect(await list(place)).toEqual([{ name, status: 'supervised' }]);
      const state = stateOf(place, { supervisor: process.pid, phase: 'running', bhyve: { pid: deadPid } });
      directory.saveState(state);
      const known = { name, status: 'supervised', supervisor: process.pid };
      expect(await listRuns({ runBase })).toEqual([{ ...known, pid: deadPid, state }]);
      directory.saveState({ ...state, bhyve: undefined, loader: { pid: deadPid } });
      expect(await list(place)).toMatchObject([{ ...known, pid: deadPid }]);
      directory.saveState({ ...state, bhyve: undefined });
      expect((await list(place))[0]).not.toHaveProperty('pid');
      directory.release();
      expect(await list(place)).toEqual([]);
    });
  });

  test('tell nothing of a run that was killed, once another has begun', async () => {
    await withForeign((pid) =>
      inPlace(async (place) => {
        const { runBase, name } = place;
        writeState(place, JSON.stringify(stateOf(place, { supervisor: pid, phase: 'running', bhyve: { pid } })));
        writeFileSync(place.path('run', name, 'lock'), holderWords(pid, 'then'));
        const begun = await openRunDirectory(runBase, name, holderWords(process.pid, 'now'));
        expect(await list(place)).toEqual([{ name, status: 'supervised', supervisor: process.pid }]);
        if (!('heldBy' in begun)) begun.abandon();
        // One that has not said who it is.
        const silent = await openPlace(place);
        expect(await list(place)).toEqual([{ name, status: 'supervised' }]);
        silent.release();
      }),
    );
  });

  test.each([
    ['bhyve', orphanOf],
    ['bhyve without the lock', unlockedOrphanOf],
  ] as const)('are orphaned where a %s goes on alone, and left when that has ended', async (_what, make) => {
    await inPlace(async (place) => {
      const bhyve = puppet(place);
      const child = await make(place, bhyve);
      expect(await list(place)).toMatchObject([{ name: place.name, status: 'orphaned', pid: child.pid }]);
      bhyve.end(0);
      await child.ended;
      expect(await list(place)).toMatchObject([{ name: place.name, status: 'left' }]);
      expect((await list(place))[0]).not.toHaveProperty('pid');
    });
  });

  test('are orphaned without a pid where something of a bhyve that is gone holds its lock', async () => {
    await withForeign((pid) =>
      inPlace(async (place) => {
        const child = await orphanOf(place, puppet(place), { state: () => ({ bhyve: { pid, start: 'long ago' } }) });
        writeFileSync(place.path('run', place.name, 'vm.pid'), `bhyve ${pid} 1 default\n`);
        const [run] = await list(place);
        expect(run).toMatchObject({ status: 'orphaned' });
        expect(run).not.toHaveProperty('pid');
        endProcess(child.pid);
        await child.ended;
      }),
    );
  });

  test('are told also where their state file is cut', async () => {
    await inPlace(async (place) => {
      const child = await orphanOf(place, puppet(place));
      writeState(place, '{"version":1,');
      expect(await list(place)).toEqual([{ name: place.name, status: 'orphaned', pid: child.pid }]);
      endProcess(child.pid);
      await child.ended;
      const ended = expect.objectContaining({ boot: 1, end: 'killed', words: 'was killed by SIGKILL' });
      expect(await list(place)).toEqual([{ name: place.name, status: 'left', ended }]);
    });
  });
});

(process.platform === 'linux' ? test : test.skip)(
  'what cannot be looked at leaves the others in the list',
  async () => {
    await inPlace(async ({ path }) => {
      const runBase = deepest(path('runs'));
      for (const name of ['a', 'bcd']) mkdirSync(`${runBase}/${name}`, { recursive: true });
      const lock = await takeLock(`${runBase}/a/lock`);
      const unknown: string[] = [];
      expect(await listRuns({ runBase, onUnknown: (name, error) => unknown.push(`${name} ${codeOf(error)}`) })).toEqual(
        [{ name: 'a', status: 'supervised' }],
      );
      expect(unknown).toEqual(['bcd ENAMETOOLONG']);
      await expect(listRuns({ runBase })).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
      if (!('heldBy' in lock)) lock.leave();
    });
  },
);

describe('a stop', () => {
  test('of what is not there changes nothing', async () => {
    await inPlace(async (place) => {
      const { runBase, name } = place;
      expect(await stopRun(name, { runBase })).toBe('not-running');
      expect(existsSync(runBase)).toBe(false);
      mkdirSync(place.path('run', name), { recursive: true });
      expect(await stopRun(name, { runBase })).toBe('not-running');
      expect(await stopRun('..', { runBase })).toBe('not-running');
      expect(await stopRun('', { runBase })).toBe('not-running');
    });
  });

  test('removes what a supervisor has left that was killed when it had just claimed the name, and no VM', async () => {
    await inPlace(async (place) => {
      const { runBase, name } = place;
      const kernel = fakeKernel(place);
      const directory = await openPlace(place);
      await directory.takeVm();
      directory.abandon();
      for (const file of ['lock', 'vm.lock']) writeFileSync(directory.file(file), `process ${deadPid} since then`);
      writeFileSync(kernel.file, '');
      expect(await list(place)).toEqual([]);
      expect(await stopRun(name, { runBase, host: kernel.host })).toBe('not-running');
      expect(place.runDirectories()).toEqual([]);
      expect([kernel.exists(), existsSync(place.path('calls'))]).toEqual([true, false]);
    });
  });

  test('of an orphan ends it, destroys its VM, and takes back what was changed on the host for it', async () => {
    const fake = makeFakeHost();
    try {
      await inPlace(async (place) => {
        const { runBase, name } = place;
        const kernel = fakeKernel(place);
        fake.addInterface('tap9');
        const directory = await openPlace(place);
        await (await openLedger(directory.file('ledger'))).record({ kind: 'destroy-interface', name: 'tap9' });
        directory.abandon();
        const child = await orphanOf(place, puppet(place));
        for (const file of ['bhyve.conf', 'device.map']) writeFileSync(place.path('run', name, file), '');
        writeFileSync(kernel.file, '');
        const told: (KnownRun | Force)[] = [];
        const host = { ...kernel.host, run: fake.run };
        const tell = (what: KnownRun | Force): void => {
          told.push(what);
        };
        expect(await stopRun(name, { runBase, host, onStopping: tell, onForced: tell })).toBe('stopped');
        expect(told).toMatchObject([{ status: 'orphaned', pid: child.pid }]);
        expect(await child.ended).toEqual({ kind: 'exited', status: 1 });
        expect(kernel.calls()).toEqual(['--destroy']);
        expect(fake.hasInterface('tap9')).toBe(false);
        expect(place.runDirectories()).toEqual([]);
      });
    } finally {
      fake.remove();
    }
  });

  test('tells what it could not take back, and leaves that to the next run', async () => {
    const fake = makeFakeHost();
    try {
      await inPlace(async (place) => {
        const { runBase, name } = place;
        fake.addInterface('tap9');
        fake.breakTool('ifconfig', 'no', 1);
        const directory = await openPlace(place);
        await (await openLedger(directory.file('ledger'))).record({ kind: 'destroy-interface', name: 'tap9' });
        directory.abandon();
        writeState(place, JSON.stringify(stateOf(place)));
        const warnings: string[] = [];
        const host = { ...systemHost(), run: fake.run };
        const outcome = await stopRun(name, { runBase, host, onWarning: ({ code }) => warnings.push(code) });
        expect([outcome, warnings]).toEqual(['not-running', ['undo-failed']]);
        expect(readFileSync(place.path('run', name, 'ledger'), 'utf8')).toContain('tap9');
        expect(await list(place)).toEqual([]);
      });
    } finally {
      fake.remove();
    }
  });

  test.each([
    ['the time that is given', { timeoutMs: 50 }, 3_600_000],
    ['the stop_timeout of its spec', {}, 50],
    ['nothing', { now: true }, 3_600_000],
  ])('of a deaf orphan waits for %s and kills it', async (_what, options, stopTimeoutMs) => {
    await inPlace(async (place) => {
      const { runBase, name } = place;
      const child = await orphanOf(place, puppet(place, { onSigterm: '' }), {
        state: (bhyve) => ({ phase: 'running', bhyve, stopTimeoutMs }),
      });
      const forced: Force[] = [];
      expect(await stopRun(name, { runBase, ...options, onForced: (how) => forced.push(how) })).toBe('stopped');
      expect(await child.ended).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
      expect(forced).toEqual(['kill']);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('of an orphan that takes long tells once that the guest is waited for, and until when', async () => {
    await inPlace(async (place) => {
      const { runBase, name } = place;
      const child = await orphanOf(place, puppet(place, { onSigterm: '' }));
      const host = inHasteFor(60_000);
      const fromMs = host.clock.now().getTime();
      const told: StopWait[] = [];
      const outcome = stopRun(name, { runBase, host, timeoutMs: 60_000, onWaiting: (wait) => told.push(wait) });
      expect(await outcome).toBe('stopped');
      await child.ended;
      expect(told.map(({ for: what }) => what)).toEqual(['guest']);
      const untilMs = Date.parse(told[0]?.until ?? '');
      expect(untilMs).toBeGreaterThan(fromMs);
      expect(untilMs).toBeLessThan(host.clock.now().getTime() + 60_001);
    });
  });

  test('tells that a holder is waited for who says nothing', async () => {
    await inPlace(async (place) => {
      const { runBase, name } = place;
      const silent = await openPlace(place);
      const told: string[] = [];
      const stop = stopRun(name, { runBase, host: inHaste(), now: true, onWaiting: (wait) => told.push(wait.for) });
      expect(await codesOf(stop)).toEqual(['no-supervisor']);
      expect(told).toEqual(['end']);
      silent.release();
    });
  });

  test('signals nobody where the holder has not said who it is: what is there are the words of a dead one', async () => {
    await withForeign((pid) =>
      inPlace(async (place) => {
        const { runBase, name } = place;
        writeState(place, JSON.stringify(stateOf(place, { supervisor: pid, bhyve: { pid, start: 'long ago' } })));
        writeFileSync(place.path('run', name, 'lock'), holderWords(pid, 'then'));
        const silent = await openPlace(place);
        expect(await codesOf(stopRun(name, { runBase, host: inHaste(), now: true }))).toEqual(['no-supervisor']);
        silent.abandon();
        expect(await stopRun(name, { runBase, now: true })).toBe('not-running');
        expect(place.runDirectories()).toEqual([]);
      }),
    );
  });

  test('signals nobody who only has the number that the lock names: he does not hold it', async () => {
    await withForeign((pid) =>
      inPlace(async (place) => {
        const { runBase, name } = place;
        const silent = await openPlace(place);
        writeFileSync(place.path('run', name, 'lock'), holderWords(pid, 'then'));
        for (const options of [{}, { now: true }, { timeoutMs: 10 }]) {
          expect(await codesOf(stopRun(name, { runBase, host: inHaste(), ...options }))).toEqual(['not-proven']);
        }
        silent.release();
      }),
    );
  });

  test.each([
    ['with another start', { start: 'long ago' }],
    ['with no start that anybody knows', {}],
    ['with another program', { program: '/bin/none' }],
  ])('kills nobody %s where something of a bhyve that is gone holds its lock', async (_what, known) => {
    await withForeign((pid) =>
      inPlace(async (place) => {
        const { runBase, name } = place;
        const child = await orphanOf(place, puppet(place), { state: () => ({ bhyve: { pid, ...known } }) });
        writeFileSync(place.path('run', name, 'vm.pid'), `bhyve ${pid} 1 default\n`);
        expect(await codesOf(stopRun(name, { runBase, host: inHaste(), now: true }))).toEqual(['orphan']);
        expect(isRunning(child.pid)).toBe(true);
        expect((await list(place))[0]?.status).toBe('orphaned');
        endProcess(child.pid);
        await child.ended;
      }),
    );
  });
});
