import { child } from '../base/json-pointer.js';
import type { PciAddress } from '../base/pci-address.js';
import type { Finding } from '../base/problem.js';
import type { AnyDeviceModel, DeviceContext, Platform } from '../devices/device.js';
import { hostbridges } from '../devices/hostbridge.js';
import { lpc } from '../devices/lpc.js';
import type { Part } from '../fields/part.js';
import type { EffectiveSpec } from '../spec/parse-spec.js';
import { withPin, type Pin, type Pins } from './identity.js';
import { withAbsolutePaths, type ToldPart } from './identity-paths.js';
import type { PlannedDevice } from './machine.js';
import { assignSlots, type Claim } from './slots.js';

/** A bridge that is the machine's own. */
interface Bridge {
  readonly field: 'hostbridge' | 'lpc_slot';
  readonly model: AnyDeviceModel;
}

/** A slot that is taken: by a device of the spec, as the spec has it, or by a bridge. */
export interface TakenSlot {
  readonly part: Part | undefined;
  readonly bridge: Bridge | undefined;
  /** What a lock file keeps for it. */
  readonly pin: Pin;
  readonly address: PciAddress;
}

/** A device of a machine in its place, with all that it was made of. */
export interface Seat extends TakenSlot {
  /** The part with what a lock file keeps of it. */
  readonly own: Part | undefined;
  /** The same as bhyve is told it: with a full path where bhyve makes an identity of the path. */
  readonly told: Part | undefined;
  readonly context: DeviceContext;
  readonly device: PlannedDevice;
}

/** Gives each device its slot, in the order of the command: the hostbridge, the devices of the spec, LPC. */
export function placesFor(
  effective: EffectiveSpec,
  parts: readonly Part[],
  { arch }: Platform,
  pins: Pins | undefined,
): readonly TakenSlot[] | { readonly findings: readonly Finding[] } {
  const { hostbridge, lpc_slot: slot } = effective.vm;
  const pinOf = (pin: Pin | undefined): Pin => pin ?? {};
  // arm64 has no LPC.
  const hasLpc = slot !== 'none' && arch !== 'arm64';
  const slots = assignSlots({
    ...(hostbridge === 'none'
      ? {}
      : { hostbridge: { who: 'hostbridge', pointer: '/hostbridge', ...placesIn(pins?.hostbridge) } }),
    ...(hasLpc ? { lpc: { who: 'LPC bridge', pointer: '/lpc_slot', ...slotIn(slot), ...placesIn(pins?.lpc) } } : {}),
    devices: parts.map((part, index) => claimOf(part, effective, pins?.parts[index])),
    ...(pins === undefined ? {} : { reserved: pins.reserved }),
  });
  if ('findings' in slots) return slots;
  const bridgeAt = (bridge: Bridge, address: PciAddress | undefined, pin: Pin | undefined): readonly TakenSlot[] =>
    address === undefined ? [] : [{ part: undefined, bridge, pin: pinOf(pin), address }];
  return [
    ...(hostbridge === 'none'
      ? []
      : bridgeAt({ field: 'hostbridge', model: hostbridges[hostbridge] }, slots.hostbridge, pins?.hostbridge)),
    ...parts.map((part, index): TakenSlot => {
      const address = slots.devices[index];
      if (address === undefined) throw new Error(`no address for ${part.pointer}`);
      return { part, bridge: undefined, pin: pinOf(pins?.parts[index]), address };
    }),
    ...bridgeAt({ field: 'lpc_slot', model: lpc }, slots.lpc, pins?.lpc),
  ];
}

const slotIn = (slot: string | number | undefined): Pick<Claim, 'slot'> => (slot === undefined ? {} : { slot });

const claimOf = ({ model, pointer, slot }: Part, effective: EffectiveSpec, pin: Pin | undefined): Claim => ({
  who: effective.subject(pointer) ?? `${pointer.slice(1)} ${model.model}`,
  pointer: slot === undefined ? pointer : child(pointer, 'slot'),
  ...slotIn(slot),
  ...placesIn(pin),
});

/** A guess gives way to what is known. */
function placesIn({ kept, isGuess, elsewhere }: Pin = {}): Pick<Claim, 'kept' | 'elsewhere'> {
  if (kept !== undefined) return isGuess === true ? { elsewhere: kept.address } : { kept: kept.address };
  return elsewhere === undefined ? {} : { elsewhere: elsewhere.address };
}

/** A place with the device that is to be there. */
export function seatAt(
  place: TakenSlot,
  effective: EffectiveSpec,
  platform: Platform,
  hostCards: ReadonlyMap<string, PciAddress> | undefined,
): Seat {
  const { part, bridge, pin, address } = place;
  if (part === undefined) {
    if (bridge === undefined) throw new Error('a place has a part or a bridge');
    const device = deviceAt(bridge.model, {}, address, platform);
    return { ...place, own: undefined, told: undefined, context: platform, device };
  }
  const hostCard = hostCards?.get(part.pointer);
  const context = hostCard === undefined ? platform : { ...platform, hostCard };
  const own = withPin(part, pin, address, effective);
  const told = withAbsolutePaths(own, address, effective);
  return { ...place, own, told: told.part, context, device: partAt(own, told, address, context) };
}

/** @param own as the spec has it: people know a device by the label that it has there */
function partAt(own: Part, { part, shortPaths }: ToldPart, address: PciAddress, context: DeviceContext): PlannedDevice {
  const label = own.model.label?.(own.fields);
  return {
    ...deviceAt(part.model, part.fields, address, context),
    ...(label === undefined ? {} : { label }),
    ...(own.id === undefined ? {} : { id: own.id }),
    ...(shortPaths.size === 0 ? {} : { shortPaths }),
  };
}

function deviceAt(model: AnyDeviceModel, fields: object, address: PciAddress, context: DeviceContext): PlannedDevice {
  const node = `pci.${address.bus}.${address.slot}.${address.func}`;
  const label = model.label?.(fields);
  const own = model.variables(fields, context).map((variable) => ({ ...variable, key: `${node}.${variable.key}` }));
  const variables =
    model.isOpaque === true ? [] : [{ key: `${node}.device`, value: model.emulation ?? model.model }, ...own];
  const words = model.words(fields, context);
  return {
    address,
    model: model.model,
    ...(label === undefined ? {} : { label }),
    variables,
    words: words === undefined || model.isOpaque === true ? words : [model.model, ...words],
  };
}
