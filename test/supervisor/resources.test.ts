import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import type { Clock } from '../../src/host/clock.js';
import { spawnChild } from '../../src/host/process/child.js';
import { clearEnd, readEnd } from '../../src/host/process/end-file.js';
import { systemHost, type Host } from '../../src/host/host.js';
import { readState, type StateDraft } from '../../src/host/run-directory/run-state.js';
import { StartError } from '../../src/host/process/start-error.js';
import type { RunEvent, RunEventBody } from '../../src/supervisor/events.js';
import { keepState } from '../../src/supervisor/state-keeper.js';
import { makeFakeHost } from '../host/fake-host.js';
import { inPlace, until, type Place } from '../e2e/support/place.js';
import { ofKind, supervise } from '../e2e/support/supervised.js';
import { inBuiltProcess, limiting, type BuiltProcess } from '../support/built-process.js';
import { steppedClock, steppedHost } from '../support/stepped-clock.js';

const sh = (script: string): readonly string[] => ['/bin/sh', '-c', script];

/** Kinds; of what was degraded and has recovered with the part. */
const told = (seen: readonly RunEvent[]): readonly string[] =>
  seen.map((event) => ('part' in event ? `${event.kind} ${event.part}` : event.kind));

interface Shortage {
  readonly result: unknown;
  readonly isOtherAlive: boolean;
  readonly seen: readonly RunEvent[];
}

/** A boot after a crash while something is lacking, which is given back some time after the run has said so. */
async function reboot(
  { folder, path: at }: Place,
  lacking: 'descriptors' | 'processes',
  options: object,
  about: BuiltProcess,
): Promise<Shortage> {
  const shortage = await inBuiltProcess<Shortage>('shortage.mjs', folder, {
    ...about,
    words: [lacking, JSON.stringify(options)],
  });
  expect(readdirSync(at('run'))).toEqual([]);
  return shortage;
}

/** It went on as soon as it could, and nobody lost a VM. */
function expectPatience({ result, isOtherAlive, seen }: Shortage): void {
  expect(result).toMatchObject({ end: { kind: 'powered-off' }, because: 'guest', boots: 2, leftBehind: [] });
  expect(isOtherAlive).toBe(true);
  const kinds = told(seen);
  expect(kinds.indexOf('degraded start')).toBeGreaterThan(kinds.indexOf('reboot'));
  expect(kinds.lastIndexOf('recovered start')).toBeGreaterThan(kinds.lastIndexOf('degraded start'));
  expect(kinds.lastIndexOf('boot')).toBeGreaterThan(kinds.indexOf('degraded start'));
  expectRecovered(kinds);
}

function expectRecovered(kinds: readonly string[]): void {
  for (const part of ['start', 'state']) {
    const ofPart = kinds.filter((kind) => kind.endsWith(` ${part}`));
    expect(ofPart).toEqual(ofPart.map((_, index) => `${index % 2 === 0 ? 'degraded' : 'recovered'} ${part}`));
    expect(ofPart.length % 2).toBe(0);
  }
}

describe('a VM that is to boot again while this process has no descriptor left', () => {
  const about: BuiltProcess = { limits: { descriptors: 160 } };

  test('is booted when there are some again', async () => {
    await inPlace(async (place) => {
      const shortage = await reboot(place, 'descriptors', {}, about);
      expectPatience(shortage);
      const [trouble] = ofKind(shortage.seen, 'degraded').filter(({ part }) => part === 'start');
      expect(trouble?.error).toMatch(/^\/bin\/sh could not be started: .*EMFILE/);
    });
  });

  test('and has a password, which is in a file of its own', async () => {
    await inPlace(async (place) => {
      const options = { fields: { graphic: { host: '127.0.0.1', password: 'geheim17' } } };
      expectPatience(await reboot(place, 'descriptors', options, about));
    });
  });

  test('and has a password that another file holds', async () => {
    await inPlace(async (place) => {
      const graphic = { host: '127.0.0.1', password_file: place.write('secret', 'geheim17\n', 0o600) };
      expectPatience(await reboot(place, 'descriptors', { fields: { graphic } }, about));
    });
  });

  test('and has hooks: what is to be done before a boot is done, the others are told', async () => {
    await inPlace(async (place) => {
      const done = (name: string) => sh(`echo "${name} $VMRUN_BOOT" >> '${place.path('done')}'`);
      const hooks = { pre_start: done('pre_start'), post_start: done('post_start'), post_stop: done('post_stop') };
      const shortage = await reboot(place, 'descriptors', { fields: { hooks } }, about);
      expectPatience(shortage);
      const lines = readFileSync(place.path('done'), 'utf8').trim().split('\n');
      expect(lines.filter((line) => line.startsWith('pre_start'))).toEqual(['pre_start 1', 'pre_start 2']);
      expect(lines.at(-1)).toBe('post_stop 2');
    });
  });

  test('and a hook that no boot waits for is told that it could not be started', async () => {
    await inPlace(async (place) => {
      const hooks = { pre_reboot: sh(`echo done > '${place.path('done')}'`) };
      const shortage = await reboot(place, 'descriptors', { fields: { hooks } }, about);
      expectPatience(shortage);
      expect(existsSync(place.path('done'))).toBe(false);
      expect(ofKind(shortage.seen, 'hook').at(-1)).toMatchObject({
        hook: 'pre_reboot',
        end: { kind: 'not-started', error: expect.stringContaining('EMFILE') },
      });
    });
  });

  test('and has a host that is looked at before each boot', async () => {
    await inPlace(async (place) => {
      const fake = makeFakeHost();
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close();
      await once(server, 'close');
      try {
        fake.addInterface('tap7');
        const fields = {
          bootrom: place.write('rom.fd', Buffer.alloc(4096)),
          graphic: { host: '127.0.0.1', port },
          emulations: [
            { device: 'virtio-net', name: 'tap7' },
            { device: 'virtio-blk', path: place.write('disk.img', Buffer.alloc(4096)) },
            { device: 'virtio-console', ports: [place.path('a.sock')] },
          ],
        };
        expectPatience(await reboot(place, 'descriptors', { check: true, fields }, { ...about, env: fake.env }));
      } finally {
        fake.remove();
      }
    });
  });
});

/** The user of a test that needs one with few processes: nobody(8), by its number on most systems. */
const nobody = 65534;
const built = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
const mayBeNobody =
  process.getuid?.() === 0 &&
  spawnSync('/bin/sh', ['-c', limiting({ processes: 60 }), 'cat', built], { uid: nobody, stdio: 'ignore' }).status ===
    0;

(mayBeNobody ? test : test.skip)(
  'a VM that is to boot again while its user may start no process is booted later',
  async () => {
    await inPlace(async (place) => {
      chownSync(place.folder, nobody, nobody);
      const shortage = await reboot(place, 'processes', {}, { limits: { processes: 60 }, uid: nobody });
      expectPatience(shortage);
      expect(ofKind(shortage.seen, 'degraded')[0]?.error).toMatch(/EAGAIN/);
    });
  },
);

describe('a bhyve that the system has no resources for', () => {
  const lacking = new StartError('bhyve', 'no-resources', 'bhyve could not be started: spawn bhyve EAGAIN');

  /** A host that fails to start the nth to the last of some programs, counted from 1. */
  function failing(first: number, last: number): { readonly host: Host; readonly attempts: () => number } {
    const host = systemHost();
    let attempts = 0;
    const spawn: Host['spawn'] = async (...call) => {
      attempts += 1;
      if (attempts >= first && attempts <= last) throw lacking;
      return host.spawn(...call);
    };
    return { host: { ...host, spawn }, attempts: () => attempts };
  }

  const bhyve = sh('exit $((VMRUN_BOOT - 1))');

  test('is tried again with growing pauses, where the VM has run; that is told once', async () => {
    await inPlace(async (place) => {
      const { host, attempts } = failing(2, 4);
      const clock = steppedClock();
      const vm = await supervise(place, '', {}, { host: steppedHost(clock, host), bhyve });
      // The first pause, of 100 ms, passes in real time.
      for (const ms of [200, 400]) await clock.pass(ms);
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, boots: 2 });
      await vm.over;
      expect(attempts()).toBe(5);
      expect(told(vm.seen)).toEqual([
        ...['boot', 'exit', 'reboot', 'degraded start', 'recovered start', 'boot', 'exit', 'cleanup', 'stop'],
      ]);
      const [degraded] = ofKind(vm.seen, 'degraded');
      const [recovered] = ofKind(vm.seen, 'recovered');
      expect((recovered?.monotonicMs ?? NaN) - (degraded?.monotonicMs ?? NaN)).toBe(600);
      expect(degraded).toMatchObject({ part: 'start', error: lacking.message });
    });
  });

  test('is an error at once at the first boot', async () => {
    await inPlace(async (place) => {
      const { host, attempts } = failing(1, Infinity);
      const vm = await supervise(place, '', {}, { host, bhyve });
      await expect(vm.result).rejects.toBe(lacking);
      await vm.over;
      expect(attempts()).toBe(1);
      expect(told(vm.seen)).toEqual(['cleanup', 'stop']);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('is not waited for where a stop is asked for', async () => {
    await inPlace(async (place) => {
      const { host } = failing(2, Infinity);
      const vm = await supervise(place, '', {}, { host, bhyve });
      await vm.event('degraded');
      vm.stop();
      expect(await vm.result).toMatchObject({ end: { kind: 'rebooted' }, because: 'asked', boots: 1 });
    });
  });

  test('leaves no descriptor open, however often it is tried', async () => {
    await inPlace(async (place) => {
      const { host } = failing(2, 6);
      const quick: Clock = { ...host.clock, sleep: (_ms, signal) => host.clock.sleep(1, signal) };
      const count = (): number => readdirSync('/dev/fd').length;
      const before = count();
      const vm = await supervise(place, '', {}, { host: { ...host, clock: quick }, bhyve });
      await vm.result;
      await until(() => count() <= before);
    });
  });
});

/** A small file system of its own; root alone can make one, and not in every container. */
function smallDisk(): { readonly folder: string; readonly remove: () => void } | undefined {
  const folder = mkdtempSync(path.join(tmpdir(), 'vmrun-disk-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], { stdio: 'ignore' });
  if (status === 0) {
    return {
      folder,
      remove: () => {
        execFileSync('umount', ['-l', folder]);
        rmSync(folder, { recursive: true });
      },
    };
  }
  rmSync(folder, { recursive: true });
  return undefined;
}

const probe = smallDisk();
probe?.remove();

(probe === undefined ? describe.skip : describe)('a run directory on a disk that is full', () => {
  async function onSmallDisk(use: (place: Place, folder: string) => Promise<void>): Promise<void> {
    const disk = smallDisk();
    if (disk === undefined) throw new Error('it worked before');
    try {
      await inPlace((place) => use(place, disk.folder));
    } finally {
      disk.remove();
    }
  }

  /** What the run itself removes makes no room for it. @returns what makes room again */
  function fill(folder: string): () => void {
    const file = path.join(folder, 'filler');
    const more = (): void => {
      for (const bytes of [4096, 1]) {
        try {
          // Should this not be the small disk any more, it ends all the same.
          while (!existsSync(file) || statSync(file).size < 1024 * 1024) appendFileSync(file, Buffer.alloc(bytes));
        } catch {
          // It is full, for pieces of this size.
        }
      }
    };
    more();
    const again = setInterval(more, 5);
    return () => {
      clearInterval(again);
      rmSync(file);
    };
  }
  const graphic = { host: '127.0.0.1', password: 'geheim17' };

  test('keeps no VM from rebooting, once there is room for the file that bhyve needs', async () => {
    await onSmallDisk(async (place, folder) => {
      const runBase = path.join(folder, 'run');
      const bhyve = sh(
        `while test ! -d '${place.folder}/go'$VMRUN_BOOT; do sleep 0.01; done; exit $((VMRUN_BOOT - 1))`,
      );
      // The hook gives others the time to take what the end of a boot has given back.
      const hooks = { pre_reboot: ['/bin/sleep', '0.1'] };
      // With the same password the file of the boot before would do.
      const targets = { other: { graphic: { ...graphic, password: 'anderes' } } };
      const fields = { graphic, hooks, targets, next_target: 'other' };
      const vm = await supervise(place, '', fields, { bhyve, runBase });
      const stateFile = path.join(runBase, place.name, 'state.json');
      await until(() => readState(stateFile)?.phase === 'running');
      const makeRoom = fill(folder);
      mkdirSync(place.path('go1'));
      await until(() => ['state', 'start'].every((part) => ofKind(vm.seen, 'degraded').some((it) => it.part === part)));
      for (const { error } of ofKind(vm.seen, 'degraded')) expect(error).toContain('ENOSPC');
      // What was there is whole.
      expect(readState(stateFile)).toMatchObject({ boot: 1 });
      makeRoom();
      await vm.event('boot', 2);
      await until(() => readState(stateFile)?.boot === 2 && readState(stateFile)?.phase === 'running');
      expect(readState(stateFile)).not.toHaveProperty('degraded');
      mkdirSync(place.path('go2'));
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, boots: 2, leftBehind: [] });
      await vm.over;
      expectRecovered(told(vm.seen));
      expect(readdirSync(runBase)).toEqual([]);
    });
  });

  test('lets a VM run of which nothing can be written down', async () => {
    await onSmallDisk(async (place, folder) => {
      const makeRoom = fill(folder);
      const runBase = path.join(folder, 'run');
      const vm = await supervise(place, '', {}, { bhyve: sh('exit 1'), runBase });
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, boots: 1, leftBehind: [] });
      await vm.over;
      makeRoom();
      expect(ofKind(vm.seen, 'degraded').map(({ part }) => part)).toEqual(['state', 'note', 'output']);
    });
  });

  test('takes the end of bhyve that is written down for those who come later', async () => {
    await onSmallDisk(async (_place, folder) => {
      const endFile = path.join(folder, 'vm.end');
      clearEnd(openSync(endFile, 'w'));
      const makeRoom = fill(folder);
      const child = await spawnChild(sh('exit 3'), {
        stdin: 'ignore',
        stdout: { onBytes: () => undefined },
        stderr: () => undefined,
        survivor: { noteFile: '/dev/null', note: '%', lock: undefined, endFile, tag: 'bhyve 3', lifeLine: undefined },
        ownSession: true,
      });
      await child.ended;
      expect(readEnd(endFile, 'bhyve 3')?.status).toBe(3);
      makeRoom();
    });
  });

  test('is an error at once at the first boot, which says where there is no room', async () => {
    await onSmallDisk(async (place, folder) => {
      const makeRoom = fill(folder);
      const runBase = path.join(folder, 'run');
      const vm = await supervise(place, '', { graphic }, { bhyve: sh('exit 1'), runBase });
      const error: unknown = await vm.result.catch((thrown: unknown) => thrown);
      await vm.over;
      makeRoom();
      expect(String(error)).toContain('ENOSPC');
      expect(String(error)).toContain(path.join(runBase, place.name));
      expect(ofKind(vm.seen, 'boot')).toEqual([]);
      expect(readdirSync(runBase)).toEqual([]);
    });
  });
});

describe('the state of a run', () => {
  const first = { name: 'vm', supervisor: 1, since: '2026-01-01T00:00:00.000Z' };

  interface Kept {
    readonly events: readonly RunEventBody[];
    readonly saved: readonly StateDraft[];
    readonly tries: () => number;
    readonly keeper: ReturnType<typeof keepState>;
    /** Lets a second pass. */
    readonly tick: () => Promise<void>;
    readonly setBroken: (isBroken: boolean) => void;
  }

  /** A keeper of a directory that can be full, with a clock that is told when time passes. */
  function keep(): Kept {
    const events: RunEventBody[] = [];
    const saved: StateDraft[] = [];
    const sleepers = new Set<() => void>();
    let isBroken = false;
    let tries = 0;
    const clock: Clock = {
      ...systemHost().clock,
      sleep: (_ms, signal) =>
        new Promise((resolve) => {
          sleepers.add(resolve);
          signal?.addEventListener('abort', () => {
            resolve();
          });
        }),
    };
    const saveState = (state: StateDraft): void => {
      tries += 1;
      if (isBroken) throw new Error('ENOSPC: no space left on device, write');
      saved.push(state);
    };
    const keeper = keepState({ saveState }, first, { clock, emit: (event) => events.push(event) });
    return {
      events,
      saved,
      keeper,
      tries: () => tries,
      tick: async () => {
        for (const wake of sleepers) wake();
        sleepers.clear();
        await new Promise(setImmediate);
      },
      setBroken: (now) => {
        isBroken = now;
      },
    };
  }

  test('that cannot be written is tried again each second, told once, and says so itself when it can be', async () => {
    const { events, saved, keeper, tick, setBroken } = keep();
    keeper.update({ phase: 'starting' });
    setBroken(true);
    keeper.update({ phase: 'running', boot: 1 });
    keeper.update({ phase: 'ending' });
    await tick();
    await tick();
    const error = 'cannot write: no space left on device (ENOSPC)';
    expect(events).toEqual([{ kind: 'degraded', part: 'state', error }]);
    setBroken(false);
    await tick();
    expect(events).toEqual([
      { kind: 'degraded', part: 'state', error },
      { kind: 'recovered', part: 'state' },
    ]);
    expect(saved).toEqual([
      { version: 1, ...first, phase: 'starting' },
      { version: 1, ...first, phase: 'ending', boot: 1, degraded: { state: error } },
      { version: 1, ...first, phase: 'ending', boot: 1 },
    ]);
  });

  test('that can be written again at the next change is not tried any more', async () => {
    const { events, saved, keeper, tries, tick, setBroken } = keep();
    setBroken(true);
    keeper.update({ phase: 'running' });
    setBroken(false);
    keeper.update({ boot: 2 });
    expect(events.map(({ kind }) => kind)).toEqual(['degraded', 'recovered']);
    expect(saved.at(-1)).toEqual({ version: 1, ...first, phase: 'running', boot: 2 });
    const before = tries();
    await tick();
    await tick();
    expect(tries()).toBe(before);
  });

  test('tells of other parts too, once each', () => {
    const { events, saved, keeper } = keep();
    keeper.degraded('log', 'the disk is full');
    keeper.degraded('log', 'the disk is full');
    expect(saved.at(-1)).toMatchObject({ degraded: { log: 'the disk is full' } });
    keeper.degraded('log', undefined);
    keeper.degraded('log', undefined);
    expect(saved.at(-1)).not.toHaveProperty('degraded');
    expect(events).toEqual([
      { kind: 'degraded', part: 'log', error: 'the disk is full' },
      { kind: 'recovered', part: 'log' },
    ]);
  });

  test('is not written after the end: the file may be that of another run by then', async () => {
    const { events, keeper, tries, tick, setBroken } = keep();
    setBroken(true);
    keeper.update({ phase: 'ending' });
    keeper.end();
    setBroken(false);
    const before = tries();
    keeper.update({ phase: 'running' });
    keeper.degraded('log', 'the disk is full');
    await tick();
    await tick();
    expect(tries()).toBe(before);
    expect(events.map(({ kind }) => kind)).toEqual(['degraded']);
  });

  test('that is to be written soon is written with the next update, once', async () => {
    const { saved, keeper, tick } = keep();
    keeper.soon({ phase: 'ending', bhyve: undefined });
    keeper.soon({ phase: 'waiting' });
    expect(saved).toEqual([]);
    keeper.update({ phase: 'starting', boot: 2 });
    await tick();
    expect(saved).toEqual([{ version: 1, ...first, phase: 'starting', boot: 2, bhyve: undefined }]);
  });

  test('that is to be written soon is written before the process waits for anything', async () => {
    const { saved, keeper, tick } = keep();
    keeper.soon({ phase: 'ending' });
    keeper.soon({ phase: 'waiting' });
    // What is done at once comes before, what waits comes after.
    await Promise.resolve();
    expect(saved).toEqual([]);
    await tick();
    expect(saved).toEqual([{ version: 1, ...first, phase: 'waiting' }]);
  });

  test('that was to be written soon is not, once the run is over', async () => {
    const { saved, keeper, tick } = keep();
    keeper.soon({ phase: 'ending' });
    keeper.end();
    keeper.soon({ phase: 'waiting' });
    await tick();
    expect(saved).toEqual([]);
  });

  test('says at the start of each bhyve which boot it is, and how the one before ended', async () => {
    await inPlace(async (place) => {
      const file = place.path('run', place.name, 'state.json');
      const copies = place.path('copies');
      const vm = await supervise(
        place,
        '',
        {},
        { bhyve: sh(`cat '${file}' >>'${copies}'; exit 0`), limits: { rebootCount: 2 } },
      );
      await vm.result;
      const seen = readFileSync(copies, 'utf8')
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line));
      expect(seen).toMatchObject([
        { boot: 1 },
        { boot: 2, last: { boot: 1, end: 'rebooted' } },
        { boot: 3, last: { boot: 2, end: 'rebooted' } },
      ]);
    });
  });
});

test('what a caller says is degraded after the end is not an event, and no file', async () => {
  await inPlace(async (place) => {
    const vm = await supervise(place, '', {}, { bhyve: sh('exit 1') });
    await vm.result;
    vm.degraded('log', 'the disk is full');
    await vm.over;
    expect(vm.seen.at(-1)).toMatchObject({ kind: 'stop' });
    expect(place.runDirectories()).toEqual([]);
  });
});
