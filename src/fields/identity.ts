import { byteLength } from '../base/text.js';
import { vmNamePattern } from '../base/vm-name.js';
import { architectures, releases, type Arch, type Release } from '../devices/device.js';
import { defineField } from './field.js';

export interface IdentityFields {
  readonly name: string;
  readonly arch?: Arch;
  readonly release?: Release;
}

/** From release 16 on, bhyve always makes a UNIX socket of its folder and the name: 103 bytes. */
const maxNameBytes = (release: Release): number => (release === 16 ? 103 - '/var/run/bhyve//'.length : 229);

export const name = defineField<IdentityFields>({
  name: 'name',
  chapter: 'The machine',
  isRequired: true,
  isRootOnly: true,
  schema: {
    type: 'string',
    description: 'Name of the VM: 1 to 229 bytes, without "/", "%", blanks and characters that cannot be seen.',
    pattern: vmNamePattern,
    patternErrorMessage:
      'a VM name: at most 229 bytes without "/", "%", blanks and characters that cannot be seen, and no dash in front; not "." or ".."',
    takesDigits: true,
    examples: ['freebsd'],
  },
  check({ vm, release }) {
    const bytes = byteLength(vm.name);
    const max = maxNameBytes(release);
    if (bytes <= max) return [];
    const where = release === 16 ? ' for FreeBSD 16' : '';
    const message = `a VM name has at most ${max} bytes${where}, this has ${bytes}`;
    return [{ code: 'name-length', pointer: '/name', message }];
  },
});

export const arch = defineField<IdentityFields>({
  name: 'arch',
  chapter: 'The machine',
  isRootOnly: true,
  schema: {
    type: 'string',
    enum: architectures,
    description: "Architecture of host and guest, which the command is written for. Default: the host's, else amd64.",
  },
  check({ vm, arch, release }) {
    if (arch === 'amd64' || release > 14) return [];
    const message = 'FreeBSD 14 has no bhyve on arm64';
    const pointer = vm.arch === undefined ? '/release' : '/arch';
    return [{ code: 'arch', pointer, message, fix: 'use "release": 15' }];
  },
});

export const release = defineField<IdentityFields>({
  name: 'release',
  chapter: 'The machine',
  isRootOnly: true,
  schema: {
    type: 'integer',
    enum: releases,
    description: "FreeBSD release that the command is written for. Default: the host's, else 15.",
  },
});
