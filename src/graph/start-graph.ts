import { groupBy } from '../base/group-by.js';
import { greatest } from '../base/long-lists.js';
import { autostartOf, type Autostart } from '../fields/autostart.js';
import type { StartOrder } from '../machine/start-order.js';
import { readyWords, waitWords } from '../machine/start-words.js';
import type { Spec } from '../spec/parse-spec.js';
import { defaultTarget } from '../spec/targets.js';

/** What becomes of a VM when its manager starts. */
type StartKind =
  /** It is started by itself. */
  | 'automatic'
  /** Somebody has to start it. */
  | 'manual'
  /** It would start by itself, and something is wrong. */
  | 'held'
  /** Others wait for it, and it has no spec here, or one with problems. */
  | 'absent';

/** A VM in the picture of a folder. */
export interface StartVm {
  readonly name: string;
  readonly kind: StartKind;
  /** What is said of it besides: when it is started, when it is ready, or why it is not started. */
  readonly words: readonly string[];
  /** It is right of all that it waits for, but for those of a loop. From 0. */
  readonly column: number;
  readonly waitsFor: readonly StartWait[];
}

/** Who waits for whom: an edge. */
interface StartWait {
  readonly name: string;
  /** It is started all the same where the other one is not ready. */
  readonly isLoose: boolean;
  /** The one that is waited for comes later, as in a loop. */
  readonly isBack: boolean;
}

/** The VMs of a folder and who waits for whom. */
export interface StartGraph {
  /** Of the folder. */
  readonly name: string;
  /** By column, in each by name. */
  readonly vms: readonly StartVm[];
}

/** @param specs those that the order was made of */
export function startGraph(folder: string, specs: readonly Spec[], order: StartOrder): StartGraph {
  const autostarts = new Map(specs.map((spec) => [spec.name, autostartOf(spec.effective(defaultTarget).vm)] as const));
  const columns = columnsOf(autostarts);
  const steps = new Map(order.waves.flat().map((step) => [step.name, step]));
  const held = new Map(order.held.map(({ name, why }) => [name, why]));
  const kindOf = (name: string): StartKind => {
    if (!autostarts.has(name)) return 'absent';
    return steps.has(name) ? 'automatic' : held.has(name) ? 'held' : 'manual';
  };
  const wordsOf = (name: string, { ready }: Autostart): readonly string[] => {
    const step = steps.get(name);
    const why = held.get(name);
    if (why !== undefined) return [why.message];
    const when = step === undefined ? 'started by hand' : waitWords(step.waitsFor, step);
    return [when, `ready ${readyWords(ready.sign)}`];
  };
  const vms = [...columns].map(([name, column]): StartVm => {
    const autostart = autostarts.get(name);
    return {
      name,
      kind: kindOf(name),
      words: autostart === undefined ? ['no spec here, or one with problems'] : wordsOf(name, autostart),
      column,
      waitsFor: (autostart?.after ?? []).map((other) => ({
        name: other,
        isLoose: autostart?.onFailure === 'start',
        isBack: (columns.get(other) ?? 0) >= column,
      })),
    };
  });
  return {
    name: folder,
    vms: vms.sort((a, b) => a.column - b.column || (a.name < b.name ? -1 : 1)),
  };
}

/** Each VM one column to the right of the last that it waits for; in a loop, of those that come first by name. */
function columnsOf(autostarts: ReadonlyMap<string, Autostart>): ReadonlyMap<string, number> {
  const after = new Map<string, readonly string[]>([...autostarts].map(([name, { after: names }]) => [name, names]));
  for (const names of [...after.values()]) for (const name of names) if (!after.has(name)) after.set(name, []);
  const followers = groupBy(
    [...after].flatMap(([name, names]) => names.map((before) => ({ before, name }))),
    ({ before }) => before,
  );
  const open = new Map([...after].map(([name, names]) => [name, new Set(names)] as const));
  const columns = new Map<string, number>();
  const names = [...after.keys()].sort();
  let from = 0;
  while (columns.size < names.length) {
    let queue = names.filter((name) => !columns.has(name) && open.get(name)?.size === 0);
    if (queue.length === 0) {
      // All that is left waits for a loop: the first by name is put as if it did not wait.
      while (columns.has(names[from] ?? '')) from += 1;
      queue = [names[from] ?? ''];
    }
    for (const name of queue) {
      const before = (after.get(name) ?? []).flatMap((other) => columns.get(other) ?? []);
      columns.set(name, greatest([-1, ...before]) + 1);
      for (const { name: follower } of followers.get(name) ?? []) {
        const left = open.get(follower);
        left?.delete(name);
        if (left?.size === 0 && !columns.has(follower)) queue.push(follower);
      }
    }
  }
  return columns;
}

/** All that a node says in one line. */
export const startLabel = ({ name, words }: StartVm): string => `${name}: ${words.join(', ')}`;

/** The same as a sentence: `web waits for db and cache: started after db and cache, ready when …`. */
export function startSentence({ name, words, waitsFor }: StartVm): string {
  const waits = waitsFor.length === 0 ? '' : ` waits for ${waitsFor.map((each) => each.name).join(', ')}`;
  return `${name}${waits}: ${words.join(', ')}`;
}
