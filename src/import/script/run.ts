import { greatest } from '../../base/long-lists.js';
import type { Ids } from './cursor.js';
import type { Command, List, Parsed } from './tree.js';
import { hasSymbol, symbolsIn, type Symbols } from './symbols.js';

/** One word of a command with its variables in their places. */
export interface Field {
  readonly text: string;
  readonly line: number;
}

/** What is assumed of that which only the caller, or the host, knows. */
export interface Assumptions {
  /** Which way a condition goes, by its number. */
  readonly branches: ReadonlyMap<number, number>;
  /** Arguments and variables from outside with their value. */
  readonly values: ReadonlyMap<string, string>;
  /** Arguments and variables from outside that are given, with a value that nobody knows. */
  readonly given: ReadonlySet<string>;
}

export const plainCall: Assumptions = { branches: new Map(), values: new Map(), given: new Set() };

/** Another way that a condition may go. */
export interface Choice {
  /** What has to be so: `$1 is "install"`. */
  readonly words: string;
  /** The value that decides it. */
  readonly value?: string;
  readonly assume: (before: Assumptions) => Assumptions;
}

/** A condition that went one way, and could have gone another. */
export interface Decision {
  readonly site: number;
  readonly line: number;
  readonly others: readonly Choice[];
  /** Tried only as long as nothing starts a VM. */
  readonly isSearch?: boolean;
}

export const toBranch = (site: number, branch: number, words: string): Choice => ({
  words,
  assume: (before) => ({ ...before, branches: new Map([...before.branches, [site, branch]]) }),
});

export const toValue = (input: string, value: string, words: string): Choice => ({
  words,
  value,
  assume: (before) => ({
    ...before,
    values: new Map([...before.values, [input, value]]),
    given: new Set([...before.given].filter((each) => each !== input)),
  }),
});

export const toGiven = (inputs: readonly string[], words: string): Choice => ({
  words,
  assume: (before) => ({
    ...before,
    given: new Set([...before.given, ...inputs.filter((input) => !before.values.has(input))]),
  }),
});

/** A program that starts another one, and changes how that runs. */
export interface Wrapper {
  readonly name: string;
  /** As it is written, without the program that it starts. */
  readonly words: string;
  readonly line: number;
}

export type ProgramName = 'bhyve' | 'bhyveload' | 'grub-bhyve';

/** A start of bhyve, or of a loader. */
export interface Started {
  readonly program: ProgramName;
  /** The number of the command in the script. */
  readonly site: number;
  readonly line: number;
  /** Without the program. */
  readonly fields: readonly Field[];
  readonly wrappers: readonly Wrapper[];
  /** Text of standard input; undefined: nobody knows, or none. */
  readonly inputText?: string;
  readonly inputFile?: string;
  /** File that its output goes to. */
  readonly outputFile?: string;
  /** File that its error messages go to. */
  readonly errorFile?: string;
  /** `"$@"` stands in it, which is nothing in a call without arguments. */
  readonly takesArguments: boolean;
  readonly directory: string | undefined;
  readonly directoryLine: number | undefined;
  /** Variables that are not set, in its words. */
  readonly holes: readonly { readonly source: string; readonly line: number; readonly token: string }[];
  readonly emptyValues: readonly EmptyValue[];
  /** Files that `-k` names, as they were then; undefined: the script has not written it. */
  readonly configs: ReadonlyMap<string, string | undefined>;
  readonly changedConfigs: readonly { readonly file: string; readonly line: number; readonly name: string }[];
  /** How many conditions from outside had been met. */
  readonly decisionsBefore: number;
}

/** `-m $M`, where $M comes to nothing. */
export interface EmptyValue {
  readonly option: string;
  readonly source: string;
  readonly line: number;
}

/** A command that does something else. */
export interface Ran {
  readonly line: number;
  readonly fields: readonly Field[];
  /** How many programs had been started before it. */
  readonly after: number;
  /** It runs in the background: nothing waits for it. */
  readonly isAside: boolean;
  /** bhyve runs in the background meanwhile. */
  readonly isBeside: boolean;
}

type Status =
  | { readonly kind: 'known'; readonly code: number }
  | {
      readonly kind: 'open';
      readonly site: number;
      readonly line: number;
      readonly source: string;
      readonly isNegated: boolean;
    };

export const exited = (code: number): Status => ({ kind: 'known', code });

/** How a command ends besides going on. */
export type Flow =
  | { readonly kind: 'break' | 'continue'; readonly levels: number }
  /** `switch`: the rest of a case of csh(1) is passed over. */
  | { readonly kind: 'return' | 'exit' | 'stop' | 'switch' };

/** Something in the script that cannot be followed. */
export interface Lost {
  readonly line: number;
  readonly code: string;
  readonly message: string;
  readonly fix?: string;
}

/** rc.conf(5), where a script has brought it in. */
interface RcConf {
  readonly line: number;
  /** `web_`, for the service `web`; undefined: any name may be set there. */
  readonly prefix: string | undefined;
  /** Names that the script had set by then, which may have got another value. */
  readonly before: ReadonlySet<string>;
  /** Names that were used since with the script's own value. */
  readonly names: Set<string>;
}

export interface Texts {
  readonly ids: Ids;
  readonly read: Map<string, Parsed>;
}

/** The shell that a text is written for; what is not known as another one's is sh(1)'s. */
export type Dialect = 'sh' | 'bash' | 'zsh' | 'csh';

/** bash(1) and what has taken over its ways: ksh, which is read as bash, and zsh. */
export const isBashLike = ({ dialect }: Pick<RunInput, 'dialect'>): boolean => dialect === 'bash' || dialect === 'zsh';

interface RunInput {
  readonly symbols: Symbols;
  readonly assumptions: Assumptions;
  readonly assigned: ReadonlySet<string>;
  /** Names that are set on a line that is commented out, with that line. */
  readonly commented: ReadonlyMap<string, number>;
  /** Texts that the script runs, as they were read: the same one again has the same commands. */
  readonly texts: Texts;
  readonly readFile: (path: string) => string | undefined;
  /** The script itself, which may start anew. */
  readonly commands: List;
  /** `$0`; undefined: standard input. */
  readonly scriptPath: string | undefined;
  readonly folder: string;
  /** Of what is followed now. */
  dialect: Dialect;
  /** The exit status of a start of bhyve; undefined: the run stops there. */
  readonly statusOf: (started: Started, before: readonly Started[], run: Run) => number | undefined;
}

/** One way through a script: what is known on it, and what happened. Nothing is ever run. */
export interface Run extends RunInput {
  readonly assigned: Set<string>;
  variables: Map<string, string | readonly string[]>;
  /** Letters of `declare` by name. */
  readonly attributes: Map<string, string>;
  /** What a function's `local` has hidden. */
  hidden: Map<string, string | readonly string[] | undefined> | undefined;
  functions: Map<string, Command>;
  readonly aliases: Map<string, string>;
  positional: readonly string[];
  /** The arguments are those of the script's caller, who gave none. */
  isPlainCall: boolean;
  /** How often `$@` of a plain call was used. */
  argumentUses: number;
  status: Status;
  /** What `$status` of csh(1) is after the command that an expression has asked for. */
  answer: Status | undefined;
  /** Files that the script has written, with their text. */
  files: Map<string, string>;
  /** Files that a command has changed which is not followed, with its line. */
  readonly changed: Map<string, { readonly line: number; readonly name: string }>;
  /** Files that the script has removed. */
  readonly removed: Set<string>;
  /** Where a variable that is not set stands within a text. */
  readonly holes: { readonly source: string; readonly line: number; readonly token: string }[];
  /** Options of the last command whose value came to nothing. */
  emptyValues: readonly EmptyValue[];
  /** How many arguments of the caller were shifted away; undefined: the arguments are not the caller's. */
  shifted: number | undefined;
  /** `set -f`: patterns of file names are none. */
  noglob: boolean;
  directory: string | undefined;
  directoryLine: number | undefined;
  /** Standard output where it is kept. */
  output: { text: string; readonly source: string } | undefined;
  input: { text?: string; readonly file?: string } | undefined;
  outputFile: string | undefined;
  errorFile: string | undefined;
  /** Files that the script itself reads. */
  readonly read: Set<string>;
  /** How a condition goes that nobody knows; undefined: as its kind usually does. */
  openIs: boolean | undefined;
  isCondition: boolean;
  isLoopCondition: boolean;
  errexit: boolean;
  readonly visited: Set<number>;
  readonly decisions: Map<number, Decision>;
  readonly started: Started[];
  readonly ran: Ran[];
  readonly lost: Lost[];
  readonly traps: Field[];
  rcConf: RcConf | undefined;
  /** Functions that something has called. */
  readonly called: Set<string>;
  /** What is followed runs in the background. */
  isAside: boolean;
  /** It was not followed to its end. */
  isStopped: boolean;
  /** A program that runs bhyve was started in the background, and nothing has waited for it yet. */
  isBeside: boolean;
  /** The status of a bhyve in the background. */
  waiting: number | undefined;
  /** How often something was asked that only the host knows. */
  questions: number;
  /** How many loops stand around what is followed. */
  loops: number;
  depth: number;
  /** How many `$(…)` were followed: the last one's status is that of an assignment. */
  captures: number;
  steps: number;
  expanded: number;
}

/** More than any script that starts a VM does: `for` over a thousand disks is far below. */
export const mostSteps = 10_000;
/** What the texts of a script may come to. */
const mostText = 4 * 1024 * 1024;

/** Thrown inside a run alone. */
export class TooMuchText extends Error {
  constructor(readonly line: number) {
    super('its variables come to more text than any script is');
  }
}

export function createRun(input: RunInput): Run {
  const { assumptions } = input;
  const inputs = [...assumptions.values.keys(), ...assumptions.given].filter((name) => /^\d+$/.test(name));
  const count = greatest([0, ...inputs.map(Number)]);
  const run: Run = {
    ...input,
    assigned: new Set(input.assigned),
    variables: new Map(),
    attributes: new Map(),
    hidden: undefined,
    functions: new Map(),
    positional: [],
    isPlainCall: count === 0,
    argumentUses: 0,
    status: exited(0),
    answer: undefined,
    files: new Map(),
    changed: new Map(),
    removed: new Set(),
    holes: [],
    noglob: false,
    emptyValues: [],
    shifted: 0,
    directory: undefined,
    directoryLine: undefined,
    output: undefined,
    input: undefined,
    outputFile: undefined,
    errorFile: undefined,
    read: new Set(),
    aliases: new Map(),
    openIs: undefined,
    isCondition: false,
    isLoopCondition: false,
    errexit: false,
    visited: new Set(),
    decisions: new Map(),
    started: [],
    ran: [],
    lost: [],
    traps: [],
    rcConf: undefined,
    called: new Set(),
    isAside: false,
    isStopped: false,
    isBeside: false,
    waiting: undefined,
    questions: 0,
    loops: 0,
    depth: 0,
    captures: 0,
    steps: 0,
    expanded: 0,
  };
  run.positional = Array.from({ length: count }, (_, at) => inputValue(run, String(at + 1), `$${at + 1}`));
  return run;
}

/** What comes from outside under a name. */
export function inputValue({ assumptions, symbols }: Run, input: string, source: string): string {
  const kind = /^\d+$/.test(input) ? 'argument' : 'variable';
  const value = assumptions.values.get(input);
  if (value !== undefined) return value;
  return symbols.of({ source, kind, input, ...(assumptions.given.has(input) ? {} : { plain: '' }) });
}

export function countText(run: Run, text: string, line: number): string {
  run.expanded += text.length;
  if (run.expanded > mostText) throw new TooMuchText(line);
  return text;
}

interface Question {
  readonly site: number;
  readonly line: number;
  readonly branch: number;
  readonly others: readonly Choice[];
  /** Forced the first time alone, so that a loop ends. */
  readonly isOnce?: boolean;
  readonly isSearch?: boolean;
}

/** Which way a condition goes that could go another way. */
export function decide(run: Run, { site, line, branch, others, isOnce = false, isSearch = false }: Question): number {
  const forced = run.assumptions.branches.get(site);
  const isFirst = !run.visited.has(site);
  run.visited.add(site);
  if (forced !== undefined && (isFirst || !isOnce)) return forced;
  if (!run.decisions.has(site) && forced === undefined) run.decisions.set(site, { site, line, others, isSearch });
  return branch;
}

/** Whether the last command succeeded. */
export function succeeded(run: Run): boolean {
  const { status } = run;
  if (status.kind === 'known') return status.code === 0;
  if (!/^(\w+=\S* )?read\b/.test(status.source)) run.questions += 1;
  const usual = run.openIs ?? true;
  const { site, line, source, isNegated } = status;
  const branch = usual === !isNegated ? 1 : 0;
  const others = [toBranch(site, 1 - branch, `${source} ${branch === 1 ? 'fails' : 'succeeds'}`)];
  const result = decide(run, { site, line, branch, others, isOnce: run.isLoopCondition }) === 1;
  return result !== isNegated;
}

/** The symbol that a text is, if it is nothing else. */
export const onlySymbol = (text: string): string | undefined =>
  text.length === 1 && hasSymbol(text) ? symbolsIn(text)[0] : undefined;

/** What a table has under a name: a script may use any word, `constructor` too. */
export const entry = <Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;
