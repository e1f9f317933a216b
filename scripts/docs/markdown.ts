/** Text for a cell of a table: `|` would end it, also inside of code. */
const cell = (text: string): string => (text === '' ? '–' : text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' '));

/** A table; empty cells hold a dash. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map((row) => line(row.map(cell)))].join('\n');
}

export const code = (text: string): string => (text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``);

export const codeBlock = (language: string, lines: readonly string[]): string =>
  ['```' + language, ...lines, '```'].join('\n');

/** Prose that comes from the schema: plain text, so what looks like a tag is none. */
export const prose = (text: string): string => text.replaceAll('<', '\\<');

/** Paragraphs, with a blank line between them and one newline at the end. */
export const page = (parts: readonly string[]): string => `${parts.filter((part) => part !== '').join('\n\n')}\n`;

/** How a heading is linked to. */
export const anchor = (heading: string): string =>
  `#${heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(' ', '-')}`;

const maxWidth = 100;

/** JSON on one line where it fits, as people write it. */
export function json(value: unknown, indent = '', before = 0): string {
  const short = inlineJson(value);
  if (typeof value !== 'object' || value === null || indent.length + before + short.length <= maxWidth) return short;
  const deeper = `${indent}  `;
  const parts = Array.isArray(value)
    ? value.map((item: unknown) => json(item, deeper))
    : Object.entries(value).map(([key, item]) => {
        const name = `${JSON.stringify(key)}: `;
        return name + json(item, deeper, name.length);
      });
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  return `${open}\n${parts.map((part) => deeper + part).join(',\n')}\n${indent}${close}`;
}

export function inlineJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inlineJson).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${inlineJson(item)}`);
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}

/** Members of an object without its braces, each on a line: `"cpu": 2`. */
export const members = (value: object): readonly string[] =>
  Object.entries(value).map(([key, item]) => {
    const name = `${JSON.stringify(key)}: `;
    return name + json(item, '', name.length);
  });
