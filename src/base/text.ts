/** `a`, `a and b`, `a, b and c`. */
export function listWords(words: readonly string[], last = 'and'): string {
  if (words.length < 2) return words.join('');
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

/** Length in UTF-8, which is what bhyve and the kernel count. */
export const byteLength = (text: string): number => new TextEncoder().encode(text).length;
