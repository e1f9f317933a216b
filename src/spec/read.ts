import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { readBounded } from '../base/bounded-file.js';
import { codeOf } from '../base/error-code.js';
import { errorWords } from '../base/error-words.js';
import { ProblemsError, type Problem } from '../base/problem.js';
import { shown } from '../base/text.js';
import { linesOf } from './locate.js';
import { specFormats, type SpecFormat, type SpecText } from './parse-spec.js';
import { maxSpecBytes } from './source-tree.js';

/** How a spec is found and read. */
export interface ReadOptions {
  /** Absolute; the spec's own relative file name, and those of a spec on stdin, start here. */
  readonly workingDirectory: string;
  /** Default: by the extension, else JSON. */
  readonly format?: SpecFormat | undefined;
  /** Nobody has asked for this file by its name, so nobody waits for what is to come out of a pipe. */
  readonly isRegular?: boolean;
}

/** How the spec is named on a command line; `-` is standard input. */
export const standardInput = '-';

/** Where the lock file of a spec is: beside it, `vm.lock.json` for `vm.json` as for `vm.yaml`. */
export const lockFileOf = (file: string): string =>
  path.join(path.dirname(file), `${path.basename(file, path.extname(file))}.lock.json`);

const extensions: Readonly<Record<string, SpecFormat>> = {
  '.json': 'json',
  ...{ '.yaml': 'yaml', '.yml': 'yaml' },
  ...{ '.ucl': 'ucl', '.conf': 'ucl' },
};

/** The extensions that tell how a spec is written. */
export const specExtensions: readonly string[] = Object.keys(extensions);

/** What a text is, for the messages about one that cannot be read. */
export interface ReadWords {
  /** With its article: `a spec`. */
  readonly what: string;
  readonly mostBytes: number;
  readonly inDirectory: string;
  readonly whenMissing: string;
  readonly whenEmpty: string;
  readonly whenInputEmpty: string;
}

const specWords: ReadWords = {
  what: 'a spec',
  mostBytes: maxSpecBytes,
  inDirectory: 'name the spec file in it',
  whenMissing: 'check the path; - is standard input',
  whenEmpty: 'a spec is an object with name, cpu and mem: { "name": "vm0", "cpu": 1, "mem": "1G" }',
  whenInputEmpty: 'uclcmd prints nothing unless it is given a ".": uclcmd get -c -f vm.conf . | vmrun -c-',
};

/**
 * Reads the text of a spec; nothing else is touched.
 * @throws ProblemsError `unreadable` where there is nothing to read, `spec` where what was read cannot be a spec
 */
export function readSpec(file: string, options: ReadOptions): SpecText {
  const { name, text } = readText(file, options.workingDirectory, specWords, options.isRegular);
  return { ...specTextOf(file, text, options), name };
}

/** What a spec says in a file that need not be there: it was read before. */
export function specTextOf(
  file: string,
  text: string,
  { workingDirectory, format }: Pick<ReadOptions, 'workingDirectory' | 'format'>,
): SpecText {
  const isStdin = file === standardInput;
  const folder = isStdin ? workingDirectory : path.dirname(path.resolve(workingDirectory, file));
  return {
    name: file,
    text,
    format: format ?? formatOfFile(file),
    resolveFile: resolver(folder, workingDirectory),
    absoluteFile: absoluteIn(folder),
  };
}

/** What a file is taken for, by its extension. */
export const formatOfFile = (file: string): SpecFormat => extensions[path.extname(file).toLowerCase()] ?? 'json';

/**
 * Reads a text file, or standard input; nothing else is touched.
 * @throws ProblemsError `unreadable` where there is nothing to read, `spec` where what was read is no text, or none at all
 */
export function readText(
  file: string,
  workingDirectory: string,
  words: ReadWords,
  isRegular = false,
): { readonly name: string; readonly text: string } {
  const isStdin = file === standardInput;
  const name = isStdin ? '<stdin>' : file;
  const text = decode(name, readBytes(isStdin ? 0 : path.resolve(workingDirectory, file), name, words, isRegular));
  if (text.trim() === '') throw refuse(name, [empty(isStdin, words)]);
  return { name, text };
}

/** Relative to the spec's folder; a name stays as it is written where bhyve, started here, finds the same file. */
const resolver =
  (folder: string, workingDirectory: string) =>
  (name: string): string =>
    path.isAbsolute(name) || folder === path.resolve(workingDirectory) ? name : path.join(folder, name);

/** The working directory of a process has no symbolic links in it, so none may be left in the folder either. */
function absoluteIn(folder: string): (name: string) => string {
  let real: string | undefined;
  return (name) => (path.isAbsolute(name) ? name : path.join((real ??= realFolder(folder)), name));
}

function realFolder(folder: string): string {
  try {
    return realpathSync.native(folder);
  } catch {
    return folder;
  }
}

export const isSpecFormat = (word: string): word is SpecFormat => specFormats.some((format) => format === word);

const empty = (isStdin: boolean, { whenEmpty, whenInputEmpty }: ReadWords): Problem => ({
  code: 'empty',
  severity: 'error',
  message: isStdin ? 'standard input is empty' : 'the file is empty',
  fix: isStdin ? whenInputEmpty : whenEmpty,
});

/** A spec beside a file that is not there, with the same name but for its ending: `web.yaml` for `web` and `web.yml`. */
function otherEnding(file: string): string | undefined {
  const { dir, name, base } = path.parse(file);
  return [base, name]
    .flatMap((stem) => specExtensions.map((ending) => stem + ending))
    .find((each) => existsSync(path.join(dir, each)));
}

/** What nobody has named was found in a folder: if it cannot be opened, it is no plain file. */
const ofFolder: Readonly<Record<string, string>> = {
  ENOENT: 'it is a link that leads nowhere: mend it, or remove it',
  ELOOP: 'it is a link that leads to itself: mend it, or remove it',
  EFTYPE: 'put a regular file there, or a link to one',
  EACCES: 'let the user who reads the folder read it',
};

function readBytes(file: string | number, name: string, words: ReadWords, isRegular: boolean): Buffer {
  let bytes: Buffer | undefined;
  try {
    bytes = readBounded(file, { most: words.mostBytes, isRegular });
  } catch (error) {
    const code = codeOf(error);
    const isSpec = words === specWords && typeof file === 'string';
    const near = code === 'ENOENT' && isSpec ? otherEnding(file) : undefined;
    const missing = near === undefined ? words.whenMissing : `did you mean ${path.join(path.dirname(name), near)}?`;
    const fixes = isRegular ? ofFolder : { ENOENT: missing, EISDIR: words.inDirectory };
    throw unreadable(name, reason(error), fixes[code], error);
  }
  if (bytes !== undefined) return bytes;
  const message = `${words.what} has at most ${words.mostBytes / 1024 / 1024} MiB, this is more`;
  throw refuse(name, [{ code: 'too-large', severity: 'error', message, fix: 'is it the right file?' }]);
}

function decode(name: string, bytes: Buffer): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw refuse(name, [
      { code: 'encoding', severity: 'error', message: 'the file is in UTF-16', fix: 'save it as UTF-8' },
    ]);
  }
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const bad = text.indexOf('\ufffd');
  // Written as such the character is three bytes that are good UTF-8.
  if (bad === -1 || Buffer.from(text).equals(bytes)) return text;
  const place = { file: name, ...linesOf(text).at(bad), pointer: '' };
  const byte = bytes[Buffer.byteLength(text.slice(0, bad))] ?? 0;
  throw refuse(name, [
    {
      code: 'encoding',
      severity: 'error',
      message: `byte 0x${byte.toString(16).padStart(2, '0')} is not UTF-8`,
      fix: 'save the file as UTF-8',
      place,
    },
  ]);
}

const refuse = (name: string, problems: readonly Problem[]): ProblemsError => new ProblemsError('spec', name, problems);

function unreadable(name: string, message: string, fix: string | undefined, cause: unknown): ProblemsError {
  const error = new ProblemsError('unreadable', name, [
    { code: 'unreadable', severity: 'error', message, ...(fix === undefined ? {} : { fix }) },
  ]);
  error.cause = cause;
  return error;
}

function reason(error: unknown): string {
  switch (codeOf(error)) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'you may not read this file';
    case 'ENOTDIR':
      return 'a part of this path is not a directory';
    case 'EISDIR':
      return 'this is a directory';
    case 'EAGAIN':
      return 'standard input has nothing to read yet, and does not wait';
    case 'ERR_INVALID_ARG_VALUE':
      return `${shown('NUL')} bytes cannot be part of a file name`;
    default:
      return errorWords(error);
  }
}
