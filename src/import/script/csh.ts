/** A line of csh(1) that sh(1) does not have, or reads otherwise: `if (…)`, `foreach x (…)`, `@ n = 1`, a list. */
const ownLine =
  /^[ \t]*(if[ \t]*\(|else[ \t]+if\b|endif\b|foreach[ \t]+\w+[ \t]*\(|switch[ \t]*\(|endsw\b|while[ \t]*\(|end[ \t]*$|@[ \t]+\w|goto[ \t]+\w|set[ \t]+\w+[ \t]*=[ \t]*\()/;

/** What tells csh where no first line does: no other shell has these. */
const isUnmistakable = (text: string): boolean => /^[ \t]*(endif[ \t]*$|foreach[ \t]+\w+[ \t]*\()/m.test(text);

/**
 * The first line of a csh script that is not followed: only what it sets with `set name = value` and `setenv` is. Read as
 * a script of sh, every branch would be taken.
 * @returns its number, from 1
 */
export function cshLine(text: string): number | undefined {
  if (!/^#![^\n]*\bt?csh\b/.test(text) && !isUnmistakable(text)) return undefined;
  const at = text.split('\n').findIndex((line) => ownLine.test(line));
  return at === -1 ? undefined : at + 1;
}
