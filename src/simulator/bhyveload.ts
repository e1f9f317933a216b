import { readOptions } from '../bhyve/getopt.js';
import { bhyveloadLetters } from '../bhyve/loader-options.js';
import { exitBadOption, exitUsage } from '../bhyve/outcome.js';
import { parseMemorySize } from '../bhyve/sizes.js';
import type { LoaderOptions, LoaderStart } from './loaders.js';

const maxDisks = 32;

const usage = [
  'usage: bhyveload [-S][-c <console-device>] [-d <disk-path>] [-e <name=value>]',
  '                 [-h <host-path>] [-m memsize[K|k|M|m|G|g|T|t]] <vmname>',
];

/** bhyveload(8): reads its options as getopt(3) does. Disks and consoles are taken to be there. */
export function startBhyveload(argv: readonly string[], { release, boot }: LoaderOptions): LoaderStart {
  const refuse = (status: number, ...messages: readonly string[]): LoaderStart => ({
    kind: 'failed',
    messages,
    status,
  });
  const given = new Map<string, string[]>();
  for (const event of readOptions(argv, bhyveloadLetters)) {
    switch (event.kind) {
      case 'error':
        return refuse(exitUsage, `bhyveload: ${event.message}`, ...usage);
      case 'option': {
        const { letter, argument } = event;
        const values = given.get(letter) ?? [];
        given.set(letter, [...values, argument]);
        if (letter === 'd' && values.length === maxDisks) return refuse(exitBadOption, cannotOpen(argument));
        if (letter === 'l' && values.length > 0) {
          return refuse(exitBadOption, 'bhyveload: -l can only be given once');
        }
        if (letter === 'm' && parseMemorySize(argument, release) === undefined) {
          return refuse(exitBadOption, `bhyveload: Invalid memsize '${argument}'`);
        }
        break;
      }
      case 'operands': {
        const [name, ...more] = event.operands;
        if (name === undefined || more.length > 0) return refuse(exitUsage, ...usage);
        const sources = [...(given.get('d') ?? []), ...(given.get('h') ?? []).slice(-1)];
        const source = sources.length === 0 ? 'nothing' : sources.join(', ');
        const memory = given.get('m')?.at(-1) ?? '256M';
        const line = `bhyveload-sim: ${name}, boot ${boot}: loads from ${source} into ${memory}`;
        return { kind: 'started', line, readsCommands: false };
      }
    }
  }
  return refuse(exitUsage, ...usage);
}

const cannotOpen = (path: string): string => `bhyveload: Could not open '${path}'`;
