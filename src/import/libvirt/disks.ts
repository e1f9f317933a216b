import { groupBy } from '../../base/group-by.js';
import { formatAddress } from '../../base/pci-address.js';
import { shown } from '../../base/text.js';
import type { XmlElement } from '../xml.js';
import {
  addressOf,
  childOf,
  controllerOf,
  hasFirmware,
  pass,
  set,
  tell,
  type Attached,
  type Domain,
  type FindController,
  type Wanted,
} from './domain.js';

export interface Medium {
  readonly element: XmlElement;
  readonly type: 'hd' | 'cd';
  readonly bus: string;
  readonly path: string;
  readonly order: number | undefined;
  /** Settings that bhyve has for it, by its names. */
  readonly settings: readonly (readonly [string, string])[];
}

export function mediumOf(domain: Domain, element: XmlElement): Medium | undefined {
  const { type = 'file', device = 'disk' } = element.attributes;
  const source = childOf(domain, element, 'source');
  const target = childOf(domain, element, 'target');
  const driver = childOf(domain, element, 'driver');
  const bus = target?.attributes.bus ?? 'sata';
  const { file, dev, pool, volume } = source?.attributes ?? {};
  const path =
    type === 'volume' && pool !== undefined && volume !== undefined ? `/dev/zvol/${pool}/${volume}` : (file ?? dev);
  const why = whyLost(device, path, bus);
  if (path === undefined || why !== undefined) {
    tell(domain, element, 'disk', `this disk is not carried over: ${why ?? ''}`, 'add it to "emulations" by hand');
    pass(domain, element);
    return undefined;
  }
  if (type === 'volume') {
    const message = `the volume ${shown(volume)} of the pool ${shown(pool)} is taken for ${path}`;
    tell(domain, source ?? element, 'volume', message, 'virsh vol-path shows where it is');
  }
  const format = driver?.attributes.type ?? 'raw';
  if (format !== 'raw') {
    const message = `bhyve reads raw images only, this is ${shown(format)}`;
    tell(domain, driver ?? element, 'format', message, 'convert it with qemu-img');
  }
  const order = childOf(domain, element, 'boot')?.attributes.order;
  const serial = childOf(domain, element, 'serial')?.text.trim() ?? '';
  const isReadOnly = childOf(domain, element, 'readonly') !== undefined && device !== 'cdrom';
  const rotation = target?.attributes.rotation_rate;
  const { queues, queue_size: queueSize } = driver?.attributes ?? {};
  if (bus !== 'nvme' && (queues !== undefined || queueSize !== undefined)) {
    const message = `queues and queue_size are not carried over: bhyve has them for nvme alone, and this disk is on the bus ${bus}`;
    tell(domain, driver ?? element, 'queues', message, 'take them out, or make it an nvme in the spec');
  }
  return {
    element,
    type: device === 'cdrom' ? 'cd' : 'hd',
    bus,
    path,
    order: order === undefined ? undefined : Number(order),
    settings: [
      ...(isReadOnly ? ([['ro', 'true']] as const) : []),
      ...(serial === '' ? [] : ([['ser', serial]] as const)),
      ...(bus === 'sata' && rotation !== undefined ? ([['nmrr', rotation]] as const) : []),
      ...(bus === 'nvme' && queues !== undefined ? ([['maxq', queues]] as const) : []),
      ...(bus === 'nvme' && queueSize !== undefined ? ([['qsz', queueSize]] as const) : []),
    ],
  };
}

function whyLost(device: string, path: string | undefined, bus: string): string | undefined {
  if (path === undefined)
    return device === 'cdrom' ? 'there is no CD in the drive' : 'nothing is said that is behind it';
  return ['virtio', 'sata', 'nvme', 'scsi'].includes(bus) ? undefined : `bhyve has no bus ${shown(bus)}`;
}

/** The settings of a drive below its node; the boot order is one of the firmware. */
const driveWords = (domain: Domain, prefix: string, { path, settings, order }: Medium): readonly string[] => [
  ...set(`${prefix}path`, path),
  ...settings.flatMap(([key, value]) => set(prefix + key, value)),
  ...(order !== undefined && hasFirmware(domain) ? set(`${prefix}bootindex`, String(order)) : []),
];

/** The serial number of an NVMe controller goes before that of its disk: bhyve has one for the two. */
function serialWords(
  domain: Domain,
  prefix: string,
  medium: Medium,
  controller: XmlElement | undefined,
): readonly string[] {
  const serial = childOf(domain, controller, 'serial')?.text.trim() ?? '';
  const words = driveWords(domain, prefix, medium);
  return serial === '' ? words : [...words, ...set(`${prefix}ser`, serial)];
}

export const virtioDisk = (domain: Domain, medium: Medium): Wanted => ({
  address: addressOf(domain, medium.element),
  words: (prefix) => [...set(`${prefix}device`, 'virtio-blk'), ...driveWords(domain, prefix, medium)],
});

/** Disks behind controllers: AHCI takes many, NVMe and SCSI one each. */
export function drivesOf(domain: Domain, media: readonly Medium[], find: FindController): readonly Attached[] {
  const sata = groupBy(
    media.filter(({ bus }) => bus === 'sata'),
    ({ element }) => controllerOf(domain, element),
  );
  const single = media.filter(({ bus }) => bus === 'nvme' || bus === 'scsi');
  return [
    ...[...sata].map(([index, drives]): Attached => {
      const controller = find('sata', index);
      return {
        controller,
        address: addressOf(domain, controller),
        words: (prefix) => [
          ...set(`${prefix}device`, 'ahci'),
          ...drives.flatMap((drive, port) => [
            ...set(`${prefix}port.${port}.type`, drive.type),
            ...driveWords(domain, `${prefix}port.${port}.`, drive),
          ]),
        ],
      };
    }),
    ...single.map((medium): Attached => {
      const { bus, path, element } = medium;
      const [, unit = '0'] = /^nvme(\d+)/.exec(childOf(domain, element, 'target')?.attributes.dev ?? '') ?? [];
      const controller = find(bus, bus === 'nvme' ? Number(unit) : controllerOf(domain, element));
      const address = addressOf(domain, controller) ?? addressOf(domain, element);
      return {
        controller,
        address,
        words: (prefix, place) =>
          bus === 'nvme'
            ? [...set(`${prefix}device`, 'nvme'), ...serialWords(domain, prefix, medium, controller)]
            : ['-s', `${formatAddress(place)},virtio-scsi,${path}`],
      };
    }),
  ];
}
