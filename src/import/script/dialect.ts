import { parseCsh } from './csh.js';
import type { ParseOptions } from './cursor.js';
import { parseShell } from './parser.js';
import type { Dialect } from './run.js';
import type { Parsed } from './tree.js';

/** Lines that csh(1) has alone, whatever the first line of a script says. */
const ownLine =
  /^[ \t]*(endif[ \t]*$|endsw[ \t]*$|foreach[ \t]+\w+[ \t]*\(|if[ \t]*\([^\n]*\)[ \t]*then[ \t]*$|set[ \t]+\w+[ \t]+=[ \t])/m;

/** Whether a script is one of csh(1): its first line says so, or else what no other shell has. */
const isCsh = (text: string): boolean =>
  /^#![^\n]*\bt?csh\b/.test(text) || (!text.startsWith('#!') && ownLine.test(text));

export function dialectOf(text: string): Dialect {
  if (isCsh(text)) return 'csh';
  if (/^#!.*\bzsh/.test(text)) return 'zsh';
  return /^#!.*\b(bash|ksh)/.test(text) ? 'bash' : 'sh';
}

/** Of what `sh -c` runs, and its like. */
export function shellDialect(program: string, around: Dialect): Dialect {
  if (/^t?csh$/.test(program)) return 'csh';
  return around === 'csh' ? 'sh' : around;
}

export const parse = (text: string, dialect: Dialect, options: ParseOptions = {}): Parsed =>
  dialect === 'csh' ? parseCsh(text, options) : parseShell(text, options);
