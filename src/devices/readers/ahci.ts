import { sectorsize } from './block.js';
import {
  flag,
  integer,
  isReadOnly,
  numbered,
  readFields,
  text,
  texts,
  type DeviceReader,
  type DeviceSettings,
  type FieldReader,
  type SpecObject,
  type DeviceSurroundings,
} from './reader.js';

const driveFields: Readonly<Record<string, FieldReader>> = {
  path: text('path'),
  nocache: flag('nocache'),
  direct: flag('direct'),
  sync: flag('sync'),
  ro: flag('ro'),
  nodelete: flag('nodelete'),
  sectorsize,
  bootindex: integer('bootindex'),
  nmrr: integer('nmrr'),
  ser: text('ser'),
  rev: text('rev'),
  model: text('model'),
};

const ahciPorts = (settings: DeviceSettings): readonly SpecObject[] =>
  numbered(settings, 'port').map((port) => ({ ...texts(port, ['type']), ...readFields(port, driveFields) }));

/** One drive in the first port is what bhyve writes as a model of its own. */
function ahciModel(settings: DeviceSettings): string {
  const [port, ...more] = numbered(settings, 'port');
  const type = port?.get('type');
  return more.length === 0 && (type === 'hd' || type === 'cd') ? `ahci-${type}` : 'ahci';
}

function ahciFields(settings: DeviceSettings): SpecObject {
  const ports = ahciPorts(settings);
  const [drive] = ports;
  if (ahciModel(settings) === 'ahci' || drive === undefined) return ports.length === 0 ? {} : { ports };
  return Object.fromEntries(Object.entries(drive).filter(([key]) => key !== 'type'));
}

const drives = (settings: DeviceSettings, isOnly: boolean, { kindOf }: DeviceSurroundings) =>
  numbered(settings, 'port').flatMap((port, number) => {
    const path = port.get('path');
    if (path === undefined) return [];
    const kind = port.get('type') === 'cd' ? 'CD' : kindOf(path);
    return [{ ...(isOnly ? {} : { port: `port ${number}` }), kind, name: path, notes: isReadOnly(port) }];
  });

export const ahciReader: DeviceReader = {
  model: ahciModel,
  more: ahciFields,
  connections: (settings, around) => drives(settings, false, around),
};

/** bhyve has it as a controller with one port, which is read as such. */
export const singleDriveReader: DeviceReader = { connections: (settings, around) => drives(settings, true, around) };
