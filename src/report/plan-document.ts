import { formatAddress } from '../base/pci-address.js';
import type { Problem } from '../base/problem.js';
import type { Arch, Release } from '../devices/device.js';
import type { ExplainedArgument } from '../machine/explain.js';
import type { GuestChange } from '../machine/guest-changes.js';
import type { GuestNames } from '../machine/guest-names.js';
import type { ExitReason } from '../fields/exits.js';
import type { PlanReport, PlannedBoot, TargetPlan } from './plan-report.js';

/** A device in the JSON of `vmrun plan`. What is absent there is not: a `serial` only of a disk, and so on. */
export interface DeviceDocument {
  /** `bus:slot:function`. */
  readonly slot: string;
  /** bhyve's name for it. */
  readonly model: string;
  /** Its name in the spec. */
  readonly id?: string;
  /** What tells it from others of its model: a path, an interface. */
  readonly backend?: string;
  /** Of a network card. */
  readonly mac?: string;
  /** Serial number of a disk. */
  readonly serial?: string;
  /** Of a controller with several drives, by image. */
  readonly serials?: Readonly<Record<string, string>>;
  /** What Linux and FreeBSD call the card, or the drives in order, where that can be known. */
  readonly names?: GuestNames;
}

/** A target in the JSON of `vmrun plan`. */
export interface TargetDocument {
  /** Its name. */
  readonly target: string;
  /** The FreeBSD whose bhyve the command is for. */
  readonly release: Release;
  readonly arch: Arch;
  /** Absent: bhyve makes one of the names of host and VM. */
  readonly uuid?: string;
  /** In the order of the slots. */
  readonly devices: readonly DeviceDocument[];
  /** bhyve's whole command. */
  readonly command: readonly string[];
  /** The command that is run before it, where there is a loader. */
  readonly loader?: readonly string[];
  /** With `--explain`: the command in pieces, each with where it comes from; without the words that start bhyve. */
  readonly explained?: readonly ExplainedArgument[];
}

/** A step of the boot sequence in the JSON of `vmrun plan`. */
export interface BootDocument {
  /** The target that is booted. */
  readonly target: string;
  /** The next boot's target by the reason of the end; a reason that is absent ends the run. */
  readonly next: Readonly<Partial<Record<ExitReason, string>>>;
  /** Reboots that are too many within a time; absent: there is no limit. */
  readonly limit?: {
    /** So many may follow within the time; 0: none ever. */
    readonly max: number;
    readonly windowMs: number;
    /** The target that is booted then; absent: the run ends. */
    readonly target?: string;
  };
}

/** What `vmrun plan --json` prints: one object. Keys may be added to it, none changes its meaning. */
export interface PlanDocument {
  /** Of the VM. */
  readonly name: string;
  /** The file of the spec. */
  readonly source: string;
  readonly targets: readonly TargetDocument[];
  /** The targets that a run can come to from these, in the order in which it may. */
  readonly boots: readonly BootDocument[];
  /** Of the spec, which is good nevertheless. */
  readonly warnings: readonly Problem[];
  /** Null: there is no lock file, or it is not to be used. */
  readonly lock: null | {
    readonly file: string;
    /** What the guest would find changed from what is locked. */
    readonly changes: readonly GuestChange[];
    /** What it would find changed if there were no lock file. */
    readonly held: readonly GuestChange[];
    /** What of the changes concerns the guest most, and entries of the file that may be of another device. */
    readonly warnings: readonly Problem[];
  };
}

/** A plan for programs. */
export const planDocument = ({ name, source, targets, boots, warnings, lock }: PlanReport): PlanDocument => ({
  name,
  source,
  targets: targets.map(targetDocument),
  boots: boots.map(bootDocument),
  warnings,
  lock:
    lock === undefined ? null : { file: lock.file, changes: lock.changes, held: lock.held, warnings: lock.warnings },
});

function targetDocument({ machine, guest, program, loader, explained }: TargetPlan): TargetDocument {
  const { target, release, arch, argv } = machine;
  const labels = new Map(machine.devices.map(({ address, label }) => [formatAddress(address), label]));
  return {
    target,
    release,
    arch,
    ...(guest.uuid === undefined ? {} : { uuid: guest.uuid }),
    devices: guest.devices.map(({ address, model, id, mac, serial, serials, names }): DeviceDocument => {
      const slot = formatAddress(address);
      const backend = labels.get(slot);
      return {
        slot,
        model,
        ...(id === undefined ? {} : { id }),
        ...(backend === undefined ? {} : { backend }),
        ...(mac === undefined ? {} : { mac }),
        ...(serial === undefined ? {} : { serial }),
        ...(serials === undefined ? {} : { serials }),
        ...(names === undefined ? {} : { names }),
      };
    }),
    command: [...program, ...argv],
    ...(loader === undefined ? {} : { loader }),
    ...(explained === undefined ? {} : { explained }),
  };
}

function bootDocument({ target, after, giveUp }: PlannedBoot): BootDocument {
  const next = Object.fromEntries(after);
  if (giveUp === undefined) return { target, next };
  const { max, windowMs, to } = giveUp;
  return { target, next, limit: { max, windowMs, ...(to === undefined ? {} : { target: to }) } };
}
