import path from 'node:path';
import type { Call } from './call.js';
import { evaluateText, textOfFile } from './evaluate-text.js';
import { dialectOf } from './dialect.js';
import { entry, exited, type Flow, type Run } from './run.js';
import { hasSymbol } from './symbols.js';
import { arithmetic } from './variables.js';
import { unescaped } from './words.js';

/** What a program prints that only works with its words; undefined: nobody knows. */
type Printer = (words: readonly string[], call: Call) => string | undefined;

const printers: Readonly<Record<string, Printer>> = {
  echo: (words) => {
    const isEscaped = words[0] === '-e';
    const isBare = words[0] === '-n';
    const text = words.slice(isEscaped || isBare ? 1 : 0).join(' ');
    return (isEscaped ? unescaped(text) : text) + (isBare ? '' : '\n');
  },
  printf: (words, { run }) => {
    const [flag, name = '', ...rest] = words;
    if (flag !== '-v') return formatted(words[0] === '--' ? words.slice(1) : words);
    run.variables.set(name, formatted(rest) ?? run.symbols.of({ source: `$${name}`, kind: 'output' }));
    run.assigned.add(name);
    return '';
  },
  basename: (words) => {
    const [name = '', suffix = ''] = operands(words);
    if (hasSymbol(name) || words[0]?.startsWith('-s') === true) return undefined;
    const base = path.posix.basename(name);
    return `${suffix !== '' && base !== suffix && base.endsWith(suffix) ? base.slice(0, -suffix.length) : base}\n`;
  },
  dirname: (words) => {
    const [name = ''] = operands(words);
    return hasSymbol(name) ? undefined : `${path.posix.dirname(name)}\n`;
  },
  realpath: resolved,
  readlink: resolved,
  pwd: (_words, { run }) => `${run.directory ?? run.folder}\n`,
  id: (words) => (words.includes('-u') && !words.includes('-n') ? '0\n' : words.includes('-un') ? 'root\n' : undefined),
  whoami: () => 'root\n',
  uname: (words) => (words.length === 0 || words[0] === '-s' ? 'FreeBSD\n' : undefined),
  seq: (words) => numbers(words.map(Number)),
  jot: ([count = '', first = '1']) => numbers([Number(first), Number(first) + Number(count) - 1]),
  expr: (words, { run, command }) => {
    const result = arithmetic(run, words.join(' '), command.source);
    return hasSymbol(result) ? undefined : `${result}\n`;
  },
  cat: (words, { run }) => {
    if (words.length === 0 || words[0] === '-') return run.input?.text;
    const texts = words.map((word) => textOfFile(run, word));
    return texts.every((text) => text !== undefined) ? texts.join('') : undefined;
  },
  tee: (words, { run }) => {
    const text = run.input?.text;
    for (const word of words.filter((each) => !each.startsWith('-'))) {
      if (text !== undefined) run.files.set(word, (words.includes('-a') ? (run.files.get(word) ?? '') : '') + text);
    }
    return text;
  },
};

const operands = (words: readonly string[]): readonly string[] => (words[0] === '--' ? words.slice(1) : words);

function resolved(words: readonly string[], { run }: Call): string | undefined {
  const name = words.find((word) => !word.startsWith('-')) ?? '';
  return hasSymbol(name) || name === '' ? undefined : `${path.posix.resolve(run.directory ?? run.folder, name)}\n`;
}

function numbers(given: readonly number[]): string | undefined {
  const [first = 1, step = 1, last = 0] =
    given.length === 1 ? [1, 1, given[0]] : given.length === 2 ? [given[0], 1, given[1]] : given;
  if (![first, step, last].every(Number.isSafeInteger) || step === 0 || (last - first) / step > 1000) return undefined;
  const all: number[] = [];
  for (let now = first; step > 0 ? now <= last : now >= last; now += step) all.push(now);
  return all.map((each) => `${each}\n`).join('');
}

/** printf(1), again and again for all the words. */
function formatted([format = '', ...words]: readonly string[]): string | undefined {
  if (/%(?![-\d.]*[sdiuxXbc%])/.test(format)) return undefined;
  let out = '';
  let rest = [...words];
  for (let turn = 0; turn < 1000; turn += 1) {
    const before = rest.length;
    const text = unescapedFormat(format).replaceAll(
      /%(-?0?\d*)(?:\.\d+)?([sdiuxXbc%])/g,
      (_all, width: string, letter: string) => {
        if (letter === '%') return '%';
        const word = rest.shift() ?? (letter === 's' || letter === 'b' ? '' : '0');
        const value =
          letter === 'b'
            ? unescaped(word)
            : letter === 'x' && /^\d+$/.test(word)
              ? Number(word).toString(16)
              : letter === 'X' && /^\d+$/.test(word)
                ? Number(word).toString(16).toUpperCase()
                : word;
        const size = Math.min(200, Math.abs(Number(width)) || 0);
        return width.startsWith('-') ? value.padEnd(size) : value.padStart(size, width.startsWith('0') ? '0' : ' ');
      },
    );
    out += text;
    if (rest.length === 0 || rest.length === before) return out;
    rest = [...rest];
  }
  return undefined;
}

const unescapedFormat = (format: string): string => unescaped(format);

/** Programs that only look, wait or speak. */
const silent = [
  ...['echo', 'printf', 'basename', 'dirname', 'realpath', 'readlink', 'pwd', 'id', 'whoami', 'uname', 'seq', 'jot'],
  ...['expr', 'cat', 'date', 'hostname', 'which', 'type', 'hash', 'grep', 'egrep', 'fgrep', 'awk', 'sed', 'cut'],
  ...[
    'tr',
    'head',
    'tail',
    'sort',
    'uniq',
    'wc',
    'ls',
    'ps',
    'pgrep',
    'kldstat',
    'stat',
    'file',
    'clear',
    'tput',
    'stty',
  ],
  ...['sync', 'tee', 'ping', 'nc', 'jobs', 'hexdump', 'od', 'md5', 'sha256'],
  ...['getopt', 'function', 'reset', 'yes', 'true', 'netstat', 'pciconf', 'df', 'du', 'sockstat', 'fstat', 'dmesg'],
];

/** A program that is none of the shell's own. */
export function runOther(call: Call, name: string): Flow | undefined {
  const { run, fields, command } = call;
  const words = fields.slice(1).map(({ text }) => text);
  const isScript =
    fields[0]?.text === run.scriptPath ||
    /\.(sh|bash)$/.test(name) ||
    (/^(ba|da|k|z)?sh$/.test(name) && words.length > 0);
  if (isScript) {
    const at = /^(ba|da|k|z)?sh$/.test(name)
      ? fields.findIndex(({ text }, index) => index > 0 && !text.startsWith('-'))
      : 0;
    const flow = runScript(call, at);
    if (flow !== 'unread') return flow;
  }
  changeFiles(call, name, words);
  const printed = entry(printers, name)?.(words, call);
  print(run, printed, name, words);
  run.status =
    printed !== undefined
      ? exited(0)
      : {
          kind: 'open',
          site: command.id,
          line: command.line,
          source: command.source,
          isNegated: false,
        };
  if (!silent.includes(name)) {
    run.ran.push({
      line: fields[0]?.line ?? command.line,
      fields,
      after: run.started.length,
      isAside: run.isAside,
      isBeside: run.isBeside,
    });
  }
  return undefined;
}

/** Programs that change the files that they name, or make them. */
const changers =
  /^(sed|gsed|perl|ed|ex|vi|awk|gawk|patch|sysrc|uuidgen|sort|dd|install|tee|truncate|fetch|curl|ruby|python3?)$/;

/** What a program does to files that bhyve may read later on. */
function changeFiles({ run, command }: Call, name: string, words: readonly string[]): void {
  const names = words.filter((word) => !word.startsWith('-'));
  const [from = '', to = ''] = names.slice(-2);
  if (name === 'rm') {
    for (const file of names) {
      run.files.delete(file);
      run.changed.delete(file);
      run.removed.add(file);
    }
  } else if ((name === 'cp' || name === 'mv') && names.length === 2) {
    const text = hasSymbol(from) ? undefined : textOfFile(run, from);
    if (text === undefined) run.changed.set(to, { line: command.line, name });
    else run.files.set(to, text);
    if (name === 'mv') run.files.delete(from);
  } else if (changers.test(name) && !(name === 'sed' && !words.some((word) => /^-[A-Za-z]*i|^--in-place/.test(word)))) {
    const isKnown = name === 'tee' && run.input?.text !== undefined;
    for (const word of words) {
      const file = /^(?:of=|-o=?|--output=)?([^]*)$/.exec(word)?.[1] ?? word;
      if (!isKnown && file !== '') run.changed.set(file, { line: command.line, name });
    }
  }
}

/** Puts what a program prints where its output is kept. */
function print(run: Run, text: string | undefined, name: string, words: readonly string[]): void {
  const { output } = run;
  if (output === undefined) return;
  if (text !== undefined) output.text += text;
  else if (name === 'ifconfig' && words.includes('create') && /^(tap|vmnet|bridge)$/.test(words[0] ?? '')) {
    const kind = words[0] === 'bridge' ? 'bridge' : 'tap';
    const named = words[words.indexOf('name') + 1];
    if (words.includes('name') && named !== undefined) output.text += named;
    else {
      const count = run.ran.filter(({ fields }) => fields[1]?.text === words[0] && fields[2]?.text === 'create').length;
      output.text += run.symbols.of({
        source: count === 0 ? output.source : `${output.source} again (${count + 1})`,
        kind,
      });
    }
  } else if (!['true', 'kldload', 'sleep', 'logger', 'truncate', 'mkdir', 'rm', 'cp'].includes(name)) {
    // The name of a tap passes through head(1) and its like.
    const passed = run.input?.text?.trim() ?? '';
    const isPassed = /^(head|tail|cat|sort|uniq|xargs)$/.test(name) && hasSymbol(passed) && passed.length === 1;
    output.text += isPassed ? passed : run.symbols.of({ source: output.source, kind: 'output' });
  }
}

function runScript(call: Call, at: number): Flow | undefined | 'unread' {
  const { run, fields, tools } = call;
  const file = fields[at]?.text ?? '';
  if (file === run.scriptPath) return startAnew(call, at);
  const text = hasSymbol(file) ? undefined : textOfFile(run, file);
  if (text === undefined) return 'unread';
  return tools.inSubshell(run, () => {
    run.positional = fields.slice(at + 1).map((field) => field.text);
    run.shifted = undefined;
    run.isPlainCall = false;
    run.dialect = dialectOf(text);
    return evaluateText(call, text);
  });
}

/** `exec "$0"`: how some scripts make a loop. */
function startAnew({ run, fields, tools }: Call, at: number): Flow | undefined {
  run.depth += 1;
  const flow = tools.inSubshell(run, () => {
    run.variables = new Map();
    run.positional = fields.slice(at + 1).map(({ text }) => text);
    run.shifted = undefined;
    return tools.follow(run, run.commands);
  });
  run.depth -= 1;
  return flow;
}
