import { child } from '../base/json-pointer.js';
import type { PciAddress } from '../base/pci-address.js';
import type { Finding } from '../base/problem.js';
import type { AnyDeviceModel, BootPlace, Platform } from '../devices/device.js';
import type { Part } from '../fields/part.js';
import type { VmSpec } from '../fields/vm-spec.js';
import type { EffectiveSpec } from '../spec/parse-spec.js';
import type { TakenSlot } from './seats.js';

/** Findings by device, kept over the targets of one spec, which mostly share their devices. */
export type DeviceFindings = Map<object, readonly Finding[]>;

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
        fix: part.broughtBy?.extra?.howToDrop ?? 'take one of them out',
      },
    ];
  });
}

/**
 * bhyve refuses a second device at one place of the boot order. It tells the firmware of bus 0 only, by an interface
 * that has to be switched on.
 */
export function checkBootOrder(
  { fwcfg }: VmSpec,
  places: readonly TakenSlot[],
  effective: EffectiveSpec,
): readonly Finding[] {
  const holders = new Map<number, string>();
  return places.flatMap(({ part, address }) =>
    part === undefined
      ? []
      : bootPlaces(part).flatMap(({ pointer, bootindex }): readonly Finding[] => {
          const at = part.pointer + pointer;
          const holder = holders.get(bootindex);
          holders.set(bootindex, holder ?? part.pointer);
          if (holder !== undefined) {
            const other = effective.subject(holder) ?? holder.slice(1);
            const message = `bootindex ${bootindex} is that of ${other} already`;
            return [{ code: 'bootindex-taken', pointer: at, message, fix: 'give each device a number of its own' }];
          }
          const idle = whyIdle(fwcfg, address);
          return idle === undefined ? [] : [{ ...idle, severity: 'warning', pointer: at }];
        }),
  );
}

/** Why the firmware does not learn of a place in the boot order; undefined: it does. */
function whyIdle(fwcfg: VmSpec['fwcfg'], address: PciAddress): Pick<Finding, 'code' | 'message' | 'fix'> | undefined {
  if (fwcfg !== 'qemu') {
    const message = 'bootindex has no effect: the firmware learns of it with fwcfg qemu only';
    return { code: 'fwcfg', message, fix: 'add "fwcfg": "qemu" to the spec' };
  }
  if (address.bus === 0) return undefined;
  const message = `bootindex has no effect on bus ${address.bus}: bhyve tells the firmware of bus 0 only`;
  return { code: 'bootindex-bus', message, fix: 'give the device a "slot" on bus 0' };
}

const usualLpcSlot = 31;

/** A device that asks for the bridge's slot moves the bridge, which nobody has asked for. */
export function checkLpcSlot(
  { lpc_slot: said }: VmSpec,
  places: readonly TakenSlot[],
  effective: EffectiveSpec,
): readonly Finding[] {
  const lpc = places.find(({ bridge }) => bridge?.field === 'lpc_slot')?.address;
  if (said !== undefined || lpc === undefined || lpc.slot === usualLpcSlot) return [];
  const holder = places.find(
    ({ part, address }) => part?.slot !== undefined && address.bus === 0 && address.slot === usualLpcSlot,
  )?.part;
  if (holder === undefined) return [];
  const who = effective.subject(holder.pointer) ?? holder.model.model;
  return [
    {
      code: 'lpc-moved',
      severity: 'warning',
      pointer: child(holder.pointer, 'slot'),
      message: `${who} takes slot 0:31, so the LPC bridge moves to ${lpc.bus}:${lpc.slot}; Windows needs it at 0:31`,
      fix: `choose another slot, or set "lpc_slot": "${lpc.slot}" if the guest does not mind`,
    },
  ];
}

function bootPlaces({ model, fields }: Part): readonly BootPlace[] {
  if (model.bootOrder !== undefined) return model.bootOrder(fields);
  const bootindex = 'bootindex' in fields ? fields.bootindex : undefined;
  return typeof bootindex === 'number' ? [{ pointer: '/bootindex', bootindex }] : [];
}

export function deviceFindings(
  { model, fields, pointer, broughtBy }: Part,
  index: number,
  effective: EffectiveSpec,
  platform: Platform,
  known: DeviceFindings,
): readonly Finding[] {
  if (model.check === undefined) return [];
  const identity = broughtBy !== undefined ? fields : effective.identity(index);
  const found = known.get(identity) ?? model.check(fields, platform);
  known.set(identity, found);
  return found.map((finding) => ({ ...finding, pointer: pointer + finding.pointer }));
}
