import type { CommandOutput } from './command-line.js';
import type { Context } from './context.js';

/** A command beside the main form: given its words, does its work. */
export interface Subcommand {
  /** @returns the exit code */
  readonly run: (words: readonly string[]) => Promise<number>;
  /** What the words said of colours; undefined before they were read, and where they say nothing. */
  readonly color: () => boolean | undefined;
}

/** @param commands all of them, for those that tell of the others */
export type MakeSubcommand = (context: Context, output: CommandOutput, commands: Commands) => Subcommand;

/** Commands by name. */
export type Commands = Readonly<
  Record<
    string,
    {
      /** For the help of vmrun. */
      readonly summary: string;
      readonly load: () => Promise<MakeSubcommand>;
    }
  >
>;
