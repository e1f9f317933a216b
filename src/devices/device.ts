import type { Finding } from '../base/problem.js';
import type { PciAddress } from '../base/pci-address.js';
import type { Platform } from '../base/platform.js';
import type { JsonSchema } from './json-schema.js';

export { architectures, releases, type Arch, type Platform, type Release } from '../base/platform.js';

/** One setting of bhyve: bhyve_config(5). The key is relative to the device's node, or absolute in a machine. */
export interface Variable {
  readonly key: string;
  readonly value: string;
  /** Never on a command line or in print: it goes into the private file that bhyve reads with -k. */
  readonly isSecret?: boolean;
  /** bhyve takes the value as it is: a `%` in it is no reference, and nothing may be escaped. */
  readonly isLiteral?: boolean;
  /** The value is in this file, which is read when bhyve starts; `value` is empty then. */
  readonly secretFile?: SecretFile;
}

/** A secret that a file holds, on a line of its own. */
export interface SecretFile {
  readonly path: string;
  /** What it must be: a regular expression, and the same in words. */
  readonly pattern: string;
  readonly patternErrorMessage: string;
}

export type FileType = 'regular file' | 'block device' | 'character device' | 'directory' | 'socket';

/** An image of a disk or CD, a firmware, or the variables that a firmware keeps. */
type FileUse = 'disk' | 'cd' | 'firmware' | 'variables';

/** A card of this host, as a passthru device names it. */
export type HostCard =
  | { readonly by: 'address'; readonly address: PciAddress }
  | { readonly by: 'name'; readonly name: string }
  /** Ids as 8 hex digits each, upper half the card's, lower half the subsystem's: pciconf(8). */
  | { readonly by: 'ids'; readonly vendor: string; readonly device: string };

/** What a device asks of the host. Data: src/host knows how to look, and how to fix it. */
export type Need =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly types: readonly FileType[];
      readonly access: 'read' | 'write';
      /** What is to be in it; absent: anything. */
      readonly use?: FileUse;
      /** Of a disk: the length must be a multiple. */
      readonly sectorBytes?: number;
      /** Of the variables of a firmware: that firmware. */
      readonly firmware?: string;
      /** Where the file is missing, a copy of this one will do. */
      readonly template?: string;
      /** Where the file is missing: the package that brings it. */
      readonly package?: string;
      /** The spec does not name it: the field that would name another. */
      readonly defaultOf?: string;
    }
  | {
      readonly kind: 'interface';
      readonly name: string;
      readonly type: 'tap' | 'vmnet';
      /** The bridge that it is to be a member of. */
      readonly bridge?: string;
      /** Largest packet in bytes that the guest is told of. */
      readonly mtu?: number;
    }
  /** Nothing may stand at this path: bhyve binds a UNIX socket there, in an existing folder. */
  | { readonly kind: 'free-socket'; readonly path: string }
  | { readonly kind: 'host-card'; readonly card: HostCard }
  | { readonly kind: 'module'; readonly name: string; readonly why: string }
  | { readonly kind: 'tcp-port'; readonly host: string; readonly port: number; readonly use: string }
  | { readonly kind: 'memory'; readonly bytes: number; readonly isWired: boolean }
  /** `highestPin` is the highest host CPU that one of them is pinned to. */
  | { readonly kind: 'vcpus'; readonly count: number; readonly highestPin?: number }
  /** A CPU and a kernel that run guests; `isFirmware`: one that begins in real mode, as a PC does. */
  | { readonly kind: 'virtualization'; readonly arch: Platform['arch']; readonly isFirmware: boolean }
  /** Host cards are passed through. */
  | { readonly kind: 'iommu' }
  /** A program that vmrun is to run: a name that is looked for in PATH, or a path. */
  | {
      readonly kind: 'program';
      readonly program: string;
      /** Who runs it: `hook pre_start`. */
      readonly use: string;
      /** No boot without it. */
      readonly isVital: boolean;
      /** It goes with bhyve: a system without bhyve is not asked for it. */
      readonly isOfBhyve?: true;
      /** What to do where it is missing. */
      readonly whenMissing?: string;
    }
  /** Free bytes on the file system of a path that may not be there yet. */
  | { readonly kind: 'space'; readonly path: string; readonly bytes: number }
  /** The right to make a VM; bhyve's monitor mode needs less of it. */
  | { readonly kind: 'privilege'; readonly isMonitored: boolean };

/** A need and the field that brings it: a JSON Pointer relative to the device. */
export type Requirement = Need & { readonly pointer: string };

/** A place in the firmware's boot order: unique in a VM. */
export interface BootPlace {
  readonly pointer: string;
  readonly bootindex: number;
}

/** What bhyve leaves on the host and vmrun removes. */
export interface Ephemeral {
  readonly kind: 'socket';
  readonly path: string;
}

/** A disk or CD of the guest, as a loader sees it. */
export interface Medium {
  readonly type: 'hd' | 'cd';
  readonly path: string;
}

/** What bhyve makes up an address or a serial number from. */
interface TraitOrigin {
  readonly address: PciAddress;
  /** The VM's. */
  readonly name: string;
  /** MD5 as lower-case hex digits. */
  readonly md5: (bytes: Uint8Array) => string;
}

/** What a guest knows a device by, besides its place on the PCI bus. bhyve makes it up where no field says it. */
export interface Trait {
  readonly kind: 'mac' | 'serial';
  /** The field that says it: a JSON Pointer relative to the device. */
  readonly pointer: string;
  /** The variable of that field, below the device's node. */
  readonly key: string;
  /** As the field says it. */
  readonly said: string | undefined;
  /** The field that holds the path which bhyve makes it of, as the path is on its command line. As `pointer`. */
  readonly madeOf?: string;
  /** Which drive of a controller with several it belongs to: the image. */
  readonly part?: string;
  /** What the guest sees where nobody says it. */
  readonly byDefault: (origin: TraitOrigin) => string;
}

/** What a device may look at besides its own fields. */
export interface DeviceContext extends Platform {
  /** The host card that a passthru device's `lookup` was resolved to; undefined while nobody looked. */
  readonly hostCard?: PciAddress;
}

/**
 * All that vmrun knows of one bhyve device model. Methods are calculations over valid fields (the schema has been
 * checked), so none of them fails.
 */
export interface DeviceModel<Fields extends object> {
  /** The spec's `device`, and bhyve's word after the slot: bhyve(8), `-s`. */
  readonly model: string;
  /** bhyve's `device` variable where it differs from the word. */
  readonly emulation?: string;
  readonly description: string;
  readonly schema: {
    readonly required?: readonly (keyof Fields & string)[];
    readonly properties: { readonly [Field in keyof Fields]-?: JsonSchema };
  };
  /** A typical device, for the schema and the documents. */
  readonly example: Fields;
  /** Its settings are known to its words alone: it has no variables and cannot be said with -o. */
  readonly isOpaque?: true;
  /** Guest memory must be wired. */
  readonly wiresMemory?: true;
  /** bhyve takes one such device per VM. */
  readonly isSingle?: true;
  /** bhyve has it on amd64 only. */
  readonly isAmd64Only?: true;
  /** Linux names it by its place on the PCI bus. */
  readonly isNetworkCard?: true;
  /** FreeBSD's driver of the one card or drive that it is: a FreeBSD guest names what it finds by driver, and counts. */
  readonly driver?: string;
  /** Drivers that may count what is behind it, where its fields are not known or do not say. */
  readonly mayHaveDrivers?: readonly string[];

  /** What people tell one such device from another by: a path, an interface. */
  label?(fields: Fields): string | undefined;
  /** What the schema cannot say; pointers are relative to the device. */
  check?(fields: Fields, context: DeviceContext): readonly Finding[];
  /** The settings below the device's node but `device` itself: the truth. A value is as the guest is to see it. */
  variables(fields: Fields, context: DeviceContext): readonly Variable[];
  /**
   * The same as people write it after `-s slot,model,`, unescaped and without secrets. Undefined where bhyve's reader
   * of this model would take a value for something else; values that hold a comma or a `%` are seen to elsewhere.
   */
  words(fields: Fields, context: DeviceContext): readonly string[] | undefined;
  /** What a lock file keeps of it, besides its slot. */
  traits?(fields: Fields): readonly Trait[];
  /** FreeBSD's drivers of its drives, in order; absent: it has at most one, that of `driver`. */
  drivers?(fields: Fields): readonly string[];
  /** Its places in the boot order; absent: its field `bootindex`, if it has one. Pointers are relative to the device. */
  bootOrder?(fields: Fields): readonly BootPlace[];
  requirements?(fields: Fields, context: DeviceContext): readonly Requirement[];
  ephemerals?(fields: Fields): readonly Ephemeral[];
  /** The images that a loader may read the guest's kernel from, in order. */
  media?(fields: Fields): readonly Medium[];
  /** What its serial port is connected to, as for com1; two ports of a VM cannot share one. */
  serialBackend?(fields: Fields): string;
}

/** Any model, over whatever fields its schema let through. */
export interface AnyDeviceModel extends Omit<DeviceModel<object>, 'schema'> {
  readonly schema: {
    readonly required?: readonly string[];
    readonly properties: Readonly<Record<string, JsonSchema>>;
  };
}

/** Checks a model's types against its fields; the registry holds models of all kinds. */
export const defineDevice = <Fields extends object>(model: DeviceModel<Fields>): DeviceModel<Fields> => model;

/** A regular file that somebody names, opened as bhyve or its loader will open it. */
export const regularFile = (
  path: string,
  pointer: string,
  access: 'read' | 'write' = 'read',
): Extract<Requirement, { readonly kind: 'file' }> => ({
  kind: 'file',
  path,
  types: ['regular file'],
  access,
  pointer,
});

/** `key=value` where there is a value. */
export const optional = (key: string, value: string | number | undefined): readonly Variable[] =>
  value === undefined ? [] : [{ key, value: String(value) }];

/** `key=true` where the flag is set. */
export const whenSet = (key: string, value: boolean | undefined): readonly Variable[] =>
  value === true ? [{ key, value: 'true' }] : [];

/** The words of bhyve's generic reader: a lone word for a flag that is true, `key=value` for the rest. */
export const asWords = (variables: readonly Variable[]): readonly string[] =>
  variables
    .filter(({ isSecret }) => isSecret !== true)
    .map(({ key, value }) => (value === 'true' ? key : `${key}=${value}`));
