import { child } from '../base/json-pointer.js';
import type { PciAddress } from '../base/pci-address.js';
import type { Finding } from '../base/problem.js';
import { byteLength, listWords } from '../base/text.js';
import type { AnyDeviceModel, BootPlace, Platform, Release } from '../devices/device.js';
import { xhci } from '../devices/xhci.js';
import type { EffectiveSpec } from '../spec/parse-spec.js';
import type { VmSpec } from '../spec/vm-spec.js';
import type { Part } from './parts.js';
import type { Slots } from './slots.js';

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

/**
 * bhyve refuses a second device at one place of the boot order. It tells the firmware of bus 0 only, by an interface
 * that has to be switched on.
 */
export function checkBootOrder(
  { fwcfg }: VmSpec,
  parts: readonly Part[],
  addresses: readonly PciAddress[],
  effective: EffectiveSpec,
): readonly Finding[] {
  const holders = new Map<number, string>();
  return parts.flatMap((part, index) =>
    bootPlaces(part).flatMap(({ pointer, bootindex }): readonly Finding[] => {
      const at = part.pointer + pointer;
      const holder = holders.get(bootindex);
      holders.set(bootindex, holder ?? part.pointer);
      if (holder !== undefined) {
        const other = effective.subject(holder) ?? holder.slice(1);
        const message = `bootindex ${bootindex} is that of ${other} already`;
        return [{ code: 'bootindex-taken', pointer: at, message, fix: 'give each device a number of its own' }];
      }
      const idle = whyIdle(fwcfg, addresses[index]);
      return idle === undefined ? [] : [{ ...idle, severity: 'warning', pointer: at }];
    }),
  );
}

/** Why the firmware does not learn of a place in the boot order; undefined: it does. */
function whyIdle(
  fwcfg: VmSpec['fwcfg'],
  address: PciAddress | undefined,
): Pick<Finding, 'code' | 'message' | 'fix'> | undefined {
  if (fwcfg !== 'qemu') {
    const message = 'bootindex has no effect: the firmware learns of it with fwcfg qemu only';
    return { code: 'fwcfg', message, fix: 'add "fwcfg": "qemu" to the spec' };
  }
  if (address === undefined || address.bus === 0) return undefined;
  const message = `bootindex has no effect on bus ${address.bus}: bhyve tells the firmware of bus 0 only`;
  return { code: 'bootindex-bus', message, fix: 'give the device a "slot" on bus 0' };
}

/** What stands behind the LPC bridge is not there without it, and bhyve does not say so. */
export function checkLpcUsers(vm: VmSpec): readonly Finding[] {
  if (vm.lpc_slot !== 'none') return [];
  const users = (['com1', 'com2', 'com3', 'com4', 'tpm', 'fwcfg', 'fw_cfg_files'] as const).filter(
    (field) => vm[field] !== undefined,
  );
  const user = users[0];
  if (user !== undefined) {
    const message = `without an LPC bridge the guest has no ${listWords(users)}`;
    return [{ code: 'lpc-needed', pointer: '/lpc_slot', message, fix: 'leave "lpc_slot" out' }];
  }
  if (vm.loader !== undefined) return [];
  const message = 'without an LPC bridge UEFI firmware cannot ask bhyve about the machine';
  return [
    {
      code: 'lpc-needed',
      severity: 'warning',
      pointer: '/lpc_slot',
      message,
      fix: 'leave "lpc_slot" out, unless the boot ROM is one of your own',
    },
  ];
}

const usualLpcSlot = 31;

/** A device that asks for the bridge's slot moves the bridge, which nobody has asked for. */
export function checkLpcSlot(
  { lpc_slot: said }: VmSpec,
  parts: readonly Part[],
  { lpc, devices }: Slots,
  effective: EffectiveSpec,
): readonly Finding[] {
  if (said !== undefined || lpc === undefined || lpc.slot === usualLpcSlot) return [];
  const holder = parts.find(
    ({ slot }, index) => slot !== undefined && devices[index]?.bus === 0 && devices[index].slot === usualLpcSlot,
  );
  if (holder === undefined) return [];
  const who = effective.subject(holder.pointer) ?? holder.model.model;
  return [
    {
      code: 'lpc-moved',
      severity: 'warning',
      pointer: child(holder.pointer, 'slot'),
      message: `${who} takes slot 0:31, so the LPC bridge moves to ${lpc.bus}:${lpc.slot}; Windows wants it at 0:31`,
      fix: `choose another slot, or say "lpc_slot": "${lpc.slot}" if the guest does not mind`,
    },
  ];
}

/** In monitor mode bhyve restarts the guest itself: vmrun never sees the exit that they would be for. */
export function checkMonitor(effective: EffectiveSpec): readonly Finding[] {
  if (!effective.vm.monitor) return [];
  return (['next_target', 'reboot_on', 'on_give_up'] as const)
    .filter((field) => effective.isGiven(field))
    .map((field) => ({
      code: 'monitor',
      pointer: child('', field),
      message: `${field} has no effect with monitor: bhyve restarts the guest by itself`,
      fix: `leave "${field}" or "monitor" out`,
    }));
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

/** A PC has its first kernel or firmware in the first MiB, or above. */
const leastMemory = 2 ** 20;

/** bhyve takes any size, but no guest starts without room; and bhyve itself would read a small number as MiB. */
export function checkMemory(mem: VmSpec['mem'], bytes: number): readonly Finding[] {
  if (bytes >= leastMemory) return [];
  const isCount = typeof mem === 'number';
  const little = `no guest starts with ${bytes / 1024}K of memory`;
  return [
    {
      code: 'memory-small',
      severity: 'warning',
      pointer: '/mem',
      message: isCount ? `${mem} is a number of bytes, and ${little}` : little,
      fix: isCount ? `use "${mem}M" if it is to be MiB` : 'use e.g. "512M"',
    },
  ];
}
