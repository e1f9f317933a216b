import { flag, integer, text, type DeviceReader, type DeviceSettings, type SpecObject } from './reader.js';

/** `[host:]port` of a frame buffer, IPv6 in brackets, which are kept off; undefined: a socket, or wrong. */
export function readVncServer(text: string): { readonly host: string; readonly port: string } | undefined {
  const [, v6, v4, port] = /^(?:(?:\[([^\]]*)\]|([^:[\]]*)):)?(\d+)$/.exec(text) ?? [];
  if (port === undefined) return undefined;
  const host = v6 ?? v4 ?? '';
  return { host: host === '' ? '127.0.0.1' : host, port };
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

export const fbufReader: DeviceReader = {
  more: frameBuffer,
  aliases: { tcp: 'rfb', rfb: 'tcp' },
  fields: {
    width: integer('w'),
    height: integer('h'),
    vga: text('vga'),
    password: text('password'),
    wait: flag('wait'),
  },
  /** A VNC server; whether it wants a password is said, never which. */
  connections(settings, { hasPassword }) {
    const [width, height] = [settings.get('w'), settings.get('h')];
    const notes = [
      ...(width === undefined || height === undefined ? [] : [`${width}x${height}`]),
      ...(hasPassword ? ['with a password'] : []),
      ...(settings.get('wait') === 'true' ? ['waits for a client'] : []),
    ];
    return ['tcp', 'rfb'].flatMap((key) => {
      const server = settings.get(key);
      return server === undefined ? [] : [{ kind: 'VNC', name: server, notes }];
    });
  },
};
