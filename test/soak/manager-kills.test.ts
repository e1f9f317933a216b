import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { expect, test } from '@jest/globals';
import type { ManagerEvent } from '../../src/manager/manager-events.js';
import { isRunning, inPlace, until, vmrunCommand, type Place } from '../e2e/support/place.js';
import { addSpec } from '../manager/support.js';
import { eventClient, faultsIn, type EventClient } from '../support/event-client.js';
import { placeApi, puppetManager, socketOf, type PlaceApi, type PuppetManager } from '../support/puppet-manager.js';
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
    // It waits for what nobody writes, and starts nobody who would outlive it.
    '*) [ -p "line.$VMRUN_NAME" ] || mkfifo "line.$VMRUN_NAME"; exec 9<> "line.$VMRUN_NAME"; while :; do read -r never <&9; done ;;',
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

type What = 'start' | 'stop' | 'restart';

/** What was asked for. */
interface Asked {
  /** Of a VM, last, and answered; nothing where the last request was not. */
  readonly wanted: Map<string, 'running' | 'stopped' | undefined>;
  /** How often, answered or not. */
  readonly count: (name: string, ...what: readonly What[]) => number;
  /** Operations that go on, as was answered. */
  readonly operations: Set<string>;
  readonly request: (api: PlaceApi, name: string, what: What) => Promise<void>;
}

function asking(): Asked {
  const wanted: Asked['wanted'] = new Map();
  const operations = new Set<string>();
  const all: (readonly [string, What])[] = [];
  return {
    wanted,
    operations,
    count: (name, ...what) => all.filter((each) => each[0] === name && what.includes(each[1])).length,
    async request(api, name, what) {
      wanted.set(name, undefined);
      all.push([name, what]);
      const { id, state } = await api.request(name, what);
      wanted.set(name, what === 'stop' ? 'stopped' : 'running');
      if (state === 'running') operations.add(id);
    },
  };
}

interface Scene {
  readonly api: PlaceApi;
  readonly names: readonly string[];
  readonly asked: Asked;
  readonly client: EventClient;
  readonly random: () => number;
}

async function liveAndDie(manager: PuppetManager, scene: Scene): Promise<void> {
  const { api, names, asked, client, random } = scene;
  const from = client.events().length;
  const isEarly = random() < 0.3;
  if (!isEarly) await manager.listens;
  if (!isEarly) await until(() => client.events().slice(from).some(isLife) || manager.isOver());
  const timer = pause(random() * (isEarly ? lifeMs.early : lifeMs.up));
  const requests = (async () => {
    await manager.listens;
    for (let count = Math.floor(random() * 8); count > 0; count -= 1) {
      const name = names[Math.floor(random() * names.length)] ?? '';
      const what = (['start', 'stop', 'restart'] as const)[Math.floor(random() * 3)] ?? 'start';
      await asked.request(api, name, what);
      // Some lose their connection though the manager goes on.
      if (random() < 0.3) client.cut();
      await pause(random() * 50);
    }
  })().catch(() => undefined);
  await timer;
  if (manager.isOver()) throw new Error(`it ended by itself:\n${manager.said()}`);
  manager.kill('SIGKILL');
  await manager.ended;
  await requests;
}

/** A bhyve runs, as a manager sees. */
const isLife = (event: ManagerEvent): boolean =>
  event.kind === 'run' && (event.event.kind === 'boot' || event.event.kind === 'adopted');

/** `vmrun events` as JSON, from before the first of all events on. */
function listener(place: Place) {
  const [program = '', ...rest] = vmrunCommand;
  const words = [...rest, 'events', '--json', '--after', 'before-1', '--run-dir', place.runBase];
  const child = spawn(program, words, { cwd: place.folder, stdio: ['ignore', 'pipe', 'ignore'] });
  const events: ManagerEvent[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    events.push(JSON.parse(line) as ManagerEvent);
  });
  const ended = Promise.all([once(child, 'close'), once(lines, 'close')]);
  return {
    events,
    end: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** How guests ended, and what went wrong. */
function toldIn(events: readonly ManagerEvent[], hasBegun: (pid: number) => boolean): readonly string[] {
  const told = new Set<string>();
  const pids = new Map<string, number>();
  for (const event of events) {
    if (event.kind === 'warning') told.add(event.problem.code);
    if (event.kind === 'operation' && event.operation.state === 'failed')
      told.add(JSON.stringify(event.operation.problems));
    if (event.kind !== 'run') continue;
    const of = `${event.id.replace(/-.*/, '')} ${event.vm}`;
    if (event.event.kind === 'boot' || event.event.kind === 'adopted') pids.set(of, event.event.pid);
    if (event.event.kind === 'warning') told.add(event.event.problem.code);
    if (event.event.kind !== 'exit') continue;
    const { end } = event.event;
    // A stop that comes before the script minds SIGTERM ends it as any process.
    const isTooSoon = end.kind === 'killed' && end.signal === 'SIGTERM' && !hasBegun(pids.get(of) ?? 0);
    if (!isTooSoon) told.add(end.kind);
  }
  return [...told].sort();
}

/** Of the files in the folders of state and runs: those of JSON that hold none. */
function halfWritten(place: Place): readonly string[] {
  const folders = [place.path('state-simulated'), `${place.runBase}-simulated`];
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
  );
  return files.filter((file) => {
    if (!file.endsWith('.json')) return false;
    try {
      JSON.parse(readFileSync(file, 'utf8'));
      return false;
    } catch {
      return true;
    }
  });
}

test.each(seeds)(
  `20 VMs outlive ${kills} managers that are killed (%i): none is lost, none runs twice, what is wanted is kept, and clients know what they missed`,
  async (seed) => {
    await inPlace(async (place) => {
      const random = randomNumbers(seed);
      const bhyve = guests(place);
      const names = kinds.flatMap((kind) =>
        Array.from({ length: ofEach }, (_, index) => `${place.name}-${kind}-${index}`),
      );
      const isAutomatic = (name: string): boolean => !name.endsWith('0');
      for (const name of names) {
        addSpec(place, name, { autostart: isAutomatic(name), reboot_on: ['reboot', 'error'], restart: { delay: 0 } });
      }
      const client = eventClient(socketOf(place));
      const [api, asked] = [placeApi(place), asking()];
      // The command wants a manager that answers once.
      const first = puppetManager(place, bhyve);
      await first.listens;
      const command = listener(place);
      await until(() => command.events.length > 0);
      first.kill('SIGKILL');
      await first.ended;
      for (let count = 1; count < kills; count += 1) {
        await liveAndDie(puppetManager(place, bhyve), { api, names, asked, client, random });
        expect(halfWritten(place)).toEqual([]);
      }
      const last = puppetManager(place, bhyve);
      await last.listens;
      await asked.request(api, `${place.name}-powers-off-0`, 'start');
      const hasBegun = (pid: number): boolean =>
        log(place).some(([what, , of]) => what === 'begin' && Number(of) === pid);
      // What is under way comes to its end, each VM is what is wanted of it, and guests end in each of their ways.
      await until(
        async () =>
          toldIn(client.events(), hasBegun).length >= 3 &&
          (await api.vms()).every(({ state, wanted, operation }) => {
            if (operation !== undefined) return false;
            return wanted.state === 'stopped' ? state === 'stopped' : state !== 'stopped' && state !== 'failed';
          }),
      );
      const vms = new Map((await api.vms()).map((vm) => [vm.name, vm]));
      expect([...vms.keys()]).toEqual([...names].sort());
      for (const name of names.filter((each) => each.includes('-calm-'))) {
        const { wanted } = asked;
        const want = wanted.has(name) ? wanted.get(name) : isAutomatic(name) ? 'running' : 'stopped';
        if (want !== undefined) expect([name, vms.get(name)?.wanted.state]).toEqual([name, want]);
      }
      for (const id of asked.operations) {
        expect({ id, state: (await api.operation(id))?.state }).toEqual({
          id,
          state: expect.stringMatching(/^(?:done|interrupted)$/),
        });
      }
      // Those that end by themselves alone may do so while one looks.
      const calm = lives(place).filter(({ name, ended }) => !ended && name.includes('-calm-'));
      expect(calm.filter(({ pid }) => !isRunning(pid))).toEqual([]);
      expect(new Set(calm.map(({ name }) => name)).size).toBe(calm.length);
      last.kill('SIGTERM');
      expect(await last.ended).toBe(0);
      await client.end();
      await command.end();
      expect(log(place).filter(([what]) => what === 'twice')).toEqual([]);
      // Nobody but the guests themselves ended them, and how was known each time.
      for (const events of [client.events(), command.events])
        expect(toldIn(events, hasBegun)).toEqual(['failed', 'powered-off', 'rebooted']);
      // A guest that powered off, whoever was there to see it, is started again by nobody who was not asked to.
      for (const name of names.filter((each) => each.includes('-powers-off-'))) {
        const starts = lives(place).filter((life) => life.name === name).length;
        const most = asked.count(name, 'start', 'restart') + (isAutomatic(name) ? 1 : 0);
        expect({ name, isMore: starts > most }).toEqual({ name, isMore: false });
      }
      expect(client.heard.slice(1).filter(({ after }) => after === undefined)).toEqual([]);
      expect(client.heard.flatMap(({ events, after }) => faultsIn(events, after))).toEqual([]);
      expect(faultsIn(command.events, 'before-1')).toEqual([]);
      expect(lives(place).filter(({ ended }) => !ended)).toEqual([]);
      expect(place.runDirectories()).toEqual([]);
    });
  },
);
