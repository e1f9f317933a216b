import path from 'node:path';
import { datastoreOf, inGuest, of, tell, type Guest } from './guest.js';

const firmwareFolder = '/usr/local/share/uefi-firmware';

/** The shell's own way to make words of a variable without quotes: no quote and no backslash means anything. */
export const shellWords = (text: string): readonly string[] => text.split(/[ \t\n]+/).filter((word) => word !== '');

/** The options that are no devices, in vm-bhyve's order. */
export function bhyveOptionsOf(guest: Guest, loader: string): readonly string[] {
  const { properties, isUefi, release } = guest;
  const topology = ['sockets', 'cores', 'threads'].flatMap((part) => {
    const value = properties.get(`cpu_${part}`);
    return value === '' ? [] : [`${part}=${value}`];
  });
  const ignoresMsrs = properties.isYes('ignore_msr') ? 'w' : '';
  const flags = release.isUniform ? `-AHPw${ignoresMsrs}` : `-AHP${ignoresMsrs}`;
  const uuid = properties.get('uuid');
  if (uuid === '') {
    const message = 'uuid is not set: vm-bhyve makes one up at the first start and writes it here';
    tell(guest, 'uuid', 'uuid', message, 'add "uuid", or the guest sees another one than before');
  }
  return [
    ...['-c', of(guest, 'cpu', [properties.get('cpu'), ...topology].join(','))],
    ...['-m', of(guest, 'memory', properties.get('memory'))],
    ...(isUefi && !release.isUniform ? ['-Hw'] : [flags]),
    ...(isUefi ? ['-l', of(guest, 'loader', `bootrom,${firmwareOf(guest, loader)}`)] : []),
    ...shellWords(properties.get('bhyve_options')).map((word) => of(guest, 'bhyve_options', word)),
    ...(properties.isYes('wired_memory') ? ['-S'] : []),
    ...(uuid === '' ? [] : ['-U', of(guest, 'uuid', uuid)]),
    ...(properties.isYes('utctime', 'yes') ? ['-u'] : []),
  ];
}

function firmwareOf(guest: Guest, loader: string): string {
  const { properties, source } = guest;
  const files: Readonly<Record<string, string>> = {
    'uefi-csm': `${firmwareFolder}/BHYVE_UEFI_CSM.fd`,
    'uefi-devel': `${firmwareFolder}/BHYVE_UEFI_CODE-devel.fd`,
    'uefi-custom': path.posix.join(datastoreOf(source), '.config/BHYVE_UEFI.fd'),
  };
  if (loader === 'uefi-csm') {
    const message = 'loader uefi-csm: the firmware with a BIOS is no longer in the package edk2-bhyve';
    tell(guest, 'loader', 'firmware', message, 'check whether the guest starts without it');
  } else if (loader !== 'uefi' && !Object.hasOwn(files, loader)) {
    const message = `loader ${loader} is not one that vm-bhyve knows; it uses its usual UEFI firmware then`;
    tell(guest, 'loader', 'firmware', message, 'check "bootrom" of the spec');
  }
  const rom = files[loader] ?? `${firmwareFolder}/BHYVE_UEFI.fd`;
  return properties.isYes('uefi_vars') ? `${rom},${inGuest(source, 'uefi-vars.fd')}` : rom;
}

/** Each port is a null modem of its own; the loader talks to the first one. */
export const consolesOf = ({ name, properties }: Guest): readonly (readonly [port: string, device: string])[] =>
  shellWords(properties.get('comports', 'com1')).map((port, index) => [port, `/dev/nmdm-${name}.${index + 1}A`]);

/** The host bridge, and LPC behind which the ports and the firmware are. */
export function bridgesOf(guest: Guest): readonly string[] {
  const { properties } = guest;
  const bridge = properties.get('hostbridge', 'standard');
  if (!/^(standard|amd|no.*)$/.test(bridge)) {
    const message = `hostbridge ${bridge} is not one that vm-bhyve knows (standard, amd, none); it uses standard then`;
    tell(guest, 'hostbridge', 'hostbridge', message);
  }
  const model = bridge === 'amd' ? 'amd_hostbridge' : 'hostbridge';
  return [
    ...(bridge.startsWith('no') ? [] : ['-s', of(guest, 'hostbridge', `0,${model}`)]),
    '-s',
    of(guest, 'start_slot', '31,lpc'),
  ];
}

/**
 * What `fwcfg` is for. vm-bhyve writes it behind the LPC bridge, and bhyve looks for it among the variables of `lpc`,
 * so the guest of vm-bhyve never has it.
 */
export function firmwareConfigOf(guest: Guest): readonly string[] {
  const { properties, release } = guest;
  const kind = properties.get('fwcfg');
  if (kind === '' || !release.hasBuses) return [];
  if (kind === 'bhyve') return [];
  const isKnown = kind === 'qemu';
  const message = `vm-bhyve passes fwcfg as "-s 31,lpc,fwcfg=${kind}", where bhyve does not read it; the spec says ${isKnown ? 'what was meant' : 'nothing, since bhyve knows only bhyve and qemu'}`;
  tell(guest, 'fwcfg', 'fwcfg', message, 'take "fwcfg" out to have the guest as it was');
  return isKnown ? ['-o', `lpc.fwcfg=${kind}`] : [];
}
