import { formatAddress } from '../base/pci-address.js';
import { visible } from '../base/visible.js';
import type { Platform } from '../bhyve/releases.js';
import type { Machine } from '../bhyve/start/start-checks.js';
import type { GuestEnd } from './script.js';

const mebibyte = 2n ** 20n;
/** What a serial terminal wants at the end of a line. */
export const newline = '\r\n';

const prompt = (name: string): string => `${visible(name)} login: `;

/** For somebody at a terminal, who may never have seen this. */
const howToLeave = 'bhyve-sim: type poweroff, reboot or halt; exit, Ctrl-D and Ctrl-C power off';

/**
 * What the guest says on its serial console until it waits for a login.
 * @param isTerminal somebody types at it
 */
export function bootBanner(
  { name, vcpus, memoryBytes, devices }: Machine,
  { release, arch }: Platform,
  boot: number,
  isTerminal: boolean,
): string {
  const memory = memoryBytes % mebibyte === 0n ? `${memoryBytes / mebibyte} MiB` : `${memoryBytes} bytes`;
  const lines = [
    `bhyve-sim: ${visible(name)}, boot ${boot}, as bhyve of FreeBSD ${release} (${arch})`,
    `cpus: ${vcpus}`,
    `memory: ${memory}`,
    ...devices.map(({ address, model }) => `pci ${formatAddress(address)}: ${model}`),
    '',
    ...(isTerminal ? [howToLeave] : []),
    prompt(name),
  ];
  return lines.join(newline);
}

/** What typed characters come to: what the terminal shows of them, and how they end the guest, if they do. */
export interface Typed {
  readonly shown: string;
  readonly end?: GuestEnd;
}

/** The keys that end the guest whatever else stands on the line, with what a terminal shows of them. */
const keys: Readonly<Record<string, string>> = { '\u0003': '^C', '\u0004': '^D' };
const [backspace, erase] = ['\b', '\u007f'];

/** What people type at a prompt to get away from it. */
const commands: readonly (readonly [words: RegExp, end: GuestEnd])[] = [
  [/^(poweroff|exit|logout|quit|init 0)$/, 'power_off'],
  [/^(reboot|fastboot|init 6)$/, 'reboot'],
  [/^(halt|fasthalt)$/, 'halt'],
  [/^shutdown\b.* -\w*r/, 'reboot'],
  [/^shutdown\b/, 'power_off'],
  [/^systemctl (poweroff|halt)$/, 'power_off'],
  [/^systemctl reboot$/, 'reboot'],
];

/** Options and a path say nothing here: `/sbin/poweroff -f` is poweroff. */
function endOf(line: string): GuestEnd | undefined {
  const words = line
    .trim()
    .replace(/^(sudo|doas) +/, '')
    .replace(/^\/(usr\/)?s?bin\//, '')
    .replace(/ +/g, ' ');
  const bare = /^(poweroff|reboot|halt)( -\w+)*$/.exec(words)?.[1] ?? words;
  return commands.find(([pattern]) => pattern.test(bare))?.[1];
}

/**
 * The guest's side of a console that nobody's shell runs on: what is typed is shown, a new prompt follows each line, and
 * the words and keys with which people leave a machine end the guest.
 * @param isTerminal somebody types at it: what is not understood is answered
 * @returns takes characters as they come; those that follow the end of the guest are dropped
 */
export function guestConsole(name: string, isTerminal: boolean): (typed: string) => Typed {
  let line = '';
  return (typed) => {
    let shown = '';
    for (const character of typed.replaceAll('\r\n', '\n')) {
      const key = keys[character];
      if (key !== undefined) return { shown: `${shown}${key}${newline}`, end: 'power_off' };
      if (character === backspace || character === erase) {
        if (line !== '') shown += '\b \b';
        line = line.slice(0, -1);
      } else if (character === '\r' || character === '\n') {
        const end = endOf(line);
        if (end !== undefined) return { shown: shown + newline, end };
        const asksForHelp = /^(help|\?)$/.test(line.trim());
        const answer = asksForHelp || (isTerminal && line.trim() !== '') ? howToLeave + newline : '';
        shown += newline + answer + prompt(name);
        line = '';
      } else {
        shown += character;
        line += character;
      }
    }
    return { shown };
  };
}
