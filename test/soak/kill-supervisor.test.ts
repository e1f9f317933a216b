import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { fixture } from '../host/fake-host.js';
import { randomNumbers } from '../support/random-numbers.js';
import { inPlace, until, type Place } from '../e2e/support/place.js';
import { runVmrun, startVmrun, type Ended, type Surroundings } from '../e2e/support/vmrun.js';

/** 5 tests of 4 VMs whose supervisor is killed 10 times each: 200 points in all. */
const seeds = [1, 2, 3, 4, 5];
const lanes = [0, 1, 2, 3];
const killsPerLane = 10;
/** The start of vmrun and its claim of the name. */
const startMs = 400;
/** After the first word of vmrun, that it boots or has taken over: the rest of a long life, and some short boots. */
const runMs = 600;

interface Scene {
  readonly words: readonly string[];
  readonly about: Surroundings;
  /** What each bhyve wrote down, oldest first. */
  readonly log: () => readonly string[];
}

/**
 * A VM that reboots again and again, every third boot after a longer life, with all that a boot may have: checks,
 * hooks, a loader.
 * Its bhyve ends by itself alone, takes a lock for as long as it lives, and writes down what it saw.
 */
function rebootingVm(place: Place): Scene {
  const { path, script } = place;
  mkdirSync(path('bin'));
  place.write('log', '');
  place.write('modules', fixture('kldstat.txt'));
  script('bin/kldstat', `exec cat '${path('modules')}'`);
  script('bin/bhyveload', 'exec sleep 0.02');
  const bhyve = script(
    'bhyve',
    `cd '${place.folder}' || exit 4`,
    'status=0',
    'trap "status=1" TERM',
    'mkdir alive || { echo "beside another: $$" >> log; exit 4; }',
    'echo "begin $$ $VMRUN_BOOT" >> log',
    // Nobody may be there to read this.
    'echo "bhyve runs" >&2',
    // bhyve has no children that would hold what it has inherited.
    'if [ $((VMRUN_BOOT % 3)) = 2 ]; then sleep 1 3>&- 4>&-; else sleep 0.01 3>&- 4>&-; fi',
    'trap "" TERM',
    'echo "end $$ $status" >> log',
    'rmdir alive',
    'exit "$status"',
  );
  const hook = script('hook', 'exit 0');
  place.spec({
    loader: { kind: 'bhyveload', disk: place.write('disk.img', '') },
    hooks: { pre_start: hook, post_start: hook, pre_reboot: hook, post_stop: hook },
  });
  return {
    words: [
      '-c',
      'vm.json',
      '--run-dir',
      place.runBase,
      '--bhyve',
      bhyve,
      '-p',
      'vm.pid',
      '-P',
      'vmrun.pid',
      '--adopt',
    ],
    about: { env: { PATH: `${path('bin')}:${process.env.PATH ?? ''}` } },
    log: () => readFileSync(path('log'), 'utf8').trimEnd().split('\n'),
  };
}

/** A supervisor that has ended by itself has met a loader that still runs; that is the one thing it may say. */
const isLoaderTold = ({ status, stderr }: Ended): boolean =>
  status === 75 && stderr.includes('a loader of this VM still runs');

/** Starts a supervisor and kills it at a random point. @returns how it ended where it did before */
async function killOnce(place: Place, { words, about }: Scene, random: () => number): Promise<Ended | undefined> {
  const isEarly = random() < 0.4;
  const ms = random() * (isEarly ? startMs : runMs);
  const vm = startVmrun(place, words, about);
  const exit = once(vm.child, 'exit');
  if (!isEarly) await vm.said('vmrun: ').catch(() => undefined);
  const timer = setTimeout(() => {
    vm.kill('SIGKILL');
  }, ms);
  await exit;
  clearTimeout(timer);
  const ended = await vm.ended;
  return ended.signal === 'SIGKILL' ? undefined : ended;
}

async function liveThroughKills(place: Place, scene: Scene, random: () => number): Promise<void> {
  let kills = 0;
  while (kills < killsPerLane) {
    const ended = await killOnce(place, scene, random);
    if (ended === undefined) kills += 1;
    else if (!isLoaderTold(ended)) throw new Error(`it was not taken over: ${JSON.stringify(ended, undefined, 1)}`);
  }
}

/** As often as an orphaned loader is in the way. */
async function takeOverAndStop(place: Place, { words, about }: Scene): Promise<Ended> {
  for (;;) {
    const vm = startVmrun(place, [...words, '--events', '-'], about);
    const isUp = await Promise.race([vm.event('adopted'), vm.said('bhyve runs')]).then(
      () => true,
      () => false,
    );
    if (isUp) vm.kill('SIGTERM');
    const ended = await vm.ended;
    if (isUp || !isLoaderTold(ended)) return ended;
  }
}

/** Every bhyve ended by itself, and none began before. */
function expectOneAfterAnother(log: readonly string[]): void {
  const lines = log.map((line) => line.split(' '));
  const begins = lines.filter(([word]) => word === 'begin');
  expect(lines.map(([word, pid]) => [word, pid])).toEqual(
    begins.flatMap(([, pid]) => [
      ['begin', pid],
      ['end', pid],
    ]),
  );
  const statuses = lines.flatMap(([word, , status]) => (word === 'end' ? [status] : []));
  expect(statuses.slice(0, -1).every((status) => status === '0')).toBe(true);
}

test.each(seeds)(
  'a supervisor may be killed at any point: its VM is untouched, and the next one takes it over (%i)',
  async (seed) => {
    const lived = await Promise.allSettled(
      lanes.map((lane) =>
        inPlace(async (place) => {
          const scene = rebootingVm(place);
          await liveThroughKills(place, scene, randomNumbers(seed * lanes.length + lane));
          if (lane % 2 === 0) {
            const { events } = await takeOverAndStop(place, scene);
            expect(events.filter(({ kind }) => kind === 'stop')).toMatchObject([{ because: 'asked' }]);
            for (const name of ['vm.pid', 'vmrun.pid']) expect(existsSync(place.path(name))).toBe(false);
          } else {
            // 69: what runs has ended meanwhile, and what it had left is removed.
            const { status } = await runVmrun(place, ['stop', place.name, '--run-dir', place.runBase], scene.about);
            expect([0, 69]).toContain(status);
          }
          await until(() => place.processes().length === 0);
          expectOneAfterAnother(scene.log());
          expect(place.runDirectories()).toEqual([]);
        }),
      ),
    );
    const failures = lived.flatMap((lane): readonly unknown[] => (lane.status === 'rejected' ? [lane.reason] : []));
    expect(failures).toEqual([]);
  },
);
