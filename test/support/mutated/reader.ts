import { mostProblems, type Problem } from '../../../src/base/problem.js';
import { jsonMutator } from './json-mutations.js';
import { drawsFrom, mutator } from './mutations.js';

/** What a reader makes of a text. */
export interface Told {
  readonly problems: readonly Problem[];
  /** What else came of it, in a word. */
  readonly outcome: string;
}

/** Something of vmrun that reads text of others. */
export interface Reader {
  readonly seeds: readonly string[];
  /** How many of the texts it gets, beside the others: some take longer. */
  readonly share: number;
  readonly read: (text: string) => Told | Promise<Told>;
}

export type Readers = Readonly<Record<string, () => Reader | Promise<Reader>>>;

export const nothingTold = (outcome: unknown): Told => ({ problems: [], outcome: String(outcome).slice(0, 40) });

/** Texts that led to something new are changed further, unless they have grown long: those take the time of many. */
const mostKept = 400;
const longestKept = 8000;

/**
 * Gives a reader so many texts that are near its seeds.
 * @returns how many outcomes there were
 * @throws Error with the text, where the reader throws or tells of endless problems
 */
export async function readMutated({ seeds, read }: Reader, total: number, seed: number): Promise<number> {
  if (seeds.length === 0) throw new Error('there is nothing to change');
  const draw = drawsFrom(seed);
  const change = mutator(draw, seeds);
  const changeJson = jsonMutator(draw, seeds);
  const pool = [...seeds];
  const seen = new Set<string>();
  const one = (): string => pool[draw(pool.length)] ?? '';
  for (let count = 0; count < total; count += 1) {
    // Some are read as they are: what is right leads further than what is nearly so.
    const which = draw(8);
    const whole = which < 4 ? one() : undefined;
    const text = (which === 0 ? whole : whole === undefined ? undefined : changeJson(whole)) ?? change(one(), one());
    const { problems, outcome } = await readOrThrow(read, text);
    if (problems.length > mostProblems + 2) throw new Error(`${problems.length} problems of ${JSON.stringify(text)}`);
    const signature = [outcome, ...new Set(problems.map(({ code }) => code))].sort().join();
    if (seen.has(signature) || seen.size >= mostKept) continue;
    seen.add(signature);
    if (text.length <= longestKept) pool.push(text);
  }
  return seen.size;
}

async function readOrThrow(read: Reader['read'], text: string): Promise<Told> {
  try {
    return await read(text);
  } catch (error) {
    throw new Error(`of ${JSON.stringify(text)}`, { cause: error });
  }
}
