import { groupBy } from '../../base/group-by.js';
import { shown } from '../../base/text.js';
import type { XmlElement } from '../xml.js';
import {
  addressOf,
  childOf,
  childrenOf,
  controllerOf,
  pass,
  set,
  tell,
  type Attached,
  type Domain,
  type FindController,
  type Wanted,
} from './domain.js';

/** Ports of virtio-console, by controller. */
export function portsOf(domain: Domain, list: XmlElement | undefined, find: FindController): readonly Attached[] {
  const ports = childrenOf(domain, list, 'channel').flatMap((element) => {
    const target = childOf(domain, element, 'target')?.attributes ?? {};
    const socket = childOf(domain, element, 'source')?.attributes.path;
    const name = target.name ?? 'org.qemu.guest_agent.0';
    if (element.attributes.type !== 'unix' || target.type !== 'virtio' || socket === undefined) {
      tell(
        domain,
        element,
        'channel',
        'this channel is not carried over: bhyve has ports of virtio on UNIX sockets with a path',
      );
      return [];
    }
    return [{ index: controllerOf(domain, element), name, socket }];
  });
  return [...groupBy(ports, ({ index }) => index)].map(([index, own]): Attached => {
    const controller = find('virtio-serial', index);
    return {
      controller,
      address: addressOf(domain, controller),
      words: (prefix) => [
        ...set(`${prefix}device`, 'virtio-console'),
        ...own.flatMap(({ name, socket }, port) => [
          ...set(`${prefix}port.${port}.name`, name),
          ...set(`${prefix}port.${port}.path`, socket),
        ]),
      ],
    };
  });
}

export function tabletOf(domain: Domain, list: XmlElement | undefined, find: FindController): readonly Attached[] {
  const tablet = childrenOf(domain, list, 'input').find(({ attributes }) => attributes.type === 'tablet');
  if (tablet === undefined) return [];
  pass(domain, tablet);
  const controller = find('usb', 0);
  return [
    {
      controller,
      address: addressOf(domain, controller),
      words: (prefix) => [...set(`${prefix}device`, 'xhci'), ...set(`${prefix}slot.1.device`, 'tablet')],
    },
  ];
}

interface Screen {
  readonly wanted: Wanted;
  readonly line: number;
}

export function screenOf(domain: Domain, list: XmlElement | undefined): Screen | undefined {
  const [graphics, ...more] = childrenOf(domain, list, 'graphics');
  for (const other of more) tell(domain, other, 'graphics', 'a second screen is not carried over: bhyve has one');
  const video = childOf(domain, list, 'video');
  const address = addressOf(domain, video);
  const model = childOf(domain, video, 'model');
  const resolution = childOf(domain, model, 'resolution')?.attributes;
  const vga = childOf(domain, video, 'driver')?.attributes.vgaconf;
  if (graphics === undefined) return undefined;
  const { type, port = '-1', autoport, passwd, wait } = graphics.attributes;
  const listen = childOf(domain, graphics, 'listen')?.attributes ?? {};
  if (type !== 'vnc') {
    tell(
      domain,
      graphics,
      'graphics',
      `this screen is not carried over: bhyve has VNC only, this is ${shown(type)}`,
      'set "graphic" in the spec',
    );
    return undefined;
  }
  const isAutomatic = port === '-1' || autoport === 'yes';
  const socket = listen.type === 'socket' ? listen.socket : undefined;
  if (isAutomatic && socket === undefined) {
    tell(
      domain,
      graphics,
      'vnc-port',
      'libvirt chooses the port of VNC at each start; the spec says 5900',
      'give each VM a "port" of its own',
    );
  }
  if (listen.type === 'network') {
    const message = `VNC is to listen on the network ${shown(listen.network)} of libvirt; the spec says 127.0.0.1`;
    tell(domain, graphics, 'vnc-listen', message, 'write the address into "host" of "graphic"');
  }
  const host = listen.address ?? graphics.attributes.listen ?? '127.0.0.1';
  const server = `${host.includes(':') ? `[${host}]` : host}:${isAutomatic ? '5900' : port}`;
  return {
    line: graphics.line,
    wanted: {
      address,
      words: (prefix) => [
        ...set(`${prefix}device`, 'fbuf'),
        ...(socket === undefined ? set(`${prefix}tcp`, server) : set(`${prefix}rfb`, `unix:${socket}`)),
        ...(resolution?.x === undefined ? [] : set(`${prefix}w`, resolution.x)),
        ...(resolution?.y === undefined ? [] : set(`${prefix}h`, resolution.y)),
        ...(vga === undefined ? [] : set(`${prefix}vga`, vga)),
        ...(passwd === undefined ? [] : set(`${prefix}password`, passwd)),
        ...(wait === 'yes' ? set(`${prefix}wait`, 'true') : []),
      ],
    },
  };
}

interface Serial {
  readonly port: number;
  readonly backend: string;
}

/** Serial ports; a console is one of them said twice. */
export function serialsOf(domain: Domain, list: XmlElement | undefined): readonly Serial[] {
  const serials = childrenOf(domain, list, 'serial');
  const consoles = childrenOf(domain, list, 'console');
  if (serials.length > 0) for (const element of consoles) pass(domain, element);
  return (serials.length > 0 ? serials : consoles).flatMap((element, index) => {
    const { type } = element.attributes;
    const source = childOf(domain, element, 'source')?.attributes ?? {};
    const port = Number(childOf(domain, element, 'target')?.attributes.port ?? index) + 1;
    for (const name of ['protocol', 'alias']) childrenOf(domain, element, name);
    const { host = '127.0.0.1', service, mode } = source;
    const master = source.master ?? (type === 'nmdm' ? `/dev/nmdm-${domain.name}.${port}A` : undefined);
    const backend =
      type === 'nmdm'
        ? master
        : type === 'tcp' && mode !== 'connect' && service !== undefined
          ? `tcp=${host.includes(':') ? `[${host}]` : host}:${service}`
          : undefined;
    if (backend !== undefined) return [{ port, backend }];
    const what = type === 'tcp' ? 'bhyve listens and does not connect' : `its type is ${shown(type)}`;
    tell(
      domain,
      element,
      'serial',
      `this serial port is not carried over: ${what}`,
      `set com${port} in the spec: a null modem such as /dev/nmdm0A, stdio, or tcp=ADDRESS:PORT`,
    );
    return [];
  });
}
