const maxHostCpu = 1023;

const rangesOf = (set: string): readonly (readonly [first: number, last: number])[] =>
  set.split(',').map((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return [first, last];
  });

/** Why a set of CPUs is none that bhyve takes, or undefined; the schema has checked its form: parse_cpuset. */
export function cpusetError(set: string, max = maxHostCpu): string | undefined {
  for (const [first, last] of rangesOf(set)) {
    if (Math.max(first, last) > max) return `CPU ${Math.max(first, last)} is above ${max}`;
    if (last < first) return `the range ${first}-${last} does not ascend`;
  }
  return undefined;
}

/** The numbers of a set without error. */
export const cpusOf = (set: string): readonly number[] =>
  rangesOf(set).flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
