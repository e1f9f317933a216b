import type { Waits } from './start-order.js';

/**
 * How long a chain of stops takes at most that begins with each VM: it, and then those it waits for, which are stopped
 * after it. What is to be done within a budget is divided along that.
 * @param needs how long each may take by itself; VMs that are not in it are not stopped
 */
export function longestChains(waits: Waits, needs: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const chains = new Map<string, number>();
  const length = (name: string, path: ReadonlySet<string>): number => {
    const known = chains.get(name);
    if (known !== undefined) return known;
    let rest = 0;
    for (const next of waits.get(name) ?? []) {
      if (needs.has(next) && !path.has(next)) rest = Math.max(rest, length(next, new Set([...path, next])));
    }
    const whole = (needs.get(name) ?? 0) + rest;
    chains.set(name, whole);
    return whole;
  };
  for (const name of needs.keys()) length(name, new Set([name]));
  return chains;
}
