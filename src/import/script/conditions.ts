import { literalPattern, matches } from './patterns.js';
import { decide, toBranch, toGiven, toValue, type Choice, type Run } from './run.js';
import { argumentsUpTo } from './parameters.js';
import { hasSymbol, plainText, shownText, symbolsIn } from './symbols.js';

/** An operand of `[ … ]`, as text and as the pattern that it is in `[[ … ]]`. */
export interface Operand {
  readonly text: string;
  readonly pattern: string;
  readonly isQuoted: boolean;
}

interface Outcome {
  readonly value: boolean;
  /** Nothing from outside has a say in it. */
  readonly isFixed: boolean;
  /** Undefined where it is known in a call without arguments. */
  readonly isOpen: boolean;
  /** What would turn it. */
  readonly choices: readonly Choice[];
}

const fixed = (value: boolean): Outcome => ({ value, isFixed: true, isOpen: false, choices: [] });

/** `test`, `[ … ]` and `[[ … ]]`, without the brackets. */
export function holds(run: Run, { site, line, source, operands, isDouble }: TestWords): boolean {
  const outcome = expression(run, operands, isDouble);
  const { isFixed, isOpen, choices } = outcome;
  if (isFixed) return outcome.value;
  const value = isOpen && run.openIs !== undefined ? run.openIs : outcome.value;
  const turned = `${source} is ${value ? 'false' : 'true'}`;
  if (choices.length === 0) run.questions += 1;
  const others = choices.length > 0 ? choices : [toBranch(site, value ? 0 : 1, turned)];
  return decide(run, { site, line, branch: value ? 1 : 0, others, isOnce: run.isLoopCondition }) === 1;
}

interface TestWords {
  readonly site: number;
  readonly line: number;
  readonly source: string;
  readonly operands: readonly Operand[];
  readonly isDouble: boolean;
}

/** An expression of words; recursion is limited by their number. */
function expression(run: Run, words: readonly Operand[], isDouble: boolean): Outcome {
  if (words.length > 64) return { value: false, isFixed: false, isOpen: true, choices: [] };
  let at = 0;
  return either();

  function is(...texts: readonly string[]): boolean {
    const word = words[at];
    if (word === undefined || word.isQuoted || !texts.includes(word.text)) return false;
    // In a test of two or three words an operator between operands is an operand where nothing follows.
    return true;
  }

  function either(): Outcome {
    let left = both();
    while (is('||', '-o')) {
      at += 1;
      left = combined(left, both(), (a, b) => a || b);
    }
    return left;
  }

  function both(): Outcome {
    let left = one();
    while (is('&&', '-a')) {
      at += 1;
      left = combined(left, one(), (a, b) => a && b);
    }
    return left;
  }

  function one(): Outcome {
    if (is('!') && at + 1 < words.length) {
      at += 1;
      const { value, ...rest } = one();
      return { ...rest, value: !value };
    }
    if (is('(')) {
      at += 1;
      const inner = either();
      if (is(')')) at += 1;
      return inner;
    }
    const [first, second, third] = words.slice(at, at + 3);
    if (first === undefined) return fixed(false);
    if (second !== undefined && third !== undefined && binaryOperators.includes(second.text)) {
      at += 3;
      return binary(run, first, second.text, third, isDouble);
    }
    if (second !== undefined && /^-[a-zA-Z]$/.test(first.text)) {
      at += 2;
      return unary(run, first.text, second);
    }
    at += 1;
    return unary(run, '-n', first);
  }
}

function combined(a: Outcome, b: Outcome, join: (a: boolean, b: boolean) => boolean): Outcome {
  const value = join(a.value, b.value);
  // A side that decides alone leaves the other without a say.
  const decisive = [a, b].find((side) => side.isFixed && join(side.value, true) === join(side.value, false));
  if (decisive !== undefined) return fixed(value);
  return {
    value,
    isFixed: a.isFixed && b.isFixed,
    isOpen: a.isOpen || b.isOpen,
    choices: a.isFixed ? b.choices : b.isFixed ? a.choices : [...a.choices, ...b.choices],
  };
}

const binaryOperators = [
  '=',
  '==',
  '!=',
  '=~',
  '<',
  '>',
  '-eq',
  '-ne',
  '-lt',
  '-le',
  '-gt',
  '-ge',
  '-nt',
  '-ot',
  '-ef',
];

/** Files that are there only while a VM runs. */
const isRunFile = (path: string): boolean => /^\/dev\/vmm(\/|$)|\.(pid|lock)$/.test(path);

function unary(run: Run, operator: string, operand: Operand): Outcome {
  const { text } = operand;
  const plain = plainText(text, run.symbols);
  switch (operator) {
    case '-n':
    case '-z': {
      const isEmpty = plain === '';
      const value = (operator === '-z') === isEmpty;
      if (!hasSymbol(text)) return fixed(value);
      if (symbolsIn(text).length < text.length) return fixed(operator === '-n');
      return { value, isFixed: false, isOpen: plain === undefined, choices: plain === '' ? givens(run, text) : [] };
    }
    case '-v':
      return fixed(run.variables.has(text));
    case '-t':
      return { value: true, isFixed: false, isOpen: false, choices: [] };
    case '-o':
    case '-R':
      return fixed(false);
    default:
      if (plain === '') return { value: false, isFixed: !hasSymbol(text), isOpen: false, choices: givens(run, text) };
      if (run.files.has(text)) return fixed(true);
      return { value: !isRunFile(shownText(text, run.symbols)), isFixed: false, isOpen: true, choices: [] };
  }
}

/** An argument that is given after all. */
function givens(run: Run, text: string): readonly Choice[] {
  return symbolsIn(text)
    .slice(0, 1)
    .flatMap((symbol) => {
      const { input, kind, source } = run.symbols.meaning(symbol);
      if (input === undefined || input === '#') return [];
      return [toGiven(kind === 'argument' ? argumentsUpTo(input) : [input], `${source} is given`)];
    });
}

function binary(run: Run, left: Operand, operator: string, right: Operand, isDouble: boolean): Outcome {
  const compare = (a: string, b: string): boolean => compared(a, operator, b, isDouble);
  const rightText = isDouble && /^[!=]?=$/.test(operator) ? right.pattern : right.text;
  if (operator === '=~') {
    const found = hasSymbol(left.text + right.text) ? undefined : regexHolds(run, left.text, right);
    return found === undefined ? { value: false, isFixed: false, isOpen: true, choices: [] } : fixed(found);
  }
  if (/^-[no]t$|^-ef$/.test(operator)) return { value: false, isFixed: false, isOpen: true, choices: [] };
  if (!hasSymbol(left.text) && !hasSymbol(rightText)) return fixed(compare(left.text, rightText));
  const [a, b] = [plainText(left.text, run.symbols), plainText(rightText, run.symbols)];
  const isOpen = a === undefined || b === undefined;
  // What somebody gives is hardly ever the one word that it is compared with.
  const value = isOpen ? operator === '!=' || operator === '-ne' : compare(a, b);
  const choices = hasSymbol(rightText)
    ? solved(run, right.text, left.text, operator, value)
    : solved(run, left.text, isDouble ? (literalPattern(rightText) ?? '') : rightText, operator, value);
  return { value, isFixed: false, isOpen, choices };
}

/** Steps that an expression may cost. */
const mostTries = 1_000_000;

/** `=~` of bash(1), with what `BASH_REMATCH` is then; undefined: nobody knows. */
function regexHolds(run: Run, text: string, { text: form, isQuoted }: Operand): boolean | undefined {
  const name = 'BASH_REMATCH';
  run.assigned.add(name);
  run.variables.set(name, run.symbols.of({ source: `$${name}`, kind: 'output' }));
  const written = form.replaceAll('[[:digit:]]', '\\d').replaceAll('[[:space:]]', '\\s');
  const repeats = form.match(/[*+{]/g)?.length ?? 0;
  const isCostly = form.length > 100 || Math.max(2, text.length) ** repeats > mostTries;
  // What is quoted stands for itself, and what is repeated in something repeated costs without end.
  const isOther = (isQuoted && /[.*+?()[\]{}|^$\\]/.test(form)) || /\[[:.=]/.test(written);
  if (isCostly || isOther || /[+*}][+*{]|\(.*[+*|].*\)[+*{]/.test(form)) return undefined;
  try {
    const found = new RegExp(written).exec(text);
    // Of several that match, it takes the longest one.
    if (!form.includes('|'))
      run.variables.set(
        name,
        found === null ? [] : Array.from<string | undefined, string>(found, (group) => group ?? ''),
      );
    return found !== null;
  } catch {
    return undefined;
  }
}

function compared(a: string, operator: string, b: string, isDouble: boolean): boolean {
  switch (operator) {
    case '=':
    case '==':
      return isDouble ? matches(b, a) : a === b;
    case '!=':
      return isDouble ? !matches(b, a) : a !== b;
    case '<':
      return a < b;
    case '>':
      return a > b;
  }
  const [one, other] = [Number(a.trim()), Number(b.trim())];
  // What is no number is an error of test(1), and so not true.
  if (Number.isNaN(one) || Number.isNaN(other) || a.trim() === '') return false;
  switch (operator) {
    case '-eq':
      return one === other;
    case '-ne':
      return one !== other;
    case '-lt':
      return one < other;
    case '-le':
      return one <= other;
    case '-gt':
      return one > other;
    default:
      return one >= other;
  }
}

/** Values from outside that would turn a comparison with a text. */
function solved(run: Run, text: string, literal: string, operator: string, value: boolean): readonly Choice[] {
  const [symbol, ...more] = symbolsIn(text);
  const meaning = symbol === undefined ? undefined : run.symbols.meaning(symbol);
  if (symbol === undefined || meaning?.input === undefined || more.length > 0 || hasSymbol(literal)) return [];
  const { input, source } = meaning;
  if (input === '#') {
    const counts = [1, 2, 3, 4, 5].filter((count) => compared(String(count), operator, literal, false) !== value);
    const [count] = counts;
    return count === undefined
      ? []
      : [toGiven(argumentsUpTo(String(count)), count === 1 ? 'an argument is given' : `${count} arguments are given`)];
  }
  if (!/^([!=]?=|-eq|-ne)$/.test(operator)) return [];
  const wanted = valueFor(text, symbol, literal);
  return wanted === undefined ? [] : [toValue(input, wanted, `${source} is ${JSON.stringify(wanted)}`)];
}

/** What a symbol has to be so that a text is another one: `x$1` and `xinstall`. */
export function valueFor(text: string, symbol: string, wanted: string): string | undefined {
  const [before = '', after = ''] = text.split(symbol);
  const isInside = wanted.length > before.length + after.length;
  return isInside && wanted.startsWith(before) && wanted.endsWith(after)
    ? wanted.slice(before.length, wanted.length - after.length)
    : undefined;
}
