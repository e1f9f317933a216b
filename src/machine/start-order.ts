import { mostHints, nearestName } from '../base/nearest-name.js';
import { groupBy } from '../base/group-by.js';
import { greatest } from '../base/long-lists.js';
import type { Problem } from '../base/problem.js';
import { listWords, shown } from '../base/text.js';
import { autostartOf, type Autostart } from '../fields/autostart.js';
import type { EffectiveSpec, Spec } from '../spec/parse-spec.js';
import { defaultTarget } from '../spec/targets.js';

/** A VM that is started by itself. */
interface StartStep extends Autostart {
  readonly name: string;
  /** The file of its spec. */
  readonly source: string;
  /** Those of `after` that it does wait for: with `on_failure` it goes without those that are not started. */
  readonly waitsFor: readonly string[];
  /** When it is started: so long after the manager at the earliest, or so long at the latest, if all before it get ready. */
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** A VM that would be started by itself, and is not. */
interface HeldBack {
  readonly name: string;
  readonly source: string;
  /** One of the problems of the order. */
  readonly why: Problem;
}

/** What a manager of many VMs starts by itself, in which order. */
export interface StartOrder {
  /** Those of the first wait for nobody, those of each other for some of the waves before; by name. */
  readonly waves: readonly (readonly StartStep[])[];
  /** Those that somebody has to start, by name. */
  readonly manual: readonly { readonly name: string; readonly source: string }[];
  /** By name. */
  readonly held: readonly HeldBack[];
  /**
   * What is wrong with the specs as a whole, each at its place in the file where it stands: errors for names that no VM has
   * or two have, and for loops; warnings for VMs that wait for one that is not started.
   */
  readonly problems: readonly Problem[];
}

/** What is known of a folder besides the specs that were loaded. */
interface StartOrderOptions {
  /** Names of VMs whose specs have problems: they are not started, and not unknown. */
  readonly broken?: ReadonlySet<string>;
}

/** A VM of the order while it is made. */
interface Node {
  readonly spec: Spec;
  readonly effective: EffectiveSpec;
  readonly autostart: Autostart;
}

/** The order in which VMs start, of their specs alone. The same specs give the same order, however they are listed. */
export function startOrder(specs: readonly Spec[], { broken = new Set() }: StartOrderOptions = {}): StartOrder {
  const nodes = specs.map((spec): Node => {
    const effective = spec.effective(defaultTarget);
    return { spec, effective, autostart: autostartOf(effective.vm) };
  });
  const byName = groupBy(nodes.toSorted(byNameAndFile), ({ spec }) => spec.name);
  const known = new Map([...byName].flatMap(([name, [node]]) => (node === undefined ? [] : [[name, node] as const])));
  const problems: Problem[] = [];
  const held = new Map<string, Problem>();
  const hold = (name: string, problem: Problem): void => {
    problems.push(problem);
    if (!held.has(name)) held.set(name, problem);
  };
  for (const [name, twins] of byName) for (const problem of twinProblems(name, twins)) hold(name, problem);
  for (const [name, node] of known)
    for (const problem of unknownNames(node, known, broken, problems)) hold(name, problem);
  for (const [name, problem] of loops(known)) hold(name, problem);

  const steps = new Map<string, StartStep & { readonly wave: number }>();
  const isAutomatic = (name: string): boolean => known.get(name)?.autostart.isAutomatic === true;
  for (const name of inDependencyOrder(known)) {
    const node = known.get(name);
    if (node === undefined || !node.autostart.isAutomatic || held.has(name)) continue;
    const { after, onFailure } = node.autostart;
    const missing = after.filter((other) => !steps.has(other));
    if (onFailure === 'skip') {
      for (const other of missing) hold(name, waitsInVain(node, other, { isAutomatic: isAutomatic(other), broken }));
    }
    if (held.has(name)) continue;
    steps.set(name, stepOf(node, steps));
  }
  const sorted = [...steps.values()].sort((a, b) => compare(a.name, b.name));
  const waves = groupBy(sorted, ({ wave }) => wave);
  const others = [...known.values()].filter(({ spec }) => !steps.has(spec.name));
  return {
    waves: [...waves.keys()]
      .sort((a, b) => a - b)
      .map((number) => (waves.get(number) ?? []).map(({ wave: _, ...step }) => step)),
    manual: others.filter(({ spec }) => !isAutomatic(spec.name) && !held.has(spec.name)).map(({ spec }) => named(spec)),
    held: others.flatMap(({ spec }) => {
      const why = held.get(spec.name);
      return why === undefined ? [] : [{ ...named(spec), why }];
    }),
    problems,
  };
}

const named = ({ name, source }: Spec) => ({ name, source });

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const byNameAndFile = (a: Node, b: Node): number =>
  compare(a.spec.name, b.spec.name) || compare(a.spec.source, b.spec.source);

/** Where a name stands among those that a VM waits for. */
const pointerTo = ({ effective: { vm } }: Node, name: string): string => {
  const written = typeof vm.autostart === 'object' ? (vm.autostart.after ?? []) : [];
  return `/autostart/after/${written.indexOf(name)}`;
};

function twinProblems(name: string, twins: readonly Node[]): readonly Problem[] {
  if (twins.length < 2) return [];
  return twins.map(({ effective, spec }) =>
    effective.problem({
      code: 'name-taken',
      pointer: '/name',
      message: `the VM ${shown(name)} is also in ${listWords(twins.filter((twin) => twin.spec !== spec).map((twin) => twin.spec.source))}`,
      fix: 'give one of them another name, or remove one of the files',
    }),
  );
}

function unknownNames(
  node: Node,
  known: ReadonlyMap<string, Node>,
  broken: ReadonlySet<string>,
  told: readonly Problem[],
): readonly Problem[] {
  const { after } = node.autostart;
  const unknown = after.filter((name) => !known.has(name) && !broken.has(name));
  return unknown.map((name, index) => {
    const near =
      told.length + index < mostHints
        ? nearestName(
            name,
            [...known.keys(), ...broken].filter((each) => each !== node.spec.name),
          )
        : undefined;
    return node.effective.problem({
      code: 'unknown-vm',
      pointer: pointerTo(node, name),
      message: `there is no VM ${shown(name)} to wait for`,
      fix: near === undefined ? 'name a VM that has a spec here, or take it out' : `did you mean ${shown(near)}?`,
    });
  });
}

function waitsInVain(
  node: Node,
  other: string,
  { isAutomatic, broken }: { readonly isAutomatic: boolean; readonly broken: ReadonlySet<string> },
): Problem {
  const why = broken.has(other)
    ? 'has a spec with problems'
    : isAutomatic
      ? 'is not started'
      : 'is not started by itself';
  return node.effective.problem({
    code: 'autostart-held',
    severity: 'warning',
    pointer: pointerTo(node, other),
    message: `${shown(node.spec.name)} is not started by itself: it waits for ${shown(other)}, which ${why}`,
    fix:
      isAutomatic || broken.has(other)
        ? 'fix that one first, or say "on_failure": "start"'
        : `give ${shown(other)} an "autostart", or say "on_failure": "start"`,
  });
}

function stepOf(
  { spec, autostart }: Node,
  steps: ReadonlyMap<string, StartStep & { readonly wave: number }>,
): StartStep & { readonly wave: number } {
  const before = autostart.after.flatMap((name) => steps.get(name) ?? []);
  const wave = before.length === 0 ? 0 : greatest(before.map((step) => step.wave)) + 1;
  const earliest = before.map(({ earliestMs, ready: { sign } }) => earliestMs + (sign.kind === 'alive' ? sign.ms : 0));
  const latest = before.map(({ latestMs, ready }) => latestMs + ready.timeoutMs);
  return {
    ...named(spec),
    ...autostart,
    waitsFor: before.map(({ name }) => name),
    earliestMs: greatest([0, ...earliest]) + autostart.delayMs,
    latestMs: greatest([0, ...latest]) + autostart.delayMs,
    wave,
  };
}

/** Each VM after all that it waits for; those of a loop, and who waits for one of them, come last. */
function inDependencyOrder(known: ReadonlyMap<string, Node>): readonly string[] {
  const followers = new Map<string, string[]>();
  const open = new Map<string, number>();
  for (const [name, { autostart }] of known) {
    const before = autostart.after.filter((other) => known.has(other));
    open.set(name, before.length);
    for (const other of before) {
      const list = followers.get(other);
      if (list === undefined) followers.set(other, [name]);
      else list.push(name);
    }
  }
  const order = [...known.keys()].filter((name) => open.get(name) === 0);
  // It grows while it is read.
  for (const name of order) {
    for (const follower of followers.get(name) ?? []) {
      const left = (open.get(follower) ?? 0) - 1;
      open.set(follower, left);
      if (left === 0) order.push(follower);
    }
  }
  const done = new Set(order);
  return [...order, ...[...known.keys()].filter((name) => !done.has(name))];
}

/** Each VM of a loop, with what is told in its file; of several loops through it, one. */
function loops(known: ReadonlyMap<string, Node>): ReadonlyMap<string, Problem> {
  const found = new Map<string, Problem>();
  for (const name of known.keys()) {
    if (found.has(name)) continue;
    const way = wayBack(name, known);
    if (way === undefined) continue;
    for (const [at, member] of way.entries()) {
      const node = known.get(member);
      if (node === undefined || found.has(member)) continue;
      const round = [...way.slice(at), ...way.slice(0, at), member];
      const problem = node.effective.problem({
        code: 'autostart-loop',
        pointer: pointerTo(node, round[1] ?? ''),
        message: `${roundWords(round)}: a loop`,
        fix: 'take one of them out of "after"',
      });
      found.set(member, problem);
    }
  }
  return found;
}

/** The shortest way from a VM over those that it waits for back to itself, itself first; undefined: there is none. */
function wayBack(start: string, known: ReadonlyMap<string, Node>): readonly string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const name of queue) {
    for (const next of known.get(name)?.autostart.after ?? []) {
      if (next === start) {
        const way = [name];
        for (let at = name; at !== start;) {
          at = cameFrom.get(at) ?? start;
          way.unshift(at);
        }
        return way;
      }
      if (cameFrom.has(next) || !known.has(next)) continue;
      cameFrom.set(next, name);
      queue.push(next);
    }
  }
  return undefined;
}

/** A long way round is cut: nobody follows it in one line. */
function roundWords(names: readonly string[]): string {
  const words = names.map((name) => shown(name));
  const some = words.length > 12 ? [...words.slice(0, 10), '...', ...words.slice(-1)] : words;
  return some.join(' waits for ');
}
