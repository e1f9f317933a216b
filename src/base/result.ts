import type { Problem } from './problem.js';

/** What a calculation over user input gives: its value, or every problem found. Warnings come with either. */
export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export const success = <T>(value: T, warnings: readonly Problem[] = []): Result<T> => ({ ok: true, value, warnings });

export const failure = (problems: readonly Problem[]): Result<never> => ({ ok: false, problems });
