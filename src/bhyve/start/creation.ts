import type { Config } from '../config-tree.js';
import { type Output, BhyveExit, errnoText, exitBadOption, exitError, fail } from '../outcome.js';
import { type Platform, traitsOf } from '../releases.js';
import { parseMemorySize } from '../sizes.js';

/** Longest VM name and longest name of a file, in bytes. */
const maxNameBytes = 229;
const maxFileNameBytes = 255;

const byteLength = (text: string): number => new TextEncoder().encode(text).length;

/** Ends bhyve where the memory size cannot be read. */
export function checkMemory(config: Config, { release }: Platform, output: Output): bigint {
  const text = config.get('memory.size') ?? '';
  return parseMemorySize(text, release) ?? fail(output, exitBadOption, `invalid memsize '${text}'`);
}

/** Makes /dev/vmm/NAME, or opens the one that a loader has made; ends bhyve where that cannot be. */
export function checkCreation(
  name: string,
  config: Config,
  platform: Platform,
  isLoaded: boolean,
  output: Output,
): void {
  // arm64 asks for its boot ROM later, and then always.
  const hasBootrom = platform.arch === 'arm64' || config.get(traitsOf(platform).bootromVariable) !== undefined;
  const length = byteLength(name);
  if (platform.release === 14) {
    if (length === 0 || length > maxNameBytes) {
      output.stderr.push(`vm_create: ${errnoText.invalid}`);
      throw new BhyveExit(exitError);
    }
    if (!hasBootrom && !isLoaded) {
      output.stderr.push('virtual machine cannot be booted');
      throw new BhyveExit(exitError);
    }
    return;
  }
  // It is opened before it is made, so a name that could not be made is a VM that is not there.
  if (length > maxFileNameBytes) fail(output, exitError, `vm_openf: ${errnoText.nameTooLong}`);
  const canExist = length > 0 && length <= maxNameBytes;
  if (!hasBootrom && !(isLoaded && canExist)) fail(output, exitError, 'no bootrom was configured');
  if (!canExist) fail(output, exitError, `vm_openf: ${errnoText.invalid}`);
}
