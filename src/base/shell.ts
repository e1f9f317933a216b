const plain = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** Quotes one word for a POSIX shell (XCU 2.2): as it is where that is safe, else in single quotes. */
export const quoteWord = (word: string): string => (plain.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** One command line that a POSIX shell splits back into the same words. */
export const quoteCommand = (words: readonly string[]): string => words.map(quoteWord).join(' ');

/**
 * Splits text as a POSIX shell splits words: blanks separate, single and double quotes and backslashes keep. Nothing
 * is expanded: `$`, `*` and `~` stay as they are.
 * @returns the words, or what is wrong
 */
export function splitWords(text: string): readonly string[] | { readonly error: string } {
  const words: string[] = [];
  let word: string | undefined;
  let index = 0;
  while (index < text.length) {
    const char = text.charAt(index);
    index += 1;
    if (char === "'") {
      const end = text.indexOf("'", index);
      if (end === -1) return { error: `the quote at character ${index} has no end` };
      word = (word ?? '') + text.slice(index, end);
      index = end + 1;
    } else if (char === '"') {
      const quoted = doubleQuoted(text, index);
      if (quoted === undefined) return { error: `the quote at character ${index} has no end` };
      word = (word ?? '') + quoted.text;
      index = quoted.end;
    } else if (char === '\\') {
      if (index === text.length) return { error: 'a backslash at the end quotes nothing' };
      word = (word ?? '') + text.charAt(index);
      index += 1;
    } else if (' \t\n'.includes(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** Inside double quotes a backslash keeps only `"`, `\`, `$` and the backquote: XCU 2.2.3. */
function doubleQuoted(text: string, start: number): { readonly text: string; readonly end: number } | undefined {
  let out = '';
  for (let index = start; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (char === '"') return { text: out, end: index + 1 };
    if (char === '\\' && '"\\$`'.includes(text.charAt(index + 1)) && index + 1 < text.length) {
      index += 1;
      out += text.charAt(index);
    } else {
      out += char;
    }
  }
  return undefined;
}
