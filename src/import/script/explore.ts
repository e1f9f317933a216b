import { least } from '../../base/long-lists.js';
import path from 'node:path';
import { evaluateText } from './evaluate-text.js';
import { dialectOf } from './dialect.js';
import { expander, follow } from './evaluate.js';
import { flat } from './flat.js';
import { guardsOf } from './guards.js';
import { createRun, plainCall, TooMuchText, type Assumptions, type Choice, type Run } from './run.js';
import type { Decision, Field, Started, Texts } from './run.js';
import { newIds } from './cursor.js';
import { createSymbols, type Symbols } from './symbols.js';
import type { Tree } from './tree.js';

/** One way through the script, with what led there. */
export interface Way {
  readonly run: Run;
  readonly assumptions: Assumptions;
  /** The way that it branches off; undefined: the call without arguments. */
  readonly from?: Way;
  readonly choice?: Choice;
  readonly decision?: Decision;
  /** Two conditions are turned that were turned one by one before. */
  readonly isPair?: boolean;
  /** How many conditions go another way than in a call without arguments. */
  readonly depth: number;
}

export interface Script {
  readonly tree: Tree;
  readonly text: string;
  readonly readFile: (path: string) => string | undefined;
  readonly folder: string;
  /** The script's own name; undefined: standard input. */
  readonly name: string | undefined;
  readonly symbols: Symbols;
  readonly texts: Texts;
  readonly commented: ReadonlyMap<string, number>;
  /** Functions that nobody calls are followed as well. */
  readonly callsAll?: boolean;
}

export const newScript = (given: Omit<Script, 'symbols' | 'texts' | 'commented'>): Script => ({
  ...given,
  symbols: createSymbols(),
  // Beyond the numbers of the script's own commands.
  texts: { ids: newIds(1_000_000), read: new Map() },
  commented: commentedNames(given.text),
});

/** `#NET="-s 4,virtio-net,tap0"`: the usual way to switch a part off. */
function commentedNames(text: string): ReadonlyMap<string, number> {
  const names = new Map<string, number>();
  text.split('\n').forEach((line, index) => {
    const name = /^\s*#\s*(?:(?:export|set|setenv)\s+)?([A-Za-z_]\w*)\s*=/.exec(line)?.[1];
    if (name !== undefined) names.set(name, index + 1);
  });
  return names;
}

/** What all ways through a script may cost together. */
const mostWays = 400;
const mostPairs = 100;
const mostStepsTogether = 60_000;

const key = ({ branches, values, given }: Assumptions): string =>
  JSON.stringify([[...branches].sort(), [...values].sort(), [...given].sort()]);

/** @param statusOf what bhyve ends with; by default it powers off */
export function walk(
  script: Script,
  assumptions: Assumptions,
  statusOf: Run['statusOf'] = endless,
  go: typeof follow = follow,
): Run {
  const { tree, symbols, readFile, folder, name, text } = script;
  const run = createRun({
    symbols,
    commands: tree.commands,
    assumptions,
    assigned: tree.assigned,
    commented: script.commented,
    texts: script.texts,
    readFile,
    scriptPath: name === undefined ? undefined : path.posix.join(folder, path.posix.basename(name)),
    folder,
    dialect: dialectOf(text),
    statusOf,
  });
  const flow = go(run, tree.commands);
  run.isStopped = flow?.kind === 'stop';
  if (flow?.kind !== 'stop') {
    if (script.callsAll === true && !run.started.some(({ program }) => program === 'bhyve')) callWhatNobodyCalls(run);
    for (const trap of run.traps.splice(0)) afterwards(run, trap);
  }
  return run;
}

/** A script of functions, which others call: each that starts a VM is followed. */
function callWhatNobodyCalls(run: Run): void {
  for (const [name, body] of run.functions) {
    if (run.called.has(name)) continue;
    const count = run.started.length;
    const flow = follow(run, [body]);
    if (run.started.length > count || flow?.kind === 'stop') return;
  }
}

function afterwards(run: Run, { text, line }: Field): void {
  const nothing = { id: 0, kind: 'simple', line, source: text, assignments: [], words: [], redirects: [] } as const;
  evaluateText(
    {
      run,
      command: nothing,
      fields: [],
      tools: {
        follow,
        expander,
        inSubshell: (_run, go) => go(),
        takesArguments: false,
        environment: [],
      },
      wrappers: [],
    },
    text,
  );
}

/** The first start reboots, and the same one again ends the run: what follows in between, and at the end, is seen. */
const endless: Run['statusOf'] = (started, before) => {
  const same = before.filter(({ site, program }) => site === started.site && program === 'bhyve');
  const twins = same.filter((each) => wordsOf(each) === wordsOf(started));
  return same.length > 64 || twins.length > 1 ? undefined : same.length > 0 ? 1 : 0;
};

const wordsOf = ({ fields }: Started): string => fields.map(({ text }) => text).join('\n');

type Explored =
  | { readonly ok: true; readonly ways: readonly Way[] }
  | { readonly ok: false; readonly line: number; readonly message: string };

/**
 * All ways through a script that differ in what comes from outside: the call without arguments first, then each
 * condition on it turned, one at a time, and those that only come up then. So it costs a walk for each condition.
 * @param isEnough whether nobody asks for more ways than those up to this one
 */
export function explore(script: Script, isEnough: (way: Way) => boolean = () => false): Explored {
  const ways: Way[] = [];
  const seen = new Set<string>();
  const queue: Omit<Way, 'run'>[] = [{ assumptions: plainCall, depth: 0 }];
  const pairs: Omit<Way, 'run'>[] = [];
  let steps = 0;
  try {
    for (const next of inTurn(queue, pairs)) {
      if (ways.length >= mostWays || steps > mostStepsTogether) break;
      const id = key(next.assumptions);
      if (seen.has(id)) continue;
      seen.add(id);
      const way: Way = { ...next, run: walk(script, next.assumptions) };
      steps += way.run.steps;
      ways.push(way);
      if (isEnough(way)) break;
      for (const decision of way.run.decisions.values()) {
        if (decision.isSearch === true && ways.some((each) => startsOf(each).length > 0)) continue;
        const isPair = next.from?.run.decisions.has(decision.site) === true;
        if (next.isPair === true || (isPair && decision.isSearch === true)) continue;
        for (const choice of decision.others) {
          const [list, most] = isPair ? [pairs, mostPairs] : [queue, mostWays];
          if (list.length >= most) break;
          list.push({
            isPair,
            assumptions: choice.assume(next.assumptions),
            from: way,
            choice,
            decision,
            depth: next.depth + 1,
          });
        }
      }
    }
  } catch (error) {
    if (error instanceof TooMuchText) return { ok: false, line: error.line, message: error.message };
    throw error;
  }
  if (ways.some((way) => startsOf(way).length > 0)) return { ok: true, ways };
  if (script.callsAll !== true) return explore({ ...script, callsAll: true }, isEnough);
  return { ok: true, ways: [...ways, ...asItStands(script)] };
}

/** Conditions that are turned together, and ways to do so. */
const mostJoint = 8;
const mostJointWays = 16;

/**
 * Ways on which all conditions are turned together that a line depends on. One at a time, or two, may not bring about
 * what three do.
 * @param main the way that they branch off
 */
export function jointWays(
  script: Script,
  { ways, main }: { ways: readonly Way[]; main: Way },
  line: number,
): readonly Way[] {
  const guards = guardsOf(script.tree.commands, line);
  // A condition as it was met first: later ways have turned it already.
  const known = new Map([...ways].reverse().flatMap(({ run }) => [...run.decisions]));
  const decisions = [...known.values()]
    .filter(({ site }) => guards.has(site))
    .sort((a, b) => a.line - b.line)
    .slice(0, mostJoint);
  const [first] = decisions;
  if (first === undefined || decisions.length < 2) return [];
  let combined: readonly (readonly Choice[])[] = [[]];
  for (const { others } of decisions) {
    combined = combined.flatMap((some) => others.map((choice) => [...some, choice])).slice(0, mostJointWays);
  }
  return combined.flatMap((choices): readonly Way[] => {
    const assume: Choice['assume'] = (before) => choices.reduce((now, choice) => choice.assume(now), before);
    const assumptions = assume(main.assumptions);
    try {
      const run = walk(script, assumptions);
      const choice = { words: choices.map(({ words }) => words).join(' and '), assume };
      return [
        { run, assumptions, from: main, choice, decision: { ...first, line }, isPair: true, depth: decisions.length },
      ];
    } catch (error) {
      if (error instanceof TooMuchText) return [];
      throw error;
    }
  });
}

/** Pairs only after all others, and not too many. */
function* inTurn<Next>(queue: readonly Next[], pairs: readonly Next[]): Generator<Next> {
  yield* queue;
  yield* pairs;
}

/** Where no way comes to bhyve, every command counts. */
function asItStands(script: Script): readonly Way[] {
  const run = walk(
    { ...script, tree: { ...script.tree, commands: flat(script.tree.commands) } },
    plainCall,
    () => 0,
    (one, commands) => {
      for (const command of commands) if (follow(one, [command])?.kind === 'stop') break;
      return undefined;
    },
  );
  return [{ run, assumptions: plainCall, depth: 0 }];
}

export const startsOf = ({ run }: Way): readonly Started[] => run.started.filter(({ program }) => program === 'bhyve');

/** Words that name the usual start of a VM, where a script wants to be told what to do. */
const rankOf = ({ choice }: Way): number => {
  const value = choice?.value?.replace(/^-+/, '');
  if (value === undefined) return 1;
  if (/^(start|run|boot|up|on|go|disk|normal)$/i.test(value)) return 0;
  return isInstaller(value) ? 2 : 1;
};

const isInstaller = (value: string): boolean => /^(install|setup|iso|cd|cdrom|installer|create|i)$/i.test(value);

/** The way whose VM is imported: that of a plain call, or else the nearest one that starts a VM. */
export function mainWay(ways: readonly Way[]): Way | undefined {
  const starting = ways.filter((way) => startsOf(way).length > 0);
  const depth = least(starting.map((way) => way.depth));
  const near = starting.filter((way) => way.depth === depth);
  return near.sort((a, b) => rankOf(a) - rankOf(b))[0];
}
