import { advise, type Advice, type Has } from './advice.js';

/** Why bhyve or a loader ended as it did: the cause, what shows it, and what to do. */
export interface Explanation {
  readonly cause: string;
  /** Of the lines that it wrote: the one that tells, with its neighbours, or else the last ones. */
  readonly evidence: readonly string[];
  readonly next: string;
}

/** What one message of a program means. */
export interface Rule {
  /**
   * The message: one line, without the program's name in front. It is tried on every line of what may be garbage, so
   * it repeats nothing that repeats, and has at most two open repetitions, one of them if it may begin anywhere.
   */
  readonly when: RegExp;
  /** Another line that must be there too; the same holds for it. */
  readonly also?: RegExp;
  /** What the machine must have for the rule to make sense: a model of device, a field of the spec. */
  readonly needs?: string;
  /** bhyve goes on after this message: it counts where no other says how it ended. */
  readonly isWarning?: true;
  /** The message says that something failed, not what or why: it counts where no other does. */
  readonly isVague?: true;
  /** `$1` stands for what the first group of `when` found, `$2` for the second, `$0` for the whole message. */
  readonly cause: string;
  /** As `cause`; it names only what the machine has, or what the user may add. */
  readonly next: Advice;
}

const evidenceLines = 3;
/** More are never looked at; the last ones count. A usage text has some thirty. */
const longestText = 200;
/** In UTF-16 units. A message that quotes a long path is longer than a line of a terminal. */
const longestLine = 500;
const longestQuote = 100;

/** What a terminal obeys instead of showing it, half characters, and what changes the direction of text. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** What moves the cursor and sets colours: ECMA-48, 5.4. */
const controlSequence = /\p{Cc}\[[\d;?]*[A-Za-z]/gu;

/** The lines that say something, oldest first, fit for a terminal and for JSON. */
export function saidLines(text: string): readonly string[] {
  return text
    .replaceAll(controlSequence, '')
    .split('\n')
    .map((line) => clip(line.replaceAll(/\t+/g, ' ').replaceAll(unprintable, '').trimEnd(), longestLine))
    .filter((line) => line !== '')
    .slice(-longestText);
}

/** The end of what a program wrote. */
export const lastWords = (lines: readonly string[]): readonly string[] => lines.slice(-evidenceLines);

/** A list that is made when it is first asked for: most runs end well, and a supervisor is to be small. */
export function whenAsked<T>(make: () => readonly T[]): () => readonly T[] {
  let made: readonly T[] | undefined;
  return () => (made ??= make());
}

/** What nobody knows anything of may have it all. */
export const anything: Has = () => true;

/**
 * What the rules make of a program's last words. The earliest cause counts, since one failure brings others: each line
 * is what the first rule that fits makes of it. Where a rule fits several lines, the last counts: a bhyve in monitor
 * mode lives through many boots.
 * @param lines of `wordsOf`
 * @param has what the machine has. Default: nobody knows, so it may have anything
 */
export function ruled(rules: readonly Rule[], lines: readonly string[], has = anything): Explanation | undefined {
  const messages = lines.map(withoutProgram);
  const hits = new Map<Rule, Hit>();
  messages.forEach((message, at) => {
    for (const rule of rules) {
      if (rule.needs !== undefined && !has(rule.needs)) continue;
      const found = rule.when.exec(message);
      if (found === null || !isComplete(rule, messages)) continue;
      hits.set(rule, { rule, at, parts: [message, ...found.slice(1)] });
      return;
    }
  });
  const [cause] = [...hits.values()].sort((a, b) => weight(a.rule) - weight(b.rule) || a.at - b.at);
  if (cause === undefined) return undefined;
  const { rule, at, parts } = cause;
  return { cause: fill(rule.cause, parts), evidence: around(lines, at), next: fill(advise(rule.next, has), parts) };
}

/** A line that a rule fits. */
interface Hit {
  readonly rule: Rule;
  readonly at: number;
  readonly parts: readonly (string | undefined)[];
}

const isComplete = ({ also }: Rule, messages: readonly string[]): boolean =>
  also === undefined || messages.some((message) => also.exec(message) !== null);

const weight = ({ isWarning, isVague }: Rule): number => (isVague === true ? 2 : isWarning === true ? 1 : 0);

/** warnx(3) and err(3) put the name in front under which the program was started. */
const withoutProgram = (line: string): string => line.replace(/^(?:bhyve|grub-bhyve)[\w.-]{0,32}: /, '');

/** A line and those that follow, or where these are few, those before it. */
function around(lines: readonly string[], at: number): readonly string[] {
  const start = Math.max(0, Math.min(at, lines.length - evidenceLines));
  return lines.slice(start, start + evidenceLines);
}

const fill = (text: string, parts: readonly (string | undefined)[]): string =>
  text.replaceAll(/\$(\d)/g, (_, part: string) => clip((parts[Number(part)] ?? '').trim(), longestQuote)).trim();

const clip = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 3).replace(/\p{Cs}$/u, '')}...`;
