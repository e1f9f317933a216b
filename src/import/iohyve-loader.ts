import { listWords, shown } from '../base/text.js';
import { readLoader } from './loader.js';
import { noteAt, type Original, type OriginalText } from './original.js';
import type { Properties } from './properties.js';
import type { Problem } from '../base/problem.js';
import type { ReadFile } from './loader.js';

/** What iohyve has GRUB do for an `os`. */
interface System {
  /** `-d`: the folder of grub.cfg on the disk. */
  readonly folder?: string;
  /** What it writes into a grub.cfg of the host. */
  readonly commands?: readonly string[];
}

const openbsd: System = { commands: ['kopenbsd -h com0 -r sd0a (hd0,openbsd1)/bsd', 'boot'] };

/** By the value of `os`, as iohyve 0.7.9 boots it; d8lvm by the releases before ubuntu took its place. */
const systems: Readonly<Record<string, System>> = {
  default: {},
  debian: {},
  // Known for an installation only: the disk is started as any other.
  arch: {},
  ubuntu: { folder: '/grub' },
  d8lvm: { folder: '/grub' },
  centos6: { folder: '/grub' },
  centos7: { folder: '/grub2' },
  netbsd: { commands: ['knetbsd -h -r wd0a (hd0,msdos1)/netbsd', 'boot'] },
  openbsd57: openbsd,
  openbsd58: openbsd,
  openbsd59: openbsd,
  openbsd60: openbsd,
  openbsd61: openbsd,
};

/** The guest's own grub.cfg and device.map, on the host. */
const ownFiles = 'custom';

interface IohyveGuest {
  readonly source: OriginalText;
  readonly name: string;
  readonly properties: Properties;
  readonly readFile: ReadFile;
  readonly notes: Problem[];
}

interface Surroundings {
  readonly vmName: string;
  readonly disk: string;
  readonly console: string;
  readonly isWired: boolean;
}

/** The command that iohyve loads a guest with that has no UEFI firmware. */
export function iohyveLoader(guest: IohyveGuest, { vmName, disk, console, isWired }: Surroundings): Original['loader'] {
  const { properties, notes, source, readFile } = guest;
  const line = properties.line('loader') ?? 1;
  const common = [...(isWired ? ['-S'] : []), ...(console === '' ? [] : ['-c', `/dev/${console}A`])];
  const memory = properties.get('ram');
  const kept = (loader: ReturnType<typeof readLoader>): Original['loader'] => ('error' in loader ? undefined : loader);
  const said = properties.get('loader', 'bhyveload');
  if (said !== 'grub-bhyve') {
    if (said !== 'bhyveload') {
      const message = `loader ${shown(said)} is not one that iohyve knows (bhyveload, grub-bhyve, uefi); it uses bhyveload then`;
      notes.push(noteAt(source, line, 'loader', message, 'check "loader" of the spec'));
    }
    return kept(
      readLoader({ program: 'bhyveload', argv: [...common, '-m', memory, '-d', disk, vmName], line }, readFile),
    );
  }
  const { words, input, map } = grubOf(guest, disk);
  const argv = [...common, '-m', 'device.map', ...words, '-M', memory, vmName];
  return kept(readLoader({ program: 'grub-bhyve', argv, line, ...(input === undefined ? {} : { input }) }, () => map));
}

interface Grub {
  readonly words: readonly string[];
  readonly input?: string;
  readonly map: string;
}

function grubOf({ name, properties, source, readFile, notes }: IohyveGuest, disk: string): Grub {
  const os = properties.get('os', 'default');
  const tell = (message: string, fix?: string): void => {
    notes.push(noteAt(source, properties.line('os'), 'os', message, fix));
  };
  const usualMap = `(hd0) ${disk}\n`;
  if (os === ownFiles) {
    const own = `/iohyve/${name}/device.map`;
    const map = readFile(own);
    if (map === undefined) {
      const message = `os custom: iohyve gives GRUB the file ${own}, which cannot be read here; the spec takes hd0 for the disk of the guest`;
      tell(message, 'add "device_map" to "loader" of the spec');
    }
    return { words: ['-r', 'host', '-d', `/iohyve/${name}`], map: map ?? usualMap };
  }
  const system = Object.hasOwn(systems, os) ? systems[os] : undefined;
  if (system === undefined) {
    const message = `os ${shown(os)} is not one that iohyve knows; it has GRUB read grub.cfg of hd0,msdos1 then`;
    tell(message, `check "loader" of the spec; iohyve knows ${listWords([...Object.keys(systems), ownFiles], 'and')}`);
  }
  if (os === 'd8lvm') {
    tell(
      'os d8lvm: the spec has GRUB look in /grub, as iohyve did before 0.7.9, which no longer knows it',
      'check "loader" of the spec',
    );
  }
  const { folder, commands } = system ?? {};
  if (commands !== undefined) return { words: [], input: commands.join('\n'), map: usualMap };
  return { words: ['-r', 'hd0,msdos1', ...(folder === undefined ? [] : ['-d', folder])], map: usualMap };
}
