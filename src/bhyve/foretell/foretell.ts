import { addAll } from '../../base/long-lists.js';
import { unreachable } from '../../base/unreachable.js';
import { type ConfigNode, emptyNode } from '../config-node.js';
import { listVariables, openConfig } from '../config-tree.js';
import { BhyveExit, emptyOutput } from '../outcome.js';
import { type Failure, parseCommandLine, type ParsedCommandLine } from '../parse.js';
import type { Platform } from '../releases.js';
import { checkStart } from '../start/start-checks.js';
import { prefixesOf, type TracedOption } from '../trace.js';
import { blame, type Blamed, type BlameOptions } from './blame.js';
import { type Misread, misreadIn } from './misread.js';
import { isReadUnchecked, readWhileRunning } from './other-reads.js';
import { record, type Recording } from './recording.js';
import { copyWithout, isPartOf } from './tree-parts.js';

interface ForetellOptions extends Platform {
  /** The content of a file that `-k` names; undefined: nobody knows. */
  readonly readFile: (path: string) => string | undefined;
  /** Somebody loads the guest before bhyve starts. */
  readonly loaded: boolean;
  /** Whether the option that begins with this word of the command line is looked at before others. */
  readonly isSuspect: (index: number) => boolean;
}

/** Something that bhyve would say, or do, with a command line, and the option behind it. */
export interface Foretold extends Blamed {
  /**
   * It ends before the guest runs, or while it runs; it warns and goes on; it ignores a variable; it takes the value of a
   * suspect option in place of another's; it takes what is said for something else.
   */
  readonly kind: 'refusal' | 'end' | 'warning' | 'unread' | 'overruled' | 'misread';
  /** In bhyve's words; none where it says nothing. */
  readonly messages: readonly string[];
  /** Of what is misread: what bhyve does, in our words. */
  readonly misread?: Misread;
  /** Exit status, or 128 + number of the signal. */
  readonly status?: number;
  readonly signal?: string;
  /** When it ends, if the guest runs by then. */
  readonly when?: string;
}

/** So many refusals, each found without what is behind those before, are enough. */
const maxRefusals = 20;

/**
 * Says what bhyve would make of a finished command line, as far as it hangs on nothing but the command line: files,
 * interfaces and devices of the host are taken to be there.
 * @returns in the order in which it would come; after a refusal, what it would say without the part that it refuses
 */
export function foretell(argv: readonly string[], options: ForetellOptions): readonly Foretold[] {
  const told: Foretold[] = [];
  const parsed = readWords(argv, options, told);
  if (parsed !== undefined) addAll(told, [...startOf(parsed, options), ...whileRunning(parsed, options)]);
  const refused = new Set(told.flatMap(({ kind, index }) => (kind === 'refusal' ? [index] : [])));
  return told.filter(({ kind, index }) => (kind !== 'overruled' && kind !== 'misread') || !refused.has(index));
}

interface Parsed {
  readonly tree: ConfigNode;
  readonly makers: ReadonlyMap<string, number>;
  /** The word in which the option begins that set a variable. */
  readonly setters: ReadonlyMap<string, number>;
  /** What was read with the options. */
  readonly read: ReadonlySet<string>;
  /** A file that nobody knows may set anything. */
  readonly hasUnknownFile: boolean;
}

/** Leaves out each option that bhyve refuses, until it takes the rest. */
function readWords(argv: readonly string[], options: ForetellOptions, told: Foretold[]): Parsed | undefined {
  /** What is left, with the places in the whole. */
  let words = argv.map((word, index) => ({ word, index }));
  for (let refusals = 0; refusals <= maxRefusals; refusals += 1) {
    const recording = record();
    let hasUnknownFile = false;
    const readFile = (path: string): string => {
      const content = options.readFile(path);
      hasUnknownFile ||= content === undefined;
      return content ?? '';
    };
    const tree = emptyNode();
    const parsed = parseCommandLine(
      words.map(({ word }) => word),
      { ...options, readFile, trace: recording.trace, tree },
    );
    const places = words.map(({ index }) => index);
    const setters = new Map([...recording.setters(tree)].map(([name, at]) => [name, places[at] ?? at] as const));
    const makers = new Map([...recording.makers(tree)].map(([name, at]) => [name, places[at] ?? at] as const));
    const blamed = { prefixes: prefixesOf(tree), setters, makers, isSuspect: options.isSuspect };
    const isTaken = parsed.kind === 'parsed' && !parsed.isDumpAsked;
    const { option, line } = recording.options.at(-1) ?? { option: undefined, line: 0 };
    const lines = isTaken ? recording.trace.output.stderr.length : line;
    if (refusals === 0 || isTaken) addAll(told, optionWarnings(recording, lines, places, blamed));
    if (isTaken) {
      addAll(told, overruled(words, { parsed, setters, recording }, options));
      const traced = recording.options.flatMap(({ option }) => option ?? []);
      for (const { index, variable, ...misread } of misreadIn(tree, traced, options)) {
        const by = variable === undefined ? { index: places[index ?? -1] } : { variable, index: setters.get(variable) };
        told.push({ kind: 'misread', messages: [], misread, ...by });
      }
      return { tree, setters, makers, read: recording.variables(tree), hasUnknownFile };
    }
    const stray = option === undefined ? strayOperand(words, recording) : undefined;
    if (stray !== undefined) {
      // What it is taken for is told by whoever looks at words alone.
      words = words.filter((_, index) => index !== stray);
      continue;
    }
    const about = parsed.kind === 'parsed' ? { index: setters.get('config.dump') } : { index: undefined };
    const behind =
      option === undefined ? { ...blame(recording.reads, blamed), ...about } : { index: places[option.index] };
    told.push({ ...endOf(parsed, line), ...behind });
    const at = words.findIndex(({ index }) => index === behind.index);
    if (at === -1) return undefined;
    const found = recording.options.find((each) => each.option?.index === at)?.option;
    const length =
      option?.index === at && isUnknown(parsed) ? unknownLength(words, at) : lengthOf(found, words[at]?.word);
    words = words.filter((_, index) => index < at || index >= at + length);
  }
  return undefined;
}

const isUnknown = (parsed: ParsedCommandLine): boolean =>
  parsed.kind === 'failed' && parsed.messages.some((message) => message.startsWith('bhyve: illegal option'));

/** An option that bhyve does not know, with what looks like its value; the last word is the name of the VM. */
function unknownLength(words: readonly Word[], at: number): number {
  const next = words.slice(at + 1, -1).findIndex(({ word }) => word.startsWith('-'));
  return 1 + (next === -1 ? Math.max(0, words.length - at - 2) : next);
}

/** The first of several operands: bhyve takes one, and reads no option behind it. */
function strayOperand(words: readonly Word[], { options }: Recording): number | undefined {
  const last = options.findLast(({ option }) => option !== undefined)?.option;
  const end = last === undefined ? 0 : last.index + lengthOf(last, words[last.index]?.word);
  const first = words[end]?.word === '--' ? end + 1 : end;
  return words.length - first > 1 ? first : undefined;
}

/** How many words an option takes up: its value stands behind its letter, or is a word of its own. */
const lengthOf = (option: TracedOption | undefined, word: string | undefined): 1 | 2 =>
  option === undefined || option.argument === '' || word?.endsWith(option.argument) === true ? 1 : 2;

interface Word {
  readonly word: string;
  /** Its place in the whole command line. */
  readonly index: number;
}

interface Whole {
  readonly parsed: Extract<ParsedCommandLine, { readonly kind: 'parsed' }>;
  readonly setters: ReadonlyMap<string, number>;
  readonly recording: Recording;
}

/** What the other options set, and a suspect one sets otherwise: bhyve takes what comes last, without a word. */
function overruled(
  words: readonly Word[],
  { parsed, setters, recording }: Whole,
  options: ForetellOptions,
): readonly Foretold[] {
  const suspects = recording.options
    .flatMap(({ option }) => (option === undefined ? [] : [option]))
    .filter(({ index }) => options.isSuspect(words[index]?.index ?? -1));
  if (suspects.length === 0) return [];
  const left = new Set(
    suspects.flatMap((option) => {
      const { index } = option;
      return lengthOf(option, words[index]?.word) === 1 ? [index] : [index, index + 1];
    }),
  );
  const others = record();
  const tree = emptyNode();
  const without = parseCommandLine(
    words.filter((_, index) => !left.has(index)).map(({ word }) => word),
    { ...options, readFile: (path) => options.readFile(path) ?? '', trace: others.trace, tree },
  );
  if (without.kind !== 'parsed') return [];
  const chosen = others.setters(tree);
  return [...without.config].flatMap(([variable, value]): readonly Foretold[] => {
    const index = setters.get(variable);
    const isOverruled = chosen.has(variable) && parsed.config.get(variable) !== value;
    if (!isOverruled || index === undefined || !options.isSuspect(index)) return [];
    return [{ kind: 'overruled', messages: [], variable, index }];
  });
}

/** What was printed while the options were read, up to a line. */
function optionWarnings(
  { options, reads, trace }: Recording,
  end: number,
  places: readonly number[],
  blamed: BlameOptions,
): readonly Foretold[] {
  let next = 0;
  return trace.output.stderr.slice(0, end).map((message, at): Foretold => {
    while ((options[next]?.line ?? Infinity) <= at) next += 1;
    const option = options[next - 1]?.option;
    const behind =
      option === undefined
        ? blame(
            reads.filter(({ line }) => line <= at),
            blamed,
          )
        : { index: places[option.index] };
    return { kind: 'warning', messages: [message], ...behind };
  });
}

function endOf(parsed: ParsedCommandLine, line: number): Omit<Foretold, keyof Blamed> {
  switch (parsed.kind) {
    case 'parsed':
      return { kind: 'refusal', messages: ['it prints its configuration and ends'], status: 1 };
    case 'help':
      return { kind: 'refusal', messages: ['it prints its help and ends'], status: 0 };
    case 'failed':
      return refusalOf(parsed, line);
    default:
      return unreachable(parsed);
  }
}

/** The lines of its usage text say nothing about the command. */
const isUsage = (line: string): boolean => /^(Usage:|\s)/.test(line);

const refusalOf = ({ messages, stdout, status, signal }: Failure, line: number): Omit<Foretold, keyof Blamed> => ({
  kind: 'refusal',
  messages: [...messages.slice(line), ...stdout].filter((message) => !isUsage(message)),
  status,
  ...(signal === undefined ? {} : { signal }),
});

/** Leaves out each part of the configuration that is refused, until bhyve starts the rest. */
function startOf(
  { tree, setters, makers, read, hasUnknownFile }: Parsed,
  options: ForetellOptions,
): readonly Foretold[] {
  const told = new Map<string, Foretold>();
  const tell = (one: Foretold): void => {
    const key = JSON.stringify([one.kind, one.messages, one.messages.length === 0 ? one.variable : '']);
    if (!told.has(key)) told.set(key, one);
  };
  const known = new Set(read);
  /** What was left out. */
  const out: ((variable: string) => boolean)[] = [];
  let left = tree;
  let isStarted = false;
  for (let refusals = 0; refusals <= maxRefusals && !isStarted; refusals += 1) {
    const recording = record();
    const start = checkStart(left, { ...options, trace: recording.trace });
    const blamed = { prefixes: prefixesOf(left), setters, makers, isSuspect: options.isSuspect };
    for (const variable of recording.variables(left)) known.add(variable);
    const { reads } = recording;
    const last = reads.at(-1);
    isStarted = start.kind === 'started';
    const lines = recording.trace.output.stderr;
    const end = start.kind === 'started' ? lines.length : (last?.line ?? 0);
    lines.slice(0, end).forEach((message, at) => {
      const before = reads.filter(({ line }) => line <= at);
      tell({ kind: 'warning', messages: [message], ...blame(before, blamed) });
    });
    if (start.kind === 'started' || last === undefined) break;
    const behind = blame(reads, blamed);
    // What is missing may be in a file that nobody knows, or was left out here.
    const isMissing = last.node?.entries.has(last.name) !== true;
    const name = (last.node === undefined ? '' : (blamed.prefixes.get(last.node) ?? '')) + last.name;
    const isCertain = !isMissing || (!hasUnknownFile && !out.some((isOut) => isOut(name)));
    if (isCertain) tell({ ...refusalOf(start, end), ...behind });
    if (behind.variable === undefined) break;
    const isOut = isPartOf(behind.variable);
    for (const variable of listVariables(left).keys()) if (isOut(variable)) known.add(variable);
    out.push(isOut);
    left = copyWithout(left, isOut);
  }
  return isStarted ? [...told.values(), ...unchecked(tree, setters, known, options)] : [...told.values()];
}

/** What no check asks for: the rest of bhyve does, or nothing. */
function unchecked(
  tree: ConfigNode,
  setters: ReadonlyMap<string, number>,
  known: ReadonlySet<string>,
  platform: Platform,
): readonly Foretold[] {
  const variables = listVariables(tree);
  const modelAt = (node: string): string => variables.get(`${node}.device`) ?? '';
  return [...setters].flatMap(([variable, index]): readonly Foretold[] => {
    if (known.has(variable)) return [];
    if (!isReadUnchecked(variable, platform, modelAt)) return [{ kind: 'unread', messages: [], variable, index }];
    const output = emptyOutput();
    if (!isUnexpanded(variable)) openConfig(tree, output).get(variable);
    return output.stderr.map((message) => ({ kind: 'warning', messages: [message], variable, index }));
  });
}

/** pci_virtio_scsi.c of release 16 opens a target without expanding it. */
const isUnexpanded = (variable: string): boolean => /^pci\.\d+\.\d+\.\d+\.target\.\d+$/.test(variable);

/** What ends bhyve later than at its start. */
const whileRunning = ({ tree, setters }: Parsed, { arch }: ForetellOptions): readonly Foretold[] =>
  readWhileRunning(arch).flatMap(([variable, when]): readonly Foretold[] => {
    const output = emptyOutput();
    try {
      openConfig(tree, output).bool(variable, false);
      return [];
    } catch (error) {
      if (!(error instanceof BhyveExit)) throw error;
      const { status } = error;
      return [{ kind: 'end', messages: output.stderr, status, when, variable, index: setters.get(variable) }];
    }
  });
