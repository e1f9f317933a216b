/** JSON of plain data in which what fits a line stands on one: a list of a hundred cards is a hundred lines. */
export function compactJson(value: unknown, width: number, indent = '', before = 0): readonly string[] {
  const short = oneLine(value);
  if (typeof value !== 'object' || value === null || indent.length + before + short.length <= width) return [short];
  const deeper = `${indent}  `;
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const parts = Array.isArray(value)
    ? value.map((item: unknown) => compactJson(item, width, deeper))
    : membersOf(value).map(([key, item]) => {
        const name = `${JSON.stringify(key)}: `;
        const [first = '', ...rest] = compactJson(item, width, deeper, name.length);
        return [`${name}${first}`, ...rest];
      });
  const lines = parts.flatMap(([first = '', ...rest], index) => {
    const part = [`${deeper}${first}`, ...rest];
    return index === parts.length - 1 ? part : [...part.slice(0, -1), `${part.at(-1) ?? ''},`];
  });
  return [open, ...lines, `${indent}${close}`];
}

function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const parts = membersOf(value).map(([key, item]) => `${JSON.stringify(key)}: ${oneLine(item)}`);
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}

/** What is undefined is left out, as JSON.stringify does. */
const membersOf = (value: object): readonly (readonly [string, unknown])[] =>
  Object.entries(value).filter(([, item]) => item !== undefined);
