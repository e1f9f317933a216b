import path from 'node:path';
import { shown } from '../../base/text.js';
import { readLoader } from '../loader.js';
import type { Original } from '../original.js';
import type { Devices } from './devices.js';
import { childOf, childrenOf, elementAt, set, tell, textOf, type Domain } from './domain.js';

interface Boot {
  readonly argv: readonly string[];
  /** The guest starts from a boot ROM, not by a loader. */
  readonly isFirmware: boolean;
}

const usualFirmware = '/usr/local/share/uefi-firmware/BHYVE_UEFI.fd';

export function bootOf(domain: Domain): Boot {
  const os = elementAt(domain, 'os');
  childrenOf(domain, os, 'type');
  const rom = textOf(domain, 'os', 'loader') ?? (os?.attributes.firmware === 'efi' ? usualFirmware : undefined);
  const nvram = childOf(domain, os, 'nvram');
  if (rom === undefined || elementAt(domain, 'bootloader') !== undefined) return { argv: [], isFirmware: domain.isArm };
  if (domain.isArm) return { argv: set('bootrom', rom), isFirmware: true };
  const own = nvram?.text.trim() ?? '';
  const isMadeUp = own === '' && (nvram !== undefined || os?.attributes.firmware === 'efi');
  const variables = isMadeUp ? `/var/lib/libvirt/bhyve/nvram/${domain.name}_VARS.fd` : own;
  if (isMadeUp && os !== undefined) {
    const message = `the variables of the firmware are assumed to be in ${variables}, where libvirt keeps them`;
    tell(
      domain,
      nvram ?? os,
      'nvram',
      message,
      'check whether the file is there; without it the guest starts with fresh ones',
    );
  }
  return { argv: ['-l', ['bootrom', rom, ...(variables === '' ? [] : [variables])].join(',')], isFirmware: true };
}

interface LoaderSurroundings extends Pick<Devices, 'media' | 'console'> {
  /** In MiB. */
  readonly memory: number;
}

/** bhyveload unless another program is named; from the first disk, or the one that comes first in the boot order. */
export function loaderOf(domain: Domain, { media, console, memory }: LoaderSurroundings): Original['loader'] {
  const element = elementAt(domain, 'bootloader');
  const args = textOf(domain, 'bootloader_args')?.split(/\s+/);
  const program = element?.text.trim() ?? '/usr/sbin/bhyveload';
  const wanted = childrenOf(domain, elementAt(domain, 'os'), 'boot').map(({ attributes }) =>
    attributes.dev === 'cdrom' ? 'cd' : 'hd',
  );
  const ordered = media.filter(({ order }) => order !== undefined).sort((a, b) => (a.order ?? 0) - (b.order ?? 0));
  const first =
    ordered[0] ?? (wanted[0] === undefined ? undefined : media.find(({ type }) => type === wanted[0])) ?? media[0];
  const line = (element ?? domain.root).line;
  const device = console === undefined || console.startsWith('tcp=') ? [] : ['-c', console];
  const base = path.posix.basename(program);
  const read = (words: Parameters<typeof readLoader>[0], map?: string): Original['loader'] => {
    const loader = readLoader(words, map === undefined ? domain.context.readFile : () => map);
    if (!('error' in loader)) return loader;
    tell(
      domain,
      element ?? domain.root,
      'loader',
      `${words.program} does not accept this: ${loader.error}`,
      'write "loader" into the spec by hand',
    );
    return undefined;
  };
  if (base === 'bhyveload') {
    const usual = [...device, '-m', `${memory}M`, ...(first === undefined ? [] : ['-d', first.path]), domain.name];
    return read({ program: 'bhyveload', argv: args ?? usual, line });
  }
  if (base !== 'grub-bhyve') {
    const message = `the loader ${shown(program)} is not carried over: vmrun knows bhyveload and grub-bhyve`;
    tell(domain, element ?? domain.root, 'loader', message, 'run it by "hooks", and set "loader": "none"');
    return undefined;
  }
  if (args !== undefined) return read({ program: 'grub-bhyve', argv: args, line });
  const cd =
    ordered[0] === undefined
      ? media.find(({ type }) => type === 'cd')
      : ordered[0].type === 'cd'
        ? ordered[0]
        : undefined;
  const hd =
    ordered[0] === undefined
      ? media.find(({ type }) => type === 'hd')
      : ordered[0].type === 'hd'
        ? ordered[0]
        : undefined;
  const map = [
    ...(hd === undefined ? [] : [`(hd0) ${hd.path}`]),
    ...(cd === undefined ? [] : [`(cd0) ${cd.path}`]),
  ].join('\n');
  const root = cd === undefined ? 'hd0,msdos1' : 'cd0';
  return read(
    { program: 'grub-bhyve', argv: ['-r', root, '-m', 'device.map', ...device, '-M', `${memory}M`, domain.name], line },
    map,
  );
}
