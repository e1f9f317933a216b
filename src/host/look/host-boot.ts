import { readBoundedText } from '../../base/bounded-file.js';
import type { RunTool } from '../process/tools.js';

/** Linux. */
const bootIdFile = '/proc/sys/kernel/random/boot_id';

/**
 * Which boot of this host it is: another after each start of the system, the same for all who ask until then.
 * @returns '' where the system does not say
 */
export const hostBootId = async (run: RunTool, file = bootIdFile): Promise<string> =>
  read(file) || (await fromSysctl(run));

function read(file: string): string {
  try {
    return readBoundedText(file, { most: 100 })?.trim() ?? '';
  } catch {
    return ''; // another system
  }
}

/** FreeBSD has an id since 13, which sysctl(8) prints as hex alone. The time of the boot moves when the clock is set. */
async function fromSysctl(run: RunTool): Promise<string> {
  const ask = async (...words: readonly string[]): Promise<string> => {
    const { exitCode, stdout } = await run(['sysctl', ...words]);
    return exitCode === 0 ? stdout : '';
  };
  const [, id] = /Dump:0x([0-9a-f]+)/.exec(await ask('-nx', 'kern.boot_id')) ?? [];
  if (id !== undefined) return id;
  const [, seconds = ''] = /\bsec = (\d+)/.exec(await ask('-n', 'kern.boottime')) ?? [];
  return seconds;
}
