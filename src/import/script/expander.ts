import type { Field, Run } from './run.js';
import type { Word } from './tree.js';

/** What the words of a script come to, as far as that is known. */
export interface Expander {
  /** The words of a command: unquoted expansions are split. */
  readonly fields: (run: Run, words: readonly Word[]) => readonly Field[];
  /** A word that is not split. */
  readonly text: (run: Run, word: Word) => string;
  /** A word as a pattern: what is quoted stands for itself. */
  readonly pattern: (run: Run, word: Word) => string;
}
