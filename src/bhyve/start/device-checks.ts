import { atoi, strtol } from '../c-numbers.js';
import type { ConfigNode } from '../config-node.js';
import { comPorts } from '../lpc.js';
import { crash, errnoText, warn } from '../outcome.js';
import { parseScsiTarget } from '../pci-legacy.js';
import { cSyntaxOf, traitsOf } from '../releases.js';
import { addBootDisk, openBlock } from './block-backing.js';
import { checkFramebuffer } from './framebuffer.js';
import { checkE1000, checkVirtioNet } from './network.js';
import { openSerial } from './serial.js';
import { type DeviceCheck, type StartContext, addBootDevice, refuse, refuseOnStdout } from './start-context.js';

const byteLength = (text: string): number => new TextEncoder().encode(text).length;

const alwaysStarts: DeviceCheck = () => true;

const checkLpc: DeviceCheck = ({ address }, context) => {
  const { config } = context;
  if (context.hasLpc) return refuse(context, 'Only one LPC bridge is allowed.');
  if (address.bus !== 0) return refuse(context, 'LPC bridge can be present only on bus 0.');
  for (const port of comPorts) {
    const path = config.get(`lpc.${port}.path`);
    if (path !== undefined && !openSerial(path, port, context)) {
      return refuse(context, `Unable to initialize backend '${path}' for LPC device ${port}`);
    }
  }
  config.bool('lpc.pc-testdev', false);
  context.hasLpc = true;
  return true;
};

const checkVirtioBlk: DeviceCheck = ({ node, name }, context) => {
  const block = openBlock(node, context);
  if (block === false) return refuse(context, `Could not open backing file: ${errnoText.invalid}`);
  addBootDisk(context, name, block.bootindex);
  // Without a serial number, the path is read again to make one.
  const { config } = context;
  if (config.getFrom(node, 'serial') === undefined && config.getFrom(node, 'ser') === undefined) {
    config.getFrom(node, 'path');
  }
  return true;
};

const ahciPorts = 32;

const checkAhci: DeviceCheck = ({ node, name }, context) => {
  const { config } = context;
  const ports = config.findBelow(node, 'port');
  for (let number = 0; ports !== undefined && number < ahciPorts; number += 1) {
    const port = config.findBelow(ports, String(number));
    // Without a type a port is ignored; every type but `hd` is a CD.
    if (port === undefined || config.getFrom(port, 'type') === undefined) continue;
    const block = openBlock(port, context);
    if (block === false) return false;
    addBootDisk(context, name, block.bootindex);
    for (const variable of ['path', 'nmrr', 'ser', 'rev', 'model']) config.getFrom(port, variable);
  }
  return true;
};

const checkNvme: DeviceCheck = ({ node, name }, context) => {
  const { config } = context;
  const number = (variable: string): number | undefined => {
    const text = config.getFrom(node, variable);
    return text === undefined ? undefined : atoi(text);
  };
  number('maxq'); // out of range is taken as the default
  // The first is kept in 16 bits, the second in 32, both without a sign: -1 is the largest, 65536 entries are none.
  const entries = number('qsz');
  if (entries !== undefined && (entries & 0xffff) === 0) return refuse(context, 'nvme: Invalid qsz option 0');
  if (number('ioslots') === 0) return refuse(context, 'Invalid ioslots option 0');
  for (const ignored of ['sectsz', 'ser', 'eui64', 'dsm']) config.getFrom(node, ignored);
  const bootindex = number('bootindex');
  if (bootindex !== undefined) addBootDevice(context, name, bootindex);
  if (config.getFrom(node, 'ram') !== undefined) return true;
  if (openBlock(node, context) !== false) return true;
  return refuse(context, `nvme: Could not open backing file: ${errnoText.invalid}`);
};

const consolePorts = 16;
/** Of sun_path, less the byte that ends it. */
const maxSocketNameBytes = 103;

const checkVirtioConsole: DeviceCheck = ({ node }, context) => {
  const { config, platform } = context;
  const taken = new Set<bigint>();
  for (const [name, port] of config.findBelow(node, 'port')?.entries ?? []) {
    if (typeof port === 'string') continue;
    const cannot = (why: string): false => refuse(context, `cannot create port ${name}: ${why}`);
    const { value: number, end } = strtol(name, cSyntaxOf(platform.release));
    if (end !== name.length || number < 0n || number >= BigInt(consolePorts)) {
      refuse(context, `vtcon: Invalid port ${name}`);
      return cannot(errnoText.invalid);
    }
    const path = config.getFrom(port, 'path');
    if (path === undefined) {
      refuse(context, `vtcon: required path missing for port ${number}`);
      return cannot(errnoText.invalid);
    }
    if (config.getFrom(port, 'name') === undefined) {
      refuse(context, `vtcon: required name missing for port ${number}`);
      return cannot(errnoText.invalid);
    }
    if (byteLength(path.split('/').at(-1) ?? '') > maxSocketNameBytes) return cannot(errnoText.nameTooLong);
    if (taken.has(number)) return cannot(errnoText.busy);
    taken.add(number);
    context.sockets.push({ port: name, path });
  }
  return true;
};

const maxShareNameBytes = 256;

const checkVirtio9p: DeviceCheck = ({ node }, context) => {
  const { config } = context;
  config.boolFrom(node, 'ro', false);
  if (config.getFrom(node, 'path') === undefined) return refuse(context, 'virtio-9p: path required');
  const share = config.getFrom(node, 'sharename');
  if (share === undefined) return refuse(context, 'virtio-9p: share name required');
  return byteLength(share) <= maxShareNameBytes || refuse(context, 'virtio-9p: share name too long');
};

const checkVirtioInput: DeviceCheck = ({ node }, context) =>
  context.config.getFrom(node, 'path') !== undefined ||
  refuseOnStdout(context, 'pci_vtinput_init: missing required path config value');

/** Of release 16. */
const scsiRanges = {
  seg_max: [3, 4092],
  num_queues: [1, 30],
  ctl_ringsz: [4, 4096],
  evt_ringsz: [4, 4096],
  req_ringsz: [4, 4096],
  thr_per_q: [1, 256],
} as const;

const checkVirtioScsi: DeviceCheck = ({ node, name }, context) => {
  const { config, platform } = context;
  config.getFrom(node, 'iid');
  const bootindex = config.getFrom(node, 'bootindex');
  if (bootindex !== undefined) addBootDevice(context, name, atoi(bootindex));
  if (platform.release !== 16) {
    config.getFrom(node, 'dev');
    return true;
  }
  for (const [variable, [min, max]] of Object.entries(scsiRanges)) {
    const text = config.getFrom(node, variable);
    const { value, end } = strtol(text ?? '', cSyntaxOf(platform.release));
    if (text !== undefined && (end === 0 || end !== text.length || value < BigInt(min) || value > BigInt(max))) {
      return refuse(context, `Invalid ${variable} option ${text}`);
    }
  }
  // Their values are never expanded.
  for (const [target, path] of config.findBelow(node, 'target')?.entries ?? []) {
    if (typeof path !== 'string') return refuse(context, `invalid target "${target}" type: not a string`);
    const number = parseScsiTarget(target);
    if (typeof number === 'string') return refuse(context, `invalid target ${target}: target ID is ${number}`);
  }
  return true;
};

/** What bhyve has room for, and the byte that ends it. */
const soundDeviceBytes = 63;

/** bhyve asserts that it can open what it is to play and record with, and it cannot where the name is too long. */
const checkHda: DeviceCheck = ({ node }, { config }) => {
  const names = ['play', 'rec'].map((variable) => config.getFrom(node, variable));
  const isFine = names.every((name) => name === undefined || byteLength(name) <= soundDeviceBytes);
  return isFine || crash('SIGABRT');
};

const usbSlots = 64n;
const usbDevices = 4;

const checkXhci: DeviceCheck = ({ node }, context) => {
  const { config, platform } = context;
  if (context.hasXhci) return refuseOnStdout(context, 'pci_xhci controller already defined');
  context.hasXhci = true;
  const taken = new Set<bigint>();
  for (const [name, slot] of config.findBelow(node, 'slot')?.entries ?? []) {
    if (taken.size === usbDevices) {
      return refuseOnStdout(context, `pci_xhci max number of USB 2 or 3 devices reached, max ${usbDevices}`);
    }
    if (typeof slot === 'string') return refuse(context, `pci_xhci: config variable '${name}' under slot node`);
    const { value: number, end } = strtol(name, cSyntaxOf(platform.release));
    if (end !== name.length || number <= 0n || number > usbSlots) {
      return refuse(context, `pci_xhci: invalid slot '${name}'`);
    }
    if (taken.has(number)) return refuse(context, `pci_xhci: duplicate slot '${name}'`);
    taken.add(number);
    const device = config.getFrom(slot, 'device');
    if (device === undefined) return refuse(context, `pci_xhci: missing "device" value for slot '${name}'`);
    if (device !== 'tablet') return refuse(context, `pci_xhci: unknown device model "${device}"`);
  }
  return true;
};

/** PCI_MAXNAMELEN */
const maxDriverNameBytes = 16;

const checkPassthru: DeviceCheck = ({ node, name }, context) => {
  const { config, output, platform } = context;
  if (!config.bool('memory.wired', false)) {
    warn(output, 'passthru requires guest memory to be wired');
    return false;
  }
  const pptdev = config.getFrom(node, 'pptdev');
  if (pptdev !== undefined) {
    // A driver's name, then a unit; the letters in front of it are not looked at.
    const [, driver] = /^(.*\D)\d+$/s.exec(pptdev) ?? [];
    if (driver === undefined) return refuse(context, `Invalid passthru device name ${pptdev}`);
    if (byteLength(driver) > maxDriverNameBytes) return refuse(context, `Passthru device name ${pptdev} is too long`);
  } else {
    const missing = ['bus', 'slot', 'func'].find((part) => config.getFrom(node, part) === undefined);
    if (missing !== undefined) return refuse(context, `passthru: missing required ${missing} setting`);
  }
  config.getFrom(node, 'rom');
  const bootindex = platform.release === 14 ? undefined : config.getFrom(node, 'bootindex');
  if (bootindex !== undefined) addBootDevice(context, name, atoi(bootindex));
  return true;
};

const checkUart: DeviceCheck = ({ node, address, name }, context) => {
  const path = context.config.getFrom(node, 'path');
  if (path === undefined || openSerial(path, name, context)) return true;
  const where = `${address.slot}:${address.func}`;
  return refuse(context, `Unable to initialize backend '${path}' for pci uart at ${where}`);
};

/** Every virtio device asks whether it may use MSI-X, once it is otherwise content. */
const virtio =
  (check: DeviceCheck): DeviceCheck =>
  (device, context) => {
    if (!check(device, context)) return false;
    context.config.bool(traitsOf(context.platform).msixVariable, true);
    return true;
  };

const checks: Readonly<Record<string, DeviceCheck>> = {
  ahci: checkAhci,
  e1000: checkE1000,
  fbuf: checkFramebuffer,
  hda: checkHda,
  lpc: checkLpc,
  nvme: checkNvme,
  passthru: checkPassthru,
  uart: checkUart,
  'virtio-9p': virtio(checkVirtio9p),
  'virtio-blk': virtio(checkVirtioBlk),
  'virtio-console': virtio(checkVirtioConsole),
  'virtio-input': virtio(checkVirtioInput),
  'virtio-net': virtio(checkVirtioNet),
  'virtio-rnd': virtio(alwaysStarts),
  'virtio-scsi': virtio(checkVirtioScsi),
  xhci: checkXhci,
};

/**
 * Whether a device of a model starts, as far as its configuration tells: files, interfaces and devices of the host are
 * taken to be there and free.
 */
export const checkDevice = (
  model: string,
  address: { readonly bus: number; readonly slot: number; readonly func: number },
  node: ConfigNode,
  context: StartContext,
): boolean => {
  const name = `${model}@pci.${address.bus}.${address.slot}.${address.func}`;
  return (checks[model] ?? alwaysStarts)({ model, address, node, name }, context);
};
