import { child } from '../base/json-pointer.js';
import type { Finding } from '../base/problem.js';
import type { Platform, Release } from '../devices/device.js';
import type { VmSpec } from '../spec/vm-spec.js';
import type { Part } from './parts.js';

/** Fields that came with a release: bhyve(8), HISTORY and CURRENT. */
const since: readonly (readonly [field: keyof VmSpec, release: Release, what: string])[] = [
  ['numa', 15, 'NUMA domains (-n)'],
  ['monitor', 16, 'monitor mode (-M)'],
];

/** Fields that only a PC has: bhyve of arm64 takes neither the option nor the variable. */
const pcOnly: readonly (readonly [field: keyof VmSpec, why: string])[] = [
  ['varfile', 'U-Boot keeps no variables in a file'],
  ['lpc_slot', 'there is no LPC bridge'],
  ['com2', 'there is no LPC bridge; com1 is its one console'],
  ['com3', 'there is no LPC bridge; com1 is its one console'],
  ['com4', 'there is no LPC bridge; com1 is its one console'],
  ['tpm', 'the TPM is behind the LPC bridge'],
  ['fwcfg', 'it belongs to the LPC bridge'],
  ['fw_cfg_files', 'it has no option -f'],
  ['graphic', 'it has no frame buffer'],
  ['keyboard', 'it has no frame buffer'],
  ['numa', 'it has no option -n'],
  ['disable_mptable_gen', 'it makes no MP table'],
  ['yield_on_pause', 'arm64 has no PAUSE instruction'],
  ['x2apic', 'arm64 has no local APIC'],
  ['strict_io', 'arm64 has no I/O ports'],
  ['ignore_unknown_msrs', 'arm64 has no model specific registers'],
];

/** Fields that bhyve of arm64 takes and makes nothing of. */
const idleOnArm: readonly (keyof VmSpec)[] = ['uuid', 'smbios'];

const isUsed = (value: unknown): boolean => value !== undefined && value !== false;

const named = ({ release, arch }: Platform): string =>
  arch === 'arm64' ? `bhyve of FreeBSD ${release} on arm64` : `bhyve of FreeBSD ${release}`;

/** What this bhyve does not have, by the field that asks for it. */
export function checkPlatform(vm: VmSpec, parts: readonly Part[], platform: Platform): readonly Finding[] {
  const { release, arch } = platform;
  if (arch === 'arm64' && release === 14) {
    const message = 'FreeBSD 14 has no bhyve on arm64';
    const pointer = vm.arch === undefined ? '/release' : '/arch';
    return [{ code: 'arch', pointer, message, fix: 'use "release": 15' }];
  }
  const tooNew = since
    .filter(([field, first]) => isUsed(vm[field]) && release < first)
    .map(([field, first, what]) => ({
      code: 'release',
      pointer: child('', field),
      message: `${named(platform)} has no ${what}`,
      fix: `use FreeBSD ${first}, or leave "${field}" out`,
    }));
  if (arch === 'amd64') return [...tooNew, ...checkTpmRelease(vm, release)];
  const foreign = pcOnly
    .filter(([field]) => isUsed(vm[field]))
    .map(([field, why]) => ({
      code: 'arch',
      pointer: child('', field),
      message: `${named(platform)} does not know "${field}": ${why}`,
      fix: `leave "${field}" out`,
    }));
  const idle = idleOnArm
    .filter((field) => isUsed(vm[field]))
    .map((field) => ({
      code: 'arch',
      severity: 'warning' as const,
      pointer: child('', field),
      message: `${named(platform)} does not read "${field}": it makes no SMBIOS table, so the guest never sees it`,
      fix: `leave "${field}" out`,
    }));
  const devices = parts
    .filter(({ model, pointer }) => model.isAmd64Only === true && pointer !== '/graphic')
    .map(({ model, pointer }) => ({
      code: 'arch',
      pointer: child(pointer, 'device'),
      message: `${named(platform)} has no ${model.model} device`,
      fix: 'leave the device out',
    }));
  const bridge =
    vm.hostbridge === 'amd_hostbridge'
      ? [
          {
            code: 'arch',
            pointer: '/hostbridge',
            message: 'amd_hostbridge is the bridge of a PC',
            fix: 'leave "hostbridge" out',
          },
        ]
      : [];
  return [...tooNew.filter(({ pointer }) => pointer !== '/numa'), ...foreign, ...idle, ...bridge, ...devices];
}

function checkTpmRelease({ tpm }: VmSpec, release: Release): readonly Finding[] {
  if (tpm?.type !== 'swtpm' || release !== 14) return [];
  return [
    {
      code: 'release',
      severity: 'warning',
      pointer: '/tpm/type',
      message: 'swtpm came with FreeBSD 14.3; bhyve of 14.2 and before does not start with it',
      fix: 'see to it that the host is 14.3 or later',
    },
  ];
}
