import type { PciAddress } from '../base/pci-address.js';
import type { Place } from '../base/problem.js';
import type { Ephemeral, Platform, Requirement, SecretFile, Variable } from '../devices/device.js';
import type { Topology } from '../fields/cpu.js';
import type { Policy } from '../fields/policy.js';

/** A PCI device with its address: one of the spec's devices, or one that the machine brings (bridges, VNC). */
export interface PlannedDevice {
  readonly address: PciAddress;
  readonly model: string;
  /** The user's name for it, where the spec gives one. */
  readonly id?: string;
  /** What tells it from others of its model: a path, an interface. */
  readonly label?: string;
  /** Absolute settings, `pci.0.4.0.path` and so on, `device` included; empty where only the words are known. */
  readonly variables: readonly Variable[];
  /** What `variables` and `words` say in full: a path as bhyve is told it, and as the file of the device is opened. */
  readonly shortPaths?: ReadonlyMap<string, string>;
  /** After the slot in `-s`: the model, then what its reader takes. Undefined: only `-o` can say it. */
  readonly words: readonly string[] | undefined;
}

/** A requirement of one machine, with the words and the place to report it by. */
export interface MachineRequirement {
  readonly need: Requirement;
  /** JSON Pointer of the device in the effective spec; `''`: the machine itself. `need.pointer` is relative to it. */
  readonly owner: string;
  readonly subject: string;
  readonly place?: Place;
  /** The spec says `fix: true`: fix the host without asking. */
  readonly mayFix: boolean;
}

/** The private file that bhyve reads with -k: settings that must not be on a command line. Mode 0600. */
export interface PrivateConfig {
  readonly path: string;
  readonly content: string;
  /** Settings whose value another file holds; each is added to the content when bhyve starts. */
  readonly fromFiles: readonly { readonly key: string; readonly file: SecretFile }[];
}

/** A program that puts the guest's kernel into memory, run before bhyve at each boot: bhyveload(8), grub-bhyve(8). */
export interface Loader {
  readonly kind: 'bhyveload' | 'grub-bhyve';
  /** The program first, the VM's name last. */
  readonly argv: readonly string[];
  /** For its standard input; absent: the terminal where `usesStdio`, the console where `servesConsole`, else nothing. */
  readonly input?: string;
  /** What it reads, made in the run directory before it starts. */
  readonly files: readonly { readonly path: string; readonly content: string }[];
  readonly timeoutMs: number;
  /** Standard input and output are its console: those of this process. */
  readonly usesStdio: boolean;
  /** They are its console, which vmrun serves. */
  readonly servesConsole: boolean;
}

/** All that is to be known to boot one target: data, made by a calculation from the spec. */
export interface Machine extends Platform {
  readonly name: string;
  readonly target: string;
  /**
   * What its user can look at: the fields that the spec gives this target (`loader`, `loader.args`), and `--` where
   * there are words from the command line.
   */
  readonly named: readonly string[];
  /** In the order of the command: bridges, the spec's devices, then what `graphic` brings. */
  readonly devices: readonly PlannedDevice[];
  readonly cpus: Topology;
  readonly memoryBytes: number;
  readonly isWired: boolean;
  /** The device that guest memory is wired for, where the spec does not ask for it. */
  readonly wiredFor?: string;
  /** Every setting of bhyve that this machine makes, `raw` devices and extra options excepted. The truth. */
  readonly variables: readonly Variable[];
  /** bhyve's arguments, argv[0] excluded; the name is the last. */
  readonly argv: readonly string[];
  readonly privateConfig?: PrivateConfig;
  readonly loader?: Loader;
  /** Somebody else has loaded the VM, which therefore exists before bhyve starts. */
  readonly isLoadedByOthers: boolean;
  /** bhyve restarts the guest by itself, in a child: the one to signal. */
  readonly isMonitored: boolean;
  readonly requirements: readonly MachineRequirement[];
  readonly ephemerals: readonly Ephemeral[];
  /** Standard input and output of this process are a guest console. */
  readonly usesStdio: boolean;
  /** bhyve's standard input and output are a guest console that vmrun serves: `"com1": "console"`. */
  readonly servesConsole: boolean;
  readonly policy: Policy;
}
