/** Of more misspelt words than these, nobody needs a hint for each: it takes a look at every name. */
export const mostHints = 10;

/** Longer words are no slips of a finger, and comparing two takes the product of their lengths. */
const longestWord = 40;
/** Of so many, the first are compared. */
const mostCandidates = 1000;

/**
 * The candidate that a misspelt word most likely meant, or undefined where none is close: at most a third of its
 * letters may differ (an insertion, a deletion, a replacement, or two neighbours swapped counts as one), one of two, and not the only one.
 */
export function nearestName(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > longestWord) return undefined;
  let best: string | undefined;
  let compared = 0;
  let bestDistance = Math.min(word.length, Math.floor(Math.max(word.length, 3) / 3) + 1);
  for (const candidate of candidates) {
    compared += 1;
    if (compared > mostCandidates) break;
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Optimal string alignment distance. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        value = Math.min(value, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(value);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
