import { formatAddress } from '../base/pci-address.js';
import type { Platform } from '../bhyve/releases.js';
import type { Machine } from '../bhyve/start/start-checks.js';

const mebibyte = 2n ** 20n;
/** What a serial terminal wants at the end of a line. */
export const newline = '\r\n';

const prompt = (name: string): string => `${name} login: `;

/** What the guest says on its serial console until it waits for a login. */
export function bootBanner(
  { name, vcpus, memoryBytes, devices }: Machine,
  { release, arch }: Platform,
  boot: number,
): string {
  const memory = memoryBytes % mebibyte === 0n ? `${memoryBytes / mebibyte} MiB` : `${memoryBytes} bytes`;
  const lines = [
    `bhyve-sim: ${name}, boot ${boot}, as bhyve of FreeBSD ${release} (${arch})`,
    `cpus: ${vcpus}`,
    `memory: ${memory}`,
    ...devices.map(({ address, model }) => `pci ${formatAddress(address)}: ${model}`),
    '',
    prompt(name),
  ];
  return lines.join(newline);
}

/** What the guest's terminal shows for what somebody types: the same, and a new prompt after each line. */
export const echo = (typed: string, name: string): string =>
  typed.replaceAll(/\r\n|\r|\n/g, `${newline}${prompt(name)}`);
