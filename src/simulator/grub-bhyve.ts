import { readGnuOptions } from '../bhyve/gnu-getopt.js';
import { grubOptions } from '../bhyve/loader-options.js';
import { exitBadOption, exitUsage } from '../bhyve/outcome.js';
import { parseMemorySize } from '../bhyve/sizes.js';
import type { LoaderOptions, LoaderStart } from './loaders.js';

const hint = "Try `grub-bhyve --help' or `grub-bhyve --usage' for more information.";

/**
 * grub-bhyve of the port grub2-bhyve: argp reads its command line, and ends with 64 where it does not know an option;
 * the other refusals are grub-bhyve's own. With a root it is taken to find a grub.cfg there.
 */
export function startGrubBhyve(argv: readonly string[], { release, boot, readFile }: LoaderOptions): LoaderStart {
  const refuse = (status: number, ...messages: readonly string[]): LoaderStart => ({
    kind: 'failed',
    messages,
    status,
  });
  const given = new Map<string, string>();
  for (const event of readGnuOptions(argv, grubOptions)) {
    switch (event.kind) {
      case 'error':
        return refuse(exitBadOption, `grub-bhyve: ${event.message}`, hint);
      case 'option': {
        const { letter, argument } = event;
        given.set(letter, argument);
        if (letter === 'M' && parseMemorySize(argument, release) === undefined) {
          const problem = `Invalid guest memory size \`${argument}'.`;
          return refuse(exitUsage, problem, 'Error in parsing command line arguments');
        }
        break;
      }
      case 'operands': {
        const name = event.operands.at(-1);
        if (name === undefined) return refuse(exitUsage, 'Required VM name parameter not supplied', hint);
        const root = given.get('r');
        const place = root === undefined ? 'asks at its prompt' : `loads from ${root}`;
        const drives = drivesOf(readFile(given.get('m') ?? '/boot/grub/device.map'));
        const line = `grub-bhyve-sim: ${name}, boot ${boot}: ${place} into ${given.get('M') ?? '256M'}, drives ${drives}`;
        return { kind: 'started', line, readsCommands: root === undefined };
      }
    }
  }
  return refuse(exitUsage, hint);
}

/** Lines `(hd0) /path`; a map that is missing is none to GRUB. */
function drivesOf(map: string | undefined): string {
  const lines = (map ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.length === 0 ? 'none' : lines.join(', ');
}
