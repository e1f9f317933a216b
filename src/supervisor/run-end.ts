import { formatDuration } from '../base/duration.js';
import { unreachable } from '../base/unreachable.js';
import type { ProcessEnd } from '../host/child.js';
import type { Loader } from '../machine/machine.js';
import type { RebootReason } from '../spec/vm-spec.js';

/** How one run of bhyve ended: bhyve(8), EXIT STATUS. */
export type RunEnd =
  | { readonly kind: 'rebooted' } // 0: not "success", the guest asked to start again
  | { readonly kind: 'powered-off' } // 1
  | { readonly kind: 'halted' } // 2
  | { readonly kind: 'triple-fault' } // 3, amd64 only
  | { readonly kind: 'suspended' } // 5, release 16
  /** 4, a status that the man page does not list, or a 1 that was no power-off. */
  | { readonly kind: 'failed'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: NodeJS.Signals }
  /** There was nothing to run: the loader failed, and bhyve was not started. */
  | { readonly kind: 'not-loaded'; readonly program: Loader['kind']; readonly how: LoadFailure };

/** How a loader ended that did not put the guest into memory. */
export type LoadFailure =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'signalled'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'timed-out'; readonly timeoutMs: number }
  | { readonly kind: 'not-started'; readonly error: string };

/** What bhyve says where its 1 is no power-off: a command line that it does not take, a GDB stub without its port. */
const failureWithStatus1 = /^(?:Usage: bhyve|bhyve: gdb (?:address|socket) )/m;

/** Reads what an exit means. The status alone misleads: bhyve's 1 is a power-off, or one of two failures. */
export function readEnd(end: ProcessEnd, stderrTail: string): RunEnd {
  if (end.kind === 'signalled') return { kind: 'killed', signal: end.signal };
  switch (end.status) {
    case 0:
      return { kind: 'rebooted' };
    case 1:
      return failureWithStatus1.test(stderrTail) ? { kind: 'failed', status: 1 } : { kind: 'powered-off' };
    case 2:
      return { kind: 'halted' };
    case 3:
      return { kind: 'triple-fault' };
    case 5:
      return { kind: 'suspended' };
    default:
      return { kind: 'failed', status: end.status };
  }
}

/** The spec's word for an end, by which `reboot_on` and `next_target` know it; undefined: never followed by a boot. */
export function reasonOf(end: RunEnd): RebootReason | undefined {
  switch (end.kind) {
    case 'rebooted':
      return 'reboot';
    case 'powered-off':
      return 'power_off';
    case 'halted':
      return 'halt';
    case 'triple-fault':
      return 'triple_fault';
    case 'failed':
    case 'not-loaded':
      return 'error';
    case 'suspended':
    case 'killed':
      return undefined;
    default:
      return unreachable(end);
  }
}

/** bhyve's exit status for an end, or what it would be; undefined where a signal ended it. */
export function statusOf(end: RunEnd): number | undefined {
  switch (end.kind) {
    case 'rebooted':
      return 0;
    case 'powered-off':
      return 1;
    case 'halted':
      return 2;
    case 'triple-fault':
      return 3;
    case 'suspended':
      return 5;
    case 'failed':
      return end.status;
    case 'not-loaded':
      return 4;
    case 'killed':
      return undefined;
    default:
      return unreachable(end);
  }
}

/** For people: what the guest or bhyve did. */
export function describeEnd(end: RunEnd): string {
  switch (end.kind) {
    case 'rebooted':
      return 'rebooted';
    case 'powered-off':
      return 'powered off';
    case 'halted':
      return 'halted';
    case 'triple-fault':
      return 'had a triple fault';
    case 'suspended':
      return 'was suspended';
    case 'failed':
      return `failed with status ${end.status}`;
    case 'killed':
      return `was killed by ${end.signal}`;
    case 'not-loaded':
      return `was not loaded: ${end.program} ${describeLoadFailure(end.how)}`;
    default:
      return unreachable(end);
  }
}

/** The same of a loader. */
export function describeLoadFailure(how: LoadFailure): string {
  switch (how.kind) {
    case 'exited':
      return `failed with status ${how.status}`;
    case 'signalled':
      return `was killed by ${how.signal}`;
    case 'timed-out':
      return `did not finish within ${formatDuration(how.timeoutMs)}`;
    case 'not-started':
      return 'could not be started';
    default:
      return unreachable(how);
  }
}
