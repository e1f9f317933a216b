/** Numbers from 0 up to a limit, always the same ones after the same seed: mulberry32. */
export type Draw = (below: number) => number;

export function drawsFrom(seed: number): Draw {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** What is special to one reader or the other, and what numbers and characters are at the edges of something. */
const special = [
  ...[
    '\0',
    '\n',
    '\r',
    '\t',
    ' ',
    '"',
    "'",
    '`',
    '\\',
    '\\\n',
    '$',
    '$(',
    '${',
    '}',
    ')',
    '((',
    '{',
    '[',
    ']',
    '<',
    '>',
  ],
  ...[
    '<<E\nE\n',
    '#',
    '/*',
    '*/',
    '//',
    '<!--',
    '-->',
    '<![CDATA[',
    '&amp;',
    '&#0;',
    '%',
    '%(name)',
    ',',
    ':',
    ';',
    '=',
  ],
  ...[
    '|',
    '&',
    '&&',
    '!',
    '*',
    '?',
    '~',
    '-',
    '--',
    '.',
    '..',
    '/',
    '@',
    '- ',
    '? ',
    '&a ',
    '*a',
    '|\n',
    '---\n',
    '...\n',
  ],
  ...[
    '0',
    '-1',
    '1e999',
    '0x',
    '99999999999999999999',
    '4294967296',
    'null',
    'true',
    'NaN',
    '__proto__',
    'constructor',
  ],
  ...['é', '漢', '😀', '\ud800', '\ufeff', '\u2028', '\u0085', 'toString', '{{ x }}', '\u001b[31m', 'password'],
];

const wordsOf = (text: string): readonly string[] => text.match(/\w+|\s+|[^\w\s]/g) ?? [];

/** Makes texts that are near others: words taken out, doubled, moved, exchanged with those of another, or strange. */
export function mutator(draw: Draw, vocabulary: readonly string[]) {
  const words = [...new Set([...vocabulary.flatMap(wordsOf), ...special])];
  const pick = <Item>(items: readonly Item[]): Item => items[draw(items.length)] as Item;

  function once(parts: string[], other: string): void {
    const at = draw(parts.length + 1);
    const length = 1 + draw(draw(4) === 0 ? 40 : 4);
    switch (draw(9)) {
      case 0:
        parts.splice(at, length);
        return;
      case 1:
        parts.splice(at, 0, ...parts.slice(at, at + length));
        return;
      case 2:
        parts.splice(at, 1, pick(words));
        return;
      case 3:
        parts.splice(at, 0, pick(special));
        return;
      case 4:
        parts.splice(
          at,
          0,
          parts
            .slice(at, at + length)
            .join('')
            .repeat(1 + draw(200)),
        );
        return;
      case 5:
        parts.splice(draw(parts.length + 1), 0, ...parts.splice(at, length));
        return;
      case 6: {
        const others = wordsOf(other);
        const from = draw(others.length + 1);
        parts.splice(at, draw(length), ...others.slice(from, from + length));
        return;
      }
      case 7:
        parts.length = Math.min(parts.length, at);
        return;
      default: {
        const word = parts[at] ?? '';
        const cut = draw(word.length + 1);
        parts.splice(
          at,
          1,
          word.slice(0, cut) + String.fromCharCode(draw(draw(2) === 0 ? 128 : 65536)) + word.slice(cut),
        );
      }
    }
  }

  return (text: string, other: string): string => {
    const parts = [...wordsOf(text)];
    for (let left = 1 + draw(6); left > 0; left -= 1) once(parts, other);
    return parts.join('').slice(0, 20_000);
  };
}
