/** A stretch of a text in which a secret may stand; the end is exclusive. */
export interface SecretPlace {
  readonly start: number;
  readonly end: number;
  /** It is in a line of comment, which no parser takes for more. */
  readonly isComment: boolean;
  /** There are signs in it that no parser takes for a part of a value: what it is up to is uncertain. */
  readonly isOdd: boolean;
}

/** The word in any case, with signs of another kind strewn in. */
const loosely = (word: string): string => Array.from(word).join(String.raw`\W{0,4}`);

/** Also with letters strewn in, with another or none in place of one of them, or with two that are swapped. */
const nearly = (word: string): string =>
  [
    loosely(word),
    Array.from(word).join('[^]{0,2}'),
    ...Array.from(word, (_, at) => `${word.slice(0, at)}(?:[^]|\\W{0,4})${word.slice(at + 1)}`),
    ...Array.from(word, (letter, at) => `${word.slice(0, at)}${word.charAt(at + 1)}${letter}${word.slice(at + 2)}`),
  ].join('|');

/**
 * What announces a secret, with a letter missing or signs too many: a mistake in the word is as likely as one behind it.
 * A passthru device does not, nor does a field that names a file.
 */
const announcement = new RegExp(
  String.raw`(?!pas{1,2}[_-]?th|[a-z]{0,10}_?file\b)(?:` +
    [
      ...['pas', 'ssw', 'swo', 'word', 'wrd', 'pwd', 'swd'].map(loosely),
      ...['secret', 'token'].map(nearly),
      String.raw`credential|(?:api|auth|private)[_-]?key)`,
    ].join('|'),
  'gi',
);

/** The rest of the key, and a value in quotes that ends where such a value should. */
const quotedForm =
  /[A-Za-z_]*["']?\s*[:=]\s*(["'])((?:(?!\1)[^\\\r\n<>])+)\1(?=\s*(?:[;}\]>]|\/>|$|[\r\n]|,\s*(?:["']?[\w.-]+["']?\s*[:=]|[\r\n]))|\s+\w+=)/y;
/** The rest of the key, and what separates it from its value. */
const keyForm = /[A-Za-z_-]*(?:["']?[ \t]*[:=][ \t]*|["']?[ \t]+|(?=[\r\n]))/y;
/** A line that says something else. */
const nextKeyForm =
  /^\s*(?:["']?[\w.-]+["']?\s*[:={](?![^\s"'{[]*$)|["']?[\w.-]+["']?\s*=|[}\]<#]|-\s*["']?[\w.-]+["']?\s*[:={]|-\w\b)/;
/** Whether a line, be it broken, begins with a key or an end of its own: it does not go on with the line before. */
export const standsAlone = (line: string): boolean =>
  /^\s*(?:[}\]#]|(?:-\s+)?["']?[A-Za-z_][\w.-]*["']?\s*[:=])/.test(line);

const commentForm = /[ \t]*(?:#|\/\/)/y;

const match = (form: RegExp, text: string, at: number): RegExpExecArray | null => {
  form.lastIndex = at;
  return form.exec(text);
};

/** Where the first word from an offset on ends that announces a secret; undefined: there is none. */
function announcedFrom(text: string, at: number): number | undefined {
  announcement.lastIndex = at;
  return announcement.test(text) ? announcement.lastIndex : undefined;
}

/**
 * Where in one word, or one quotation, a secret may begin.
 * @param isWord nothing needs to stand between the two, as in `passwordletmein`
 */
export function secretStart(text: string, isWord: boolean): number {
  let at = announcedFrom(text, 0);
  while (at !== undefined) {
    const key = isWord ? '' : match(keyForm, text, at)?.[0];
    if (key !== undefined) return at + key.length;
    at = announcedFrom(text, at);
  }
  return text.length;
}

/**
 * Finds where in a text a secret may stand: behind a word like `password`, to the end of the line, and on the next lines
 * where the value may go on there. The text need not be well-formed: what follows a broken quote is believed to be secret.
 * In order, none inside of another.
 * @param endOf where the value ends that an offset is in, for certain; undefined: nobody knows
 */
export function secretPlaces(text: string, endOf: EndOf = () => undefined): readonly SecretPlace[] {
  const places: SecretPlace[] = [];
  const lines = lineReader(text);
  for (let at = announcedFrom(text, 0); at !== undefined;) {
    const {
      start,
      end,
      next,
      isOdd = false,
    } = quotedValue(text, at, lines) ?? within(restOfLine(text, at, lines), endOf);
    const last = places.at(-1);
    if (last !== undefined && start <= last.end)
      places.splice(-1, 1, { ...last, end: Math.max(last.end, end), isOdd: last.isOdd || isOdd });
    else if (end > start) places.push({ start, end, isComment: lines.isComment(at), isOdd });
    at = announcedFrom(text, Math.max(at, next));
  }
  return places;
}

export type EndOf = (offset: number) => number | undefined;

function within(stretch: Stretch, endOf: EndOf): Stretch {
  const end = stretch.isOdd === true ? undefined : endOf(stretch.start);
  return end === undefined ? stretch : { start: stretch.start, end, next: end };
}

interface Stretch {
  readonly start: number;
  readonly end: number;
  /** Where to look for the next. */
  readonly next: number;
  readonly isOdd?: boolean;
}

const oddSign = /[<>{}[\]|&*!%@`\\]/;

/** What is asked about lines, in the order of the text: each is looked at once, be it as long as the text. */
interface LineReader {
  readonly start: (at: number) => number;
  readonly end: (at: number) => number;
  readonly isComment: (at: number) => boolean;
  /** Whether the quotes from an offset to the end of the next line are of an even number. */
  readonly isBalanced: (from: number, quote: string) => boolean;
}

function lineReader(text: string): LineReader {
  let line = { start: 0, end: -1 };
  let counted = { quote: '', from: 0, to: -1, odd: false };
  const endFrom = (at: number): number => {
    const end = text.indexOf('\n', at);
    return end === -1 ? text.length : end;
  };
  const lineAt = (at: number): typeof line => {
    if (at < line.start || at > line.end) line = { start: text.lastIndexOf('\n', at - 1) + 1, end: endFrom(at) };
    return line;
  };
  const isOdd = (from: number, to: number, quote: string): boolean => {
    let odd = false;
    for (let at = text.indexOf(quote, from); at !== -1 && at < to; at = text.indexOf(quote, at + 1)) odd = !odd;
    return odd;
  };
  return {
    start: (at) => lineAt(at).start,
    end: (at) => lineAt(at).end,
    isComment: (at) => match(commentForm, text, lineAt(at).start) !== null,
    isBalanced: (from, quote) => {
      const end = lineAt(from).end;
      const isKnown =
        counted.quote === quote && counted.to >= end && from >= counted.from && lineAt(counted.from).end === end;
      const to = isKnown ? counted.to : endFrom(end + 1);
      const odd = isKnown ? counted.odd !== isOdd(counted.from, from, quote) : isOdd(from, to, quote);
      counted = { quote, from, to, odd };
      return !odd;
    },
  };
}

/** The value of a well-formed key, where all else on its line and the next seems to be well-formed, too. */
function quotedValue(text: string, behind: number, lines: LineReader): Stretch | undefined {
  const [whole, quote = '', value = ''] = match(quotedForm, text, behind) ?? [];
  if (whole === undefined) return undefined;
  const end = behind + whole.length;
  return lines.isBalanced(end, quote) ? { start: end - value.length - 1, end: end - 1, next: end } : undefined;
}

function restOfLine(text: string, behind: number, lines: LineReader): Stretch {
  const key = match(keyForm, text, behind)?.[0];
  const start = behind + (key ?? '').length;
  let end = lines.end(start);
  const first = text.slice(start, end).trim();
  const heredoc = /<<[-~]?\s*["']?(\w+)/.exec(first)?.[1];
  if (heredoc !== undefined) {
    end = endOfHeredoc(text, end, heredoc);
    return { start, end, next: end, isOdd: !/^<<-?[A-Z]+$/.test(first) };
  }
  const firstEnd = end;
  const isOdd = key === undefined || oddSign.test(first);
  const quote = ["'", '"'].find((each) => first.split(each).length % 2 === 0);
  // The value has yet to come, or ends where nobody can tell.
  let isOpen =
    !lines.isComment(behind) &&
    (key === undefined || quote !== undefined || !/[A-Za-z0-9]/.test(first) || /^[|<>&*!%@`]/.test(first));
  const indent = indentOf(text.slice(lines.start(behind), behind));
  for (let [all, beside] = [0, 0]; end < text.length && beside < mostBeside && all < mostLines; all += 1) {
    const next = lines.end(end + 1);
    const line = text.slice(end + 1, next);
    const isBlank = line.trim() === '';
    if (!isBlank && !isOpen && nextKeyForm.test(line)) break;
    end = next;
    if (quote === undefined) {
      if (!isBlank) isOpen = false;
      if (!isBlank && indentOf(line) <= indent) beside += 1;
    } else if (line.includes(quote)) break;
  }
  return { start, end, next: firstEnd, isOdd };
}

/** More than a private key has. */
const mostLines = 200;
/** Lines that are not further in than the key, and nevertheless may go on with its value. */
const mostBeside = 2;

const indentOf = (line: string): number => line.length - line.trimStart().length;

function endOfHeredoc(text: string, from: number, word: string): number {
  for (let at = from; at < text.length;) {
    const end = text.indexOf('\n', at + 1);
    const next = end === -1 ? text.length : end;
    if (
      text
        .slice(at + 1, next)
        .trim()
        .replace(/[,;]$/, '') === word
    )
      return at;
    at = next;
  }
  return text.length;
}
