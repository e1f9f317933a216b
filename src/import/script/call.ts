import type { Expander } from './expander.js';
import type { Field, Flow, Run, Wrapper } from './run.js';
import type { List, Simple } from './tree.js';

/** What the commands of a script need of whoever follows it. */
export interface Tools {
  readonly follow: (run: Run, commands: List) => Flow | undefined;
  readonly expander: Expander;
  readonly inSubshell: (run: Run, walk: () => Flow | undefined) => Flow | undefined;
  /** The words of the command are, or may be, those that the script is called with. */
  readonly takesArguments: boolean;
  /** Variables of this command alone. */
  readonly environment: readonly (readonly [string, string])[];
}

/** A command that is followed. */
export interface Call {
  readonly run: Run;
  readonly command: Simple;
  readonly fields: readonly Field[];
  readonly tools: Tools;
  readonly wrappers: readonly Wrapper[];
}
