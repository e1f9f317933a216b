import { isIP, withoutBrackets } from '../base/ip-address.js';
import type { Finding } from '../base/problem.js';
import { byteLength } from '../base/text.js';
import {
  asWords,
  defineDevice,
  optional,
  regularFile,
  whenSet,
  type DeviceContext,
  type Release,
  type Variable,
} from './device.js';
import { file, flag, integer, type JsonSchema } from './json-schema.js';

/** A screen that VNC clients see: bhyve(8), "Frame buffer device backends". */
export interface FrameBuffer {
  readonly host?: string;
  readonly port?: number;
  /** A UNIX socket instead of host and port. */
  readonly path?: string;
  readonly vga?: 'io' | 'on' | 'off';
  readonly password?: string;
  readonly password_file?: string;
  readonly wait?: boolean;
  readonly width?: number;
  readonly height?: number;
}

const defaultVncHost = '127.0.0.1';
export const defaultVncPort = 5900;

const passwordPattern = '^[ -+\\--~]{1,8}$';
const passwordMessage =
  "1 to 8 printable ASCII characters without a comma; VNC would cut a longer one, bhyve's -s would split at a comma";

export const frameBufferFields: { readonly [Field in keyof FrameBuffer]-?: JsonSchema } = {
  host: {
    type: 'string',
    description: `Numeric IPv4 or IPv6 address to listen on. Default: ${defaultVncHost}.`,
    pattern: '^[0-9a-fA-F:.\\[\\]]{2,64}(%[A-Za-z0-9._-]{1,15}\\]?)?$',
    patternErrorMessage: 'a numeric address such as "127.0.0.1" or "::1"; bhyve looks up no names',
    examples: ['127.0.0.1', '::1'],
  },
  port: integer(`TCP port to listen on. Default: ${defaultVncPort}.`, 1, 65535, { examples: [defaultVncPort] }),
  path: file('UNIX socket to listen on, instead of host and port. From FreeBSD 16 on.', {
    examples: ['/var/run/vm0-vnc.sock'],
  }),
  vga: {
    type: 'string',
    enum: ['io', 'on', 'off'],
    description: 'Legacy VGA: io (the default) and off work; with on, bhyve offers no VNC at all.',
  },
  password: {
    type: 'string',
    description: 'VNC password, 1 to 8 ASCII characters, no comma. Never printed and never on a command line.',
    // A comma would be safe in the private file, but no other tool could give bhyve the same password.
    pattern: passwordPattern,
    patternErrorMessage: passwordMessage,
    isSecret: true,
    takesDigits: true,
  },
  password_file: file('File that holds the VNC password, instead of password; read when the VM starts.', {
    examples: ['vnc.password'],
  }),
  wait: flag('Start the guest only when a VNC client has connected.'),
  width: integer('Width of the screen in pixels; goes with height.', 640, 3840),
  height: integer('Height of the screen in pixels; goes with width.', 480, 2160),
};

/** `host:port`, an IPv6 address in brackets; or `unix:path`. */
function listenAddress({ host = defaultVncHost, port = defaultVncPort, path }: FrameBuffer): string {
  if (path !== undefined) return `unix:${path}`;
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;
}

const server = (fields: FrameBuffer): Variable => ({
  key: fields.path === undefined ? 'tcp' : 'rfb',
  value: listenAddress(fields),
});

const options = (fields: FrameBuffer): readonly Variable[] => [
  server(fields),
  ...optional('w', fields.width),
  ...optional('h', fields.height),
  ...optional('vga', fields.vga),
  ...whenSet('wait', fields.wait),
];

function passwordVariables({ password, password_file: path }: FrameBuffer): readonly Variable[] {
  if (password !== undefined) return [{ key: 'password', value: password, isSecret: true }];
  if (path === undefined) return [];
  const secretFile = { path, pattern: passwordPattern, patternErrorMessage: passwordMessage };
  return [{ key: 'password', value: '', isSecret: true, secretFile }];
}

/** sun_path holds 104 bytes with its end. */
const maxSocketPath = 103;

/** A UNIX socket came with release 16, and leaves nothing for host and port to say. */
function checkSocket({ path, host, port }: FrameBuffer, release: Release): readonly Finding[] {
  if (path === undefined) return [];
  const found = (code: string, pointer: string, message: string, fix: string): readonly Finding[] => [
    { code, pointer, message, fix },
  ];
  if (release < 16) {
    const message = `bhyve of FreeBSD ${release} has VNC on TCP only`;
    return found('release', '/path', message, 'use "host" and "port", or FreeBSD 16');
  }
  if (host !== undefined || port !== undefined) {
    const field = host === undefined ? 'port' : 'host';
    return found('vnc-twice', '/path', `path and ${field} both say where VNC is`, 'keep one of them');
  }
  if (byteLength(path) <= maxSocketPath) return [];
  const message = `the path of a socket has at most ${maxSocketPath} bytes, this has ${byteLength(path)}`;
  return found('socket-name', '/path', message, 'use e.g. "/var/run/vm0-vnc.sock"');
}

/** rfb.c and pci_fbuf.c; the largest screen grew with release 15. */
function checkFrameBuffer(fields: FrameBuffer, { release }: DeviceContext): readonly Finding[] {
  const { host, vga, width, height } = fields;
  const findings: Finding[] = [...checkSocket(fields, release)];
  if (fields.password !== undefined && fields.password_file !== undefined) {
    findings.push({
      code: 'password-twice',
      pointer: '/password_file',
      message: 'password and password_file both give the VNC password',
      fix: 'keep one of them',
    });
  }
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
  variables: (fields) => [...options(fields), ...passwordVariables(fields)],
  words: (fields) => asWords(options(fields)),
  requirements: ({ host = defaultVncHost, port = defaultVncPort, path, password_file: secret }) => [
    path === undefined
      ? { kind: 'tcp-port', host: withoutBrackets(host), port, use: 'VNC', pointer: '/port' }
      : { kind: 'free-socket', path, pointer: '/path' },
    ...(secret === undefined ? [] : [regularFile(secret, '/password_file')]),
  ],
  ephemerals: ({ path }) => (path === undefined ? [] : [{ kind: 'socket', path }]),
});
