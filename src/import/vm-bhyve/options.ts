import path from 'node:path';
import { splitWords } from '../../base/shell.js';
import { noteAt } from '../original.js';
import { inGuest, type Guest } from './guest.js';

const firmwareFolder = '/usr/local/share/uefi-firmware';

interface Options {
  readonly words: readonly string[];
}

/** What stands before the devices, in vm-bhyve's order. */
export function optionsOf(guest: Guest, loader: string): Options | { readonly error: string } {
  const { properties, isUefi, source } = guest;
  const own = splitWords(properties.get('bhyve_options'));
  if ('error' in own) return own;
  const topology = ['sockets', 'cores', 'threads'].flatMap((part) => {
    const value = properties.get(`cpu_${part}`);
    return value === '' ? [] : [`${part}=${value}`];
  });
  // vm-bhyve reads the one name and documents the other.
  const ignoresMsrs = [properties.isYes('ignore_msr'), properties.isYes('ignore_bad_msr')].includes(true);
  const uuid = properties.get('uuid');
  if (uuid === '') {
    const message = 'uuid is not set: vm-bhyve makes one up at the first start and writes it here';
    guest.notes.push(
      noteAt(source, undefined, 'uuid', message, 'add "uuid", or the guest sees another one than before'),
    );
  }
  return {
    words: [
      ...['-c', [properties.get('cpu'), ...topology].join(',')],
      ...['-m', properties.get('memory')],
      ...(isUefi ? ['-Hwl', `bootrom,${firmwareOf(guest, loader)}`] : [`-AHP${ignoresMsrs ? 'w' : ''}`]),
      ...own,
      ...(properties.isYes('wired_memory') ? ['-S'] : []),
      ...(uuid === '' ? [] : ['-U', uuid]),
      ...(properties.isYes('utctime', 'yes') ? ['-u'] : []),
    ],
  };
}

function firmwareOf({ properties, source, notes }: Guest, loader: string): string {
  const files: Readonly<Record<string, string>> = {
    'uefi-csm': `${firmwareFolder}/BHYVE_UEFI_CSM.fd`,
    'uefi-devel': `${firmwareFolder}/BHYVE_UEFI_CODE-devel.fd`,
    'uefi-custom': path.posix.join(path.posix.dirname(source.folder), '.config/BHYVE_UEFI.fd'),
  };
  if (loader === 'uefi-csm') {
    const message = 'loader uefi-csm: the firmware with a BIOS is no longer in the package edk2-bhyve';
    notes.push(
      noteAt(source, properties.line('loader'), 'firmware', message, 'see whether the guest starts without it'),
    );
  }
  const rom = files[loader] ?? `${firmwareFolder}/BHYVE_UEFI.fd`;
  return properties.isYes('uefi_vars') ? `${rom},${inGuest(source, 'uefi-vars.fd')}` : rom;
}

/** Each port is a null modem of its own; the loader talks to the first one. */
export const consolesOf = ({ name, properties }: Guest): readonly (readonly [port: string, device: string])[] =>
  properties
    .get('comports', 'com1')
    .split(/[\s,]+/)
    .filter((port) => port !== '')
    .map((port, index) => [port, `/dev/nmdm-${name}.${index + 1}A`]);

export function bridgesOf({ properties }: Guest): readonly string[] {
  const bridge = properties.get('hostbridge', 'standard');
  const [slot, lpc] = [properties.get('hostbridge_slot', '0'), properties.get('lpc_slot', '31')];
  const model = bridge === 'amd' ? 'amd_hostbridge' : 'hostbridge';
  return [...(bridge.startsWith('no') ? [] : ['-s', `${slot},${model}`]), '-s', `${lpc},lpc`];
}
