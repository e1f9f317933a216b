import type { PciAddress } from '../../base/pci-address.js';
import type { ConfigNode } from '../config-node.js';
import type { Config } from '../config-tree.js';
import { type Output, exitError, fail } from '../outcome.js';
import type { Platform } from '../releases.js';

/** A UNIX socket that a virtio-console port wants. */
export interface ConsoleSocket {
  /** Name of the port's node: `0`, `1`, … */
  readonly port: string;
  readonly path: string;
}

/** A device that has started. */
export interface StartedDevice {
  readonly address: PciAddress;
  readonly model: string;
}

/** What starting devices share: bhyve's static variables. */
export interface StartContext {
  readonly config: Config;
  readonly output: Output;
  readonly platform: Platform;
  readonly bootDevices: Map<number, string>;
  readonly tapDevices: Set<string>;
  readonly sockets: ConsoleSocket[];
  readonly devices: StartedDevice[];
  /** A bus other than 0 is in use. */
  hasFurtherBus: boolean;
  hasLpc: boolean;
  hasFramebuffer: boolean;
  hasXhci: boolean;
  /** What holds stdin and stdout: `com1`, `mmio uart`, … */
  stdioHolder: string | undefined;
}

/** The device whose turn it is. */
export interface StartingDevice extends StartedDevice {
  readonly node: ConfigNode;
  /** As messages name it: `virtio-blk@pci.0.4.0`. */
  readonly name: string;
}

/** @returns false where the device refuses to start; bhyve then prints one more line and ends with 4 */
export type DeviceCheck = (device: StartingDevice, context: StartContext) => boolean;

/** Says why on stderr and refuses. */
export function refuse({ output }: StartContext, message: string): false {
  output.stderr.push(message);
  return false;
}

/** Some refusals are on stdout: a slip of bhyve's. */
export function refuseOnStdout({ output }: StartContext, message: string): false {
  output.stdout.push(message);
  return false;
}

/** A place in the boot order; ends bhyve where it is negative or taken. */
export function addBootDevice({ bootDevices, output }: StartContext, name: string, bootindex: number): void {
  if (bootindex < 0) fail(output, exitError, `Invalid bootindex ${bootindex} for ${name}`);
  const holder = bootDevices.get(bootindex);
  if (holder !== undefined) {
    const why = `Bootindex already occupied by ${holder}`;
    fail(output, exitError, `Could not set bootindex ${bootindex} for ${name}. ${why}`);
  }
  bootDevices.set(bootindex, name);
}
