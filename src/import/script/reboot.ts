import { listWords } from '../../base/text.js';
import { exitReasons } from '../../fields/exits.js';
import type { SpecObject } from '../spec-object.js';
import { walk, type Script, type Way } from './explore.js';
import { restartOf, type Turns } from './restart.js';
import type { Command } from './tree.js';
import { TooMuchText, type Assumptions, type Lost, type Run, type Started } from './run.js';

/** What a script does when bhyve has ended. */
interface Reboots {
  /** `reboot_on` and `restart`, where they are not what vmrun does anyway. */
  readonly fields: SpecObject;
  readonly lost: readonly Lost[];
  /** Every way that was followed: what is run, and started, after bhyve has ended is seen there. */
  readonly runs: readonly Run[];
  /** Lines of `sleep` that the spec has, or that are told. */
  readonly pauses: ReadonlySet<number>;
}

/** Each reason with the exit statuses that mean it, as the shell sees them: signal 6 is 134. The first is the usual one. */
const statuses: Readonly<Record<(typeof exitReasons)[number], readonly [number, ...number[]]>> = {
  reboot: [0],
  power_off: [1],
  halt: [2],
  triple_fault: [3],
  error: [4, 64, 71, 100],
  suspend: [5],
  signal: [134, 137, 139, 143],
};

const nameOf = ({ fields }: Started): string | undefined => fields.at(-1)?.text;

/** How many ways the rest of a loop may go that only the host or the user decides. */
const mostTurned = 12;
/** Boots that a loop is followed through: one that goes on has no limit. */
const mostBoots = 300;

/**
 * Finds out for each exit status whether bhyve would be started again, by following the script with it, and how often.
 * Where that depends on something that nobody knows, it is told.
 */
export function rebootsOf(script: Script, main: Way, chosen: Started): Reboots {
  const daemon = chosen.wrappers.find(({ name, words }) => name === 'daemon' && /\s-[a-zA-Z]*[rR]/.test(words));
  if (daemon !== undefined) return { fields: { reboot_on: [...exitReasons] }, lost: [], runs: [], pauses: new Set() };
  const runs: Run[] = [];
  const follow: Follow = (assumptions, statusAt) => {
    const followed = followWith(script, assumptions, chosen, statusAt);
    if (followed !== undefined) runs.push(followed.run);
    return followed;
  };
  const outcomes = exitReasons.map((reason) => ({ reason, ...outcomeOf(follow, main.assumptions, statuses[reason]) }));
  const again = outcomes.filter(({ isAgain }) => isAgain).map(({ reason }) => reason);
  const open = outcomes.filter(({ line }) => line !== undefined);
  const lost = open.length === 0 ? [] : [openWords(open, again)];
  for (const { reason, others } of outcomes) if (others.length > 0) lost.push(mixedWords(chosen, reason, others));
  if (again.length === 0) {
    const isOnce = open.length === 0 && outcomes.every(({ isFollowed }) => isFollowed) && isScript(script, runs);
    if (isOnce) lost.push(onceWords(chosen));
    return { fields: isOnce ? { reboot_on: [] } : {}, lost, runs, pauses: new Set() };
  }
  const turns = again.flatMap((reason) => turnsOf(follow, main.assumptions, reason, () => statuses[reason][0]));
  const isLimited = turns.every(({ boots }) => boots !== undefined);
  const mixed = isLimited
    ? turnsOf(follow, main.assumptions, 'any', (count) => statuses[again[(count - 1) % again.length] ?? 'reboot'][0])
    : [];
  const restart = restartOf(chosen, turns, mixed[0]?.boots);
  const isUsual = again.length === 1 && again[0] === 'reboot';
  return {
    fields: { ...(isUsual ? {} : { reboot_on: again }), ...restart.fields },
    lost: [...lost, ...restart.lost],
    runs,
    pauses: restart.pauses,
  };
}

/** @param statusAt what the boot of that number, from 1, ends with; undefined: the run stops there */
type Follow = (assumptions: Assumptions, statusAt: (count: number) => number | undefined) => Followed | undefined;

interface Outcome {
  readonly isAgain: boolean;
  readonly isFollowed: boolean;
  /** Line of the condition that would turn it, and what would have to be so. */
  readonly line?: number;
  readonly words?: string;
  /** Statuses of the same reason after which it does the opposite. */
  readonly others: readonly number[];
}

const once =
  (status: number) =>
  (count: number): number | undefined =>
    count === 1 ? status : undefined;

function outcomeOf(
  follow: Follow,
  assumptions: Assumptions,
  [status, ...more]: readonly [number, ...number[]],
): Outcome {
  const first = follow(assumptions, once(status));
  if (first === undefined) return { isAgain: false, isFollowed: false, others: [] };
  const { run, starts, decisionsBefore } = first;
  const isAgain = starts.length > 1;
  for (const { line, others } of [...run.decisions.values()].slice(decisionsBefore, decisionsBefore + mostTurned)) {
    for (const { words, assume } of others.slice(0, 4)) {
      const turned = follow(assume(assumptions), once(status));
      if (turned !== undefined && turned.starts.length > 1 !== isAgain) {
        return { isAgain, isFollowed: true, line, words, others: [] };
      }
    }
  }
  const others = more.filter((each) => {
    const followed = follow(assumptions, once(each));
    return followed !== undefined && followed.starts.length > 1 !== isAgain;
  });
  return { isAgain, isFollowed: true, others };
}

/** How often bhyve is started by a loop that always ends it in the same way, and what happens in between. */
function turnsOf(
  follow: Follow,
  assumptions: Assumptions,
  reason: string,
  statusOf: (count: number) => number,
): readonly Turns[] {
  const followed = follow(assumptions, (count) => (count < mostBoots ? statusOf(count) : undefined));
  if (followed === undefined) return [];
  const { run, starts } = followed;
  return [{ reason, run, starts, boots: run.isStopped ? undefined : starts.length }];
}

interface Followed {
  readonly run: Run;
  /** Those of the VM that is imported. */
  readonly starts: readonly Started[];
  /** Conditions from outside before bhyve was started: they are assumed. */
  readonly decisionsBefore: number;
}

function followWith(
  script: Script,
  assumptions: Assumptions,
  chosen: Started,
  statusAt: (count: number) => number | undefined,
): Followed | undefined {
  const isIt = (started: Started): boolean =>
    started.program === 'bhyve' && started.site === chosen.site && nameOf(started) === nameOf(chosen);
  const starts: Started[] = [];
  let last: State | undefined;
  try {
    const run = walk(script, assumptions, (started, before, now) => {
      if (!isIt(started)) return before.filter(({ site }) => site === started.site).length > 64 ? undefined : 0;
      starts.push(started);
      // Where nothing has changed since the boot before, nothing ever will: the loop has no end.
      const state = starts.length > 1 ? stateOf(now) : undefined;
      const isEndless = state !== undefined && last !== undefined && isSame(state, last);
      last = state;
      return isEndless ? undefined : statusAt(starts.length);
    });
    const [first] = starts;
    return first === undefined ? undefined : { run, starts, decisionsBefore: first.decisionsBefore };
  } catch (error) {
    if (error instanceof TooMuchText) return undefined;
    throw error;
  }
}

/** What a loop may count with. */
type State = readonly ReadonlyMap<string, unknown>[];

const stateOf = ({ variables, files, positional }: Run): State => [
  new Map(variables),
  new Map(files),
  new Map(positional.map((text, at) => [String(at), text])),
];

const isSame = (now: State, before: State): boolean =>
  now.every(
    (some, at) => some.size === before[at]?.size && [...some].every(([key, value]) => before[at]?.get(key) === value),
  );

/** More than a command line of bhyve, with its loader and its variables, which says nothing of what follows. */
function isScript({ text, tree }: Script, runs: readonly Run[]): boolean {
  if (text.startsWith('#!')) return true;
  const starters = new Set(runs.flatMap(({ started }) => started.flatMap(({ site, line }) => [site, -line])));
  return !tree.commands.every(isStart);

  function isStart(command: Command): boolean {
    if (command.kind === 'and-or') return [command.first, ...command.rest.map((each) => each.command)].every(isStart);
    if (command.kind !== 'simple') return false;
    return command.words.length === 0 || starters.has(command.id) || starters.has(-command.line);
  }
}

const onceWords = ({ line }: Started): Lost => ({
  line,
  code: 'runs-once',
  message: 'the script starts bhyve once, so that a reboot of the guest is its end, too: the spec has "reboot_on": []',
  fix: 'take "reboot_on" out of the spec to have the VM boot again after a reboot',
});

function mixedWords({ line }: Started, reason: string, others: readonly number[]): Lost {
  return {
    line,
    code: 'reboot-on',
    message: `the script does not treat every exit status of bhyve that means ${reason} alike: ${listWords(others.map(String))} differ${others.length === 1 ? 's' : ''}`,
    fix: 'look at "reboot_on" of the spec, which knows the reason alone',
  };
}

function openWords(open: readonly (Outcome & { readonly reason: string })[], again: readonly string[]): Lost {
  const [{ line = 1, words = '' } = {}] = open;
  const reasons = listWords(open.map(({ reason }) => reason));
  const other = open.every(({ isAgain }) => isAgain) ? 'ends' : 'starts bhyve again';
  const said = again.length === 0 ? 'no "reboot_on"' : `"reboot_on": ${JSON.stringify(again)}`;
  return {
    line,
    code: 'reboot-on',
    message: `after ${reasons} the script ${other} where ${words}, which is known only when it runs; the spec has ${said}`,
    fix: 'look at "reboot_on" of the spec',
  };
}
