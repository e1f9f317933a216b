import { addAll, greatest } from '../base/long-lists.js';
import { destinationOf, type BootGraph, type BootTarget } from './boot-graph.js';

const maxColumns = 4;
/** More targets than this in a column on average, and there is a column more. */
const cardsInColumn = 5;

/** The targets by their place in the graph, as columns from left to right, each from top to bottom. */
export type Columns = readonly (readonly number[])[];

/** Places of the targets that follow each target. */
const followersOf = (targets: readonly BootTarget[]): readonly (readonly number[])[] => {
  const index = new Map(targets.map(({ name }, at) => [name, at]));
  return targets.map(({ exits }) => exits.flatMap((exit) => index.get(destinationOf(exit) ?? '') ?? []));
};

/**
 * Columns by how many boots a target is from the first; a chain that is longer than the picture may be wide is folded,
 * so that neighbours share a column. What is not reached fills up the columns below.
 */
export function bootColumns({ start, targets }: BootGraph): Columns {
  const following = followersOf(targets);
  const first = targets.findIndex(({ name }) => name === start);
  const depth = new Map([[first, 0]]);
  for (const [card, boots] of depth) {
    for (const next of following[card] ?? []) if (!depth.has(next)) depth.set(next, boots + 1);
  }
  const depths = greatest(depth.values()) + 1;
  const count = Math.min(maxColumns, Math.max(depths, Math.ceil(targets.length / cardsInColumn)));
  const columns: number[][] = Array.from({ length: count }, () => []);
  for (const [card, boots] of depth) {
    columns[depths > count ? Math.floor((boots * count) / depths) : boots]?.push(card);
  }
  const rows = (cards: readonly number[]): number =>
    cards.reduce((sum, card) => sum + (targets[card]?.exits.length ?? 0) + 2, 0);
  const share = rows(targets.map((_, card) => card)) / count;
  let at = 0;
  for (const card of unreachedInOrder(targets, following)) {
    while (at < count - 1 && rows(columns[at] ?? []) >= share) at += 1;
    columns[at]?.push(card);
  }
  return columns;
}

/** Those that no run comes to, each followed by what it leads to, so that a chain stays together. */
function unreachedInOrder(targets: readonly BootTarget[], following: readonly (readonly number[])[]): Iterable<number> {
  const others = targets.flatMap(({ isReached }, card) => (isReached ? [] : [card]));
  const next = (card: number): readonly number[] =>
    (following[card] ?? []).filter((to) => to !== card && targets[to]?.isReached === false);
  const followers = new Set(others.flatMap(next));
  // Into a loop nobody leads but itself: it begins where the spec does.
  const roots = [...others.filter((card) => !followers.has(card)), ...others.filter((card) => followers.has(card))];
  const order = new Set<number>();
  const stack = roots.toReversed();
  for (let card = stack.pop(); card !== undefined; card = stack.pop()) {
    if (order.has(card)) continue;
    order.add(card);
    addAll(stack, next(card).toReversed());
  }
  return order;
}
