import type { Platform } from '../devices/device.js';
import { readBoolean, readVncServer } from './meaning.js';
import type { SpecObject, SpecValue } from './spec-object.js';

/** Settings of one device without its `device`, keys as bhyve has them below its node. */
export type DeviceSettings = ReadonlyMap<string, string>;

/** How one field of a spec is told from one variable; undefined: this value is not one for the field. */
interface FieldReader {
  readonly variable: string;
  readonly read: (text: string) => SpecValue | undefined;
}

/** The way back from bhyve's variables to the fields of a spec, for one device model: the inverse of `variables`. */
export interface ModelReader {
  /** Fields that one variable each says. */
  readonly fields?: Readonly<Record<string, FieldReader>>;
  /** Fields that take more than one to tell. They come before the others. */
  readonly more?: (settings: DeviceSettings, platform: Platform) => SpecObject;
  /** Other names for what the fields say, by bhyve's variables. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** What the spec calls the device; absent: as bhyve does. */
  readonly model?: (settings: DeviceSettings) => string;
}

const text = (variable: string): FieldReader => ({ variable, read: (value) => value });

const integer = (variable: string): FieldReader => ({
  variable,
  read: (value) => (/^(0|[1-9]\d{0,14})$/.test(value) ? Number(value) : undefined),
});

/** What is false is the default, and not written. */
const flag = (variable: string): FieldReader => ({
  variable,
  read: (value) => (readBoolean(value) === true ? true : undefined),
});

const blockFields: Readonly<Record<string, FieldReader>> = {
  nocache: flag('nocache'),
  direct: flag('direct'),
  sync: flag('sync'),
  ro: flag('ro'),
  nodelete: flag('nodelete'),
  sectorsize: {
    variable: 'sectorsize',
    read: (value) => (/^[1-9]\d{0,7}$/.test(value) ? Number(value) : value),
  },
  bootindex: integer('bootindex'),
};

const driveFields: Readonly<Record<string, FieldReader>> = {
  path: text('path'),
  ...blockFields,
  nmrr: integer('nmrr'),
  ser: text('ser'),
  rev: text('rev'),
  model: text('model'),
};

const networkFields: Readonly<Record<string, FieldReader>> = { mac: text('mac') };

/** net_backends.c: what the backend is, is told by how its name begins. */
function backendFields(settings: DeviceSettings): SpecObject {
  const backend = settings.get('backend');
  const type = settings.get('type');
  if (backend === 'netgraph') {
    return { type: 'netgraph', ...texts(settings, ['path', 'peerhook', 'socket', 'hook']) };
  }
  if (backend === 'slirp') {
    const rules = settings.get('hostfwd');
    return {
      type: 'slirp',
      ...(readBoolean(settings.get('open') ?? '') === true ? { open: true } : {}),
      ...(rules === undefined ? {} : { hostfwd: rules.split(';') }),
    };
  }
  return { ...(backend === undefined ? {} : { name: backend }), ...(type === undefined ? {} : { type }) };
}

const texts = (settings: DeviceSettings, keys: readonly string[]): SpecObject =>
  Object.fromEntries(
    keys.flatMap((key) => {
      const value = settings.get(key);
      return value === undefined ? [] : [[key, value]];
    }),
  );

/** The settings below `prefix.0`, `prefix.1` … up to the first gap. */
function numbered(settings: DeviceSettings, prefix: string, first = 0): readonly DeviceSettings[] {
  const found: DeviceSettings[] = [];
  for (let number = first; ; number += 1) {
    const start = `${prefix}.${number}.`;
    const below = [...settings].flatMap(([key, value]) =>
      key.startsWith(start) ? [[key.slice(start.length), value] as const] : [],
    );
    if (below.length === 0) return found;
    found.push(new Map(below));
  }
}

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

/** A port without a name of its own is named by its number: `port1`. */
function consolePorts(settings: DeviceSettings): SpecObject {
  const ports = numbered(settings, 'port').map((port, index): SpecValue => {
    const { name, path } = { name: port.get('name'), path: port.get('path') };
    return name === `port${index + 1}` && path !== undefined ? path : texts(port, ['name', 'path']);
  });
  return ports.length === 0 ? {} : { ports };
}

function scsiTargets(settings: DeviceSettings, { release }: Platform): SpecObject {
  if (release !== 16) {
    const device = settings.get('dev');
    return device === undefined ? {} : { path: device };
  }
  const targets = [...settings].flatMap(([key, path]) => {
    const [, id] = /^target\.(0|[1-9]\d{0,2})$/.exec(key) ?? [];
    return id === undefined ? [] : [{ id: Number(id), path }];
  });
  targets.sort((a, b) => a.id - b.id);
  const [first, ...more] = targets;
  if (first === undefined) return {};
  if (first.id === 0 && more.length === 0) return { path: first.path };
  // A target without an id has the highest one so far, plus 1.
  return { targets: targets.map(({ id, path }, index) => (id === index ? path : { id, path })) };
}

function frameBuffer(settings: DeviceSettings): SpecObject {
  const server = settings.get('rfb') ?? settings.get('tcp');
  if (server === undefined) return {};
  if (server.startsWith('unix:')) return { path: server.slice('unix:'.length) };
  const parts = readVncServer(server);
  if (parts === undefined) return { host: server };
  return {
    ...(parts.host === '127.0.0.1' ? {} : { host: parts.host }),
    ...(parts.port === '5900' ? {} : { port: Number(parts.port) }),
  };
}

function hostCard(settings: DeviceSettings): SpecObject {
  const name = settings.get('pptdev');
  const [bus, slot, func] = ['bus', 'slot', 'func'].map((key) => settings.get(key));
  if (name !== undefined) return { src: name };
  return bus === undefined || slot === undefined || func === undefined ? {} : { src: `${bus}:${slot}:${func}` };
}

function bridgeIds(settings: DeviceSettings, { release }: Platform): SpecObject {
  const [vendor, devid] = bridgeIdVariables(release).map((key) => settings.get(key));
  if (vendor === '0x1022' && devid === '0x7432') return { model: 'amd_hostbridge' };
  return { ...(vendor === undefined ? {} : { vendor }), ...(devid === undefined ? {} : { devid }) };
}

export const bridgeIdVariables = (release: Platform['release']): readonly [vendor: string, device: string] =>
  release === 14 ? ['vendor', 'devid'] : ['pcireg.vendor', 'pcireg.device'];

/** USB devices, counted from 1; a tablet is what a controller has by default. */
function usbDevices(settings: DeviceSettings): SpecObject {
  const devices = numbered(settings, 'slot', 1).flatMap((slot) => slot.get('device') ?? []);
  return devices.length === 1 && devices[0] === 'tablet' ? {} : { devices };
}

const scsiNumbers = [
  'iid',
  'bootindex',
  'seg_max',
  'num_queues',
  'ctl_ringsz',
  'evt_ringsz',
  'req_ringsz',
  'thr_per_q',
];

/** By bhyve's own name of the model. */
export const modelReaders: Readonly<Record<string, ModelReader>> = {
  'virtio-net': { more: backendFields, fields: { ...networkFields, mtu: integer('mtu') } },
  e1000: { more: backendFields, fields: networkFields },
  'virtio-blk': { fields: { path: text('path'), ...blockFields, ser: text('ser') } },
  ahci: { model: ahciModel, more: ahciFields },
  nvme: {
    fields: {
      path: text('path'),
      ram: integer('ram'),
      maxq: integer('maxq'),
      qsz: integer('qsz'),
      ioslots: integer('ioslots'),
      sectsz: integer('sectsz'),
      ser: text('ser'),
      eui64: text('eui64'),
      dsm: text('dsm'),
      ...blockFields,
    },
  },
  'virtio-scsi': {
    more: scsiTargets,
    fields: Object.fromEntries(scsiNumbers.map((key) => [key, integer(key)])),
  },
  'virtio-9p': { fields: { sharename: text('sharename'), path: text('path'), ro: flag('ro') } },
  'virtio-rnd': {},
  'virtio-console': { more: consolePorts },
  'virtio-input': { fields: { path: text('path') } },
  fbuf: {
    more: frameBuffer,
    aliases: { tcp: 'rfb', rfb: 'tcp' },
    fields: {
      width: integer('w'),
      height: integer('h'),
      vga: text('vga'),
      password: text('password'),
      wait: flag('wait'),
    },
  },
  xhci: { more: usbDevices },
  hda: { fields: { play: text('play'), rec: text('rec') } },
  uart: { fields: { path: text('path') } },
  passthru: { more: hostCard, fields: { rom: text('rom'), bootindex: integer('bootindex') } },
  hostbridge: { more: bridgeIds },
};

const readFields = (settings: DeviceSettings, fields: Readonly<Record<string, FieldReader>>): SpecObject =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([field, { variable, read }]) => {
      const written = settings.get(variable);
      const value = written === undefined ? undefined : read(written);
      return value === undefined ? [] : [[field, value]];
    }),
  );

/** A device as a spec says it, as far as its fields go; undefined: vmrun does not know the model. */
export function readDevice(
  model: string,
  settings: DeviceSettings,
  platform: Platform,
): { readonly device: string; readonly fields: SpecObject } | undefined {
  if (!Object.hasOwn(modelReaders, model)) return undefined;
  const reader = modelReaders[model] ?? {};
  const fields = { ...reader.more?.(settings, platform), ...readFields(settings, reader.fields ?? {}) };
  return { device: reader.model?.(settings) ?? model, fields };
}
