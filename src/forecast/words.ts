import { quoteCommand } from '../base/shell.js';
import type { Foretold } from '../bhyve/foretell/foretell.js';
import type { Machine } from '../machine/machine.js';
import { whySilent } from './silent.js';

/** Where the words stand that bhyve says something about. */
type Where = 'config' | 'raw' | 'extra_options' | 'command line' | 'field';

interface About {
  readonly where: Where;
  /** The option of the command, with what follows it. */
  readonly option: readonly string[];
  readonly machine: Machine;
}

/** What bhyve will say or do, and what to do about it. */
export function wordsFor(told: Foretold, about: About): { readonly message: string; readonly fix: string } {
  return { message: messageFor(told, about), fix: fixFor(told, about) };
}

function messageFor(told: Foretold, { machine, where, option }: About): string {
  const { kind, messages, variable = '', status = 4, signal, when = '' } = told;
  const bhyve = `bhyve of FreeBSD ${machine.release}${machine.arch === 'arm64' ? ' on arm64' : ''}`;
  const why = saysWhy(messages) ? undefined : whySilent(told, option);
  const said = [saidBy(messages), ...(why === undefined ? [] : [why])].filter((words) => words !== '').join(': ');
  const it = where === 'extra_options' || where === 'command line' ? quoteCommand(option) : 'this';
  switch (kind) {
    case 'unread':
      return `${bhyve} does not read ${variable} in this machine, and ignores it`;
    case 'misread':
      return `${bhyve} ${told.misread?.said ?? ''}`;
    case 'overruled':
      return `${bhyve} takes ${variable} from ${where === 'config' ? '"config"' : it}, not from the field that sets it`;
    case 'warning':
      return `${bhyve} will warn of ${it}: ${said}`;
    case 'end':
      return `${bhyve} will end with ${status} ${when}: ${said}`;
    case 'refusal':
      if (signal !== undefined) {
        return `${bhyve} will be killed by ${signal} at its start because of ${it}${why === undefined ? '' : `: ${why}`}`;
      }
      return `${bhyve} will not start with ${it}: ${said === '' ? `it ends with ${status} and says nothing` : said}`;
  }
}

const isLastLine = (message: string): boolean => /^device emulation initialization error/i.test(message);

const saysWhy = (messages: readonly string[]): boolean =>
  messages.some((message) => !isLastLine(message.replace(/^bhyve: /, '')));

/**
 * bhyve's lines without its own name, the line that follows every refusal of a device, and what an earlier call left in
 * errno.
 */
function saidBy(messages: readonly string[]): string {
  const lines = messages
    .map((message) => message.replace(/^bhyve: /, '').replace(/: No error: 0$/, ''))
    .filter((message) => message !== '');
  const telling = lines.filter((message) => !isLastLine(message));
  return (telling.length === 0 ? lines : telling).join('; ');
}

function fixFor({ kind, variable = '', missing, misread }: Foretold, { where, option }: About): string {
  if (missing !== undefined) return `set ${missing} as well, or leave ${variable} out`;
  if (misread !== undefined) return misread.fix;
  const it = nameOf(where, option, variable);
  if (kind === 'overruled') return `say it in that field, and leave ${it} out`;
  if (kind === 'unread') return where === 'config' ? 'check the name, or leave it out' : `check the name in ${it}`;
  return where === 'raw' ? `correct ${it}` : `correct ${it}, or leave it out`;
}

function nameOf(where: Where, option: readonly string[], variable: string): string {
  switch (where) {
    case 'config':
      return variable;
    case 'raw':
      return 'the "value" of the device';
    case 'extra_options':
    case 'command line':
      return quoteCommand(option);
    case 'field':
      return 'it';
  }
}
