import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { RunEvent } from '../../src/supervisor/events.js';
import { endProcess, inPlace, until, type Place } from '../e2e/support/place.js';
import { runVmrun, startVmrun, type Ended, type Running } from '../e2e/support/vmrun.js';
import { randomNumbers } from '../support/random-numbers.js';

/** 5 tests of 2 VMs, at each of which one or more are killed 20 times: 200 points in all. */
const seeds = [1, 2, 3, 4, 5];
const lanes = [0, 1];
const killsPerLane = 20;

const all = ['supervisor', 'shell', 'bhyve'] as const;
type Victim = (typeof all)[number];

interface Boot {
  readonly pid: number;
  readonly shell: number;
}

interface Scene {
  readonly place: Place;
  readonly words: readonly string[];
  /** The bhyves that have begun, oldest first, and whether one ran beside another. */
  readonly boots: () => readonly Boot[];
  readonly log: () => string;
  readonly shellsKilled: Set<number>;
}

/** A VM that is booted again whatever happened, whose bhyve holds a lock for as long as it lives. */
function scene(place: Place): Scene {
  place.write('log', '');
  const closed = '3>&- 4>&- 9>&-';
  const bhyve = place.script(
    'bhyve',
    `cd '${place.folder}' || exit 4`,
    'exec 9>>alive',
    'flock -n 9 || { echo "beside another: $$" >> log; exit 4; }',
    'echo "begin $$ $PPID" >> log',
    'trap "exit 1" TERM',
    'echo "bhyve runs" >&2',
    `if [ $(($$ % 3)) = 0 ]; then sleep 1 ${closed}; else sleep 0.1 ${closed}; fi`,
    'exit 0',
  );
  place.spec({ reboot_on: ['reboot', 'signal', 'error', 'power_off'], stop_timeout: 5 });
  const log = (): string => readFileSync(place.path('log'), 'utf8');
  return {
    place,
    words: [
      ...['-c', 'vm.json', '--run-dir', place.runBase, '--bhyve', bhyve, '--no-requirement-check'],
      ...['--adopt', '-p', 'vm.pid', '-P', 'vmrun.pid', '--events', '-'],
    ],
    boots: () =>
      [...log().matchAll(/^begin (\d+) (\d+)$/gm)].map(([, pid, shell]) => ({
        pid: Number(pid),
        shell: Number(shell),
      })),
    log,
    shellsKilled: new Set(),
  };
}

/** Kills some of those that are there, in any order. @returns whether the supervisor is one of them */
function killSome(vm: Running, { boots, shellsKilled }: Scene, random: () => number): boolean {
  const victims = all.filter(() => random() < 0.5);
  const order = [...victims].sort(() => random() - 0.5);
  const last = boots().at(-1);
  const kill: Readonly<Record<Victim, () => void>> = {
    supervisor: () => {
      vm.kill('SIGKILL');
    },
    shell: () => {
      if (last === undefined) return;
      shellsKilled.add(last.shell);
      endProcess(last.shell);
    },
    bhyve: () => {
      if (last !== undefined) endProcess(last.pid);
    },
  };
  for (const victim of order) kill[victim]();
  return victims.includes('supervisor');
}

/** An end that nobody knows was that of a bhyve whose shell was killed. */
function expectKnown(events: readonly RunEvent[], { shellsKilled }: Scene): void {
  const unknown = events.filter(
    (event) =>
      (event.kind === 'exit' && event.end.kind === 'unknown') ||
      (event.kind === 'warning' && event.problem.code === 'end-unknown'),
  );
  if (unknown.length > 0) expect(shellsKilled.size).toBeGreaterThan(0);
}

async function live(scene: Scene, random: () => number): Promise<void> {
  for (let kills = 0; kills < killsPerLane; kills += 1) {
    const vm = startVmrun(scene.place, scene.words);
    await Promise.race([vm.said('bhyve runs'), vm.said('"adopted"'), vm.ended]).catch(() => undefined);
    const exit = vm.child.exitCode === null && vm.child.signalCode === null ? once(vm.child, 'exit') : undefined;
    const paused = new Promise((resolve) => setTimeout(resolve, random() * 500));
    await Promise.race([paused, exit]);
    const isSupervisorKilled = killSome(vm, scene, random);
    if (!isSupervisorKilled) vm.kill('SIGKILL');
    const ended: Ended = await vm.ended;
    expectKnown(ended.events, scene);
    // 4: an end that nobody knows is an error; nothing else may end it.
    if (ended.signal !== 'SIGKILL')
      expect([ended.status, ended.stderr]).toEqual([4, expect.stringContaining('is not known')]);
  }
}

test.each(seeds)(
  'supervisor, shell and bhyve may be killed in any order: never two bhyves, and an end that is unknown is that of a killed shell (%i)',
  async (seed) => {
    const lived = await Promise.allSettled(
      lanes.map((lane) =>
        inPlace(async (place) => {
          const vm = scene(place);
          await live(vm, randomNumbers(seed * lanes.length + lane));
          const { status, stderr } = await runVmrun(place, ['stop', place.name, '--run-dir', place.runBase]);
          expect([[0, 69], stderr]).toEqual([expect.arrayContaining([status]), expect.anything()]);
          await until(() => place.processes().length === 0);
          expect(vm.log()).not.toContain('beside another');
          expect(place.runDirectories()).toEqual([]);
          expect(existsSync(place.path('alive'))).toBe(true);
        }),
      ),
    );
    const failures = lived.flatMap((lane): readonly unknown[] => (lane.status === 'rejected' ? [lane.reason] : []));
    expect(failures).toEqual([]);
  },
);
