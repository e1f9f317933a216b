/** How wide one character (grapheme cluster) is, in any unit. */
export type Width = (character: string) => number;

/** Scripts and pictures that a terminal gives two columns: UAX #11, the ranges that are in use. */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1b000}-\u{1b2ff}\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

/** Columns of a terminal. */
export const columns: Width = (character) => {
  if (/^[ -~]$/.test(character)) return 1;
  if (/^(?:\p{M}|[\u200b-\u200d])+$/u.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
};

const segmenter = new Intl.Segmenter('en');

const charactersOf = (text: string): readonly string[] => Array.from(segmenter.segment(text), ({ segment }) => segment);

const sum = (characters: readonly string[], width: Width): number =>
  characters.reduce((total, character) => total + width(character), 0);

export const widthOf = (text: string, width: Width): number => sum(charactersOf(text), width);

/** How much of what is left of a shortened text is its end: that of a path says more than its beginning. */
const endShare = 0.6;

/**
 * Text that is no wider than it may be: what is too long loses its middle.
 * @param mark stands for what is left out
 */
export function shortened(text: string, max: number, width: Width, mark = '…'): string {
  const characters = charactersOf(text);
  if (sum(characters, width) <= max) return text;
  const room = max - widthOf(mark, width);
  if (room < 0) return '';
  const take = (from: readonly string[], most: number): number => {
    let taken = 0;
    let total = 0;
    for (const character of from) {
      total += width(character);
      if (total > most) break;
      taken += 1;
    }
    return taken;
  };
  const tail = take(characters.toReversed(), room * endShare);
  const tailText = characters.slice(characters.length - tail);
  const head = take(characters.slice(0, characters.length - tail), room - sum(tailText, width));
  return `${characters.slice(0, head).join('')}${mark}${tailText.join('')}`;
}
