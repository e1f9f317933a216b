import type { ExitReason } from '../fields/exits.js';
import type { SpecFormat } from '../spec/parse-spec.js';

export const printFormats = ['shell', 'lines', 'json', 'config'] as const;
export type PrintFormat = (typeof printFormats)[number];

/** Whose exit status a run has: that of bhyve, or what a supervisor of services understands. */
export const exitStatuses = ['bhyve', 'service'] as const;
type ExitStatus = (typeof exitStatuses)[number];

/** The command line, read and checked. */
export interface CliOptions {
  readonly config: string;
  readonly target: string | undefined;
  readonly inputFormat: SpecFormat | undefined;
  /** A lock file; false: none. Undefined: the one beside the spec. */
  readonly lock: string | boolean | undefined;
  readonly dryRun: boolean;
  readonly format: PrintFormat;
  readonly debug: boolean;
  readonly reboot: boolean;
  readonly rebootCount: number | undefined;
  readonly rebootOn: readonly ExitReason[] | undefined;
  readonly force: boolean;
  /** Take over the bhyve of a supervisor that was killed. */
  readonly adopt: boolean;
  readonly recover: boolean;
  readonly pidFile: string | undefined;
  readonly supervisorPidFile: string | undefined;
  readonly panicOnFailedCleanup: boolean;
  readonly requirementCheck: boolean;
  /** What others can write is an error, not a warning. */
  readonly strict: boolean;
  /** The script to play; `''`: the simulator's own choice. Undefined: the real bhyve. */
  readonly simulate: string | undefined;
  readonly bhyve: string | undefined;
  readonly runDir: string | undefined;
  /** A file, or `-` for stderr. */
  readonly events: string | undefined;
  /** A file for all that a run says, or `-` for stderr. */
  readonly log: string | undefined;
  /** A file for the bytes of the guest's console. */
  readonly consoleLog: string | undefined;
  /** Undefined: bhyve's. */
  readonly exitStatus: ExitStatus | undefined;
  readonly color: boolean | undefined;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** What follows `--`. */
  readonly bhyveArguments: readonly string[];
}
