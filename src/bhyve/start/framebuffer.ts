import { atoi, strtol, toUint16 } from '../c-numbers.js';
import { type Release, traitsOf } from '../releases.js';
import { gaiText } from '../outcome.js';
import { type AddressFamily, isNumericHost, portError } from './numeric-address.js';
import { type DeviceCheck, refuse } from './start-context.js';

const min = { width: 640, height: 480 };
const standard = { width: 1024, height: 768 };
const vncPort = 5900;
/** What a sockaddr_un has room for. */
const maxSocketPathBytes = 104;
const byteLength = (text: string): number => new TextEncoder().encode(text).length;

export const checkFramebuffer: DeviceCheck = ({ node }, context) => {
  const { config, output, platform } = context;
  if (context.hasFramebuffer) return refuse(context, 'Only one frame buffer device is allowed.');
  config.boolFrom(node, 'wait', false);
  const server = config.getFrom(node, 'rfb') ?? config.getFrom(node, 'tcp');
  const place = parseServer(server ?? '0', platform.release);
  if (place.kind === 'wrong') return refuse(context, `fbuf: ${place.what}`);
  const vga = config.getFrom(node, 'vga') ?? 'io';
  if (!['off', 'io', 'on'].includes(vga)) return refuse(context, `fbuf: Invalid vga setting: "${vga}"`);
  const read = (name: string, preset: number): number => {
    const text = config.getFrom(node, name);
    return text === undefined ? preset : toUint16(strtol(text, 10).value);
  };
  const width = read('w', standard.width);
  const height = read('h', standard.height);
  const max = traitsOf(platform).framebufferMax;
  if (width > max.width || height > max.height) {
    return refuse(context, `fbuf: max resolution is ${max.width}x${max.height}`);
  }
  if (width < min.width || height < min.height) {
    return refuse(context, `fbuf: minimum resolution is ${min.width}x${min.height}`);
  }
  config.getFrom(node, 'password');
  if (vga === 'on') {
    // The VM starts all the same, without a VNC server, and the next frame buffer is again the first.
    output.stderr.push('pci_fbuf: VGA rendering not enabled');
    return true;
  }
  context.hasFramebuffer = true;
  if (place.kind === 'unix') return true;
  const host = place.host === '' ? '127.0.0.1' : place.host;
  const port = String(place.port === 0 ? vncPort : place.port).slice(0, 5); // its buffer has room for five digits
  const error = portError(port) ?? (isNumericHost(host, place.family) ? undefined : gaiText.noName);
  return error === undefined || refuse(context, `getaddrinfo: ${error}`);
};

type Server =
  | { readonly kind: 'tcp'; readonly family: AddressFamily; readonly host: string; readonly port: number }
  | { readonly kind: 'unix' }
  | { readonly kind: 'wrong'; readonly what: string };

/** `[HOST:]PORT`, `[v6]:PORT`, in 16 also `unix:PATH`. */
function parseServer(text: string, release: Release): Server {
  const wrong = (what: string): Server => ({ kind: 'wrong', what });
  const noAddress = wrong(`Invalid IPv6 address: "${text}"`);
  const noPort = wrong(`Missing port number: "${text}"`);
  if (release === 16 && text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (path === '') return wrong('UNIX socket path is empty');
    return byteLength(path) > maxSocketPathBytes ? wrong(`UNIX socket path too long: "${path}"`) : { kind: 'unix' };
  }
  if (text.startsWith('[')) {
    const [, host, rest] = /^\[([^\]]+)\](.*)$/s.exec(text) ?? [];
    if (host === undefined || rest === undefined) return noAddress;
    if (rest === '') return { kind: 'tcp', family: 'inet6', host, port: 0 };
    if (!rest.startsWith(':')) return noAddress;
    return rest === ':' ? noPort : { kind: 'tcp', family: 'inet6', host, port: atoi(rest.slice(1)) };
  }
  const colon = text.indexOf(':');
  if (colon === -1) return { kind: 'tcp', family: 'any', host: '', port: atoi(text) };
  if (colon === text.length - 1) return noPort;
  return { kind: 'tcp', family: 'any', host: text.slice(0, colon), port: atoi(text.slice(colon + 1)) };
}
