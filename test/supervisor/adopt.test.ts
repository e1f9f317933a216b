import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { ProblemsError, type Problem } from '../../src/base/problem.js';
import { systemClock, type Clock } from '../../src/host/clock.js';
import { systemHost, type Host } from '../../src/host/host.js';
import { openLedger } from '../../src/host/repair/ledger.js';
import type { ProcessEnd } from '../../src/host/process/staying-shell.js';
import { takePidFile } from '../../src/host/files/pid-file.js';
import { whoRuns } from '../../src/host/run-directory/who-runs.js';
import type { FileIdentity, RunState } from '../../src/host/run-directory/run-state.js';
import { runTool } from '../../src/host/process/tools.js';
import { orphanOf as foundOrphan } from '../../src/supervisor/orphan.js';
import type { RunOptions } from '../../src/supervisor/run-options.js';
import { makeFakeHost } from '../host/fake-host.js';
import { endProcess, inPlace, isRunning, until, type Place } from '../e2e/support/place.js';
import { fakeKernel, ofKind, supervise, type Supervised } from '../e2e/support/supervised.js';
import {
  deadPid,
  identityOf,
  unlockedOrphanOf,
  openPlace,
  orphanOf,
  puppet,
  stateOf,
  writeState,
  type About,
  type Orphan,
  type Puppet,
} from './orphans.js';

type Options = Partial<Omit<RunOptions, 'env'>>;

interface Scene {
  readonly place: Place;
  readonly bhyve: Puppet;
  readonly child: Orphan;
  /** Runs the VM of the place. */
  readonly run: (fields?: object, options?: Options) => Promise<Supervised>;
  /** The same, and takes over what it finds. */
  readonly adopt: (fields?: object, options?: Options) => Promise<Supervised>;
}

/** A bhyve without supervisor, and what to do with it; it is ended if the test has not done so. */
const withOrphan = (
  use: (scene: Scene) => Promise<void>,
  about: About & {
    readonly onSigterm?: string;
    readonly isUnlocked?: boolean;
    readonly before?: (place: Place) => Promise<unknown>;
  } = {},
): Promise<void> =>
  inPlace(async (place) => {
    const bhyve = puppet(place, about);
    await about.before?.(place);
    const child =
      about.isUnlocked === true
        ? await unlockedOrphanOf(place, bhyve, about.role)
        : await orphanOf(place, bhyve, about);
    const run: Scene['run'] = (fields = {}, options = {}) =>
      supervise(place, '', fields, {
        bhyve: [bhyve.file],
        extraArguments: [],
        ...options,
      });
    try {
      await use({
        place,
        bhyve,
        child,
        run,
        adopt: (fields, options) => run(fields, { ...options, adopt: true }),
      });
    } finally {
      endProcess(child.pid);
      await child.ended;
    }
  });

const problemOf = async (vm: Supervised): Promise<Problem> => {
  const thrown: unknown = await vm.result.then(
    (result) => {
      throw new Error(`it worked: ${JSON.stringify(result)}`);
    },
    (error: unknown) => error,
  );
  await vm.over;
  if (!(thrown instanceof ProblemsError) || thrown.problems[0] === undefined) throw thrown;
  return thrown.problems[0];
};

/** Its seconds take 10 ms, for what is waited for in vain. */
const inHaste = (): Host => {
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => 100 * systemClock.monotonicMs(),
    sleep: (ms, signal) => systemClock.sleep(ms / 100, signal),
  };
  return { ...systemHost(), clock };
};

const state = ({ runBase, name }: Place): RunState | undefined => whoRuns(runBase, name).state;
const file = (place: Place, name: string): string => place.path('run', place.name, name);

/** A bhyve of the run's own says that it is up; it is ended with a status. */
async function endNext(vm: Supervised, bhyve: Puppet, status: number): Promise<void> {
  await vm.said('up ');
  bhyve.end(status);
}

describe('a bhyve that is taken over', () => {
  test('is one boot of the run, and the policy goes on from its target', async () => {
    const next = { targets: { install: { next_target: 'disk' }, disk: { mem: '128M' } } };
    await withOrphan(
      async ({ place, bhyve, child, adopt }) => {
        const vm = await adopt(next);
        expect(await vm.event('adopted')).toMatchObject({ boot: 3, target: 'install', pid: child.pid });
        bhyve.end(0);
        await endNext(vm, bhyve, 1);
        expect(await vm.result).toEqual({ end: { kind: 'powered-off' }, because: 'guest', boots: 4, leftBehind: [] });
        await vm.over;
        expect(ofKind(vm.seen, 'exit').map(({ boot, reason }) => [boot, reason])).toEqual([
          [3, 'reboot'],
          [4, 'power_off'],
        ]);
        expect(ofKind(vm.seen, 'reboot')).toMatchObject([{ boot: 4, target: 'disk', reason: 'reboot' }]);
        expect(ofKind(vm.seen, 'boot')).toMatchObject([
          { boot: 4, target: 'disk', changes: [{ kind: 'setting', key: 'memory.size' }] },
        ]);
        expect(ofKind(vm.seen, 'stop')).toHaveLength(1);
        expect(place.runDirectories()).toEqual([]);
      },
      { boot: 3, target: 'install' },
    );
  });

  test.each<[how: string, end: number | NodeJS.Signals, result: object]>([
    ['powered off', 1, { end: { kind: 'powered-off' }, because: 'guest' }],
    ['halted', 2, { end: { kind: 'halted' }, because: 'guest' }],
    ['had a triple fault', 3, { end: { kind: 'triple-fault' }, because: 'guest' }],
    ['failed', 4, { end: { kind: 'failed', status: 4 }, because: 'guest' }],
    ['was killed', 'SIGKILL', { end: { kind: 'killed', signal: 'SIGKILL' }, because: 'guest' }],
    ['crashed', 'SIGSEGV', { end: { kind: 'killed', signal: 'SIGSEGV' }, because: 'guest' }],
  ])('tells how it ended, as the shell that waited for it says: %s', async (_how, end, result) => {
    await withOrphan(async ({ place, bhyve, child, adopt }) => {
      const vm = await adopt();
      await vm.event('adopted');
      if (typeof end === 'number') bhyve.end(end);
      else process.kill(child.pid, end);
      expect(await vm.result).toMatchObject({ ...result, boots: 1 });
      await vm.over;
      expect(ofKind(vm.seen, 'boot')).toEqual([]);
      expect(ofKind(vm.seen, 'stop')).toHaveLength(1);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('is heard on: each line is told once, and its last words explain its end', async () => {
    await withOrphan(async ({ place, bhyve, adopt }) => {
      const told: string[] = [];
      appendFileSync(file(place, 'vm.err'), 'while nobody was there\n');
      const vm = await adopt({}, { onStderr: (text, program) => told.push(`${program}: ${text}`) });
      await vm.event('adopted');
      await until(() => told.length > 0);
      bhyve.end(4);
      const { why } = await vm.result;
      expect(why?.evidence.at(-1)).toBe('last words 4');
      expect(told).toEqual(['bhyve: while nobody was there\n', 'bhyve: last words 4\n']);
      await vm.over;
      expect(ofKind(vm.seen, 'degraded')).toEqual([]);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('that has ended meanwhile is explained by its last words, which are told', async () => {
    await withOrphan(async ({ place, bhyve, child, adopt }) => {
      bhyve.end(4);
      await child.ended;
      const vm = await adopt();
      const { why } = await vm.result;
      expect(why?.evidence.at(-1)).toBe('last words 4');
      expect(vm.stderr()).toBe('last words 4\n');
      await vm.over;
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('whose words nobody can read is watched all the same, and that is told', async () => {
    await withOrphan(async ({ place, bhyve, adopt }) => {
      unlinkSync(file(place, 'vm.err'));
      const vm = await adopt();
      expect(await vm.event('degraded')).toMatchObject({ part: 'output', error: expect.stringContaining('ENOENT') });
      bhyve.end(1);
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' } });
      await vm.over;
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('is not booted again where nobody knows how it ended, and its end is an error', async () => {
    await withOrphan(async ({ place, bhyve, child, adopt }) => {
      const vm = await adopt({ reboot_on: ['reboot', 'error', 'signal'] });
      await vm.event('adopted');
      process.kill(child.shell, 'SIGKILL');
      bhyve.end(0);
      expect(await vm.result).toMatchObject({ end: { kind: 'unknown' }, because: 'status-unknown', boots: 1 });
      await vm.over;
      expect(ofKind(vm.seen, 'boot')).toEqual([]);
      expect(ofKind(vm.seen, 'exit')[0]?.why?.next).toBeDefined();
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('is described by the state file as it is, and no more when it has ended', async () => {
    const since = '2026-01-01T00:00:00.000Z';
    const bootSince = '2026-01-02T00:00:00.000Z';
    const sockets = { paths: ['/none/a.sock'], before: [] };
    await withOrphan(
      async ({ place, bhyve, child, adopt }) => {
        const vm = await adopt({ stop_timeout: 7, hooks: { pre_reboot: ['sleep', '600'] } });
        await vm.event('adopted');
        await until(() => state(place)?.phase === 'running');
        expect(state(place)).toEqual({
          ...stateOf(place, {
            supervisor: process.pid,
            since,
            phase: 'running',
            target: 'default',
            boot: 2,
            bootSince,
          }),
          bhyve: await identityOf(child.pid),
          sockets,
          stopTimeoutMs: 7000,
        });
        bhyve.end(0);
        await vm.event('hook');
        expect(state(place)).toMatchObject({ phase: 'waiting', last: { boot: 2, reason: 'reboot' } });
        expect(state(place)?.nextBootAt).toMatch(/^\d{4}-.+Z$/);
        expect(state(place)?.bhyve).toBeUndefined();
        vm.stop();
        await vm.over;
      },
      {
        boot: 2,
        state: (bhyve) => ({ ...running(bhyve), boot: 2, bootSince, sockets }),
      },
    );
  });

  test('has lived since its boot, for the policy and for people', async () => {
    const bootSince = new Date(Date.now() - 3_600_000).toISOString();
    await withOrphan(
      async ({ bhyve, adopt }) => {
        const vm = await adopt();
        await vm.event('adopted');
        bhyve.end(1);
        expect((await vm.event('exit')).aliveMs).toBeGreaterThan(3_599_000);
        await vm.over;
      },
      { state: (bhyve) => ({ ...running(bhyve), bootSince }) },
    );
  });

  test('is in the pid file, which a supervisor that was killed has left', async () => {
    await withOrphan(async ({ place, bhyve, child, adopt }) => {
      place.write('vm.pid', `${child.pid}\n`);
      const vm = await adopt({}, { pidFile: place.path('vm.pid'), supervisorPidFile: place.path('vmrun.pid') });
      await vm.event('adopted');
      await until(() => state(place)?.phase === 'running');
      expect(readFileSync(place.path('vm.pid'), 'utf8')).toBe(`${child.pid}\n`);
      expect(readFileSync(place.path('vmrun.pid'), 'utf8')).toBe(`${process.pid}\n`);
      bhyve.end(1);
      await vm.over;
      expect(existsSync(place.path('vm.pid'))).toBe(false);
      expect(existsSync(place.path('vmrun.pid'))).toBe(false);
    });
  });

  test('keeps what was changed on the host for it until the run is over', async () => {
    const host = makeFakeHost();
    try {
      await withOrphan(
        async ({ place, bhyve, adopt }) => {
          writeFileSync(place.path('rom.fd'), Buffer.alloc(4096));
          const vm = await adopt(
            { bootrom: place.path('rom.fd'), release: 15, arch: 'amd64' },
            { check: true, host: { ...systemHost(), run: host.run } },
          );
          await vm.event('adopted');
          expect(host.hasInterface('tap9')).toBe(true);
          bhyve.end(0);
          await endNext(vm, bhyve, 1);
          expect(host.hasInterface('tap9')).toBe(true);
          await vm.over;
          expect(host.hasInterface('tap9')).toBe(false);
          expect(place.runDirectories()).toEqual([]);
        },
        {
          before: async (place) => {
            host.addInterface('tap9');
            const directory = await openPlace(place);
            const ledger = await openLedger(directory.file('ledger'));
            await ledger.record({ kind: 'destroy-interface', name: 'tap9' });
            directory.abandon();
          },
        },
      );
    } finally {
      host.remove();
    }
  });

  test('leaves no secret and no device map behind', async () => {
    await withOrphan(async ({ place, bhyve, adopt }) => {
      for (const name of ['bhyve.conf', 'device.map']) writeFileSync(file(place, name), 'x');
      const vm = await adopt();
      await vm.event('adopted');
      expect(existsSync(file(place, 'bhyve.conf'))).toBe(true);
      bhyve.end(1);
      await vm.over;
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('is destroyed in the kernel when it has ended', async () => {
    await withOrphan(async ({ place, bhyve, adopt }) => {
      const kernel = fakeKernel(place);
      writeFileSync(kernel.file, '');
      const vm = await adopt({}, { host: kernel.host });
      await vm.event('adopted');
      expect(kernel.calls()).toEqual([]);
      bhyve.end(1);
      await vm.over;
      expect(kernel.calls()).toEqual(['--destroy']);
      expect(kernel.exists()).toBe(false);
    });
  });
});

const running = (bhyve: RunState['bhyve']): Partial<RunState> => ({
  phase: 'running',
  boot: 1,
  target: 'default',
  ...(bhyve === undefined ? {} : { bhyve }),
});

describe('a stop of a bhyve that was taken over', () => {
  const ways = (vm: Supervised): readonly string[] => ofKind(vm.seen, 'stopping').map(({ how }) => how);

  test('asks the guest to power off', async () => {
    await withOrphan(async ({ place, adopt }) => {
      const vm = await adopt({ reboot_on: ['reboot', 'power_off'] });
      await vm.event('adopted');
      vm.stop();
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, because: 'asked', boots: 1 });
      await vm.over;
      expect(ways(vm)).toEqual(['power button']);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('ends one that is deaf after stop_timeout', async () => {
    await withOrphan(
      async ({ place, adopt }) => {
        const vm = await adopt({ stop_timeout: '100ms' });
        await vm.event('adopted');
        vm.stop();
        expect(await vm.result).toMatchObject({ end: { kind: 'killed', signal: 'SIGKILL' }, because: 'asked' });
        await vm.over;
        expect(ways(vm)).toEqual(['power button', 'power button again', 'kill']);
        expect(ofKind(vm.seen, 'stop')).toHaveLength(1);
        expect(place.runDirectories()).toEqual([]);
      },
      { onSigterm: '' },
    );
  });

  test('forces it off first where the kernel can do that, and waits no longer when asked twice', async () => {
    await withOrphan(
      async ({ place, child, adopt }) => {
        const kernel = fakeKernel(place);
        writeFileSync(kernel.file, String(child.pid));
        const vm = await adopt({ stop_timeout: '1h' }, { host: kernel.host });
        await vm.event('adopted');
        vm.stop();
        await vm.event('stopping');
        vm.stop();
        await vm.result;
        await vm.over;
        expect(ways(vm)).toEqual(['power button', 'forced power-off']);
        expect(kernel.calls()).toEqual(['--force-poweroff', '--destroy']);
      },
      { onSigterm: '' },
    );
  });

  test('that was asked for before it was taken over ends it all the same', async () => {
    await withOrphan(async ({ place, child, adopt }) => {
      const vm = await adopt();
      vm.stop();
      expect(await vm.result).toMatchObject({ because: 'asked' });
      expect(isRunning(child.pid)).toBe(false);
      expect(place.runDirectories()).toEqual([]);
    });
  });
});

describe('its sockets', () => {
  const port = (place: Place, ...names: readonly string[]): object => ({
    emulations: [{ device: 'virtio-console', ports: names.map((name) => place.path(name)) }],
  });

  /** As a bhyve leaves it that is killed: nobody listens. */
  async function leave(path: string): Promise<FileIdentity> {
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await once(spawn(process.execPath, ['-e', script], { stdio: 'ignore' }), 'exit');
    const { dev, ino } = lstatSync(path, { bigint: true });
    return { path, device: String(dev), inode: String(ino) };
  }

  interface Left {
    readonly place: Place;
    readonly names: readonly string[];
  }

  /** `new` is the VM's; `old` was there before it; somebody listens on `other` by now; `free` was never made. */
  async function leaveAll(place: Place, use: (left: Left) => Promise<void>, about: About = {}) {
    const names = ['new', 'old', 'other', 'free'];
    const bhyve = puppet(place);
    const old = await leave(place.path('old'));
    const sockets = { paths: names.map((name) => place.path(name)), before: [old] };
    const child = await orphanOf(place, bhyve, {
      state: (identity) => ({ ...running(identity), sockets }),
      ...about,
    });
    await leave(place.path('new'));
    const server = createServer().listen(place.path('other'));
    await once(server, 'listening');
    try {
      const vm = await supervise(place, '', port(place, ...names), {
        bhyve: [bhyve.file],
        adopt: true,
      });
      await vm.event('adopted');
      bhyve.end(1);
      await vm.over;
      await use({ place, names });
    } finally {
      endProcess(child.pid);
      server.close();
      await once(server, 'close');
    }
  }

  test('are removed by the record of its boot, and no others', async () => {
    await inPlace((place) =>
      leaveAll(place, ({ names }) => {
        expect(names.map((name) => existsSync(place.path(name)))).toEqual([false, true, true, false]);
        return Promise.resolve();
      }),
    );
  });

  test('are those of the spec where the record is lost, if nobody listens', async () => {
    await inPlace((place) =>
      leaveAll(
        place,
        ({ names }) => {
          expect(names.map((name) => existsSync(place.path(name)))).toEqual([false, false, true, false]);
          return Promise.resolve();
        },
        { state: running },
      ),
    );
  });

  test.each([{}, { force: true }, { adopt: true }])(
    'of one that has ended are removed by the next run, without any checks: %j',
    async (options) => {
      await inPlace(async (place) => {
        const old = await leave(place.path('old'));
        await leave(place.path('new'));
        const server = createServer().listen(place.path('other'));
        await once(server, 'listening');
        const names = ['new', 'old', 'other'];
        const sockets = { paths: names.map((name) => place.path(name)), before: [old] };
        writeState(place, JSON.stringify(stateOf(place, { bhyve: { pid: deadPid, start: '1' }, sockets })));
        const vm = await supervise(place, 'halt', {}, options);
        expect(await vm.result).toMatchObject({ end: { kind: 'halted' } });
        expect(names.map((name) => existsSync(place.path(name)))).toEqual([false, true, true]);
        server.close();
        await once(server, 'close');
      });
    },
  );
});

describe('what cannot be taken over stays as it is', () => {
  /** Everything in the run directory but the lock, which says who looked last. */
  const contents = (place: Place): readonly (readonly [string, string])[] =>
    readdirSync(file(place, '.'))
      .filter((name) => name !== 'lock')
      .filter((name) => lstatSync(file(place, name)).isFile())
      .map((name) => [name, readFileSync(file(place, name), 'utf8')] as const);

  test('a target that the spec no more has: told, and the spec it was started with takes it over', async () => {
    await withOrphan(
      async ({ place, bhyve, child, adopt }) => {
        place.write('vm.pid', `${child.pid}\n`);
        const before = contents(place);
        const vm = await adopt({}, { pidFile: place.path('vm.pid') });
        const { code, message, fix } = await problemOf(vm);
        expect(code).toBe('unknown-target');
        expect(message).toContain(`process ${child.pid}`);
        expect(message).toContain('"install"');
        expect(fix).toContain('--force');
        expect(ofKind(vm.seen, 'stop')).toHaveLength(1);
        expect(isRunning(child.pid)).toBe(true);
        expect(contents(place)).toEqual(before);
        expect(readFileSync(place.path('vm.pid'), 'utf8')).toBe(`${child.pid}\n`);
        const next = await adopt({ targets: { install: {} } });
        expect(await next.event('adopted')).toMatchObject({ boot: 2, target: 'install' });
        bhyve.end(1);
        await next.over;
      },
      { boot: 2, target: 'install' },
    );
  });

  test('a pid file that somebody else holds', async () => {
    await withOrphan(
      async ({ place, bhyve, child, adopt }) => {
        const taken = await takePidFile(place.path('vm.pid'));
        if ('heldBy' in taken) throw new Error(taken.heldBy);
        const left = state(place);
        const vm = await adopt({}, { pidFile: place.path('vm.pid') });
        expect((await problemOf(vm)).code).toBe('pid-file');
        expect(isRunning(child.pid)).toBe(true);
        // All of it but what a run says of itself.
        const own = { supervisor: 0, phase: 'running' } as const;
        expect({ ...state(place), ...own }).toEqual({ ...left, ...own });
        taken.remove();
        const next = await adopt({}, { pidFile: place.path('vm.pid') });
        await next.event('adopted');
        bhyve.end(1);
        await next.over;
      },
      {
        boot: 2,
        state: (bhyve) => ({
          ...running(bhyve),
          boot: 2,
          bootSince: '2026-01-02T00:00:00.000Z',
          stopTimeoutMs: 5,
          sockets: { paths: ['a.sock'], before: [{ path: 'a.sock', device: '1', inode: '2' }] },
        }),
      },
    );
  });

  test('a loader: it is told, and the VM boots as usual when it is done', async () => {
    await withOrphan(
      async ({ place, bhyve, child, adopt, run }) => {
        for (const start of [adopt, run]) {
          const { code, message, fix } = await problemOf(await start());
          expect(code).toBe('orphan');
          expect(message).toContain(`a loader of this VM still runs as process ${child.pid}`);
          expect(fix).toContain('--force');
          expect(fix).not.toContain('--adopt');
        }
        expect(isRunning(child.pid)).toBe(true);
        bhyve.end(0);
        await child.ended;
        const vm = await adopt();
        expect(await vm.event('boot')).toMatchObject({ boot: 1 });
        await endNext(vm, bhyve, 1);
        await vm.over;
        expect(place.runDirectories()).toEqual([]);
      },
      { role: 'loader' },
    );
  });
});

describe('a run that is not told to take over', () => {
  test('names the process and both choices, and changes nothing', async () => {
    await withOrphan(async ({ place, child, run }) => {
      const before = readdirSync(file(place, '.'));
      for (let attempt = 1; attempt <= 2; attempt += 1) {
        const { message, fix } = await problemOf(await run());
        expect(message).toContain(`this VM still runs as process ${child.pid}`);
        expect(message).toContain(`process ${deadPid}`);
        expect(fix).toContain('--adopt');
        expect(fix).toContain('--force');
      }
      expect(isRunning(child.pid)).toBe(true);
      expect(readdirSync(file(place, '.'))).toEqual(before);
    });
  });

  test.each<[how: string, onSigterm: string, end: ProcessEnd, told: readonly string[]]>([
    ['asked to power off', 'bye 1', { kind: 'exited', status: 1 }, []],
    ['killed where it does not follow, and says so', '', { kind: 'signalled', signal: 'SIGKILL' }, ['orphan-killed']],
  ])('ends it with force: %s', async (_how, onSigterm, end, told) => {
    await withOrphan(
      async ({ place, bhyve, child, run }) => {
        const vm = await run({ stop_timeout: '100ms' }, { force: true });
        await endNext(vm, bhyve, 2);
        expect(await child.ended).toEqual(end);
        expect(await vm.result).toMatchObject({ end: { kind: 'halted' }, boots: 1 });
        await vm.over;
        const warnings = ofKind(vm.seen, 'warning').map(({ problem }) => problem);
        expect(warnings.map(({ code }) => code)).toEqual(told);
        for (const { message } of warnings) expect(message).toContain(`process ${child.pid}, `);
        expect(place.runDirectories()).toEqual([]);
      },
      { onSigterm },
    );
  });
});

describe('where nothing runs', () => {
  test('the VM boots, with the target that was asked for', async () => {
    await inPlace(async (place) => {
      writeState(
        place,
        JSON.stringify(stateOf(place, { boot: 7, target: 'disk', bhyve: { pid: deadPid, start: '1' } })),
      );
      const targets = { install: {}, disk: {} };
      const vm = await supervise(place, 'halt', { targets }, { adopt: true, target: 'install' });
      expect(await vm.event('boot')).toMatchObject({ boot: 1, target: 'install' });
      await vm.over;
      expect(place.runDirectories()).toEqual([]);
    });
  });
});

describe('an orphan of an older vmrun, which gave it no lock', () => {
  test('is found by its pid and start, and taken over', async () => {
    await withOrphan(
      async ({ place, bhyve, child, adopt, run }) => {
        expect((await problemOf(await run())).message).toContain(`process ${child.pid}`);
        const vm = await adopt();
        expect(await vm.event('adopted')).toMatchObject({ boot: 1, target: 'default', pid: child.pid });
        bhyve.end(2);
        expect(await vm.result).toMatchObject({ end: { kind: 'unknown' }, because: 'status-unknown' });
        expect(place.runDirectories()).toEqual([]);
      },
      { isUnlocked: true },
    );
  });

  test('is found once more after a takeover that failed', async () => {
    await withOrphan(
      async ({ place, child, adopt, run }) => {
        const taken = await takePidFile(place.path('vm.pid'));
        if ('heldBy' in taken) throw new Error(taken.heldBy);
        await problemOf(await adopt({}, { pidFile: place.path('vm.pid') }));
        taken.remove();
        expect((await problemOf(await run())).message).toContain(`process ${child.pid}`);
      },
      { isUnlocked: true },
    );
  });

  test('is ended with force, killed where it is deaf', async () => {
    await withOrphan(
      async ({ bhyve, child, run }) => {
        const vm = await run({ stop_timeout: '50ms' }, { force: true });
        await endNext(vm, bhyve, 2);
        expect(await child.ended).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
        await vm.over;
      },
      { isUnlocked: true, onSigterm: '' },
    );
  });

  test.each([
    ['the program that was written down', (program: string) => program, true],
    ['another one: the date of a start may be too coarse to tell two processes apart', () => '/bin/none', false],
  ])('is looked for by its program too, and it runs %s', async (_title, written, isFound) => {
    await inPlace(async (place) => {
      const bhyve = await identityOf(process.pid);
      const state = stateOf(place, { bhyve: { ...bhyve, program: written(bhyve.program ?? '') } });
      const vmLock = file(place, 'vm.lock');
      const found = await foundOrphan({ state, note: undefined, hasOrphan: false, vmLock }, runTool);
      expect(typeof found === 'object').toBe(isFound);
    });
  });
});

describe('a number that another process has got', () => {
  /** A process of ours that has nothing to do with the VM; it must live. */
  async function withForeign(use: (pid: number) => Promise<void>): Promise<void> {
    const foreign = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1e9)'], { stdio: 'ignore' });
    const { pid = 0 } = foreign;
    try {
      await use(pid);
      expect(isRunning(pid)).toBe(true);
    } finally {
      foreign.kill('SIGKILL');
      await once(foreign, 'exit');
    }
  }

  test.each([{}, { force: true }, { adopt: true }])('is not taken for the bhyve that is gone: %j', async (options) => {
    await withForeign((pid) =>
      inPlace(async (place) => {
        writeState(place, JSON.stringify(stateOf(place, { ...running({ pid, start: 'long ago' }) })));
        writeFileSync(file(place, 'vm.pid'), `bhyve ${pid} 1 default\n`);
        const vm = await supervise(place, 'halt', { stop_timeout: 0 }, options);
        expect(await vm.result).toMatchObject({ end: { kind: 'halted' }, boots: 1 });
        expect(place.runDirectories()).toEqual([]);
      }),
    );
  });

  test.each([
    [{}, 'long ago'],
    [{ force: true }, 'long ago'],
    [{ adopt: true }, 'long ago'],
    [{}, undefined],
    [{ force: true }, undefined],
    [{ adopt: true }, undefined],
  ])('is left alone while something that bhyve has started holds its lock: %j, started %s', async (options, start) => {
    await withForeign((pid) =>
      withOrphan(
        async ({ place, child, run }) => {
          writeFileSync(file(place, 'vm.pid'), `bhyve ${pid} 1 default\n`);
          const { code, message } = await problemOf(await run({ stop_timeout: 0 }, { ...options, host: inHaste() }));
          expect([code, message]).toEqual(['orphan', expect.stringContaining('is not proven to be its bhyve')]);
          expect(isRunning(child.pid)).toBe(true);
          expect(existsSync(file(place, 'vm.pid'))).toBe(true);
        },
        { state: () => running({ pid, ...(start && { start }) }) },
      ),
    );
  });
});

describe('/dev/vmm/NAME that somebody else has made', () => {
  test.each<[title: string, left: (place: Place) => void]>([
    ['no run directory', () => undefined],
    ['a run directory', ({ runBase, name }) => mkdirSync(`${runBase}/${name}`, { recursive: true, mode: 0o700 })],
    [
      'what a run left that had not booted',
      (place) => {
        writeState(place, JSON.stringify(stateOf(place)));
      },
    ],
  ])('is never removed for the asking, with %s', async (_title, left) => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      writeFileSync(kernel.file, '');
      left(place);
      for (const options of [{}, { adopt: true }]) {
        const vm = await supervise(place, 'halt', {}, { ...options, host: kernel.host });
        expect((await problemOf(vm)).code).toBe('vm-exists');
      }
      expect(kernel.calls()).toEqual([]);
      unlinkSync(kernel.file);
    });
  });
});

describe('a state file', () => {
  const cutsOf = async (
    use: (scene: Scene, write: (text: string | Uint8Array) => void, whole: string) => Promise<void>,
  ) => {
    await withOrphan(
      async (scene) => {
        const whole = readFileSync(file(scene.place, 'state.json'), 'utf8');
        await use(
          scene,
          (text) => {
            writeState(scene.place, text);
          },
          whole,
        );
      },
      {
        boot: 3,
        target: 'install',
        state: (bhyve) => ({
          ...running(bhyve),
          boot: 3,
          target: 'install',
          sockets: { paths: ['é.sock'], before: [{ path: 'é.sock', device: '1', inode: '2' }] },
          last: { boot: 2, at: '', end: 'rebooted', reason: 'reboot' },
        }),
      },
    );
  };

  test('that is cut, at any byte, does not hide the bhyve that lives', async () => {
    await cutsOf(async ({ place, child }, write, whole) => {
      const bytes = Buffer.from(whole);
      const found: unknown[] = [];
      for (let length = 0; length <= bytes.length; length += 1) {
        write(bytes.subarray(0, length));
        const holder = whoRuns(place.runBase, place.name);
        const orphan = await foundOrphan(holder, runTool);
        found.push(typeof orphan === 'object' ? { ...orphan, identity: undefined } : orphan);
      }
      const vmLock = file(place, 'vm.lock');
      const orphan = { role: 'bhyve', pid: child.pid, boot: 3, target: 'install', holdsLock: true, vmLock };
      expect(found).toEqual(found.map(() => orphan));
    });
  });

  test.each<[title: string, write: (whole: string) => string]>([
    ['empty', () => ''],
    ['cut in its middle', (whole) => whole.slice(0, whole.length / 2)],
    ['of a newer version', (whole) => JSON.stringify({ ...parse(whole), version: 2, bhyve: { id: 'x' }, boot: '3' })],
    ['of an older version', (whole) => JSON.stringify({ ...parse(whole), boot: undefined, sockets: undefined })],
    ['no object', () => '[]'],
    ['of another run', (whole) => JSON.stringify({ ...parse(whole), name: 'other' })],
  ])('that is %s keeps nobody from taking the VM over, or ending it', async (_title, change) => {
    await cutsOf(async ({ bhyve, place, child, adopt, run }, write, whole) => {
      write(change(whole));
      expect((await problemOf(await run())).message).toContain(`process ${child.pid}`);
      expect(readFileSync(file(place, 'state.json'), 'utf8')).toBe(change(whole));
      const vm = await adopt({ targets: { install: {} } });
      expect(await vm.event('adopted')).toMatchObject({ boot: 3, target: 'install', pid: child.pid });
      bhyve.end(1);
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, boots: 3 });
      expect(place.runDirectories()).toEqual([]);
    });
    await cutsOf(async ({ bhyve, place, child, run }, write, whole) => {
      write(change(whole));
      const vm = await run({}, { force: true });
      await endNext(vm, bhyve, 2);
      expect(await child.ended).toEqual({ kind: 'exited', status: 1 });
      await vm.over;
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('that is lost does not hide the end of the bhyve either', async () => {
    await cutsOf(async ({ bhyve, place, child, adopt }, write) => {
      write('');
      const vm = await adopt({ targets: { install: {} } });
      await vm.event('adopted');
      await until(() => state(place)?.phase === 'running');
      expect(state(place)?.bhyve).toEqual(await identityOf(child.pid));
      expect(ofKind(vm.seen, 'exit')).toEqual([]);
      bhyve.end(1);
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' } });
    });
  });

  test('and a note that are both lost say nothing of who lives: nothing is started beside it', async () => {
    await cutsOf(async ({ place, child, run }, write) => {
      write('');
      unlinkSync(file(place, 'vm.pid'));
      for (const options of [{ adopt: true }, {}, { force: true }]) {
        expect((await problemOf(await run({}, { ...options, host: inHaste() }))).code).toBe('orphan');
      }
      expect(isRunning(child.pid)).toBe(true);
    });
  });
});

const parse = (text: string): object => {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error(text);
  return value;
};
