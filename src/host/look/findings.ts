import type { PciAddress } from '../../base/pci-address.js';
import type { Place, Problem } from '../../base/problem.js';
import { quoteCommand } from '../../base/shell.js';
import { listWords } from '../../base/text.js';
import { unreachable } from '../../base/unreachable.js';
import type { Need, Requirement } from '../../devices/device.js';
import type { MachineRequirement } from '../../machine/machine.js';

/** A change to the host that can be taken back. Plain data: it is written to a ledger and read by a later run. */
export type Undo =
  | { readonly kind: 'destroy-interface'; readonly name: string }
  | { readonly kind: 'remove-member'; readonly bridge: string; readonly member: string }
  /** `formerDriver` without its unit, `em`; absent where the card had no driver. */
  | { readonly kind: 'release-card'; readonly address: PciAddress; readonly formerDriver?: string };

/** What fixes the host. */
export type HostAction =
  | { readonly kind: 'run'; readonly argv: readonly string[] }
  /** Device and inode, in decimal, of the socket that was looked at: another one is left alone. */
  | { readonly kind: 'remove-socket'; readonly path: string; readonly device: string; readonly inode: string }
  /** Only where there is no such file yet. */
  | { readonly kind: 'copy-file'; readonly from: string; readonly to: string };

/** How a finding can be fixed, and how that is taken back after the run. */
export interface HostFix {
  readonly action: HostAction;
  /** Absent where the change is harmless and stays: a loaded module, a dead socket gone; or the VM's own: a file. */
  readonly undo?: Undo;
  /** Of the finding it came with. */
  readonly subject: string;
  readonly place?: Place;
}

/** One thing that stands between this host and the VM. */
export interface HostFinding {
  readonly problem: Problem;
  /** Absent where it concerns no single requirement: a tool that cannot be run. */
  readonly requirement?: MachineRequirement;
  readonly fix?: HostFix;
  /** The spec says that the fix needs no question. */
  readonly mayFix: boolean;
}

/** A machine requirement whose need is of one kind. */
export interface Asked<Kind extends Need['kind']> {
  readonly requirement: MachineRequirement;
  readonly need: Extract<Requirement, { readonly kind: Kind }>;
}

type Asker = Pick<Asked<Need['kind']>, 'requirement'>;

/** What one probe says; `cards` are the host cards it found for passthru devices. */
export interface ProbeAnswer {
  readonly findings: readonly HostFinding[];
  readonly cards?: ReadonlyMap<MachineRequirement, PciAddress>;
}

/** The part of a problem that a probe decides; place and subject are those of the requirement. */
export interface Said {
  readonly code: string;
  readonly severity?: 'error' | 'warning';
  readonly message: string;
  readonly fix: string;
}

/** A finding that people must see to. */
export const finding = ({ requirement }: Asker, said: Said): HostFinding => ({
  problem: problemOf(requirement, said),
  requirement,
  mayFix: false,
});

/** A recorded host that was not asked: nobody knows, so nothing is known to be wrong. */
export const notCaptured = (one: Asker, what: string): HostFinding =>
  finding(one, {
    code: 'not-captured',
    severity: 'warning',
    message: `the captured host says nothing about ${what}`,
    fix: 'capture it with: vmrun facts -c SPEC',
  });

/** A finding that vmrun can see to; the problem's `fix` is the command that does the same. */
export const fixable = ({ requirement }: Asker, said: Omit<Said, 'fix'>, fix: HostFix): HostFinding => ({
  problem: problemOf(requirement, { ...said, fix: commandOf(fix.action) }),
  requirement,
  fix,
  mayFix: requirement.mayFix,
});

export const fixFor = ({ requirement }: Asker, action: HostAction, undo?: Undo): HostFix => ({
  action,
  ...(undo === undefined ? {} : { undo }),
  ...whereabouts(requirement),
});

const problemOf = (requirement: MachineRequirement, { severity = 'error', ...said }: Said): Problem => ({
  ...said,
  severity,
  ...whereabouts(requirement),
});

const whereabouts = ({ subject, place }: MachineRequirement): { readonly subject: string; readonly place?: Place } => ({
  subject,
  ...(place === undefined ? {} : { place }),
});

/** A tool that gave no answer: told once, with what could not be looked at because of it. */
export function toolFinding(error: string, unchecked: readonly string[]): HostFinding {
  const shownOnes = unchecked.length > 4 ? [...unchecked.slice(0, 3), `${unchecked.length - 3} more`] : unchecked;
  return {
    problem: {
      code: 'host-tool',
      severity: 'error',
      message: `${error}; not checked: ${listWords(shownOnes)}`,
      fix: 'run the command by hand to see why; it is part of FreeBSD',
    },
    mayFix: false,
  };
}

/** The command line that does what the action does, for people to run. */
export function commandOf(action: HostAction): string {
  switch (action.kind) {
    case 'run':
      return quoteCommand(action.argv);
    case 'remove-socket':
      return quoteCommand(['rm', action.path]);
    case 'copy-file':
      return quoteCommand(['cp', action.from, action.to]);
    default:
      return unreachable(action);
  }
}

/** How pciconf(8) and devctl(8) write an address of domain 0. */
export const pciSelector = ({ bus, slot, func }: PciAddress): string => `pci0:${bus}:${slot}:${func}`;
