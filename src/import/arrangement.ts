import { compareAddresses, maxBus, maxFunction, maxSlot, type PciAddress } from '../base/pci-address.js';
import { listWords } from '../base/text.js';
import type { Platform } from '../bhyve/releases.js';
import { bridgeIdVariables } from '../devices/readers/hostbridge.js';
import type { DeviceSettings } from '../devices/readers/reader.js';
import { readDevice } from '../devices/readers/registry.js';
import { modelNamed } from '../devices/registry.js';
import { assignSlots, type Claim } from '../machine/slots.js';
import type { Configuration } from './configuration.js';

import { without, type SpecObject } from './spec-object.js';

/**
 * A part of a spec that can be said in a plainer way: a field by `config`, a device by `raw`, either by
 * `extra_options`. Its name stays the same from draft to draft.
 */
export type Unit = string;

/** A device of the configuration. */
interface Device {
  readonly address: PciAddress;
  /** `pci.B.S.F.`, in front of all its variables. */
  readonly prefix: string;
  readonly model: string;
  /** Without `device`. */
  readonly settings: DeviceSettings;
}

/** A device as the spec says it: by the fields of its model, or as `raw`, by its name with its settings in `config`. */
export interface Written {
  readonly device: Device;
  readonly model: string;
  readonly fields: SpecObject;
  /** Absent: vmrun chooses it, and chooses the same. */
  readonly slot?: string;
  /** Of a `raw` device: why no model of a spec says it; absent: the model was tried, and refused. */
  readonly why?: string;
}

/** Which part of a spec says each device. */
interface Arrangement {
  /** The machine's own: root fields. Absent: it has none, or it is among the devices. */
  readonly hostbridge: Device | undefined;
  readonly lpc: Device | undefined;
  /** Said by `graphic`, with the tablet where that comes out in the very slot. */
  readonly screen: Written | undefined;
  readonly tablet: Device | undefined;
  readonly devices: readonly Written[];
  /** Said by `-o` options: vmrun does not know of them. */
  readonly options: readonly Device[];
}

export const unitOfDevice = (kind: 'raw' | 'option', { prefix }: Device): Unit => `${kind} ${prefix}`;
export const unitOfField = ({ prefix }: Device, path: readonly string[]): Unit => `field ${prefix} ${path.join('/')}`;

/** Models that bhyve does not take without words, or to which it then adds settings of its own. */
const neverBare = ({ release }: Platform): readonly string[] => [
  'virtio-console',
  'virtio-input',
  ...(release === 16 ? ['virtio-scsi'] : []),
];

const lpcSlot = 31;

/** @param refused units to be said in the plainer way */
export function arrange({ variables, platform }: Configuration, refused: ReadonlySet<Unit>): Arrangement {
  const known = devicesIn(variables);
  const isOption = (device: Device): boolean =>
    refused.has(unitOfDevice('option', device)) ||
    (refused.has(unitOfDevice('raw', device)) && neverBare(platform).includes(device.model));
  const placed = known.filter((device) => !isOption(device));
  const lpc = refused.has('lpc_slot') ? undefined : placed.find(isUsualLpc);
  const hostbridge = refused.has('hostbridge') ? undefined : bridgeAmong(placed, lpc, platform);
  const rest = onlyOnce(
    placed
      .filter((device) => device !== lpc && device !== hostbridge)
      .map((device) => write(device, platform, refused)),
  );
  const screen = refused.has('graphic') ? undefined : rest.find(({ model }) => model === 'fbuf');
  const devices = rest.filter((written) => written !== screen);
  const place = (tablet: Written | undefined): Arrangement | undefined =>
    withSlots({
      hostbridge,
      lpc,
      screen,
      tablet: tablet?.device,
      devices: devices.filter((written) => written !== tablet),
      options: known.filter(isOption),
    });
  const tablet = screen === undefined ? undefined : devices.find(isTablet);
  const arranged = (tablet === undefined ? undefined : place(tablet)) ?? place(undefined);
  if (arranged === undefined) throw new Error('devices without a tablet of the screen can always be arranged');
  return arranged;
}

/** What bhyve looks at: nodes of a device that have a model, in the order of their addresses. */
function devicesIn(variables: Configuration['variables']): readonly Device[] {
  const found = new Map<string, { readonly address: PciAddress; readonly settings: Map<string, string> }>();
  for (const [key, value] of variables) {
    const at = addressOf(key);
    if (at === undefined) continue;
    const { address, prefix } = at;
    const device = found.get(prefix) ?? { address, settings: new Map<string, string>() };
    found.set(prefix, device);
    device.settings.set(key.slice(prefix.length), value);
  }
  return [...found]
    .flatMap(([prefix, { address, settings }]): readonly Device[] => {
      const model = settings.get('device');
      settings.delete('device');
      return model === undefined ? [] : [{ address, prefix, model, settings }];
    })
    .sort((a, b) => compareAddresses(a.address, b.address));
}

/** The device that a variable is of; bhyve never looks at a number with a leading zero. */
function addressOf(key: string): { readonly address: PciAddress; readonly prefix: string } | undefined {
  const [prefix, bus, slot, func] = /^pci\.(0|[1-9]\d{0,2})\.(0|[1-9]\d?)\.([0-7])\./.exec(key) ?? [];
  const address = { bus: Number(bus), slot: Number(slot), func: Number(func) };
  const isInside = address.bus <= maxBus && address.slot <= maxSlot && address.func <= maxFunction;
  return prefix === undefined || !isInside ? undefined : { address, prefix };
}

const isUsualLpc = ({ model, address, settings }: Device): boolean =>
  model === 'lpc' && address.bus === 0 && address.func === 0 && settings.size === 0;

/** Any tablet; whether `graphic` would put it there is another question. */
const isTablet = ({ model, device: { settings } }: Written): boolean =>
  model === 'xhci' && settings.size === 1 && settings.get('slot.1.device') === 'tablet';

/** The first host bridge, if it is where vmrun would put it, with the ids of one of the two models. */
function bridgeAmong(
  devices: readonly Device[],
  lpc: Device | undefined,
  { release, arch }: Platform,
): Device | undefined {
  const bridge = devices.find(({ model }) => model === 'hostbridge');
  if (bridge === undefined) return undefined;
  const { address, settings } = bridge;
  const [vendor, device] = bridgeIdVariables(release);
  const isAmd = settings.size === 2 && settings.get(vendor) === '0x1022' && settings.get(device) === '0x7432';
  const first = Array.from({ length: lpcSlot }, (_, slot) => slot).find(
    (slot) =>
      !devices.some((other) => other !== bridge && other.address.bus === 0 && other.address.slot === slot) &&
      lpc?.address.slot !== slot,
  );
  const isThere = address.bus === 0 && address.slot === first && address.func === 0;
  return isThere && (settings.size === 0 || (isAmd && arch === 'amd64')) ? bridge : undefined;
}

const asRaw = (device: Device, why?: string): Written => ({
  device,
  model: 'raw',
  fields: { value: device.model },
  ...(why === undefined ? {} : { why }),
});

const requiredOf = (model: string): readonly string[] => modelNamed(model).schema.required ?? [];

function write(device: Device, platform: Platform, refused: ReadonlySet<Unit>): Written {
  const read = readDevice(device.model, device.settings, platform);
  if (read === undefined) return asRaw(device, 'vmrun does not know the model');
  const missing = requiredOf(read.device).filter((field) => !(field in read.fields));
  if (missing.length > 0) {
    return asRaw(device, `in a spec, ${read.device} needs ${listWords(missing.map((field) => `"${field}"`))}`);
  }
  if (refused.has(unitOfDevice('raw', device))) return asRaw(device);
  const start = unitOfField(device, []);
  const fields = [...refused]
    .filter((unit) => unit.startsWith(start))
    .reduce((object, unit) => without(object, unit.slice(start.length).split('/')), read.fields);
  return { device, model: read.device, fields };
}

/** bhyve refuses a second one of some models, and so does vmrun, unless it does not know the model. */
const onlyOnce = (devices: readonly Written[]): readonly Written[] =>
  devices.map((written, index) => {
    const isTwin = devices.slice(0, index).some(({ model }) => model === written.model);
    return isTwin && modelNamed(written.model).isSingle === true
      ? asRaw(written.device, `bhyve takes one ${written.model} per VM`)
      : written;
  });

const slotText = ({ bus, slot, func }: PciAddress): string =>
  bus > 0 ? `${bus}:${slot}:${func}` : func > 0 ? `${slot}:${func}` : String(slot);

export const lpcSlotText = ({ address }: Device): string | undefined =>
  address.slot === lpcSlot ? undefined : slotText(address);

/**
 * Leaves out every slot that vmrun comes to by itself, told by asking it.
 * @returns undefined where the tablet of `graphic` would come to stand elsewhere
 */
function withSlots(arrangement: Arrangement): Arrangement | undefined {
  const { hostbridge, lpc, screen, tablet, devices } = arrangement;
  const all = [
    ...devices.map(({ device }) => device),
    ...(screen === undefined ? [] : [screen.device]),
    ...(tablet === undefined ? [] : [tablet]),
  ];
  const lpcText = lpc === undefined ? undefined : lpcSlotText(lpc);
  const named = new Set<Device>(all.filter(({ address }) => address.bus > 0 || address.func > 0));
  for (;;) {
    const claim = (device: Device): Claim => ({
      who: device.model,
      pointer: '',
      ...(named.has(device) ? { slot: slotText(device.address) } : {}),
    });
    const bridges = {
      ...(hostbridge === undefined ? {} : { hostbridge: { who: 'hostbridge', pointer: '' } }),
      ...(lpc === undefined
        ? {}
        : { lpc: { who: 'lpc', pointer: '', ...(lpcText === undefined ? {} : { slot: lpcText }) } }),
    };
    const slots = assignSlots({ ...bridges, devices: all.map(claim) });
    const wrong =
      'findings' in slots
        ? all.find((device) => !named.has(device))
        : all.find((device, index) => {
            const address = slots.devices[index];
            return address === undefined || compareAddresses(address, device.address) !== 0;
          });
    if (wrong === undefined || named.has(wrong)) break;
    if (wrong === tablet) return undefined;
    named.add(wrong);
  }
  if (tablet !== undefined && named.has(tablet)) return undefined;
  const told = (written: Written): Written =>
    named.has(written.device) ? { ...written, slot: slotText(written.device.address) } : written;
  return { ...arrangement, screen: screen === undefined ? undefined : told(screen), devices: devices.map(told) };
}
