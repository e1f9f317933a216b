import path from 'node:path';
import type { Problem } from '../base/problem.js';
import { failure, success, type Result } from '../base/result.js';
import { count, listWords, shown } from '../base/text.js';
import { readLoader, type LoaderProgram } from './loader.js';
import { noteAt, refusalAt, type ImportContext, type Original, type Source } from './original.js';
import { parseScript, type ShellCommand, type ShellWord } from './shell.js';
import type { SpecObject } from './spec-object.js';

/** Words that stand before a command and are none. */
const reserved = ['if', 'then', 'elif', 'else', 'while', 'until', 'do', '!', '{', '}', 'fi', 'done', 'esac'];
/** Programs that start another one. */
const wrappers = [
  ...['sudo', 'doas', 'exec', 'command', 'nohup', 'env', 'time', 'setsid'],
  ...['nice', 'daemon', 'cpuset', 'limits', 'timeout', 'chroot', 'ktrace', 'truss'],
];
/** Those of them that change how bhyve runs. */
const telling = ['nice', 'daemon', 'cpuset', 'limits', 'timeout', 'chroot'];
/** Commands that do nothing to the host that vmrun would not do. */
const harmless = [
  ...['echo', 'printf', ':', 'true', 'false', 'test', '[', '[[', 'exit', 'sleep', 'set', 'cd', 'shift', 'break'],
  ...['continue', 'return', 'trap', 'wait', 'for', 'case', 'in', 'export', 'readonly', 'local', 'declare', 'typeset'],
  ...['bhyvectl', 'kldload', 'kldstat', 'bhyveload', 'grub-bhyve', 'bhyve', 'exec', 'function', 'unset', 'clear'],
];

/** A command of one of the programs that a VM is started with. */
interface Program {
  readonly program: 'bhyve' | LoaderProgram;
  readonly words: readonly ShellWord[];
  readonly command: ShellCommand;
  readonly wrapper: string | undefined;
}

const programNamed = (word: string): Program['program'] | undefined => {
  const name = path.posix.basename(word);
  return name === 'bhyve' || name === 'bhyveload' || name === 'grub-bhyve' ? name : undefined;
};

const withoutReserved = ({ words }: ShellCommand): readonly ShellWord[] => {
  const first = words.findIndex(({ text }) => !reserved.includes(text));
  return first === -1 ? [] : words.slice(first);
};

function programIn(command: ShellCommand): Program | undefined {
  const words = withoutReserved(command);
  const first = path.posix.basename(words[0]?.text ?? '');
  const at = wrappers.includes(first) ? words.findIndex(({ text }) => programNamed(text) !== undefined) : 0;
  const program = programNamed(words[at]?.text ?? '');
  if (program === undefined) return undefined;
  const wrapper = words
    .slice(0, at)
    .map(({ text }) => path.posix.basename(text))
    .find((name) => telling.includes(name));
  return { program, words: words.slice(at + 1), command, wrapper };
}

/** Whether text has a command of bhyve in it, for telling what it is. */
export function hasBhyveCommand(text: string): boolean {
  const script = parseScript(text);
  return script.ok && script.commands.some((command) => programIn(command)?.program === 'bhyve');
}

/** A command line of bhyve, or a shell script with one. */
export function importScript(source: Source, context: ImportContext): Result<Original> {
  const script = parseScript(source.text);
  if (!script.ok) return failure([refusalAt(source, script.line, 'script', script.message)]);
  const { commands, functions } = script;
  const programs = commands.flatMap((command) => programIn(command) ?? []);
  const bhyve = programs.findLast(({ program }) => program === 'bhyve');
  if (bhyve === undefined) return failure([noCommand(source)]);
  const words = withName(bhyve.words, context.vmName);
  const unknown = words.filter((word) => word.unknown !== undefined);
  if (unknown.length > 0) return failure(unknown.map((word) => unknownWord(source, word)));

  const loading = programs.slice(0, programs.indexOf(bhyve)).findLast(({ program }) => program !== 'bhyve');
  const loader = loading === undefined ? undefined : loaderIn(source, loading, context);
  const notes = [
    ...otherCommands(source, programs, bhyve),
    ...(bhyve.wrapper === undefined ? [] : [wrapped(source, bhyve, bhyve.wrapper)]),
    ...(loader?.problems ?? []),
    ...restOf(source, commands, functions),
  ];
  const lines = new Map(words.map(({ text, line }) => [text, line]));
  return success({
    argv: words.map(({ text }) => text),
    readFile: context.readFile,
    ...(loader?.command === undefined ? {} : { loader: loader.command }),
    fields: {},
    cards: bridgesIn(commands),
    notes,
    line: bhyve.command.line,
    lineOf: (word) => lines.get(word),
  });
}

/** The user's name for the VM, where the script does not say its own. */
function withName(words: readonly ShellWord[], name: string | undefined): readonly ShellWord[] {
  const last = words.at(-1);
  if (name === undefined || last?.unknown === undefined) return words;
  return [...words.slice(0, -1), { text: name, line: last.line }];
}

/** The usual way to show a command in a document: behind the prompt of root. */
function noCommand(source: Source): Problem {
  const commented = source.text.split('\n').findIndex((line) => /^\s*[#$]\s*(\S*\/)?bhyve\s+-/.test(line));
  const fix =
    commented === -1
      ? 'a script is read for a command such as: bhyve -c 2 -m 2G ... NAME; other formats are named by --from'
      : `line ${commented + 1} has one behind a "#" or "$": take that away`;
  return refusalAt(source, undefined, 'no-command', 'there is no bhyve command in it', fix);
}

const unknownWord = (source: Source, { text, line, unknown = '' }: ShellWord): Problem => {
  const message = `what ${shown(unknown)} is${text === '' ? '' : ` beside ${shown(text)}`} turns out only when the script runs`;
  const name = /^\$\{?([A-Za-z_]\w*)\}?$/.exec(unknown)?.[1];
  const fix = name === undefined ? 'write in its place what it comes to' : `put ${name}=... on a line before it`;
  return refusalAt(source, line, 'unknown-word', message, fix);
};

const wrapped = (source: Source, { command }: Program, wrapper: string): Problem =>
  noteAt(
    source,
    command.line,
    'wrapper',
    `bhyve is started by ${wrapper} here, which a spec does not say`,
    `start vmrun by ${wrapper}: bhyve inherits it`,
  );

function otherCommands(source: Source, programs: readonly Program[], chosen: Program): readonly Problem[] {
  const others = programs.filter(({ program, command }) => program === 'bhyve' && command !== chosen.command);
  return others.map(({ command }) =>
    noteAt(
      source,
      command.line,
      'second-command',
      `another bhyve command; the last one, on line ${chosen.command.line}, is imported`,
      'import this one from a file of its own, or say what it does otherwise as a target',
    ),
  );
}

interface FoundLoader {
  readonly command?: NonNullable<Original['loader']>;
  readonly problems: readonly Problem[];
}

function loaderIn(source: Source, { program, words, command }: Program, { readFile }: ImportContext): FoundLoader {
  if (program === 'bhyve') return { problems: [] };
  const unknown = words.find((word) => word.unknown !== undefined);
  if (unknown !== undefined) return { problems: [{ ...unknownWord(source, unknown), severity: 'warning' }] };
  const { inputFile, inputText } = command;
  const input = inputText?.text ?? (inputFile === undefined ? undefined : readFile(inputFile.text));
  const lost =
    program !== 'grub-bhyve' || (inputFile?.unknown ?? inputText?.unknown) === undefined
      ? undefined
      : 'it turns out only when the script runs';
  const unread = inputFile !== undefined && input === undefined ? `${shown(inputFile.text)} cannot be read` : lost;
  const loader = readLoader(
    {
      program,
      argv: words.map(({ text }) => text),
      line: command.line,
      ...(input === undefined ? {} : { input }),
    },
    readFile,
  );
  if ('error' in loader) {
    const fix = 'write "loader" into the spec by hand';
    return {
      problems: [noteAt(source, command.line, 'loader', `${program} does not take this: ${loader.error}`, fix)],
    };
  }
  if (unread === undefined) return { command: loader, problems: [] };
  const message = `what ${program} reads is not carried: ${unread}`;
  return {
    command: loader,
    problems: [noteAt(source, command.line, 'loader-input', message, 'write it into "commands" of "loader"')],
  };
}

/** `ifconfig bridge0 addm tap0`: which bridge an interface is a member of. */
function bridgesIn(commands: readonly ShellCommand[]): ReadonlyMap<string, SpecObject> {
  return new Map(
    commands.flatMap((command) => {
      const words = withoutReserved(command).map(({ text, unknown }) => (unknown === undefined ? text : ''));
      const [program = '', bridge = ''] = words.filter((word) => !wrappers.includes(word));
      if (path.posix.basename(program) !== 'ifconfig' || bridge === '') return [];
      const members = words.filter((word, index) => word !== '' && words[index - 1] === 'addm');
      return members.map((member) => [member, { bridge }] as const);
    }),
  );
}

/** Commands that prepare the host or clean it up: told together, as nobody wants a line for each. */
function restOf(source: Source, commands: readonly ShellCommand[], functions: ReadonlySet<string>): readonly Problem[] {
  const others = commands.flatMap((command) => {
    const words = withoutReserved(command).filter(({ text }) => !wrappers.includes(text));
    const name = path.posix.basename(words[0]?.text ?? '');
    const isKnown = name === '' || harmless.includes(name) || functions.has(name) || isNetwork(name, words);
    return isKnown || programIn(command) !== undefined ? [] : [{ name, line: command.line }];
  });
  const [first] = others;
  if (first === undefined) return [];
  const named = others.slice(0, 5).map(({ name, line }) => `${name} on line ${line}`);
  const more = others.length - named.length;
  const list = listWords([...named, ...(more > 0 ? [`${more} more`] : [])]);
  const message = `${count(others.length, 'other command')} of the script ${others.length === 1 ? 'is' : 'are'} not carried: ${list}`;
  return [noteAt(source, first.line, 'other-commands', message, 'what each start needs goes into "hooks" of the spec')];
}

/** Making a tap and putting it into a bridge: vmrun does both. */
const isNetwork = (name: string, words: readonly ShellWord[]): boolean =>
  name === 'ifconfig' &&
  words.some(({ text }) => /^(tap|vmnet)\d*$/.test(text) || text === 'addm' || text === 'create');
