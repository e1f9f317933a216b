const decimalForm = /^-?\d+$/;
const hexForm = /^(-?)0[xX]([0-9a-fA-F]+)$/;
const floatForm = /^-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?$/;

/** What libucl keeps integers in. */
const maxInteger = 2n ** 63n - 1n;

const words: Readonly<Record<string, boolean>> = {
  ...{ true: true, yes: true, on: true },
  ...{ false: false, no: false, off: false },
};

/**
 * What a text without quotes means where it is more than itself: a number, a boolean in any case, `null` in lower case.
 * Numbers with a unit are none here: what `512M` and `90s` mean is for the field to say that they are given to.
 * @param isCommented a comment of the form slash-star follows: libucl takes a number before one for text
 * @returns undefined where it is text
 */
export function readAtom(
  text: string,
  isCommented: boolean,
): { readonly value: number | boolean | null } | 'out-of-range' | undefined {
  if (text === 'null') return { value: null };
  const word = text.length <= 5 ? text.toLowerCase() : '';
  if (Object.hasOwn(words, word)) return { value: words[word] ?? null };
  if (isCommented) return undefined;
  const [, sign, digits] = hexForm.exec(text) ?? [];
  const isInteger = digits !== undefined || decimalForm.test(text);
  if (!isInteger) return floatForm.test(text) ? finite(Number(text)) : undefined;
  // Beyond, for sure, and making an integer of it would take its time.
  if (text.length > 100) return 'out-of-range';
  const size = BigInt(digits === undefined ? text.replace('-', '') : `0x${digits}`);
  if (size > maxInteger) return 'out-of-range';
  return { value: (sign ?? text).startsWith('-') ? -Number(size) : Number(size) };
}

const finite = (value: number): { readonly value: number } | 'out-of-range' =>
  Number.isFinite(value) ? { value } : 'out-of-range';
