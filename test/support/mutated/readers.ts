import { bhyveReaders } from './bhyve-readers.js';
import { hostReaders } from './host-readers.js';
import { importReaders } from './import-readers.js';
import type { Readers } from './reader.js';
import { specReaders } from './spec-readers.js';

/** All of vmrun that reads text of others. */
export const readers: Readers = { ...specReaders, ...importReaders, ...bhyveReaders, ...hostReaders };

/** How many of so many texts each gets. */
export async function sharesOf(inputs: number): Promise<ReadonlyMap<string, number>> {
  const shares = await Promise.all(
    Object.entries(readers).map(async ([what, make]) => [what, (await make()).share] as const),
  );
  const all = shares.reduce((sum, [, share]) => sum + share, 0);
  return new Map(shares.map(([what, share]) => [what, Math.ceil((inputs * share) / all)]));
}
