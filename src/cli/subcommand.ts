import type { CommandOutput } from './command-line.js';
import type { Context } from './context.js';

/** A command beside the main form: given its words, does its work. */
interface Subcommand {
  /** @returns the exit code */
  readonly run: (words: readonly string[]) => Promise<number>;
  /** What the words said of colours; undefined before they were read, and where they say nothing. */
  readonly color: () => boolean | undefined;
}

/** @param commands all of them, for those that tell of the others */
export type MakeSubcommand = (context: Context, output: CommandOutput, commands: Commands) => Subcommand;

interface CommandEntry {
  /** For the help of vmrun. */
  readonly summary: string;
  readonly load: () => Promise<MakeSubcommand>;
  /** Those that are typed behind it. */
  readonly commands?: Commands;
}

/** Commands by name. */
export type Commands = Readonly<Record<string, CommandEntry>>;

export interface FoundCommand {
  /** The words of its name. */
  readonly path: readonly string[];
  readonly entry: CommandEntry;
}

/** The command that some words begin with, by as many of them as name one. */
export function findCommand([first = '', ...rest]: readonly string[], commands: Commands): FoundCommand | undefined {
  const entry = Object.hasOwn(commands, first) ? commands[first] : undefined;
  if (entry === undefined) return undefined;
  const behind = findCommand(rest, entry.commands ?? {});
  return { path: [first, ...(behind?.path ?? [])], entry: behind?.entry ?? entry };
}
