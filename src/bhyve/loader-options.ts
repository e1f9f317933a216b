import type { GnuOption } from './gnu-getopt.js';

/** Options of bhyveload(8) as getopt(3) takes them. */
export const bhyveloadLetters = 'CSc:d:e:h:l:m:';

/** Options of grub-bhyve of the port grub2-bhyve, which argp reads. */
export const grubOptions: readonly GnuOption[] = [
  { letter: 'r', name: 'root', argument: 'required' },
  { letter: 'm', name: 'device-map', argument: 'required' },
  { letter: 'd', name: 'directory', argument: 'required' },
  { letter: 'v', name: 'verbose' },
  { letter: 'H', name: 'hold', argument: 'optional' },
  { letter: 'c', name: 'cons-dev', argument: 'required' },
  { letter: 'e', name: 'evga' },
  { letter: 'g', name: 'grub-cfg', argument: 'required' },
  { letter: 'n', name: 'ncons' },
  { letter: 'M', name: 'memory', argument: 'required' },
  { letter: 'S' },
];
