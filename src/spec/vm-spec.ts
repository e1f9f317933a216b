import type { Arch, Release } from '../devices/device.js';
import type { FrameBuffer } from '../devices/fbuf.js';

/**
 * Why one life of bhyve ended, as the spec's `reboot_on` and `next_target` name it: bhyve(8), EXIT STATUS. The first
 * five are the statuses 0 to 4, in order.
 */
export const exitReasons = ['reboot', 'power_off', 'halt', 'triple_fault', 'error', 'suspend', 'signal'] as const;
/** Why one life of bhyve ended, in the words of the spec. */
/** One of them. */
export type ExitReason = (typeof exitReasons)[number];

/** Reboots that follow too quickly. Times in milliseconds. */
export interface RestartPolicy {
  /** At most this many reboots within the window; undefined: no limit. */
  readonly max: number | undefined;
  readonly windowMs: number;
  /** Pause before a reboot that follows a short life; doubles with each, up to the most. */
  readonly delayMs: number;
  readonly maxDelayMs: number;
  /** A boot that lived this long is a stable run, and a shorter one a short life; above 0. */
  readonly stableMs: number;
}

/** What `on_give_up` says where no target is to be booted; a target of that name cannot be meant there. */
export const stopWord = 'stop';

/** The user's programs: what each is run for, in the order of a run. */
export const hookFields = ['pre_start', 'post_start', 'pre_reboot', 'post_stop'] as const;
export type HookField = (typeof hookFields)[number];

export interface CommonDevice {
  readonly device: string;
  readonly id?: string;
  readonly slot?: string | number;
  readonly fix?: boolean;
}

export interface Graphic extends FrameBuffer {
  readonly slot?: string | number;
  readonly xhci_table: boolean;
}

/** A program that loads a guest without a boot ROM. */
export interface LoaderSpec {
  readonly kind: 'bhyveload' | 'grub-bhyve';
  readonly args?: string | readonly string[];
  /** bhyveload: what to load from. Default: the guest's first disk. */
  readonly disk?: string | readonly string[];
  /** bhyveload: variables of the loader. */
  readonly env?: Readonly<Record<string, string>>;
  /** grub-bhyve: the device that holds /boot/grub/grub.cfg. */
  readonly root?: string;
  /** grub-bhyve: a file, or images by drive. Default: the guest's disks and CDs. */
  readonly device_map?: string | Readonly<Record<string, string>>;
  /** grub-bhyve: what to type at its prompt. */
  readonly commands?: string | readonly string[];
}

/** A duration as the spec writes it: seconds, or text with a unit. */
export type Duration = number | string;

/**
 * The spec of one target: the base merged with the target, tolerances and defaults applied. Keys are those of the
 * file.
 */
export interface VmSpec {
  readonly name: string;
  readonly arch?: Arch;
  readonly release?: Release;
  readonly cpu: number | { readonly sockets: number; readonly cores: number; readonly threads: number };
  /** Host CPUs by vCPU. */
  readonly cpu_pin?: Readonly<Record<string, string>>;
  readonly mem: string | number;
  readonly numa?: readonly {
    readonly id?: number;
    readonly mem: string | number;
    readonly cpus: string;
    readonly policy?: string;
  }[];
  /** Default: the firmware of the architecture. */
  readonly bootrom?: string;
  readonly varfile?: string;
  readonly loader?: 'none' | LoaderSpec;
  readonly loader_timeout: Duration;
  readonly monitor: boolean;
  readonly emulations: readonly CommonDevice[];
  readonly hostbridge: 'hostbridge' | 'amd_hostbridge' | 'none';
  readonly lpc_slot?: string | number;
  readonly tpm?: { readonly type: 'passthru' | 'swtpm'; readonly path: string; readonly version: string };
  readonly fwcfg?: 'bhyve' | 'qemu';
  readonly fw_cfg_files?: readonly { readonly name: string; readonly string?: string; readonly file?: string }[];
  readonly com1?: string;
  readonly com2?: string;
  readonly com3?: string;
  readonly com4?: string;
  readonly gdb?: string | number | { readonly address?: string; readonly port: number; readonly wait?: boolean };
  readonly uuid?: string;
  readonly graphic?: Graphic;
  readonly utc_clock: boolean;
  readonly yield_on_hlt: boolean;
  readonly generate_acpi: boolean;
  /** Absent: as the devices need it. */
  readonly wire_guest_mem?: boolean;
  readonly force_msi: boolean;
  readonly disable_mptable_gen: boolean;
  readonly power_off_destroy_vm: boolean;
  readonly yield_on_pause: boolean;
  readonly x2apic: boolean;
  readonly strict_io: boolean;
  readonly ignore_unknown_msrs: boolean;
  readonly guest_mem_in_core: boolean;
  readonly keyboard?: string;
  readonly smbios?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  readonly extra_options?: string | readonly string[];
  readonly next_target?: string | Readonly<Partial<Record<ExitReason, string>>>;
  readonly reboot_on: readonly (ExitReason | number)[];
  readonly restart: {
    readonly max?: number;
    readonly window: Duration;
    readonly delay: Duration;
    readonly max_delay: Duration;
    readonly stable: Duration;
  };
  /** A target, or `stop`. */
  readonly on_give_up: string;
  readonly stop_timeout: Duration;
  readonly hooks: Readonly<Partial<Record<HookField, string | readonly string[]>>> & { readonly timeout: Duration };
  readonly post_start_script?: string;
}
