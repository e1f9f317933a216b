import { scanHex, strtoul } from '../c-numbers.js';
import { type Release, cSyntaxOf } from '../releases.js';
import { type DeviceCheck, type StartContext, type StartingDevice, refuse } from './start-context.js';

/** The longest number that sscanf(3) looks at. */
const anyWidth = 512;
const macFields = ['', ':', ':', ':', ':', ':'].map((literal) => [literal, anyWidth] as const);

/** ether_aton(3): six hex parts of any size, of which the last byte counts. It has to be unicast, and not all zero. */
function checkMac(text: string, context: StartContext): boolean {
  const octets = scanHex(text, macFields)?.map((part) => part & 0xffn);
  const [first] = octets ?? [];
  const isUnicast = first !== undefined && (first & 1n) === 0n;
  if (octets !== undefined && isUnicast && octets.some((octet) => octet !== 0n)) return true;
  return refuse(context, `Invalid MAC ${text}`);
}

/** Without a word where it is wrong. */
function isMtu(text: string, release: Release): boolean {
  const { value, end } = strtoul(text, cSyntaxOf(release));
  return !text.startsWith('-') && end === text.length && value >= 46n && value <= 65_535n;
}

/** The card is there, the cable may be missing. */
export const checkVirtioNet: DeviceCheck = (device, context) => {
  const { config } = context;
  const mac = config.getFrom(device.node, 'mac');
  if (mac !== undefined && !checkMac(mac, context)) return false;
  const mtu = config.getFrom(device.node, 'mtu');
  if (mtu !== undefined && !isMtu(mtu, context.platform.release)) return false;
  return config.getFrom(device.node, 'backend') === undefined || openBackend(device, context);
};

/** As above, but a backend is a must, and `mtu` is unknown. */
export const checkE1000: DeviceCheck = (device, context) => {
  const mac = context.config.getFrom(device.node, 'mac');
  return (mac === undefined || checkMac(mac, context)) && openBackend(device, context);
};

/** The type is a prefix, so `tap0` and `tapestry` are both tap. Unknown ones are refused without a word. */
function openBackend({ node }: StartingDevice, context: StartContext): boolean {
  const { config, platform } = context;
  const backend = config.getFrom(node, 'backend');
  if (backend === undefined) return false;
  const type = config.getFrom(node, 'type') ?? backend;
  const prefixes = ['netgraph', 'slirp', 'netmap', 'vale', 'tap', 'vmnet', ...(platform.release === 16 ? ['ngd'] : [])];
  const prefix = prefixes.find((known) => type.startsWith(known));
  switch (prefix) {
    case undefined:
      return false;
    case 'tap':
    case 'vmnet':
      // The device can be opened once; a second network card of this VM finds it busy.
      if (context.tapDevices.has(backend)) return false;
      context.tapDevices.add(backend);
      return true;
    case 'netgraph':
      if (config.getFrom(node, 'path') === undefined) return refuse(context, 'path must be provided');
      return config.getFrom(node, 'peerhook') !== undefined || refuse(context, 'peer hook must be provided');
    default:
      return true;
  }
}
