import type { Platform } from '../../base/platform.js';
import type { SpecObject, SpecValue } from '../../base/spec-value.js';
import type { Requirement } from '../../devices/device.js';
import type { Connection } from '../../devices/readers/reader.js';
import type { Topology } from '../cpu.js';

/** What the guest reads by the firmware's own interface: `-f`, which leaves no trace among the variables. */
export interface FirmwareItem {
  readonly name: string;
  readonly string?: string;
  readonly file?: string;
}

/** A configuration as bhyve has it, for a field to find itself in. What bhyve makes of values is handed in. */
export interface Configured {
  readonly platform: Platform;
  /** As bhyve reads them: references expanded. */
  readonly variables: ReadonlyMap<string, string>;
  readonly items: readonly FirmwareItem[];
  /** The models of the devices that the spec has. */
  readonly models: ReadonlySet<string>;
  /** Undefined: bhyve would refuse it. */
  readonly topology: Topology | undefined;
  readonly memoryBytes: bigint | undefined;
  /** The NUMA domains that bhyve looks at, in order. */
  readonly domains: readonly ReadonlyMap<string, string>[];
  /** Undefined: bhyve would refuse it. */
  readonly readBoolean: (text: string) => boolean | undefined;
  readonly readSize: (text: string) => bigint | undefined;
  /** What a boolean is where nobody sets it. */
  readonly whenUnset: (key: string) => boolean | undefined;
}

/** What a root field says, and the variables that it says it for. No value: the field's default says it. */
interface FieldReading {
  readonly value?: SpecValue;
  readonly variables: readonly string[];
}

/** How a root field is told from a configuration; undefined: it cannot say what is there. */
export type ReadField = (configured: Configured) => FieldReading | undefined;

export type { Connection, SpecObject, SpecValue };

/** What the root fields of a machine have come to, for pictures of it. */
interface Connected {
  /** What bhyve is told, by key; secrets are not among them. */
  readonly variables: ReadonlyMap<string, string>;
  readonly needs: readonly Requirement[];
  /** vmrun serves what bhyve has for its standard input and output. */
  readonly servesConsole: boolean;
  /** The program that loads the guest, by its name. */
  readonly loader: string | undefined;
  readonly isLoadedByOthers: boolean;
}

/** What a root field, or a family of them, connects the machine to. */
export type FieldConnections = (connected: Connected) => readonly Connection[];

export const present = ({ variables }: Configured, keys: readonly string[]): readonly string[] =>
  keys.filter((key) => variables.has(key));

/** A field that has one variable's text. */
export const plain =
  (variable: string): ReadField =>
  ({ variables }) => {
    const value = variables.get(variable);
    return value === undefined ? undefined : { value, variables: [variable] };
  };
