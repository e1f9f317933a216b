/** A word of a command, with variables in their places. */
export interface ShellWord {
  readonly text: string;
  readonly line: number;
  /** A part of the word that only running the script would tell: `$1`, `$(date)`. */
  readonly unknown?: string;
}

/** A simple command of a script. */
export interface ShellCommand {
  readonly words: readonly ShellWord[];
  readonly line: number;
  /** File that standard input is redirected to. */
  readonly inputFile?: ShellWord;
  /** Text that standard input is: a here-document. */
  readonly inputText?: ShellWord;
}

/** The simple commands of a script in the order of its text, whatever stands around them; or why it cannot be read. */
export type Script =
  | {
      readonly ok: true;
      readonly commands: readonly ShellCommand[];
      /** Names of the functions that it defines. */
      readonly functions: ReadonlySet<string>;
    }
  | { readonly ok: false; readonly line: number; readonly message: string };

/** What a script may come to with its variables in their places: far above any that starts a VM. */
const maxExpanded = 4 * 1024 * 1024;

/** Text with what is not known of it. */
interface Piece {
  readonly text: string;
  readonly unknown?: string;
}

interface HereDocument {
  readonly delimiter: string;
  readonly isStripped: boolean;
  readonly isQuoted: boolean;
  readonly line: number;
  readonly command: Building;
}

interface Building {
  words: ShellWord[];
  line: number;
  inputFile?: ShellWord;
  inputText?: ShellWord;
}

/** Thrown inside the reader alone. */
class ScriptStop extends Error {
  constructor(
    readonly line: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Reads as much of the POSIX shell as scripts that start a VM are made of: quotes, continued lines, comments, plain
 * variables, here-documents. Nothing is run and nothing is decided: of all branches and loops the commands are listed
 * as they stand, and a variable has the value that was last assigned above.
 */
export function parseScript(text: string): Script {
  try {
    return { ok: true, ...readCommands(text.replaceAll('\r\n', '\n')) };
  } catch (error) {
    if (error instanceof ScriptStop) return { ok: false, line: error.line, message: error.message };
    throw error;
  }
}

const assigners = ['export', 'readonly', 'local', 'declare', 'typeset'];

function readCommands(text: string): {
  readonly commands: readonly ShellCommand[];
  readonly functions: ReadonlySet<string>;
} {
  const commands: ShellCommand[] = [];
  const functions = new Set<string>();
  const variables = new Map<string, Piece>();
  let at = 0;
  let line = 1;
  let expanded = 0;
  let command: Building = { words: [], line: 1 };
  let assigned: (readonly [string, Piece])[] = [];
  let hereDocuments: HereDocument[] = [];
  let depth = 0;

  function take(count = 1): string {
    const taken = text.slice(at, at + count);
    at += count;
    for (const char of taken) if (char === '\n') line += 1;
    return taken;
  }

  /** The match of a sticky expression here, which is not taken yet. */
  function look(form: RegExp): RegExpExecArray | null {
    form.lastIndex = at;
    return form.exec(text);
  }

  function count(piece: Piece): Piece {
    expanded += piece.text.length;
    if (expanded > maxExpanded) throw new ScriptStop(line, 'its variables come to more text than any script is');
    return piece;
  }

  function endCommand(): void {
    if (command.words.length > 0) commands.push(command);
    else for (const [name, value] of assigned) variables.set(name, value);
    command = { words: [], line };
    assigned = [];
  }

  function valueOf(name: string, written: string): Piece {
    return count(variables.get(name) ?? { text: '', unknown: written });
  }

  /** What stands behind a `$`, which is taken already. */
  function reference(): Piece {
    const start = line;
    const [plain] = look(/[A-Za-z_]\w*/y) ?? [];
    if (plain !== undefined) {
      take(plain.length);
      return valueOf(plain, `$${plain}`);
    }
    const [special] = look(/[0-9@*#?$!-]/y) ?? [];
    if (special !== undefined) return { text: '', unknown: `$${take()}` };
    if (text[at] === '(') return { text: '', unknown: `$${enclosed('(', ')', start)}` };
    if (text[at] !== '{') return { text: '$' };
    const written = enclosed('{', '}', start);
    const [, name, rule, other = ''] = /^\{([A-Za-z_]\w*)(?:(:?[-=])(.*))?\}$/s.exec(written) ?? [];
    if (name === undefined) return { text: '', unknown: `$${written}` };
    const value = variables.get(name);
    const isMissing = value === undefined || (rule?.startsWith(':') === true && value.text === '');
    return rule !== undefined && isMissing
      ? count(substitute(other.replace(/^(["'])(.*)\1$/s, '$2')))
      : valueOf(name, `$${written}`);
  }

  /** From an opening bracket to its end, brackets included. */
  function enclosed(open: string, close: string, start: number): string {
    let depth = 0;
    let taken = '';
    while (at < text.length) {
      const char = take();
      taken += char;
      if (char === '\\') taken += take();
      else if (char === open) depth += 1;
      else if (char === close) depth -= 1;
      if (depth === 0) return taken;
    }
    throw new ScriptStop(start, `"${open}" has no end`);
  }

  /** Text with plain variables in their places, for what is not read word by word. */
  function substitute(source: string): Piece {
    let unknown: string | undefined;
    const result = source.replaceAll(
      /\\([\\$`])|\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\}|[({0-9@*#?!-])|`/g,
      (...found) => {
        const [written, escaped, plain, braced] = found as string[];
        if (escaped !== undefined) return escaped;
        const name = plain ?? braced;
        const value = name === undefined ? undefined : variables.get(name);
        if (value?.unknown !== undefined || value === undefined) unknown ??= value?.unknown ?? written;
        return value?.text ?? '';
      },
    );
    return { text: result, ...(unknown === undefined ? {} : { unknown }) };
  }

  function skipBackquotes(): Piece {
    const start = line;
    const end = text.indexOf('`', at);
    if (end === -1) throw new ScriptStop(start, 'a backquote has no end');
    return { text: '', unknown: `\`${take(end + 1 - at)}` };
  }

  /** One word as it is written: none, one or several words, where unquoted variables are split. */
  function readWords(isSplit: boolean): readonly ShellWord[] {
    const start = line;
    const words: ShellWord[] = [];
    let word: ShellWord | undefined;
    const add = ({ text: more, unknown }: Piece): void => {
      const known = word ?? { text: '', line: start };
      word = { ...known, text: known.text + more, ...(unknown === undefined ? {} : { unknown }) };
    };
    const addSplit = (piece: Piece): void => {
      const [first = '', ...rest] = piece.text.split(/[ \t\n]+/);
      if (first !== '' || piece.unknown !== undefined) add({ ...piece, text: first });
      for (const part of rest) {
        if (word !== undefined) words.push(word);
        word = part === '' ? undefined : { text: part, line: start };
      }
    };
    const quoted = (): void => {
      const open = line;
      add({ text: '' });
      for (;;) {
        if (at >= text.length) throw new ScriptStop(open, 'a double quote has no end');
        const char = take();
        if (char === '"') return;
        if (char === '$') add(reference());
        else if (char === '`') add(skipBackquotes());
        else if (char === '\\' && '"\\$`\n'.includes(text[at] ?? ' ')) add({ text: take().replace('\n', '') });
        else add({ text: char });
      }
    };
    while (at < text.length && !' \t\n;&|()<>'.includes(text[at] ?? '')) {
      const open = line;
      const char = take();
      if (char === "'") {
        const end = text.indexOf("'", at);
        if (end === -1) throw new ScriptStop(open, 'a single quote has no end');
        add({ text: take(end - at) });
        take();
      } else if (char === '"') quoted();
      else if (char === '`') add(skipBackquotes());
      else if (char === '$') (isSplit ? addSplit : add)(reference());
      else if (char === '\\') {
        const next = take();
        if (next !== '\n') add({ text: next });
      } else add({ text: char });
    }
    if (word !== undefined) words.push(word);
    return words;
  }

  /** A redirection, of which only standard input matters here. */
  function redirect(operator: string): void {
    const start = line;
    const isHere = /^0?<<-?$/.test(operator);
    take(look(/[ \t]*/y)?.[0].length);
    if (isHere) {
      const [written = ''] = look(/[^\s;&|()<>]+/y) ?? [];
      take(written.length);
      hereDocuments.push({
        delimiter: written.replaceAll(/['"\\]/g, ''),
        isStripped: operator.endsWith('-'),
        isQuoted: /['"\\]/.test(written),
        line: start,
        command,
      });
      return;
    }
    const [target] = readWords(false);
    if (target === undefined) return;
    if (/^0?<$/.test(operator)) command.inputFile = target;
    if (/^0?<<<$/.test(operator)) command.inputText = { ...target, text: `${target.text}\n` };
  }

  function readHereDocuments(): void {
    for (const { delimiter, isStripped, isQuoted, line: start, command: owner } of hereDocuments) {
      const lines: string[] = [];
      for (;;) {
        if (at >= text.length) throw new ScriptStop(start, `the here-document "${delimiter}" has no end`);
        const end = text.indexOf('\n', at);
        const written = take((end === -1 ? text.length : end + 1) - at).replace(/\n$/, '');
        const content = isStripped ? written.replace(/^\t+/, '') : written;
        if (content === delimiter) break;
        lines.push(`${content}\n`);
      }
      const body = lines.join('');
      owner.inputText = { line: start + 1, ...(isQuoted ? { text: body } : count(substitute(body))) };
    }
    hereDocuments = [];
  }

  for (;;) {
    take(look(/(?:[ \t]|\\\n)*/y)?.[0].length);
    if (at >= text.length) break;
    if (text[at] === '#') take(look(/[^\n]*/y)?.[0].length);
    const operator = look(/\d*(?:<<<|<<-|<<|<>|<&|<|>>|>&|>\||>)|&>>?/y)?.[0];
    if (operator !== undefined) {
      take(operator.length);
      redirect(operator);
    } else if (text[at] === '\n') {
      take();
      readHereDocuments();
      endCommand();
    } else if (';&|()'.includes(text[at] ?? ' ')) {
      // `start)` is a pattern of a case, and `start()` defines a function: neither is a command.
      const bracket = take();
      if (bracket === '(') depth += 1;
      const isNone = bracket === ')' ? depth === 0 || text[at - 2] === '(' : bracket === '(' && text[at] === ')';
      if (bracket === ')') depth = Math.max(0, depth - 1);
      if (bracket === '(' && isNone) functions.add(command.words.at(-1)?.text ?? '');
      if (isNone) command.words = [];
      endCommand();
    } else {
      const [, name, plus] = look(/([A-Za-z_]\w*)(\+?)=/y) ?? [];
      const isAssignment = command.words.length === 0 || assigners.includes(command.words[0]?.text ?? '');
      if (name !== undefined && isAssignment) {
        take(name.length + (plus ?? '').length + 1);
        const [value = { text: '', line }] = readWords(false);
        const before = plus === '+' ? variables.get(name) : undefined;
        const unknown = value.unknown ?? before?.unknown;
        const piece = count({ text: (before?.text ?? '') + value.text, ...(unknown === undefined ? {} : { unknown }) });
        if (command.words.length > 0) variables.set(name, piece);
        else assigned.push([name, piece]);
      } else {
        if (command.words.length === 0) command.line = line;
        command.words.push(...readWords(true));
      }
    }
  }
  readHereDocuments();
  endCommand();
  return { commands, functions };
}
