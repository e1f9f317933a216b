import type { StartError } from '../host/start-error.js';
import type { Colours } from './colours.js';
import { asLines, type OwnText } from './paint.js';

/** A program that is not there, or that the system does not run, and what to do. */
export function startErrorLines({ program, reason, message }: StartError, colour: Colours): OwnText {
  const loader = Object.entries(loaderHints).find(([name]) => name === program);
  const [who, whenMissing] = loader ?? ['bhyve', 'bhyve is part of FreeBSD; give another path with --bhyve'];
  const otherwise = `look at the file and its permissions${loader === undefined ? ', or give another path with --bhyve' : ''}`;
  const fix = reason === 'not-found' ? `${whenMissing}, or try --simulate` : otherwise;
  return asLines([`vmrun: ${who} was not started: ${message}`, `  ${colour.green('fix:')} ${fix}`]);
}

const loaderHints: Readonly<Record<string, string>> = {
  bhyveload: 'bhyveload is part of FreeBSD on amd64; use a bootrom',
  'grub-bhyve': 'install it with pkg install grub2-bhyve, use a bootrom',
};
