/** As `to.push(...items)`, which ends in a RangeError where there are some hundred thousand. */
export function addAll<Item>(to: Item[], items: Iterable<Item>): void {
  for (const item of items) to.push(item);
}

/** As `Math.max(...numbers)`, of however many; -Infinity of none. */
export function greatest(numbers: Iterable<number>): number {
  let most = -Infinity;
  for (const number of numbers) most = Math.max(most, number);
  return most;
}

/** As `Math.min(...numbers)`, of however many; Infinity of none. */
export function least(numbers: Iterable<number>): number {
  let found = Infinity;
  for (const number of numbers) found = Math.min(found, number);
  return found;
}
