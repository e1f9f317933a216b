// Numbers as the C library reads them. bhyve's strictness is that of the function it happens to call, so each option
// needs the right one: `strtol` tells where it stopped, `atoi` does not, and `sscanf` ignores what follows.

/** Base 0, in which a number is written as in C: `0x10` is 16, `010` is 8, and to a newer C library `0b11` is 3. */
export type CSyntax = 'c99' | 'c23';

const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const uint64Max = 2n ** 64n - 1n;
const numbers = {
  c99: /^[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)/,
  c23: /^[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)/,
  10: /^[ \t\n\v\f\r]*([+-]?)([0-9]+)/,
} as const;

/** What strtol(3) or strtoul(3) made of the beginning of a text. */
interface ParsedNumber {
  readonly value: bigint;
  /** Index of the first character not read; 0 where there are no digits, and the value is 0 then. */
  readonly end: number;
  /** The value was cut to what fits: ERANGE. */
  readonly isOutOfRange: boolean;
}

/** strtol(3). */
export function strtol(text: string, base: CSyntax | 10): ParsedNumber {
  const { value, end } = readInteger(text, base);
  const clamped = value < int64.min ? int64.min : value > int64.max ? int64.max : value;
  return { value: clamped, end, isOutOfRange: clamped !== value };
}

/** strtoul(3): a minus sign is taken, and wraps round. */
export function strtoul(text: string, base: CSyntax | 10): ParsedNumber {
  const { value, end } = readInteger(text, base);
  const magnitude = value < 0n ? -value : value;
  if (magnitude > uint64Max) return { value: uint64Max, end, isOutOfRange: true };
  return { value: BigInt.asUintN(64, value), end, isOutOfRange: false };
}

/** A long put into an int. */
export const toInt = (value: bigint): number => Number(BigInt.asIntN(32, value));

/** A long put into a uint16_t. */
export const toUint16 = (value: bigint): number => Number(BigInt.asUintN(16, value));

/** atoi(3): 0 where there are no digits, and whatever follows them is ignored. */
export const atoi = (text: string): number => toInt(strtol(text, 10).value);

/**
 * sscanf(3) with one `%d` after each of the literals: `scanInts('3:1', ['', ':', ':'])` gives `[3, 1]`.
 * @returns as many numbers as could be read before the text stopped fitting
 */
export function scanInts(text: string, literals: readonly string[]): readonly number[] {
  const found: number[] = [];
  let rest = text;
  for (const literal of literals) {
    if (!rest.startsWith(literal)) break;
    const { value, end } = strtol(rest.slice(literal.length), 10);
    if (end === 0) break;
    found.push(toInt(value));
    rest = rest.slice(literal.length + end);
  }
  return found;
}

/**
 * sscanf(3) with one `%Nx` after each of the literals, N being the most characters it takes (a sign and `0x` count).
 * A minus sign wraps round, blanks before a number are skipped, and what follows the last one is ignored.
 * @returns the numbers as 64 bits, or undefined where one cannot be read
 */
export function scanHex(
  text: string,
  fields: readonly (readonly [literal: string, width: number])[],
): readonly bigint[] | undefined {
  const found: bigint[] = [];
  let rest = text;
  for (const [literal, width] of fields) {
    if (!rest.startsWith(literal)) return undefined;
    rest = rest.slice(literal.length).replace(/^[ \t\n\v\f\r]+/, '');
    const [all, sign, digits] = /^([+-]?)(?:0[xX](?=[0-9a-f]))?([0-9a-f]+)/i.exec(rest.slice(0, width)) ?? [];
    if (all === undefined || digits === undefined) return undefined;
    const magnitude = BigInt(`0x${digits}`);
    const clamped = magnitude > uint64Max ? uint64Max : magnitude;
    found.push(BigInt.asUintN(64, sign === '-' && clamped === magnitude ? -clamped : clamped));
    rest = rest.slice(all.length);
  }
  return found;
}

function readInteger(text: string, base: CSyntax | 10): { readonly value: bigint; readonly end: number } {
  const [all, sign, digits] = numbers[base].exec(text) ?? [];
  if (all === undefined || digits === undefined) return { value: 0n, end: 0 };
  const isOctal = base !== 10 && /^0[0-7]+$/.test(digits);
  const magnitude = BigInt(isOctal ? `0o${digits.slice(1)}` : digits);
  return { value: sign === '-' ? -magnitude : magnitude, end: all.length };
}
