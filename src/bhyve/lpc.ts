import type { Config } from './config-tree.js';
import { type Output, exitError, fail } from './outcome.js';
import { readGeneric, splitAtFirst } from './pci-legacy.js';
import { type Platform, traitsOf } from './releases.js';

export const comPorts = ['com1', 'com2', 'com3', 'com4'] as const;
const testDevice = 'pc-testdev';

/** In the order in which `-l help` lists them. */
export const lpcDevices: readonly string[] = ['bootrom', ...comPorts, 'tpm', testDevice];

/** `-l`; names in any case. @returns false where the device is unknown */
export function parseLpcDevice(text: string, config: Config, output: Output, platform: Platform): boolean {
  const [word, rest] = splitAtFirst(text, ',');
  const name = word.toLowerCase();
  const port = comPorts.find((known) => known === name);
  if (port !== undefined) {
    // The whole rest, commas too. Without one a null is set, which breaks nothing until something looks at it.
    if (rest === undefined) config.setNull(`lpc.${port}.path`);
    else config.set(`lpc.${port}.path`, rest);
    return true;
  }
  if (name === testDevice) {
    config.set(`lpc.${testDevice}`, 'true');
    return true;
  }
  if (name === 'bootrom') {
    parseBootrom(text, rest, config, output, platform);
    return true;
  }
  if (name === 'tpm') {
    parseTpm(text, rest, config, output, platform);
    return true;
  }
  return false;
}

function parseBootrom(
  text: string,
  words: string | undefined,
  config: Config,
  output: Output,
  platform: Platform,
): void {
  if (words === undefined) fail(output, exitError, `invalid bootrom option "${text}"`);
  const traits = traitsOf(platform);
  const [rom, rest] = splitAtFirst(words, ',');
  config.set(traits.bootromVariable, rom);
  if (rest === undefined) return;
  const [second, others] = splitAtFirst(rest, ',');
  const readLpc = (options: string | undefined): boolean =>
    readGeneric({ node: config.find('lpc'), rest: options, config, output, release: platform.release });
  if (second.includes('=')) readLpc(second);
  else config.set(traits.bootvarsVariable, second);
  readLpc(others);
}

function parseTpm(text: string, words: string | undefined, config: Config, output: Output, platform: Platform): void {
  const node = config.create('tpm');
  if (words === undefined) fail(output, exitError, `invalid tpm type "${text}"`);
  const [type, afterType] = splitAtFirst(words, ',');
  config.setIn(node, 'type', type);
  if (afterType === undefined) fail(output, exitError, `invalid tpm path "${text}"`);
  const [path, rest] = splitAtFirst(afterType, ',');
  config.setIn(node, 'path', path);
  readGeneric({ node: config.find('tpm'), rest, config, output, release: platform.release });
  if (config.getFrom(node ?? config.root, 'version') === undefined) config.setIn(node, 'version', '2.0');
}
