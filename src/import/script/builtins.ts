import { tellExported } from './environment.js';
import path from 'node:path';
import { holds, type Operand } from './conditions.js';
import type { Call, Tools } from './call.js';
import { evaluateText, outerWrappers, textOfFile, withWrappers } from './evaluate-text.js';
import { shellDialect } from './dialect.js';
import { isBashLike, decide, entry, exited, onlySymbol, toGiven, toValue } from './run.js';
import type { Choice, Field, Flow, ProgramName, Run, Started, Wrapper } from './run.js';
import { hasSymbol, replaceSymbols, shownText, symbolsIn } from './symbols.js';
import type { Simple, Word } from './tree.js';
import { readArray, readLine } from './read.js';
import { runOther } from './utilities.js';
import { arithmetic, keyedOf } from './variables.js';
import { unwrap } from './wrappers.js';

const programs: readonly string[] = ['bhyve', 'bhyveload', 'grub-bhyve'];

const isProgram = (name: string): name is ProgramName => programs.includes(name);

export function dispatch(run: Run, command: Simple, fields: readonly Field[], tools: Tools): Flow | undefined {
  const wrappers = tools.environment.length > 0 ? [environmentOf(run, command, tools)] : [];
  return runCall({ run, command, fields, tools, wrappers });
}

const environmentOf = (run: Run, { line }: Simple, { environment }: Tools): Wrapper => ({
  name: 'env',
  words: environment.map(([name, value]) => `${name}=${shownText(value, run.symbols)}`).join(' '),
  line,
});

function runCall(call: Call): Flow | undefined {
  const { run, fields, command, tools } = call;
  const [first] = fields;
  if (first === undefined) {
    return undefined;
  }
  const name = path.posix.basename(first.text);
  const body = run.functions.get(first.text);
  if (body !== undefined) return callFunction(call, fields.slice(1));
  const builtin = entry(builtins, first.text);
  if (builtin !== undefined) return builtin(call);
  if (isProgram(name) || looksLikeBhyve(fields)) return start(call, isProgram(name) ? name : 'bhyve');
  const unwrapped = unwrap(fields);
  if (unwrapped === undefined) return runOther(call, name);
  const { wrapper, isTold } = unwrapped;
  const words = wrapper.map(({ text }) => shownText(text, run.symbols)).join(' ');
  const wrappers = isTold ? [...call.wrappers, { name, words, line: command.line }] : call.wrappers;
  if (unwrapped.kind === 'command') {
    const flow = runCall({ ...call, fields: unwrapped.rest, wrappers });
    if (/^(daemon|tmux|screen)$/.test(name)) run.status = exited(0);
    return flow;
  }
  const flow = tools.inSubshell(run, () => {
    run.positional = unwrapped.argv;
    run.shifted = undefined;
    run.isPlainCall = false;
    run.dialect = shellDialect(name, run.dialect);
    return evaluateText({ ...call, wrappers }, unwrapped.text);
  });
  if (name === 'tmux') run.status = exited(0);
  return flow;
}

/** What is started on one way: above any script of several VMs, and of each boot of a loop that is followed. */
const mostStarts = 1000;

/** A program that nobody knows, with bhyve's arguments: `$BHYVE -s 0,hostbridge …`. */
const looksLikeBhyve = (fields: readonly Field[]): boolean =>
  hasSymbol(fields[0]?.text ?? '') &&
  fields.some(({ text }) => /^[\d:]+,(hostbridge|lpc|virtio-|ahci|nvme|e1000|passthru|fbuf|xhci)/.test(text));

function start({ run, command, fields, tools, wrappers }: Call, program: ProgramName): Flow | undefined {
  const { input } = run;
  // `$O` of `O=$*`: nothing, in a call without arguments.
  const isArguments = ({ text }: Field): boolean => {
    const symbol = onlySymbol(text);
    const meaning = symbol === undefined ? undefined : run.symbols.meaning(symbol);
    return meaning?.kind === 'argument' && /^"?\$\{?[@*]/.test(meaning.source);
  };
  const given = fields.slice(1).filter((field) => !isArguments(field));
  const configs = given.flatMap(({ text }, at) => (given[at - 1]?.text === '-k' ? [text] : []));
  const started: Started = {
    program,
    site: command.id,
    line: fields[0]?.line ?? command.line,
    fields: given.map(({ text, line }) => ({ line, text: counted(run, text) })),
    holes: run.holes.filter(({ token }) =>
      given.some(({ text }) => (token === '' ? text === '' : text.includes(token))),
    ),
    emptyValues: run.emptyValues,
    configs: new Map(configs.map((file) => [file, run.files.get(file)])),
    changedConfigs: configs.flatMap((file) => {
      const by = run.changed.get(file);
      return by === undefined ? [] : [{ file, ...by }];
    }),
    wrappers: [...wrappers, ...outerWrappers(run)],
    ...(input?.text === undefined ? {} : { inputText: input.text }),
    ...(input?.file === undefined ? {} : { inputFile: input.file }),
    ...(run.outputFile === undefined ? {} : { outputFile: shownText(run.outputFile, run.symbols) }),
    ...(run.errorFile === undefined ? {} : { errorFile: shownText(run.errorFile, run.symbols) }),
    takesArguments: tools.takesArguments || given.length < fields.length - 1,
    directory: run.directory,
    directoryLine: run.directoryLine,
    decisionsBefore: run.decisions.size,
  };
  if (run.started.length === mostStarts) return { kind: 'stop' };
  const before = [...run.started];
  run.started.push(started);
  if (program !== 'bhyve') {
    run.status = exited(0);
    return undefined;
  }
  const code = run.statusOf(started, before, run);
  if (code === undefined) return { kind: 'stop' };
  run.status = exited(code);
  return undefined;
}

/** `$#` is known where nobody gives an argument. */
const counted = (run: Run, text: string): string =>
  replaceSymbols(text, (symbol) => (run.symbols.meaning(symbol).input === '#' ? '0' : symbol));

function callFunction({ run, fields, tools, wrappers }: Call, given: readonly Field[]): Flow | undefined {
  const body = run.functions.get(fields[0]?.text ?? '');
  if (body === undefined) return undefined;
  run.called.add(fields[0]?.text ?? '');
  const { positional, isPlainCall, hidden, shifted } = run;
  const takesCallers = isPlainCall && tools.takesArguments;
  Object.assign(run, {
    positional: given.map(({ text }) => text),
    isPlainCall: takesCallers && given.length === 0,
    shifted: undefined,
    hidden: new Map(),
  });
  run.depth += 1;
  run.status = exited(0);
  const flow = withWrappers(run, wrappers, () => tools.follow(run, [body]));
  run.depth -= 1;
  for (const [name, value] of run.hidden ?? []) {
    if (value === undefined) run.variables.delete(name);
    else run.variables.set(name, value);
  }
  Object.assign(run, { positional, isPlainCall, hidden, shifted });
  return flow?.kind === 'return' ? undefined : flow;
}

type Builtin = (call: Call) => Flow | undefined;

const ok = ({ run }: Call): Flow | undefined => {
  run.status = exited(0);
  return undefined;
};

const textAt = ({ fields }: Call, at: number): string => fields[at]?.text ?? '';

const builtins: Readonly<Record<string, Builtin>> = {
  ':': ok,
  true: ok,
  false: ({ run }) => {
    run.status = exited(1);
    return undefined;
  },
  test: testWords,
  '[': testWords,
  '[[': testWords,
  cd: changeFolder,
  pushd: changeFolder,
  chdir: changeFolder,
  popd: ok,
  set: setOptions,
  shift: (call) => {
    const { run } = call;
    const count = /^\d+$/.test(textAt(call, 1)) ? Number(textAt(call, 1)) : 1;
    if (count > run.positional.length && run.shifted === undefined) {
      // An error of a special builtin ends a script, but not one of bash.
      run.status = exited(isBashLike(run) ? 1 : 2);
      return isBashLike(run) ? undefined : { kind: 'exit' };
    }
    run.positional = run.positional.slice(count);
    if (run.shifted !== undefined) run.shifted += count;
    return ok(call);
  },
  unset: ({ run, fields }) => {
    for (const { text } of fields.slice(1).filter((field) => !field.text.startsWith('-'))) unset(run, text);
    run.status = exited(0);
    return undefined;
  },
  read: readLine,
  mapfile: readArray,
  readarray: readArray,
  getopts: getOptions,
  eval: (call) => {
    call.run.status = exited(0);
    const words = call.fields.slice(1).map(({ text }) => text);
    const [first] = symbolsIn(words.join(' '));
    const meaning = first === undefined ? undefined : call.run.symbols.meaning(first);
    if (first !== undefined && meaning?.kind === 'output' && words[0]?.startsWith(first) === true) {
      call.run.lost.push({
        line: call.command.line,
        code: 'not-read',
        message: `what ${meaning.source} prints is run here and known only then, so nothing is known of what it sets`,
        fix: 'write what it sets into the script',
      });
      return undefined;
    }
    // `disk=\$disk${n}`: names that are made of a number are the script's own.
    for (const [, name = ''] of words.join(' ').matchAll(/\$\{?([A-Za-z_]\w*\d)\b/g)) call.run.assigned.add(name);
    return evaluateText(call, words.join(' '));
  },
  '.': source,
  source,
  exit: (call) => {
    const code = textAt(call, 1);
    if (/^\d+$/.test(code)) call.run.status = exited(Number(code));
    return { kind: 'exit' };
  },
  return: (call) => {
    const code = textAt(call, 1);
    if (/^\d+$/.test(code)) call.run.status = exited(Number(code));
    return { kind: 'return' };
  },
  breaksw: () => ({ kind: 'switch' }),
  break: (call) => leaveLoop(call, 'break'),
  continue: (call) => leaveLoop(call, 'continue'),
  exec: (call) => {
    if (call.fields.length < 2) return ok(call);
    const fields = call.fields.slice(textAt(call, 1) === '-a' ? 3 : 1);
    return runCall({ ...call, fields }) ?? { kind: 'exit' };
  },
  command: (call) => {
    if (!/^-[vV]$/.test(textAt(call, 1))) return runCall({ ...call, fields: call.fields.slice(1) });
    return runOther(call, 'which');
  },
  builtin: (call) => runCall({ ...call, fields: call.fields.slice(1) }),
  trap: ({ run, fields }) => {
    const [, action, ...signals] = fields;
    if (action !== undefined && signals.length > 0 && action.text !== '-' && action.text !== '') run.traps.push(action);
    run.status = exited(0);
    return undefined;
  },
  wait: (call) => {
    const { run, fields } = call;
    run.isBeside = false;
    run.status = exited(fields.length > 1 && run.waiting !== undefined ? run.waiting : 0);
    return undefined;
  },
  pwait: (call) => {
    call.run.isBeside = false;
    return ok(call);
  },
  let: ({ run, fields, tools, command }) => {
    let last = '0';
    // The words as they stand: a `*` in them is no pattern of file names.
    const words = fields.length === command.words.length ? command.words.slice(1) : [];
    for (const word of words) last = arithmetic(run, tools.expander.text(run, word), command.source);
    run.status = exited(last === '0' ? 1 : 0);
    return undefined;
  },
  setenv: (call) => {
    call.run.variables.set(textAt(call, 1), textAt(call, 2));
    tellExported(call.run, [textAt(call, 1)], call.command.line);
    return ok(call);
  },
  alias: (call) => {
    for (const { text } of call.fields.slice(1)) {
      const at = text.indexOf('=');
      if (at > 0) call.run.aliases.set(text.slice(0, at), text.slice(at + 1));
    }
    return ok(call);
  },
  unalias: (call) => {
    for (const { text } of call.fields.slice(1)) {
      if (text === '-a') call.run.aliases.clear();
      else call.run.aliases.delete(text);
    }
    return ok(call);
  },
  load_rc_config: (call) => {
    readsRcConf(call, textAt(call, 1));
    return ok(call);
  },
  run_rc_command: runRcCommand,
};

/** `unset name`, and `unset name[1]`, which leaves a gap in an array. */
function unset(run: Run, name: string): void {
  const { variables } = run;
  const [, array = '', index = ''] = /^([A-Za-z_]\w*)\[(.+)\]$/.exec(name) ?? [];
  const items = variables.get(array);
  if (typeof items === 'object' && /^\d+$/.test(index) && Number(index) < items.length) {
    items.slice(Number(index) + 1).forEach((item, at) => variables.set(`${array}[${Number(index) + 1 + at}]`, item));
    variables.set(array, items.slice(0, Number(index)));
    return;
  }
  if (array === '') for (const [key] of keyedOf(run, name)) variables.delete(`${name}[${key}]`);
  if (array === '') run.attributes.delete(name);
  variables.delete(name);
}

/** `break 2`: of as many loops as there are; outside of any it does nothing. */
function leaveLoop(call: Call, kind: 'break' | 'continue'): Flow | undefined {
  const levels = Math.min(call.run.loops, Math.max(1, Number(textAt(call, 1)) || 1));
  return levels === 0 ? ok(call) : { kind, levels };
}

function testWords({ run, command, fields, tools }: Call): Flow | undefined {
  const isDouble = fields[0]?.text === '[[';
  const words: readonly Operand[] = isDouble
    ? command.words.slice(1).map((word) => ({
        text: tools.expander.text(run, word),
        pattern: tools.expander.pattern(run, word),
        isQuoted: isQuoted(word),
      }))
    : fields.slice(1).map(({ text }) => ({ text, pattern: text, isQuoted: false }));
  const closing = fields[0]?.text === '[' ? ']' : isDouble ? ']]' : undefined;
  const operands = words.at(-1)?.text === closing ? words.slice(0, -1) : words;
  const { id, line } = command;
  const value = holds(run, {
    site: id,
    line,
    source: command.source,
    operands,
    isDouble,
  });
  run.status = exited(value ? 0 : 1);
  return undefined;
}

const isQuoted = ({ parts }: Word): boolean => parts.some((part) => part.isQuoted);

function changeFolder(call: Call): Flow | undefined {
  const { run, command } = call;
  const to = textAt(call, 1);
  const from = run.directory ?? run.folder;
  run.directory = to === '' || to === '-' || hasSymbol(to) ? undefined : path.posix.resolve(from, to);
  run.directoryLine = command.line;
  return ok(call);
}

function setOptions(call: Call): Flow | undefined {
  const { run, fields } = call;
  const words = fields.slice(1).map(({ text }) => text);
  let at = 0;
  for (; /^[-+]./.test(words[at] ?? '') && words[at] !== '--'; at += 1) {
    const word = words[at] ?? '';
    for (const letter of word.slice(1)) {
      // `-euo pipefail`: each "o" takes a name, which is one of the next words.
      if (letter === 'o') at += 1;
      const option = letter === 'o' ? words[at] : letter;
      if (option === 'f' || option === 'noglob') run.noglob = word.startsWith('-');
      if (option === 'e' || option === 'errexit') run.errexit = word.startsWith('-');
    }
  }
  if (at < words.length) {
    run.positional = words.slice(/^--?$/.test(words[at] ?? '') ? at + 1 : at);
    run.shifted = undefined;
    run.isPlainCall = call.tools.takesArguments && run.isPlainCall && run.positional.length === 0;
  }
  return ok(call);
}

/** `getopts`: a call without arguments has no options; each that it knows may be given. */
function getOptions(call: Call): Flow | undefined {
  const { run, command } = call;
  const [, letters = '', name = 'opt'] = call.fields.map(({ text }) => text);
  const at = Number(run.variables.get('OPTIND') ?? '1');
  const word = run.positional[at - 1];
  const { values, given } = run.assumptions;
  const isAfterOptions = values.size > 0 && at - 1 === values.size + given.size && at < 8;
  if (word === undefined && (run.isPlainCall || isAfterOptions)) {
    const others = [...letters.matchAll(/([A-Za-z0-9])(:?)/g)].map(([, letter = '', colon]): Choice => {
      const option = toValue(String(at), `-${letter}`, `-${letter} is given`);
      if (colon === '') return option;
      const value = toGiven([String(at + 1)], '');
      return {
        words: option.words,
        assume: (before) => value.assume(option.assume(before)),
      };
    });
    // Further options are looked for only where the ones before start no VM.
    const isSearch = !run.isPlainCall;
    decide(run, {
      site: command.id + at / 16,
      line: command.line,
      branch: 0,
      others,
      isSearch,
    });
  }
  const letter = /^-([A-Za-z0-9])$/.exec(word ?? '')?.[1];
  if (letter === undefined || !letters.includes(letter)) {
    run.variables.set(name, '?');
    run.status = exited(1);
    return undefined;
  }
  const takesValue = letters.charAt(letters.indexOf(letter) + 1) === ':';
  run.variables.set(name, letter);
  if (takesValue) {
    const value = run.positional[at] ?? '';
    const named = run.symbols.of({
      source: `(value of -${letter})`,
      kind: 'output',
    });
    run.variables.set('OPTARG', hasSymbol(value) ? named : value);
  }
  run.variables.set('OPTIND', String(at + (takesValue ? 2 : 1)));
  run.status = exited(0);
  return undefined;
}

/** Files of the system that a script reads for its functions, which say nothing of a VM. */
const libraries =
  /^\/(etc|usr\/local\/etc|usr\/local\/share|usr\/share)\/(rc\.subr|network\.subr|defaults\/.*|rc\.conf.*|.*\.subr)$/;

/** rc.conf(5), which is not read: it says how one host is. What a service has set before may be set again by it. */
function readsRcConf({ run, command }: Call, service: string): void {
  const prefix = /^[A-Za-z]\w*$/.test(service) ? `${service}_` : run.rcConf?.prefix;
  const before = [...run.variables.keys()].filter((name) => prefix !== undefined && name.startsWith(prefix));
  run.rcConf = {
    line: run.rcConf?.line ?? command.line,
    prefix,
    before: new Set(before),
    names: run.rcConf?.names ?? new Set(),
  };
}

function source(call: Call): Flow | undefined {
  const { run, command, fields } = call;
  const written = textAt(call, 1);
  if (written.includes('/rc.conf') && libraries.test(written)) readsRcConf(call, '');
  if (libraries.test(written)) return ok(call);
  const shown = shownText(written, run.symbols);
  const text = hasSymbol(written) ? undefined : textOfFile(run, written);
  if (text === undefined) {
    run.lost.push({
      line: command.line,
      code: 'not-read',
      message: `${shown} is brought in here and cannot be read, so nothing is known of what it sets`,
      fix: 'put it beside the script, or write what it sets into the script',
    });
    return ok(call);
  }
  run.status = exited(0);
  const { positional } = run;
  if (fields.length > 2) run.positional = fields.slice(2).map((field) => field.text);
  const flow = evaluateText(call, text);
  run.positional = positional;
  return flow?.kind === 'return' ? undefined : flow;
}

/** rc.subr(8): what a service's `start` runs. */
function runRcCommand(call: Call): Flow | undefined {
  const { run } = call;
  const value = (name: string): string => {
    const text = run.variables.get(name);
    return typeof text === 'string' ? text : '';
  };
  const text = value('start_cmd') === '' ? `${value('command')} ${value('command_args')}` : value('start_cmd');
  if (value('start_precmd') !== '') evaluateText(call, value('start_precmd'));
  return evaluateText(call, text);
}
