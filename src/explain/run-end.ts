import { formatDuration } from '../base/duration.js';
import { unreachable } from '../base/unreachable.js';
import type { ProcessEnd } from '../host/process/child.js';
import type { HookEnd } from '../host/process/hook.js';
import type { Loader } from '../machine/machine.js';
import type { ExitReason } from '../fields/exits.js';

/** How one run of bhyve ended: bhyve(8), EXIT STATUS. */
export type RunEnd =
  | { readonly kind: 'rebooted' } // 0: not "success", the guest asked to start again
  | { readonly kind: 'powered-off' } // 1
  | { readonly kind: 'halted' } // 2
  | { readonly kind: 'triple-fault' } // 3, amd64 only
  | { readonly kind: 'suspended' } // 5; 0 up to release 15
  /** 4, a status that the man page does not list, or a 0 or 1 of a bhyve that ran no guest. */
  | { readonly kind: 'failed'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: NodeJS.Signals }
  /** The shell that waited for bhyve was killed, and the system tells its status to nobody else. */
  | { readonly kind: 'unknown' }
  /** The hook pre_start failed, and bhyve was not started. */
  | { readonly kind: 'not-prepared'; readonly how: HookEnd }
  /** There was nothing to run: the loader failed, and bhyve was not started. */
  | { readonly kind: 'not-loaded'; readonly program: Loader['kind']; readonly how: LoadFailure };

/** How a loader ended that did not put the guest into memory. */
export type LoadFailure =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'signalled'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'timed-out'; readonly timeoutMs: number }
  | { readonly kind: 'not-started'; readonly error: string }
  /** The shell that waited for it was killed. */
  | { readonly kind: 'unknown' };

/** What else is known of an exit. */
interface EndFacts {
  /**
   * `/dev/vmm/NAME` was gone when bhyve ended, before anybody had removed it. Leave it out where that tells nothing: on
   * a system without /dev/vmm, with `monitor`, and from release 16 on, where a suspend has a status of its own.
   */
  readonly isVmGone?: boolean;
}

/** bhyve prints how it is to be called, and ends with 1; with -h, 0. It has run nothing. */
const usage = /^Usage: \S+ \[-/m;

/**
 * The last words of a bhyve whose 1 is no power-off, from its sources:
 * gdb.c, the debug server has no address, no socket or no connection;
 * bhyverun.c up to release 15, in builds with snapshots: a state that cannot be restored;
 * tpm_emul_swtpm.c: the TPM of the guest has died;
 * bhyverun.c, config.dump: the configuration was asked for, no guest (seen only where stdout is read too).
 */
const failuresWithStatus1 = [
  /^\S+: (?:Failed .*)?gdb (?:address|socket|mutex|cv|connection)\b/im,
  /^Failed to (?:read checkpoint info from file|(?:pause|restore|resume) (?:PCI device state|VM memory|kernel structs))/m,
  /^Invalid guest vCPUs \(/m,
  /^config\.dump=/m,
  /^\S+: tpm_swtpm_execute_cmd: (?:cmd send|rsp recv) failed/m,
];

/**
 * aarch64/bhyverun_machdep.c: the boot ROM cannot be read. It is the very last line: a device that goes on without one
 * of its files may say the same.
 */
const lastWordsWithStatus1 = /^\S+: (?:open|fstat|mmap|munmap)\(.*\): /;

const hasFailedWithStatus1 = (stderrTail: string): boolean =>
  failuresWithStatus1.some((words) => words.test(stderrTail)) ||
  lastWordsWithStatus1.test(stderrTail.split('\n').findLast((line) => line.trim() !== '') ?? '');

/**
 * Reads what an exit means. The status alone misleads: bhyve's 1 is a power-off, or a start that failed; its 0 is a
 * reset of the guest, or, up to release 15, a suspend. After a suspend bhyve itself destroys the VM (snapshot.c); after
 * a reset it leaves it for the next bhyve.
 * @param stderrTail the last of what bhyve wrote
 */
export function readEnd(end: ProcessEnd, stderrTail: string, { isVmGone = false }: EndFacts = {}): RunEnd {
  if (end.kind === 'signalled') return { kind: 'killed', signal: end.signal };
  const hasRun = !usage.test(stderrTail);
  switch (end.status) {
    case 0:
      if (!hasRun) return { kind: 'failed', status: 0 };
      return isVmGone ? { kind: 'suspended' } : { kind: 'rebooted' };
    case 1:
      return hasRun && !hasFailedWithStatus1(stderrTail) ? { kind: 'powered-off' } : { kind: 'failed', status: 1 };
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

/** An end that is no doing of the guest, nor of a stop that was asked for. */
export function isUnexpected({ kind }: RunEnd, isStopping: boolean): boolean {
  return kind === 'failed' || kind === 'triple-fault' || ((kind === 'killed' || kind === 'unknown') && !isStopping);
}

/** The spec's word for an end, by which `reboot_on` and `next_target` know it; undefined: nobody knows. */
export function reasonOf(end: RunEnd): ExitReason | undefined {
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
    case 'not-prepared':
      return 'error';
    case 'suspended':
      return 'suspend';
    case 'killed':
      return 'signal';
    case 'unknown':
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
    case 'not-prepared':
    case 'unknown':
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
    case 'not-prepared':
      return `was not started: the hook pre_start ${describeHookFailure(end.how)}`;
    case 'unknown':
      return 'came to an unknown end';
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
    case 'unknown':
      return 'ended, and how is not known';
    default:
      return unreachable(how);
  }
}

/** The same of a hook. */
function describeHookFailure(how: HookEnd): string {
  switch (how.kind) {
    case 'exited':
      return `failed with status ${how.status}`;
    case 'signalled':
      return `was killed by ${how.signal}`;
    case 'timed-out':
      return `did not finish within ${formatDuration(how.timeoutMs)}`;
    case 'aborted':
      return 'was stopped';
    case 'not-started':
      return 'could not be started';
    default:
      return unreachable(how);
  }
}
