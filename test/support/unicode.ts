import fc from 'fast-check';

/**
 * Any one code point, halves of pairs among them. fast-check has the unit "binary" for it, and makes a table of a million
 * entries for that before its first case.
 */
export const anyCharacter = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));
