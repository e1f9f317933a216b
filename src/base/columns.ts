/** What takes two columns of a terminal: East Asian signs, and pictures that are drawn in colour. UAX #11, in plain ranges. */
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;
/** What takes none: it is drawn into the sign before it. */
const narrow = /\p{Mn}|\p{Me}|\u200d|\ufe0f/u;

const columnsOfOne = (character: string): number => (narrow.test(character) ? 0 : wide.test(character) ? 2 : 1);

/** How many columns of a terminal a text takes, of which everything can be seen. */
export const columnsOf = (text: string): number =>
  /^[ -~]*$/.test(text)
    ? text.length
    : Array.from(text).reduce((columns, character) => columns + columnsOfOne(character), 0);
