import type { Problem } from '../../base/problem.js';
import { shown } from '../../base/text.js';
import { readLoader } from '../loader.js';
import { noteAt, type ImportContext, type Original, type OriginalText } from '../original.js';
import type { Script, Way } from './explore.js';
import type { Run, Started } from './run.js';
import { hasSymbol, shownText } from './symbols.js';

interface FoundLoader {
  readonly command?: NonNullable<Original['loader']>;
  readonly problems: readonly Problem[];
}

/** The last loader on the way to a start of bhyve. */
export function loadingBefore({ started }: Run, chosen: Started): Started | undefined {
  return started.slice(0, started.indexOf(chosen)).findLast(({ program }) => program !== 'bhyve');
}

interface Loading {
  readonly way: Way;
  readonly chosen: Started;
  /** Text with the names that taps, and the VM, got. */
  readonly resolve: (text: string) => string;
}

export function loaderBefore(
  source: OriginalText,
  { symbols }: Script,
  { way, chosen, resolve }: Loading,
  context: ImportContext,
): FoundLoader | undefined {
  const loading = loadingBefore(way.run, chosen);
  if (loading === undefined || loading.program === 'bhyve') return undefined;
  const { program, line, inputText } = loading;
  const fields = loading.fields.map((field) => ({ ...field, text: resolve(field.text) }));
  const inputFile = loading.inputFile === undefined ? undefined : resolve(loading.inputFile);
  const readFile = (name: string): string | undefined => way.run.files.get(name) ?? context.readFile(name);
  const unknown = fields.slice(0, -1).find(({ text }) => hasSymbol(text));
  if (unknown !== undefined) {
    const message = `${program} is not carried over: the value of ${shown(shownText(unknown.text, symbols))} is known only when the script runs`;
    return {
      problems: [noteAt(source, unknown.line, 'unknown-word', message, 'write "loader" into the spec by hand')],
    };
  }
  const file = inputFile === '/dev/null' || inputFile === '/dev/stdin' ? undefined : inputFile;
  const input = inputText ?? (file === undefined ? undefined : readFile(file));
  const isLost = program === 'grub-bhyve' && input !== undefined && hasSymbol(input);
  const unread =
    file !== undefined && input === undefined
      ? `${shown(shownText(file, symbols))} cannot be read`
      : isLost
        ? 'it is known only when the script runs'
        : undefined;
  const loader = readLoader(
    {
      program,
      argv: fields.map(({ text }) => text),
      line,
      ...(input === undefined || isLost ? {} : { input }),
    },
    (name) => {
      const text = readFile(name);
      return text === undefined || hasSymbol(text) ? undefined : text;
    },
  );
  if ('error' in loader) {
    const message = `${program} does not accept this: ${loader.error}`;
    return { problems: [noteAt(source, line, 'loader', message, 'write "loader" into the spec by hand')] };
  }
  if (unread === undefined) return { command: loader, problems: [] };
  const message = `what ${program} reads is not carried over: ${unread}`;
  return {
    command: loader,
    problems: [noteAt(source, line, 'loader-input', message, 'write it into "commands" of "loader"')],
  };
}
