import { formatAddress } from '../base/pci-address.js';
import { servedConsole } from '../devices/serial.js';
import type { Machine, PlannedDevice } from './machine.js';

/** One thing that is different between two machines of one spec. */
export type MachineChange =
  | { readonly kind: 'device-added' | 'device-removed'; readonly device: string; readonly address: string }
  | { readonly kind: 'device-moved'; readonly device: string; readonly from: string; readonly to: string }
  | { readonly kind: 'device-changed'; readonly device: string; readonly address: string }
  /** A setting of bhyve outside its devices; absent where one of the two does not set it. Secrets are not compared. */
  | { readonly kind: 'setting'; readonly key: string; readonly from?: string; readonly to?: string };

/** What bhyve is told otherwise the second time: devices first, in the order of the machine, then settings. */
export function differences(before: Machine, after: Machine): readonly MachineChange[] {
  return [...deviceChanges(before.devices, after.devices), ...settingChanges(before, after)];
}

/** For people: `virtio-blk disk.img`. */
const deviceName = ({ model, label, id }: PlannedDevice): string =>
  [model, label ?? id].filter((word) => word !== undefined).join(' ');

/** A device is the same one if its name is, or if it has the same model and backend; twins are told by their order. */
function keysOf(devices: readonly PlannedDevice[]): ReadonlyMap<string, PlannedDevice> {
  const seen = new Map<string, number>();
  return new Map(
    devices.map((device) => {
      const key = device.id === undefined ? `${device.model}\0${device.label ?? ''}` : `\0${device.id}`;
      const twin = seen.get(key) ?? 0;
      seen.set(key, twin + 1);
      return [`${key}\0${twin}`, device];
    }),
  );
}

function deviceChanges(before: readonly PlannedDevice[], after: readonly PlannedDevice[]): readonly MachineChange[] {
  const [old, fresh] = [keysOf(before), keysOf(after)];
  const removed = [...old].flatMap(([key, device]): readonly MachineChange[] =>
    fresh.has(key)
      ? []
      : [{ kind: 'device-removed', device: deviceName(device), address: formatAddress(device.address) }],
  );
  const others = [...fresh].flatMap(([key, device]): readonly MachineChange[] => {
    const was = old.get(key);
    const address = formatAddress(device.address);
    if (was === undefined) return [{ kind: 'device-added', device: deviceName(device), address }];
    const from = formatAddress(was.address);
    if (from !== address) return [{ kind: 'device-moved', device: deviceName(device), from, to: address }];
    return sameSettings(was, device) ? [] : [{ kind: 'device-changed', device: deviceName(device), address }];
  });
  return [...removed, ...others];
}

const sameSettings = (a: PlannedDevice, b: PlannedDevice): boolean =>
  JSON.stringify([a.words, a.variables]) === JSON.stringify([b.words, b.variables]);

function settingChanges(before: Machine, after: Machine): readonly MachineChange[] {
  const [old, fresh] = [settingsOf(before), settingsOf(after)];
  return [...new Set([...old.keys(), ...fresh.keys()])].flatMap((key): readonly MachineChange[] => {
    const [from, to] = [old.get(key), fresh.get(key)];
    if (from === to) return [];
    return [{ kind: 'setting', key, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }];
  });
}

const settingsOf = ({ variables, servesConsole }: Machine): ReadonlyMap<string, string> =>
  new Map(
    variables
      .filter(({ key, isSecret }) => !/^pci\.\d/.test(key) && isSecret !== true)
      .map(({ key, value }) => [
        key,
        servesConsole && serialKey.test(key) && value === 'stdio' ? servedConsole : value,
      ]),
  );

/** bhyve is told the same of a console that vmrun serves and of one on its terminal; people are not. */
const serialKey = /^(console|lpc\.com\d\.path)$/;
