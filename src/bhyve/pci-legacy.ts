import { scanInts, strtol } from './c-numbers.js';
import type { ConfigNode } from './config-node.js';
import type { Config } from './config-tree.js';
import { type Output, crash } from './outcome.js';
import type { Release } from './releases.js';

/** What a model's reader of `-s SLOT,MODEL,REST` gets. */
interface LegacyWords {
  /** `pci.B.S.F`; absent where that could not be made, and the top of the tree is meant. */
  readonly node: ConfigNode | undefined;
  /** REST, or absent where nothing follows the model, which is not the same as an empty one. */
  readonly rest: string | undefined;
  readonly config: Config;
  readonly output: Output;
  readonly release: Release;
}

/** Turns REST into variables. @returns false where the device is refused, which ends bhyve with 4 */
type LegacyReader = (words: LegacyWords) => boolean;

/** `k=v` sets k, a lone word is a flag; a comma always splits. Also used for what follows a model's own words. */
export const readGeneric: LegacyReader = ({ node, rest, config }) => {
  for (const word of rest?.split(',') ?? []) {
    const [name, value] = splitAtFirst(word, '=');
    config.setIn(node, name, value ?? 'true');
  }
  return true;
};

/** REST begins with a word that has no name of its own. */
const firstWordIs =
  (name: string): LegacyReader =>
  (words) => {
    if (words.rest === undefined) return true;
    const [first, rest] = splitAtFirst(words.rest, ',');
    words.config.setIn(words.node, name, first);
    return readGeneric({ ...words, rest });
  };

const readBlock = firstWordIs('path');

const readNvme: LegacyReader = (words) =>
  words.rest?.startsWith('ram=') === true
    ? firstWordIs('ram')({ ...words, rest: words.rest.slice('ram='.length) })
    : readBlock(words);

const readAmdHostbridge: LegacyReader = ({ node, config, release }) => {
  if (release === 14) {
    config.setIn(node, 'vendor', '0x1022');
    config.setIn(node, 'devid', '0x7432');
  } else {
    const registers = config.createBelow(node, 'pcireg');
    config.setIn(registers, 'vendor', '0x1022');
    config.setIn(registers, 'device', '0x7432');
  }
  return true;
};

/** More are dropped. */
export const ahciPorts = 32;

/** A port ends where `,hd:` or `,cd:` begins. */
export const splitAhciPorts = (text: string): readonly string[] => text.split(/,(?=[hc]d:)/);

function readAhciPort(words: LegacyWords, ports: ConfigNode, port: number, type: 'hd' | 'cd'): boolean {
  const node = words.config.createBelow(ports, String(port));
  words.config.setIn(node, 'type', type);
  return readBlock({ ...words, node });
}

/** `hd:path,options,cd:path,…` */
const readAhci: LegacyReader = (words) => {
  if (words.rest === undefined) return true;
  const ports = words.config.createBelow(words.node, 'port');
  const texts = splitAhciPorts(words.rest).slice(0, ahciPorts);
  for (const [port, text] of texts.entries()) {
    const [, type, rest] = /^(hd|cd):(.*)$/s.exec(text) ?? [undefined, undefined, text];
    if (rest === '') continue; // nothing behind the type: the port's number is used up
    if (type !== 'hd' && type !== 'cd') {
      words.output.stderr.push(`Missing or invalid type for port ${port}: "${text}"`);
      return false;
    }
    if (!readAhciPort({ ...words, rest }, ports, port, type)) return false;
  }
  return true;
};

const readAhciDisk =
  (type: 'hd' | 'cd'): LegacyReader =>
  (words) =>
    readAhciPort(words, words.config.createBelow(words.node, 'port'), 0, type);

const consolePorts = 16;

const readVirtioConsole: LegacyReader = ({ node, rest, config, output }) => {
  const ports = config.createBelow(node, 'port');
  if (rest === undefined) crash('SIGSEGV'); // bhyve copies a string that is not there
  for (const [port, word] of rest.split(',').entries()) {
    const [name, path] = splitAtFirst(word, '=');
    if (path === undefined) {
      output.stderr.push(`vtcon: port ${name} requires a path`);
      return false;
    }
    if (port >= consolePorts) {
      output.stderr.push('vtcon: too many ports');
      return false;
    }
    const portNode = config.createBelow(ports, String(port));
    config.setIn(portNode, 'name', name);
    config.setIn(portNode, 'path', path);
  }
  return true;
};

const readVirtio9p: LegacyReader = ({ node, rest, config, output }) => {
  let hasShare = false;
  for (const word of rest?.split(',') ?? []) {
    const [name, path] = splitAtFirst(word, '=');
    if (path === undefined) {
      config.setIn(node, name, 'true');
      continue;
    }
    if (hasShare) {
      output.stderr.push('virtio-9p: more than one share name given');
      return false;
    }
    hasShare = true;
    config.setIn(node, 'sharename', name);
    config.setIn(node, 'path', path);
  }
  return true;
};

const readVirtioInput: LegacyReader = (words) => words.rest !== undefined && readBlock(words);

const maxScsiTarget = 255;

/** A target of release 16: `[ID:]path`. @returns its number, or why it is refused */
function addScsiTarget(config: Config, targets: ConfigNode, text: string | undefined, last: number): number | string {
  if (text === undefined) return 'target path must be specified';
  const [id, path] = text.startsWith('/') ? [text, undefined] : splitAtFirst(text, ':');
  const target = path === undefined ? last + 1 : parseScsiTarget(id);
  if (typeof target === 'string') return `invalid target ${id}: target ID is ${target}`;
  if (target > maxScsiTarget) return `max target (${maxScsiTarget}) reached, can't add another`;
  const holder = config.getFrom(targets, String(target));
  // The misspelling is bhyve's.
  if (holder !== undefined) return `cannot add '${path ?? text}' as target ${target}: already exits as '${holder}'`;
  config.setIn(targets, String(target), path ?? text);
  return target;
}

/** @returns the number, or the word of strtonum(3) for what is wrong with it */
export function parseScsiTarget(text: string): number | 'invalid' | 'too small' | 'too large' {
  const { value, end, isOutOfRange } = strtol(text, 'c23');
  if (end === 0 || end !== text.length) return 'invalid';
  if (value < 0n) return 'too small';
  if (isOutOfRange || value > BigInt(maxScsiTarget)) return 'too large';
  return Number(value);
}

const readVirtioScsi: LegacyReader = (words) => (words.release === 16 ? readScsiTargets(words) : readScsiDevice(words));

const readScsiDevice = firstWordIs('dev');

const readScsiTargets: LegacyReader = ({ node, rest, config, output }) => {
  config.createBelow(node, 'dev'); // so that setting the variable of earlier releases fails
  const targets = config.createBelow(node, 'target');
  if (rest === undefined) {
    addScsiTarget(config, targets, '/dev/cam/ctl', 0);
    return true;
  }
  const [first, others] = splitAtFirst(rest, ',');
  const hasPlainPath = !first.includes('=');
  // A comma with nothing behind it is read as two empty words.
  const words = hasPlainPath ? (others === '' ? ['', ''] : (others?.split(',') ?? [])) : rest.split(',');
  let last = -1;
  for (const word of hasPlainPath ? [`target=${first}`, ...words] : words) {
    const [name, value] = splitAtFirst(word, '=');
    if (name !== 'dev' && name !== 'target') {
      config.setIn(node, name, value ?? 'true');
      continue;
    }
    const target = addScsiTarget(config, targets, value, last);
    if (typeof target === 'string') {
      output.stderr.push(target);
      return false;
    }
    last = Math.max(last, target);
  }
  return true;
};

/** Slots count from 1; what follows `=` is one option of the USB device. */
const readXhci: LegacyReader = (words) => {
  if (words.rest === undefined) return true;
  const slots = words.config.createBelow(words.node, 'slot');
  for (const [index, word] of words.rest.split(',').entries()) {
    const [device, option] = splitAtFirst(word, '=');
    const node = words.config.createBelow(slots, String(index + 1));
    words.config.setIn(node, 'device', device);
    if (option !== undefined && option !== '') readGeneric({ ...words, node, rest: option });
  }
  return true;
};

/** `pptN`, `b/s/f`, `pciB:S:F` or `pci0:B:S:F`; not `b:s:f`. */
const readPassthru: LegacyReader = (words) => {
  const { node, config, output } = words;
  if (words.rest === undefined) return true;
  const [first, rest] = splitAtFirst(words.rest, ',');
  if (words.rest.startsWith('ppt')) {
    config.setIn(node, 'pptdev', first);
    return readGeneric({ ...words, rest });
  }
  const forms = [['pci0:', ':', ':'] as const, ['pci', ':', ':'] as const, ['', '/', '/'] as const];
  const address = forms.map((form) => scanInts(words.rest ?? '', form)).find(({ length }) => length === 3);
  if (address === undefined) {
    output.stderr.push(`passthru: invalid options "${words.rest}"`);
    return false;
  }
  for (const [index, name] of ['bus', 'slot', 'func'].entries()) config.setIn(node, name, String(address[index]));
  return readGeneric({ ...words, rest });
};

/** The whole REST, commas and all. */
const readUart: LegacyReader = ({ node, rest, config }) => {
  if (rest !== undefined) config.setIn(node, 'path', rest);
  return true;
};

/** By model; one that is not here has the generic reader. */
export const legacyReaders: Readonly<Record<string, LegacyReader>> = {
  amd_hostbridge: readAmdHostbridge,
  ahci: readAhci,
  'ahci-cd': readAhciDisk('cd'),
  'ahci-hd': readAhciDisk('hd'),
  e1000: firstWordIs('backend'),
  nvme: readNvme,
  passthru: readPassthru,
  uart: readUart,
  'virtio-9p': readVirtio9p,
  'virtio-blk': readBlock,
  'virtio-console': readVirtioConsole,
  'virtio-input': readVirtioInput,
  'virtio-net': firstWordIs('backend'),
  'virtio-scsi': readVirtioScsi,
  xhci: readXhci,
};

/** `['a', 'b=c']` of `a=b=c`; the second is absent where the separator is. */
export function splitAtFirst(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
