import { maxSlot, type PciAddress } from '../../base/pci-address.js';
import type { SpecObject } from '../spec-object.js';
import type { XmlElement } from '../xml.js';
import { portsOf, screenOf, serialsOf, tabletOf } from './consoles.js';
import { drivesOf, mediumOf, virtioDisk, type Medium } from './disks.js';
import {
  addressOf,
  childOf,
  childrenOf,
  elementAt,
  pass,
  passAlone,
  set,
  tell,
  type Domain,
  type Wanted,
} from './domain.js';
import { cardsOf } from './network.js';

export interface Devices {
  readonly argv: readonly string[];
  readonly cards: ReadonlyMap<string, SpecObject>;
  readonly tapsMade: number;
  /** Disks and CDs in the order of the XML. */
  readonly media: readonly Medium[];
  /** What com1 is connected to. */
  readonly console: string | undefined;
  readonly screenLine: number | undefined;
}

export function devicesOf(domain: Domain, isFirmware: boolean): Devices {
  const list = elementAt(domain, 'devices');
  childrenOf(domain, list, 'emulator');
  const media = childrenOf(domain, list, 'disk').flatMap((element) => mediumOf(domain, element) ?? []);
  const serial = serialsOf(domain, list);
  const screen = screenOf(domain, list);
  const network = cardsOf(domain, list);
  const controllers = childrenOf(domain, list, 'controller');
  const onController = (type: string, index: number): XmlElement | undefined =>
    controllers.find(({ attributes }) => attributes.type === type && Number(attributes.index ?? '0') === index);
  const isa = onController('isa', 0);
  const needsLpc = !domain.isArm && (isa !== undefined || isFirmware || serial.length > 0 || screen !== undefined);
  for (const element of controllers) addressOf(domain, element);
  const order = new Map(controllers.map((element, index) => [element, index]));
  const rank = (element: XmlElement | undefined): number =>
    element === undefined ? controllers.length : (order.get(element) ?? 0);
  const attached = [
    ...portsOf(domain, list, onController),
    ...drivesOf(domain, media, onController),
    ...tabletOf(domain, list, onController),
  ];
  const wanted: Wanted[] = [
    ...attached.toSorted((a, b) => rank(a.controller) - rank(b.controller)),
    ...network.wanted,
    ...media.filter(({ bus }) => bus === 'virtio').map((medium) => virtioDisk(domain, medium)),
    ...(screen === undefined ? [] : [screen.wanted]),
    ...soundsOf(domain, list),
    ...sharesOf(domain, list),
    ...childrenOf(domain, list, 'rng').map((element): Wanted => {
      passAlone(domain, element, ['backend']);
      return { address: addressOf(domain, element), words: (prefix) => set(`${prefix}device`, 'virtio-rnd') };
    }),
    ...hostCardsOf(domain, list),
  ];
  const lpc: Wanted | undefined = needsLpc
    ? { address: addressOf(domain, isa), words: (prefix) => set(`${prefix}device`, 'lpc') }
    : undefined;
  for (const element of childrenOf(domain, list, 'memballoon')) pass(domain, element);
  for (const element of controllers) {
    const isKnown = ['pci', 'isa', 'usb', 'sata', 'nvme', 'scsi', 'virtio-serial'].includes(
      element.attributes.type ?? '',
    );
    if (isKnown) passAlone(domain, element);
  }
  // bhyve has a keyboard and a mouse of its own.
  const [, ...more] = childrenOf(domain, list, 'input').filter(({ attributes }) => attributes.type === 'tablet');
  for (const element of childrenOf(domain, list, 'input')) {
    const { bus, type } = element.attributes;
    if ((bus !== 'ps2' && type !== 'tablet') || more.includes(element)) domain.seen.delete(element);
  }
  const hasBootOrder = media.some((medium) => medium.order !== undefined) && isFirmware;
  return {
    argv: [
      ...(domain.isArm ? [] : set('pci.0.0.0.device', 'hostbridge')),
      ...(domain.isArm ? set('pci.0.0.0.device', 'hostbridge') : []),
      ...placeAll(domain, wanted, lpc),
      ...serial.flatMap(({ port, backend }) =>
        domain.isArm ? (port === 1 ? set('console', backend) : []) : set(`lpc.com${port}.path`, backend),
      ),
      ...(hasBootOrder ? set('lpc.fwcfg', 'qemu') : []),
    ],
    cards: network.cards,
    tapsMade: network.tapsMade,
    media,
    console: serial.find(({ port }) => port === 1)?.backend,
    screenLine: screen?.line,
  };
}

/** Gives every device its place as libvirt's driver does: slot 1 is LPC's, the others take the next free slot. */
function placeAll(domain: Domain, wanted: readonly Wanted[], lpc: Wanted | undefined): readonly string[] {
  const used = new Set(
    [...wanted, ...(lpc === undefined ? [] : [lpc])].flatMap(({ address }) =>
      address === undefined || address.bus > 0 ? [] : [address.slot],
    ),
  );
  used.add(0);
  const first = lpc?.address === undefined && !used.has(1) ? 1 : undefined;
  used.add(1);
  let unplaced = 0;
  const next = (): PciAddress => {
    unplaced += 1;
    const slot = Array.from({ length: maxSlot + 1 }, (_, index) => index).find((index) => !used.has(index)) ?? maxSlot;
    used.add(slot);
    return { bus: 0, slot, func: 0 };
  };
  const words = ({ address, words: say }: Wanted): readonly string[] => {
    const place = address ?? next();
    return say(`pci.${place.bus}.${place.slot}.${place.func}.`, place);
  };
  const bridge =
    lpc === undefined ? [] : words(first === undefined ? lpc : { ...lpc, address: { bus: 0, slot: first, func: 0 } });
  const argv = [...bridge, ...wanted.flatMap(words)];
  if (unplaced > 0) {
    const message = 'not every device has its address in this file: those are the slots that libvirt would choose';
    tell(domain, domain.root, 'addresses', message, 'compare with: virsh domxml-to-native bhyve-argv');
  }
  return argv;
}

function soundsOf(domain: Domain, list: XmlElement | undefined): readonly Wanted[] {
  const audio = childrenOf(domain, list, 'audio');
  return childrenOf(domain, list, 'sound').map((element) => {
    const id = childOf(domain, element, 'audio')?.attributes.id;
    const host = audio.find(({ attributes }) => attributes.id === id) ?? audio[0];
    const [play, rec] = ['output', 'input'].map((name) => childOf(domain, host, name)?.attributes.dev);
    return {
      address: addressOf(domain, element),
      words: (prefix: string) => [
        ...set(`${prefix}device`, 'hda'),
        ...(play === undefined ? [] : set(`${prefix}play`, play)),
        ...(rec === undefined ? [] : set(`${prefix}rec`, rec)),
      ],
    };
  });
}

function sharesOf(domain: Domain, list: XmlElement | undefined): readonly Wanted[] {
  return childrenOf(domain, list, 'filesystem').flatMap((element): readonly Wanted[] => {
    const folder = childOf(domain, element, 'source')?.attributes.dir;
    const name = childOf(domain, element, 'target')?.attributes.dir;
    const isReadOnly = childOf(domain, element, 'readonly') !== undefined;
    if (folder === undefined || name === undefined) {
      tell(domain, element, 'filesystem', 'this file system is not carried over: bhyve shares a folder by a name');
      return [];
    }
    return [
      {
        address: addressOf(domain, element),
        words: (prefix) => [
          ...set(`${prefix}device`, 'virtio-9p'),
          ...set(`${prefix}sharename`, name),
          ...set(`${prefix}path`, folder),
          ...(isReadOnly ? set(`${prefix}ro`, 'true') : []),
        ],
      },
    ];
  });
}

function hostCardsOf(domain: Domain, list: XmlElement | undefined): readonly Wanted[] {
  return childrenOf(domain, list, 'hostdev').flatMap((element): readonly Wanted[] => {
    const card = childOf(domain, childOf(domain, element, 'source'), 'address')?.attributes;
    const address = addressOf(domain, element);
    if (element.attributes.type !== 'pci' || card === undefined || Number(card.domain ?? '0') !== 0) {
      tell(
        domain,
        element,
        'hostdev',
        'this device of the host is not carried over: bhyve passes through PCI cards of domain 0',
      );
      return [];
    }
    const numbers = [
      ['bus', card.bus],
      ['slot', card.slot],
      ['func', card.function],
    ] as const;
    return [
      {
        address,
        words: (prefix) => [
          ...set(`${prefix}device`, 'passthru'),
          ...numbers.flatMap(([key, value]) => set(prefix + key, String(Number(value ?? '0')))),
        ],
      },
    ];
  });
}
