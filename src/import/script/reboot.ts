import { listWords } from '../../base/text.js';
import { exitReasons } from '../../spec/vm-spec.js';
import { walk, type Script, type Way } from './explore.js';
import { TooMuchText, type Assumptions, type Lost, type Run, type Started } from './run.js';

/** What a script makes of the exit status of bhyve. */
export interface Reboots {
  /** Reasons after which it starts bhyve again; undefined: it never does, or does what vmrun does anyway. */
  readonly reasons?: readonly string[];
  readonly lost: readonly Lost[];
}

/** Each reason with a status of bhyve that means it, as the shell sees it: signal 6 is 134. */
const statuses = [
  ...exitReasons.slice(0, 5).map((reason, status) => ({ reason, status })),
  { reason: 'signal', status: 134 },
] as const;

const nameOf = ({ fields }: Started): string | undefined => fields.at(-1)?.text;

/** How many ways the rest of a loop may go that only the host or the user decides. */
const mostTurned = 12;

/**
 * Finds out for each exit status whether bhyve would be started again, by following the script with it. Where that
 * hangs on something that nobody knows, it is told.
 */
export function rebootsOf(script: Script, main: Way, chosen: Started): Reboots {
  const daemon = chosen.wrappers.find(({ name, words }) => name === 'daemon' && /\s-[a-zA-Z]*[rR]/.test(words));
  if (daemon !== undefined) return { reasons: statuses.map(({ reason }) => reason), lost: [] };
  const outcomes = statuses.map(({ reason, status }) => ({
    reason,
    ...outcomeOf(script, main.assumptions, chosen, status),
  }));
  const again = outcomes.filter(({ isAgain }) => isAgain).map(({ reason }) => reason);
  const open = outcomes.filter(({ line }) => line !== undefined);
  const lost = open.length === 0 ? [] : [openWords(open, again)];
  const isUsual = again.length === 1 && again[0] === 'reboot';
  return again.length === 0 || isUsual ? { lost } : { reasons: again, lost };
}

interface Outcome {
  readonly isAgain: boolean;
  /** Line of the condition that would turn it, and what would have to be so. */
  readonly line?: number;
  readonly words?: string;
}

function outcomeOf(script: Script, assumptions: Assumptions, chosen: Started, status: number): Outcome {
  const first = follow(script, assumptions, chosen, status);
  if (first === undefined) return { isAgain: false };
  const { run, isAgain, decisionsBefore } = first;
  for (const { line, others } of [...run.decisions.values()].slice(decisionsBefore, decisionsBefore + mostTurned)) {
    for (const { words, assume } of others.slice(0, 4)) {
      const turned = follow(script, assume(assumptions), chosen, status);
      if (turned !== undefined && turned.isAgain !== isAgain) return { isAgain, line, words };
    }
  }
  return { isAgain };
}

interface Followed {
  readonly run: Run;
  readonly isAgain: boolean;
  /** Conditions from outside before bhyve was started: they are assumed. */
  readonly decisionsBefore: number;
}

function follow(script: Script, assumptions: Assumptions, chosen: Started, status: number): Followed | undefined {
  const isIt = (started: Started): boolean =>
    started.program === 'bhyve' && started.site === chosen.site && nameOf(started) === nameOf(chosen);
  try {
    const run = walk(script, assumptions, (started, before) => {
      if (!isIt(started)) return before.filter(({ site }) => site === started.site).length > 64 ? undefined : 0;
      return before.some(isIt) ? undefined : status;
    });
    const starts = run.started.filter(isIt);
    if (starts.length === 0) return undefined;
    return { run, isAgain: starts.length > 1, decisionsBefore: starts[0]?.decisionsBefore ?? 0 };
  } catch (error) {
    if (error instanceof TooMuchText) return undefined;
    throw error;
  }
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
