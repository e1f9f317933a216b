/** What an expression may ask for and set. */
interface Names {
  /** Undefined: it is not known. */
  readonly get: (name: string) => number | undefined;
  readonly set: (name: string, value: number) => void;
}

const levels: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<=', '>=', '<', '>'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
  ['**'],
];

const token =
  /\s*(\*\*|<<=|>>=|\+\+|--|&&|\|\||[=!<>+\-*/%&|^]=|<<|>>|0[xX][0-9a-fA-F]+|\d+#\w+|\d+|[A-Za-z_]\w*|[-+*/%<>=!&|^~?:(),])/y;

/** The value of `$((…))`; undefined where it is not known, or wrong. Nesting is limited. */
export function calculate(text: string, names: Names): number | undefined {
  const tokens: string[] = [];
  token.lastIndex = 0;
  let end = 0;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    tokens.push(found[1] ?? '');
    end = token.lastIndex;
  }
  if (text.slice(end).trim() !== '' || tokens.length > 200) return undefined;
  if (tokens.length === 0) return 0;
  let at = 0;
  const value = comma();
  return at === tokens.length && value !== undefined && Number.isSafeInteger(value) ? value : undefined;

  function accept(...words: readonly string[]): string | undefined {
    const word = tokens[at];
    if (word === undefined || !words.includes(word)) return undefined;
    at += 1;
    return word;
  }

  function comma(): number | undefined {
    let result = assignment();
    while (accept(',') !== undefined) result = assignment();
    return result;
  }

  function assignment(): number | undefined {
    const [name = '', operator = ''] = tokens.slice(at, at + 2);
    if (!/^[A-Za-z_]/.test(name) || !/^(?:[+\-*/%&|^]|<<|>>)?=$/.test(operator)) return choice();
    at += 2;
    const right = assignment();
    const result = operator === '=' ? right : apply(operator.slice(0, -1), names.get(name), right);
    if (result !== undefined) names.set(name, result);
    return result;
  }

  function choice(): number | undefined {
    const condition = binary(0);
    if (accept('?') === undefined) return condition;
    const yes = assignment();
    if (accept(':') === undefined) return undefined;
    const no = assignment();
    return condition === undefined ? undefined : condition !== 0 ? yes : no;
  }

  function binary(level: number): number | undefined {
    const operators = levels[level];
    if (operators === undefined) return unary();
    let left = binary(level + 1);
    for (let operator = accept(...operators); operator !== undefined; operator = accept(...operators)) {
      left = apply(operator, left, binary(operator === '**' ? level : level + 1));
    }
    return left;
  }

  function unary(): number | undefined {
    const operator = accept('-', '+', '!', '~', '++', '--');
    if (operator === undefined) return primary();
    if (operator === '++' || operator === '--') {
      const name = tokens[at] ?? '';
      at += 1;
      return step(name, operator === '++' ? 1 : -1);
    }
    const operand = unary();
    if (operand === undefined) return undefined;
    return operator === '-'
      ? -operand
      : operator === '!'
        ? Number(operand === 0)
        : operator === '~'
          ? ~operand
          : operand;
  }

  function step(name: string, by: number): number | undefined {
    const before = names.get(name);
    if (before === undefined) return undefined;
    names.set(name, before + by);
    return before + by;
  }

  function primary(): number | undefined {
    const word = tokens[at] ?? '';
    at += 1;
    if (word === '(') {
      const inner = comma();
      return accept(')') === undefined ? undefined : inner;
    }
    const [, base, digits = ''] = /^(\d+)#(\w+)$/.exec(word) ?? [];
    if (base !== undefined) return numberOf(digits, Number(base));
    if (/^\d/.test(word)) return /^0\d/.test(word) ? Number.parseInt(word, 8) : Number(word);
    if (!/^[A-Za-z_]/.test(word)) return undefined;
    const before = names.get(word);
    const operator = accept('++', '--');
    if (operator !== undefined) step(word, operator === '++' ? 1 : -1);
    return before;
  }
}

/** `16#ff`; undefined: no such number, or one of a base whose digits are no letters of one kind. */
function numberOf(digits: string, base: number): number | undefined {
  const value = base >= 2 && base <= 36 ? Number.parseInt(digits, base) : Number.NaN;
  const isWhole = value.toString(base >= 2 && base <= 36 ? base : 10) === digits.toLowerCase().replace(/^0+(?=.)/, '');
  return isWhole ? value : undefined;
}

function apply(operator: string, left: number | undefined, right: number | undefined): number | undefined {
  if (left === undefined || right === undefined) return undefined;
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return right === 0 ? undefined : Math.trunc(left / right);
    case '%':
      return right === 0 ? undefined : left % right;
    case '**':
      return right < 0 ? undefined : left ** right;
    case '<<':
      return left * 2 ** right;
    case '>>':
      return Math.floor(left / 2 ** right);
    case '&':
      return left & right;
    case '|':
      return left | right;
    case '^':
      return left ^ right;
    case '&&':
      return Number(left !== 0 && right !== 0);
    case '||':
      return Number(left !== 0 || right !== 0);
    case '==':
      return Number(left === right);
    case '!=':
      return Number(left !== right);
    case '<':
      return Number(left < right);
    case '>':
      return Number(left > right);
    case '<=':
      return Number(left <= right);
    case '>=':
      return Number(left >= right);
    default:
      return undefined;
  }
}
