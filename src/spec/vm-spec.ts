import type { Arch, Release } from '../devices/device.js';
import type { FrameBuffer } from '../devices/fbuf.js';

/** Why one life of bhyve ended, as the spec's `reboot_on` and `next_target` name it: bhyve(8), EXIT STATUS. */
export const rebootReasons = ['reboot', 'power_off', 'halt', 'triple_fault', 'error'] as const;
export type RebootReason = (typeof rebootReasons)[number];

/** Reboots that follow too quickly. Times in milliseconds. */
export interface RestartPolicy {
  /** At most this many reboots within the window; undefined: no limit. */
  readonly max: number | undefined;
  readonly windowMs: number;
  /** Pause before a reboot that follows a short life; doubles with each, up to the most. */
  readonly delayMs: number;
  readonly maxDelayMs: number;
}

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
  readonly next_target?: string | Readonly<Partial<Record<RebootReason, string>>>;
  readonly reboot_on: readonly (RebootReason | number)[];
  readonly restart: {
    readonly max?: number;
    readonly window: Duration;
    readonly delay: Duration;
    readonly max_delay: Duration;
  };
  readonly stop_timeout: Duration;
  readonly hooks?: { readonly post_start?: string | readonly string[] };
  readonly post_start_script?: string;
}
