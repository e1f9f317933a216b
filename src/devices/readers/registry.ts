import type { Platform } from '../../base/platform.js';
import type { AnyDeviceModel } from '../device.js';
import { deviceModels } from '../registry.js';
import { ahciReader, singleDriveReader } from './ahci.js';
import { fbufReader } from './fbuf.js';
import { hostbridgeReader } from './hostbridge.js';
import { networkReader } from './network.js';
import { passthruReader } from './passthru.js';
import {
  flag,
  integer,
  pathConnections,
  readFields,
  text,
  type Connection,
  type DeviceReader,
  type DeviceSettings,
  type FieldReader,
  type SpecObject,
  type DeviceSurroundings,
} from './reader.js';
import { hdaReader, nvmeReader, uartReader, virtioBlkReader, xhciReader } from './small.js';
import { virtioConsoleReader } from './virtio-console.js';
import { virtioScsiReader } from './virtio-scsi.js';

/** The models whose settings are not just their fields and a path, by the spec's word. */
const own: Readonly<Record<string, DeviceReader>> = {
  'virtio-net': { ...networkReader, fields: { ...networkReader.fields, mtu: integer('mtu') } },
  e1000: networkReader,
  'virtio-blk': virtioBlkReader,
  'ahci-hd': singleDriveReader,
  'ahci-cd': singleDriveReader,
  ahci: ahciReader,
  nvme: nvmeReader,
  'virtio-scsi': virtioScsiReader,
  'virtio-console': virtioConsoleReader,
  fbuf: fbufReader,
  xhci: xhciReader,
  hda: hdaReader,
  uart: uartReader,
  passthru: passthruReader,
  hostbridge: hostbridgeReader,
};

const byType: Readonly<Record<string, (variable: string) => FieldReader>> = { string: text, integer, boolean: flag };

/** Fields that are text, a number or a flag, in the order of the schema. */
const byOwnName = ({ schema }: AnyDeviceModel, { special = {} }: DeviceReader) =>
  Object.fromEntries(
    Object.entries(schema.properties).flatMap(([field, { type }]) => {
      const reader = special[field] ?? (typeof type === 'string' ? byType[type]?.(field) : undefined);
      return reader === undefined ? [] : [[field, reader]];
    }),
  );

/** The models as bhyve names them in its configuration; a spec has other words for some. */
const byDevice = new Map(
  deviceModels
    .filter(({ emulation, isOpaque }) => emulation === undefined && isOpaque !== true)
    .map((model) => [model.model, model]),
);

/** Other names of variables for what the fields of a device say. */
export const aliasesOf = (device: string): Readonly<Record<string, string>> => own[device]?.aliases ?? {};

/** A device as a spec says it, as far as its fields go; undefined: vmrun does not know the model. */
export function readDevice(
  device: string,
  settings: DeviceSettings,
  platform: Platform,
): { readonly device: string; readonly fields: SpecObject } | undefined {
  const model = byDevice.get(device);
  if (model === undefined) return undefined;
  const reader = own[device] ?? {};
  const fields = {
    ...reader.more?.(settings, platform),
    ...readFields(settings, reader.fields ?? byOwnName(model, reader)),
  };
  return { device: reader.model?.(settings) ?? device, fields };
}

/** What a device is connected to. @param model the spec's word */
export const connectionsOf = (
  model: string,
  settings: DeviceSettings,
  around: DeviceSurroundings,
): readonly Connection[] => (own[model]?.connections ?? pathConnections)(settings, around);
