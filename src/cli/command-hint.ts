import { nearestName } from '../base/nearest-name.js';
import { quoteWord } from '../base/shell.js';

/** What does the work of a command that other tools have, or that the words of a command suggest. */
const elsewhere: readonly (readonly [words: readonly string[], hint: string])[] = [
  [['run', 'start', 'boot', 'up', 'launch', 'startall'], 'a VM is run with: vmrun -c FILE'],
  [['list', 'ls', 'status', 'info', 'show', 'top', 'jls'], 'vmrun ps lists the VMs that run here'],
  [['poweroff', 'shutdown', 'halt', 'down', 'stopall'], 'a VM is stopped with: vmrun stop NAME'],
  [['kill', 'destroy', 'forcekill', 'terminate'], 'a VM is ended by force with: vmrun stop NAME --now'],
  [['restart', 'reset', 'reboot'], 'a VM is stopped with vmrun stop NAME, and run again with vmrun -c FILE'],
  [['attach', 'connect', 'cu'], 'the console of a VM is reached by: vmrun console NAME'],
  [['create', 'new', 'add', 'define'], 'a first spec is written by: vmrun init'],
  [['validate', 'verify', 'test', 'lint', 'doctor'], 'a spec, and the host for it, is checked by: vmrun check FILE'],
  [['why', 'explain'], 'where each argument comes from is told by: vmrun plan FILE --explain'],
  [['diff', 'compare'], 'two specs are compared by: vmrun plan FILE --diff FILE'],
  [['dry-run', 'dryrun', 'print'], 'the command of bhyve is printed by: vmrun -c FILE --dry-run'],
  [['convert', 'migrate'], 'the file of another tool is read by: vmrun import FILE'],
  [['log', 'logs'], 'a run writes a log with: vmrun -c FILE --log FILE'],
  [['version'], 'the version is printed by: vmrun --version'],
];

export const isFileName = (word: string): boolean => /[./]/.test(word);

/** What a first word that is no option and no command may have been meant for. @param commands their names */
export function commandHint(word: string, commands: readonly string[]): string {
  const [, other] = elsewhere.find(([words]) => words.includes(word)) ?? [];
  if (other !== undefined) return other;
  const command = nearestName(word, commands);
  if (command !== undefined) return `did you mean vmrun ${command}?`;
  return isFileName(word)
    ? `a spec is given with -c: vmrun -c ${quoteWord(word)}`
    : `vmrun help lists them; a target is chosen with -t: vmrun -c FILE -t ${quoteWord(word)}`;
}
