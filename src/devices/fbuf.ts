import { isIP, withoutBrackets } from '../base/ip-address.js';
import type { Finding } from '../base/problem.js';
import { defineDevice, optional, whenSet, type DeviceContext, type Variable } from './device.js';
import { flag, integer, type JsonSchema } from './json-schema.js';

/** A screen that VNC clients see: bhyve(8), "Frame buffer device backends". */
export interface FrameBuffer {
  readonly host?: string;
  readonly port?: number;
  readonly vga?: 'io' | 'on' | 'off';
  readonly password?: string;
  readonly wait?: boolean;
  readonly width?: number;
  readonly height?: number;
}

export const defaultVncHost = '127.0.0.1';
export const defaultVncPort = 5900;

export const frameBufferFields: { readonly [Field in keyof FrameBuffer]-?: JsonSchema } = {
  host: {
    type: 'string',
    description: 'Numeric IPv4 or IPv6 address to listen on.',
    default: defaultVncHost,
    pattern: '^[0-9a-fA-F:.\\[\\]]{2,64}(%[A-Za-z0-9._-]{1,15}\\]?)?$',
    patternErrorMessage: 'a numeric address such as "127.0.0.1" or "::1"; bhyve looks up no names',
    examples: ['127.0.0.1', '::1'],
  },
  port: integer('TCP port to listen on.', 1, 65535, { default: defaultVncPort }),
  vga: {
    type: 'string',
    enum: ['io', 'on', 'off'],
    description: 'Legacy VGA: io (the default) and off work; with on, bhyve offers no VNC at all.',
  },
  password: {
    type: 'string',
    description: 'VNC password, 1 to 8 ASCII characters, no comma. Never printed and never on a command line.',
    // A comma would be safe in the private file, but no other tool could give bhyve the same password.
    pattern: '^[ -+\\--~]{1,8}$',
    patternErrorMessage:
      '1 to 8 printable ASCII characters without a comma; VNC would cut a longer one, bhyve’s -s would split at a comma',
    isSecret: true,
    takesDigits: true,
  },
  wait: flag('Start the guest only when a VNC client has connected.'),
  width: integer('Width of the screen in pixels; goes with height.', 640, 3840),
  height: integer('Height of the screen in pixels; goes with width.', 480, 2160),
};

/** `host:port`, an IPv6 address in brackets. */
function listenAddress({ host = defaultVncHost, port = defaultVncPort }: FrameBuffer): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;
}

const words = (fields: FrameBuffer): readonly string[] => [
  `tcp=${listenAddress(fields)}`,
  ...(fields.width === undefined ? [] : [`w=${fields.width}`]),
  ...(fields.height === undefined ? [] : [`h=${fields.height}`]),
  ...(fields.vga === undefined ? [] : [`vga=${fields.vga}`]),
  ...(fields.wait === true ? ['wait'] : []),
];

const variables = (fields: FrameBuffer): readonly Variable[] => [
  { key: 'tcp', value: listenAddress(fields) },
  ...optional('w', fields.width),
  ...optional('h', fields.height),
  ...optional('vga', fields.vga),
  ...whenSet('wait', fields.wait),
  ...(fields.password === undefined ? [] : [{ key: 'password', value: fields.password, isSecret: true }]),
];

/** rfb.c and pci_fbuf.c; the largest screen grew with release 15. */
export function checkFrameBuffer(fields: FrameBuffer, { release }: DeviceContext): readonly Finding[] {
  const { host, vga, width, height } = fields;
  const findings: Finding[] = [];
  if (host !== undefined && !isIP(withoutBrackets(host))) {
    findings.push({
      code: 'vnc-host',
      pointer: '/host',
      message: `${JSON.stringify(host)} is not a numeric address; bhyve looks up no names`,
      fix: 'use e.g. "127.0.0.1" or "::1"',
    });
  }
  if (vga === 'on') {
    findings.push({
      code: 'vga-on',
      pointer: '/vga',
      message: 'with vga "on" bhyve starts the VM without any VNC server',
      fix: 'use "io" or "off"',
    });
  }
  if ((width === undefined) !== (height === undefined)) {
    const [there, missing] = width === undefined ? ['height', 'width'] : ['width', 'height'];
    findings.push({
      code: 'resolution-incomplete',
      pointer: `/${there}`,
      message: `${there} is given without ${missing}`,
      fix: `add "${missing}", or leave both out for 1024x768`,
    });
  }
  if (release === 14 && ((width ?? 0) > 1920 || (height ?? 0) > 1200)) {
    findings.push({
      code: 'resolution-release',
      pointer: (width ?? 0) > 1920 ? '/width' : '/height',
      message: `bhyve of FreeBSD 14 shows at most 1920x1200, got ${width ?? 0}x${height ?? 0}`,
      fix: 'use a smaller screen, or FreeBSD 15',
    });
  }
  return findings;
}

export const fbuf = defineDevice<FrameBuffer>({
  model: 'fbuf',
  description: 'A frame buffer that VNC clients see. The root field graphic is the usual way to get one.',
  schema: { properties: frameBufferFields },
  example: { host: '127.0.0.1', port: 5900, width: 1024, height: 768 },
  isSingle: true,
  isAmd64Only: true,
  label: (fields) => `vnc ${listenAddress(fields)}`,
  check: checkFrameBuffer,
  variables,
  words,
  requirements: ({ host = defaultVncHost, port = defaultVncPort }) => [
    { kind: 'tcp-port', host: withoutBrackets(host), port, use: 'VNC', pointer: '/port' },
  ],
});
