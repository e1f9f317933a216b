import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { isRunning, inPlace, until, type Place } from '../e2e/support/place.js';
import type { ManagerEvent } from '../../src/manager/manager-events.js';
import { addSpec } from '../manager/support.js';
import { managerProcess, type ManagerProcess } from '../support/built-manager.js';
import { randomNumbers } from '../support/random-numbers.js';

const kinds = ['calm', 'reboots', 'crashes', 'powers-off'] as const;
const ofEach = 5;
/** 4 tests of 25 managers each: 100 points in all. */
const seeds = [17, 18, 19, 20];
const kills = 25;
/** How long a manager lives: some are killed before they have begun, the others so long after they run a VM. */
const lifeMs = { early: 700, up: 1500 } as const;

const pause = (ms: number): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, ms));

interface Life {
  readonly name: string;
  readonly pid: number;
  readonly ended: boolean;
}

/**
 * A bhyve that takes a lock as long as it lives, and writes down when it begins and ends. What its guest does, its name
 * says.
 */
function guests(place: Place): string {
  place.write('log', '');
  return place.script(
    'bhyve',
    `cd '${place.folder}' || exit 4`,
    'bye() { echo "end $VMRUN_NAME $$ $1" >> log; rmdir "alive.$VMRUN_NAME"; exit "$1"; }',
    "trap 'bye 1' TERM",
    'mkdir "alive.$VMRUN_NAME" || { echo "twice $VMRUN_NAME $$" >> log; exit 4; }',
    'echo "begin $VMRUN_NAME $$" >> log',
    // What it starts holds nothing that is to be let go of with it.
    'live() { sleep "$1" 3>&- 4>&- & wait "$!"; trap "" TERM; bye "$2"; }',
    'case $VMRUN_NAME in',
    '*-reboots-*) live 0.4 0 ;;',
    '*-crashes-*) live 0.6 4 ;;',
    '*-powers-off-*) live 0.8 1 ;;',
    '*) while :; do sleep 1000 3>&- 4>&- & wait "$!"; done ;;',
    'esac',
  );
}

const log = (place: Place): readonly (readonly string[])[] =>
  readFileSync(place.path('log'), 'utf8')
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '));

function lives(place: Place): readonly Life[] {
  const lines = log(place);
  const ended = new Set(lines.filter(([what]) => what === 'end').map(([, , pid]) => pid));
  return lines
    .filter(([what]) => what === 'begin')
    .map(([, name = '', pid]) => ({ name, pid: Number(pid), ended: ended.has(pid) }));
}

/** What was asked for last of a VM and was answered; nothing where a request was not. */
type Asked = Map<string, 'running' | 'stopped' | undefined>;

async function liveAndDie(
  manager: ManagerProcess,
  names: readonly string[],
  asked: Asked,
  random: () => number,
): Promise<void> {
  const isEarly = random() < 0.3;
  if (!isEarly) await manager.up;
  if (!isEarly) await manager.until('it runs a VM', () => manager.events.some(isLife));
  const timer = pause(random() * (isEarly ? lifeMs.early : lifeMs.up));
  const requests = (async () => {
    await manager.up;
    for (let count = Math.floor(random() * 8); count > 0; count -= 1) {
      const name = names[Math.floor(random() * names.length)] ?? '';
      const what = (['start', 'stop', 'restart'] as const)[Math.floor(random() * 3)] ?? 'start';
      asked.set(name, undefined);
      await manager[what](name);
      asked.set(name, what === 'stop' ? 'stopped' : 'running');
      await pause(random() * 50);
    }
  })().catch(() => undefined);
  await timer;
  await manager.kill();
  await requests;
}

/** A bhyve runs, as a manager sees. */
const isLife = (event: ManagerEvent): boolean =>
  event.kind === 'run' && (event.event.kind === 'boot' || event.event.kind === 'adopted');

/** How guests ended, and what went wrong. */
function listen({ events }: ManagerProcess, told: Set<string>): void {
  for (const event of events) {
    if (event.kind === 'warning') told.add(event.problem.code);
    if (event.kind === 'operation' && event.operation.state === 'failed')
      told.add(JSON.stringify(event.operation.problems));
    if (event.kind !== 'run') continue;
    if (event.event.kind === 'exit') told.add(event.event.end.kind);
    if (event.event.kind === 'warning') told.add(event.event.problem.code);
  }
}

test.each(seeds)(
  `20 VMs outlive ${kills} managers that are killed (%i): none is lost, none runs twice, and what is wanted is kept`,
  async (seed) => {
    await inPlace(async (place) => {
      const random = randomNumbers(seed);
      const bhyve = guests(place);
      const names = kinds.flatMap((kind) =>
        Array.from({ length: ofEach }, (_, index) => `${place.name}-${kind}-${index}`),
      );
      for (const name of names) {
        addSpec(place, name, { autostart: !name.endsWith('0'), reboot_on: ['reboot', 'error'], restart: { delay: 0 } });
      }
      const asked: Asked = new Map();
      const told = new Set<string>();
      for (let count = 0; count < kills; count += 1) {
        const manager = managerProcess(place, bhyve, '/no/socket');
        await liveAndDie(manager, names, asked, random);
        listen(manager, told);
      }
      const last = managerProcess(place, bhyve, '/no/socket');
      await last.up;
      await last.start(`${place.name}-powers-off-0`);
      // What is under way comes to its end, each VM is what is wanted of it, and guests end in each of their ways.
      await until(async () => {
        listen(last, told);
        return (
          told.size >= 3 &&
          (await last.vms()).every(({ state, wanted, operation }) => {
            if (operation !== undefined) return false;
            return wanted.state === 'stopped' ? state === 'stopped' : state !== 'stopped' && state !== 'failed';
          })
        );
      });
      const vms = new Map((await last.vms()).map((vm) => [vm.name, vm]));
      expect([...vms.keys()]).toEqual([...names].sort());
      for (const name of names.filter((each) => each.includes('-calm-'))) {
        const want = asked.has(name) ? asked.get(name) : name.endsWith('0') ? 'stopped' : 'running';
        if (want !== undefined) expect([name, vms.get(name)?.wanted.state]).toEqual([name, want]);
      }
      expect(log(place).filter(([what]) => what === 'twice')).toEqual([]);
      // Nobody but the guests themselves ended them, and how was known each time.
      expect([...told].sort()).toEqual(['failed', 'powered-off', 'rebooted']);
      // Those that end by themselves alone may do so while one looks.
      const calm = lives(place).filter(({ name, ended }) => !ended && name.includes('-calm-'));
      expect(calm.filter(({ pid }) => !isRunning(pid))).toEqual([]);
      expect(new Set(calm.map(({ name }) => name)).size).toBe(calm.length);
      await last.end({ kind: 'stop', budgetMs: 60_000 });
      expect(lives(place).filter(({ ended }) => !ended)).toEqual([]);
      expect(place.runDirectories()).toEqual([]);
    });
  },
);
