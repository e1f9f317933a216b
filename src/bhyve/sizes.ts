import { strtoul } from './c-numbers.js';
import { type Release, cSyntaxOf } from './releases.js';

const mebibyte = 2n ** 20n;
const uint64End = 2n ** 64n;
const shifts: Readonly<Record<string, bigint>> = { '': 0n, B: 0n, K: 10n, M: 20n, G: 30n, T: 40n, P: 50n, E: 60n };

/**
 * A memory size as vm_parse_memsize of libvmmapi reads it: a bare number below 1048576 is in MiB, from there on in
 * bytes; otherwise a number in C syntax and one of K, M, G, T, P, E. No fractions.
 * @returns bytes, or undefined where bhyve says `invalid memsize`
 */
export function parseMemorySize(text: string, release: Release): bigint | undefined {
  const { value, end, isOutOfRange } = strtoul(text, cSyntaxOf(release));
  if (end === 0) return undefined;
  const unit = text.slice(end);
  if (unit === '') return value < mebibyte ? value * mebibyte : value;
  // expand_number(3) was rewritten in 2025. Before that it looked at one letter and ignored the rest.
  const letter = release === 14 ? unit.charAt(0) : /^([KMGTPE])?B?$/i.exec(unit) === null ? '?' : unit.charAt(0);
  const shift = shifts[letter.toUpperCase()];
  if (shift === undefined || isOutOfRange) return undefined;
  const bytes = value << shift;
  return bytes < uint64End ? bytes : undefined;
}
