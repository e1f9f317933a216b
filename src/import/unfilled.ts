import type { Problem } from '../base/problem.js';
import { templateMark, templateWords } from '../base/template.js';
import type { ImportFormat } from './formats.js';
import { refusalAt, type OriginalText } from './original.js';

/** Formats in which `${NAME}` may mean something to whom the text is handed on. */
const withVariables: readonly (ImportFormat | undefined)[] = ['vm-bhyve', 'iohyve'];

/** In a text that is nothing else, and would be a bhyve_config(5) file if it were filled in. */
const variableOfBhyve = /^(pci\.|memory\.size=|lpc\.|bootrom=|x86\.)/m;

/**
 * The lines of a text that are still those of a template. A script is none: a shell has marks of its own, and what
 * reaches bhyve is looked at word by word.
 */
export function unfilledLines(source: OriginalText, format: ImportFormat | undefined): readonly Problem[] {
  if (format === 'bhyve' || (format === undefined && !variableOfBhyve.test(source.text))) return [];
  return source.text.split('\n').flatMap((line, index): readonly Problem[] => {
    const mark = /^\s*(#|$)/.test(line) ? undefined : templateMark(line, withVariables.includes(format));
    return mark === undefined ? [] : [refusal(source, index + 1, mark)];
  });
}

/** The words of a command of bhyve that are; a shell makes several words of a mark with blanks in it. */
export function unfilledWords(
  source: OriginalText,
  argv: readonly string[],
  lineOf: (word: string) => number | undefined,
): readonly Problem[] {
  const marked = argv.flatMap((word) => {
    const mark = templateMark(word);
    return mark === undefined ? [] : [refusal(source, lineOf(word), mark)];
  });
  const mark = marked.length > 0 ? undefined : templateMark(argv.join(' '));
  if (mark === undefined) return marked;
  const [first = ''] = mark.split(' ');
  return [refusal(source, lineOf(argv.find((word) => word.includes(first)) ?? ''), mark)];
}

function refusal(source: OriginalText, line: number | undefined, mark: string): Problem {
  const { message, fix } = templateWords(mark);
  return refusalAt(source, line, 'template', message, fix);
}
