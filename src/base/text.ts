/** What a message names of a kind, before it says how many more there are. */
const mostNamed = 40;

/** `a`, `a and b`, `a, b and c`, and of very many the first, `and 60 more`. */
export function listWords(words: readonly string[], last = 'and'): string {
  if (words.length < 2) return words.join('');
  if (words.length > mostNamed) {
    return `${words.slice(0, mostNamed).join(', ')} ${last} ${words.length - mostNamed} more`;
  }
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1) ?? ''}`;
}

/** `1 problem`, `3 problems`. */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

/** Text for a message: quoted as JSON, cut in the middle where it is long, control characters escaped. */
export function shown(value: unknown, max = 60): string {
  const text = value === undefined ? 'undefined' : JSON.stringify(value);
  if (text.length <= max) return text;
  return `${text.slice(0, max - 20)}...${text.slice(-15)}`;
}

/** A message may quote what others wrote, and that may be megabytes: it is cut in the middle, and says how long it was. */
export function shortened(text: string, max = 4000): string {
  if (text.length <= max) return text;
  return `${text.slice(0, max - 300)} ... (${text.length} characters) ... ${text.slice(-200)}`;
}

/** Text without the characters of one kind that it ends in; a pattern would begin anew at each of them. */
export function withoutEnd(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === character) end -= 1;
  return text.slice(0, end);
}

/** Length in UTF-8, which is what bhyve and the kernel count. */
export const byteLength = (text: string): number => new TextEncoder().encode(text).length;
