import { atoi, strtol, toInt } from '../c-numbers.js';
import type { ConfigNode } from '../config-node.js';
import { type StartContext, addBootDevice } from './start-context.js';

/** The sector sizes of `l` or `l/p`; undefined where it is neither. */
function parseSectorSize(text: string): { readonly logical: number; readonly physical: number } | undefined {
  const first = strtol(text, 10);
  if (first.end === 0) return undefined;
  const logical = toInt(first.value);
  if (first.end === text.length) return { logical, physical: logical };
  if (text.charAt(first.end) !== '/') return undefined;
  const rest = text.slice(first.end + 1);
  const second = strtol(rest, 10);
  return second.end === 0 || second.end !== rest.length ? undefined : { logical, physical: toInt(second.value) };
}

const isPowerOfTwo = (value: number): boolean => (value & (value - 1)) === 0;

/** Opens what is behind a disk; the file itself is taken to be there. @returns false, after a message, or its bootindex */
export function openBlock(
  node: ConfigNode,
  { config, output }: StartContext,
): false | { readonly bootindex: number | undefined } {
  const refuse = (message: string): false => {
    output.stderr.push(message);
    return false;
  };
  const flag = (name: string): boolean => config.boolFrom(node, name, false);
  flag('nocache');
  flag('nodelete');
  if (!flag('sync')) flag('direct'); // which says the same, and is not looked at after `sync`
  flag('ro');
  const text = config.getFrom(node, 'sectorsize');
  const sizes = text === undefined ? undefined : parseSectorSize(text);
  if (text !== undefined && sizes === undefined) return refuse(`Invalid sector size "${text}"`);
  const bootindex = config.getFrom(node, 'bootindex');
  if (config.getFrom(node, 'path') === undefined) return refuse('Missing "path" for block device.');
  // A logical size of 0 means: as the file has it.
  if (sizes !== undefined && sizes.logical !== 0) {
    const { logical, physical } = sizes;
    if (!isPowerOfTwo(logical) || !isPowerOfTwo(physical) || logical < 512 || logical > physical) {
      return refuse(`Invalid sector size ${logical}/${physical}`);
    }
  }
  return { bootindex: bootindex === undefined ? undefined : atoi(bootindex) };
}

/** Puts a disk into the boot order; for these a negative number means none. */
export function addBootDisk(context: StartContext, name: string, bootindex: number | undefined): void {
  if (bootindex !== undefined && bootindex >= 0) addBootDevice(context, name, bootindex);
}
