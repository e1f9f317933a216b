import type { Finding } from '../base/problem.js';
import { byteLength } from '../base/text.js';
import type { AnyDeviceModel, BootPlace, Platform, Release } from '../devices/device.js';
import { xhci } from '../devices/xhci.js';
import type { EffectiveSpec } from '../spec/parse-spec.js';
import type { VmSpec } from '../spec/vm-spec.js';
import type { Part } from './parts.js';

/** Findings by device, kept over the targets of one spec, which mostly share their devices. */
export type DeviceFindings = Map<object, readonly Finding[]>;

/** From release 16 on, bhyve always makes a UNIX socket of its folder and the name: 103 bytes. */
const maxNameBytes = (release: Release): number => (release === 16 ? 103 - '/var/run/bhyve//'.length : 229);

export function checkName({ name }: VmSpec, { release }: Platform): readonly Finding[] {
  const bytes = byteLength(name);
  const max = maxNameBytes(release);
  if (bytes <= max) return [];
  const where = release === 16 ? ' for FreeBSD 16' : '';
  return [
    { code: 'name-length', pointer: '/name', message: `a VM name has at most ${max} bytes${where}, this has ${bytes}` },
  ];
}

/** bhyve refuses a passthru device unless guest memory is wired. */
export function checkWiring(vm: VmSpec, parts: readonly Part[]): readonly Finding[] {
  const needy = parts.find(({ model }) => model.wiresMemory === true);
  if (vm.wire_guest_mem !== false || needy === undefined) return [];
  return [
    {
      code: 'memory-not-wired',
      pointer: '/wire_guest_mem',
      message: `a ${needy.model.model} device needs wired guest memory`,
      fix: 'leave "wire_guest_mem" out',
    },
  ];
}

export function checkSingles(parts: readonly Part[], effective: EffectiveSpec): readonly Finding[] {
  const first = new Map<AnyDeviceModel, Part>();
  return parts.flatMap((part): readonly Finding[] => {
    const { model, pointer } = part;
    const holder = first.get(model);
    if (model.isSingle !== true || holder === undefined) {
      first.set(model, part);
      return [];
    }
    const other = effective.subject(holder.pointer) ?? holder.pointer.slice(1);
    return [
      {
        code: 'device-twice',
        pointer,
        message: `bhyve takes one ${model.model} per VM, and ${other} is one already`,
        fix: pointer === '/graphic' && model === xhci ? 'set "xhci_table": false' : 'take one of them out',
      },
    ];
  });
}

/** bhyve refuses a second device at one place of the boot order. */
export function checkBootOrder(parts: readonly Part[], effective: EffectiveSpec): readonly Finding[] {
  const holders = new Map<number, string>();
  return parts.flatMap((part) =>
    bootPlaces(part).flatMap(({ pointer, bootindex }): readonly Finding[] => {
      const holder = holders.get(bootindex);
      holders.set(bootindex, holder ?? part.pointer);
      if (holder === undefined) return [];
      return [
        {
          code: 'bootindex-taken',
          pointer: part.pointer + pointer,
          message: `bootindex ${bootindex} is that of ${effective.subject(holder) ?? holder.slice(1)} already`,
          fix: 'give each device a number of its own',
        },
      ];
    }),
  );
}

function bootPlaces({ model, fields }: Part): readonly BootPlace[] {
  if (model.bootOrder !== undefined) return model.bootOrder(fields);
  const bootindex = 'bootindex' in fields ? fields.bootindex : undefined;
  return typeof bootindex === 'number' ? [{ pointer: '/bootindex', bootindex }] : [];
}

export function deviceFindings(
  { model, fields, pointer }: Part,
  index: number,
  effective: EffectiveSpec,
  platform: Platform,
  known: DeviceFindings,
): readonly Finding[] {
  if (model.check === undefined) return [];
  const identity = pointer === '/graphic' ? fields : effective.identity(index);
  const found = known.get(identity) ?? model.check(fields, platform);
  known.set(identity, found);
  return found.map((finding) => ({ ...finding, pointer: pointer + finding.pointer }));
}
