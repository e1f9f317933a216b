import { listWords } from '../base/text.js';

/** Of VMs that are new to a manager and have autostart. */
export const notStartedWords = (names: readonly string[]): string =>
  `${listWords(names)} ${names.length === 1 ? 'starts' : 'start'} by ${names.length === 1 ? 'itself' : 'themselves'} with the next manager; vmrun start starts ${names.length === 1 ? 'it' : 'them'} now`;
