/** Lines of mdoc(7) source. */
export type Lines = readonly string[];

/** mandoc(1) wants the lines of the source to fit a terminal, too. */
const maxWidth = 78;

const characters: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '’': "'",
  '‘': "'",
  '“': '"',
  '”': '"',
  '–': '\\(en',
  '—': '\\(em',
  '…': '...',
  '→': '\\(->',
  '×': '\\(mu',
};

/** Characters that mean something to roff, or that not every terminal has. */
const escaped = (text: string): string => text.replaceAll(/[\\’‘“”–—…→×]/g, (char) => characters[char] ?? char);

/** A line of text: a dot or quote in front would make it a request. */
const textLine = (line: string): string => (/^[.']/.test(line) ? `\\&${line}` : line);

/** Words that are joined to macros of their own: manual pages by name(section). */
const manual = /^([("]*)([a-z][a-z0-9_.-]*)\((\d)\)([.,;:)"]*)$/i;

/**
 * Prose, one sentence a line at least, as mdoc(7) wants it, since a sentence ends with its line. `bhyve(8)` becomes a
 * reference, and `word` in backquotes is set as what is typed.
 */
export function prose(text: string): Lines {
  const sentences = text
    .replaceAll(/\s+/g, ' ')
    .trim()
    .split(/(?<=[A-Za-z0-9)"’`\]}][.!?])(?<!e\.g\.|i\.e\.)\s+(?=[A-Z0-9"(`]|(?:bhyve|vmrun|tcsh)\b)/u);
  return sentences.flatMap(sentenceLines);
}

function sentenceLines(sentence: string): Lines {
  const lines: string[] = [];
  let line: string[] = [];
  const flush = (): void => {
    // At the end of a line this would be the end of a sentence.
    if (line.length > 0) lines.push(textLine(line.join(' ')).replace(/(?<=e\.g\.|i\.e\.)$/, '\\&'));
    line = [];
  };
  const macro = (name: string, open: string, body: string, close: string): void => {
    flush();
    const prefix = open === '' ? '' : `Pf ${open} `;
    lines.push([`.${prefix}${name}`, body, ...close.split(/(?=.)/)].filter((word) => word !== '').join(' '));
  };
  for (const token of tokens(sentence)) {
    const [, open = '', name = '', section = '', close = ''] = manual.exec(token) ?? [];
    if (name !== '') {
      macro('Xr', open, `${name} ${section}`, close);
      continue;
    }
    const system = /^([("]*)FreeBSD(?: (\d+))?([.,;:)"]*)$/.exec(token);
    if (system !== null) {
      macro('Fx', system[1] ?? '', system[2] ?? '', system[3] ?? '');
      continue;
    }
    const [, before = '', typed, after = ''] = /^([("]*)`([^`]+)`([.,;:)"]*)$/.exec(token) ?? [];
    if (typed !== undefined) {
      macro('Ql', before, argument(typed), after);
      continue;
    }
    if ([...line, token].join(' ').length > maxWidth) flush();
    line.push(escaped(token));
  }
  flush();
  return lines;
}

/** Words, but what stands in backquotes is one, and so is a release. */
const tokens = (sentence: string): readonly string[] =>
  sentence.match(/[^\s`]*`[^`]+`[^\s`]*|[("]*FreeBSD \d+[.,;:)"]*|\S+/g) ?? [];

/** A word that a macro is given as one, and as it is: a macro looks for names of macros, and for punctuation. */
export function argument(word: string): string {
  const text = escaped(word).replaceAll('"', '\\(dq');
  const isCallable = /^([A-Z][a-z]|[.,;:()[\]?!|])$/.test(word);
  return `${isCallable ? '\\&' : ''}${/\s/.test(text) || text === '' ? `"${text}"` : text}`;
}

export const section = (title: string, ...body: readonly Lines[]): Lines => [`.Sh ${title}`, ...body.flat()];
export const subsection = (title: string, ...body: readonly Lines[]): Lines => [`.Ss ${title}`, ...body.flat()];

/** Paragraphs with a blank line between them. */
export const paragraphs = (...parts: readonly Lines[]): Lines =>
  parts
    .filter((part) => part.length > 0)
    // Lists and displays bring their own.
    .flatMap((part, index) => (index === 0 || /^\.B[dl] /.test(part[0] ?? '') ? part : ['.Pp', ...part]));

export interface Item {
  /** What follows `.It`: macros with their arguments. */
  readonly head: string;
  readonly body: Lines;
}

/** @param width of the tags, e.g. `Ds` or the longest of them */
export const list = (items: readonly Item[], width = 'Ds'): Lines =>
  items.length === 0
    ? []
    : [`.Bl -tag -width ${argument(width)}`, ...items.flatMap(({ head, body }) => [`.It ${head}`, ...body]), '.El'];

/** Lines that are shown as they are. */
export const literal = (lines: Lines): Lines => [
  '.Bd -literal',
  ...lines.map((line) => textLine(escaped(line))),
  '.Ed',
];

export const references = (...pages: readonly (readonly [name: string, section: number])[]): Lines =>
  pages.map(([name, number], index) => `.Xr ${name} ${number}${index === pages.length - 1 ? '' : ' ,'}`);

/** When the words of the pages that are not generated were last gone through. */
const revised = 'November 21, 2026';

/** A whole page. */
export const manualPage = (name: string, number: number, about: string, ...sections: readonly Lines[]): string =>
  [
    '.\\" Written by npm run build from src and scripts/docs/man. Do not edit.',
    `.Dd ${revised}`,
    `.Dt ${name.toUpperCase()} ${number}`,
    '.Os',
    ...section('NAME', [`.Nm ${name}`, `.Nd ${about}`]),
    ...sections.flat(),
    '',
  ].join('\n');
