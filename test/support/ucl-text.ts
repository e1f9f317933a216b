/** Decides between several ways to write the same: a number below `ways`. */
export type Choose = (ways: number) => number;

/** Takes its decisions from numbers that a property test has drawn, again from the first after the last. */
export function chooseFrom(drawn: readonly number[]): Choose {
  let next = 0;
  return (ways) => {
    next += 1;
    return (drawn[next % drawn.length] ?? 0) % ways;
  };
}

export interface UclStyle {
  readonly choose: Choose;
  /** Lists by these keys may be written as sections of one name, if they hold objects: the reader sees two or more. */
  readonly sections?: readonly string[];
}

const spellings = {
  true: ['true', 'yes', 'on', 'TRUE', 'Yes'],
  false: ['false', 'no', 'off', 'FALSE', 'Off'],
} as const;

const bareKey = /^[A-Za-z0-9_/][\w./-]*$/;
/** Text that means the same without quotes, wherever it stands. */
const bareText = /^(?!(?:true|false|yes|no|on|off|null)$)[A-Za-z_/](?:[\w.:=@%+<>?!()~^&|$'-]|\/(?!\*))*$/i;
/** Text with a unit: a size, a time. */
const bareSize = /^\d+(?:\.\d+)?[A-Za-z]+$/;

/** A JSON value with other numbers where libucl, whose integers have 64 bits, would hold none. */
export const inUclRange = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_key, each: unknown) =>
    typeof each === 'number' && Number.isInteger(each) && Math.abs(each) >= 2 ** 63 ? 0.5 : each,
  );

/** Writes a JSON value, an object or an array, as UCL in one of its many forms. */
export function uclText(value: unknown, style: UclStyle): string {
  const { choose, sections = [] } = style;
  const pick = <T>(ways: readonly T[], fallback: T): T => ways[choose(ways.length)] ?? fallback;

  const remark = (): string => pick(['', '', '', ' # so', '\n# a { comment\n'], '');
  const gap = (): string => pick(['\n', '\n', ';\n', ',\n', ' # more;\n', '\n\n/* a /* nested */ comment */\n'], '\n');
  const key = (name: string): string => (bareKey.test(name) && choose(3) > 0 ? name : JSON.stringify(name));

  function text(string: string): string {
    const isBare = (bareText.test(string) || bareSize.test(string)) && !/^\d+e\d+$/i.test(string);
    if (isBare && choose(4) > 0) return string;
    if (/^[^']+$/.test(string) && !/[\\\0\r]/.test(string) && choose(4) === 0) return `'${string}'`;
    if (string.includes('\n') && !/^EOD/m.test(string) && !string.includes('\r') && choose(2) === 0) {
      return `<<EOD\n${string}\nEOD`;
    }
    return JSON.stringify(string);
  }

  function scalar(plain: string | number | boolean | null): string {
    if (typeof plain === 'string') return text(plain);
    if (typeof plain === 'boolean') return pick<string>(spellings[`${plain}`], String(plain));
    return JSON.stringify(plain);
  }

  function written(any: unknown): string {
    if (Array.isArray(any)) {
      const items = any.map((item: unknown) => written(item) + pick(['\n', ',\n', ' ,\n'], ','));
      return `[${remark().trimStart() === '' ? ' ' : '\n'}${items.join('')}]`;
    }
    if (isObject(any)) return `{\n${entries(any)}}`;
    return scalar(any as string | number | boolean | null);
  }

  function entry(name: string, any: unknown): string {
    if (Array.isArray(any) && any.length > 1 && any.every(isObject) && sections.includes(name) && choose(2) === 0) {
      return any.map((item: unknown) => entry(name, item)).join('');
    }
    if (isObject(any)) {
      const [first, second] = Object.entries(any) as [string, unknown][];
      if (first !== undefined && second === undefined && isObject(first[1]) && choose(2) === 0) {
        return `${key(name)} ${key(first[0])} ${written(first[1])}${gap()}`;
      }
    }
    const isBracketed = typeof any === 'object' && any !== null;
    const separator = pick([': ', ' = ', ':', isBracketed ? ' ' : '\t', isBracketed ? ':\n' : ' '], ': ');
    return `${key(name)}${separator}${written(any)}${gap()}`;
  }

  const entries = (object: object): string =>
    Object.entries(object)
      .map(([name, any]) => entry(name, any))
      .join('');

  return isObject(value) && choose(3) > 0 ? `${remark().trimStart()}\n${entries(value)}` : written(value);
}

const isObject = (any: unknown): any is object => typeof any === 'object' && any !== null && !Array.isArray(any);
