import { readBoundedText } from '../../base/bounded-file.js';
import type { ProcessIdentity } from '../process/process-identity.js';

/** What a run is doing. */
export const phases = ['starting', 'loading', 'running', 'paused', 'stopping', 'waiting', 'ending'] as const;
/**
 * `starting`: looks at the host, runs pre_start. `loading`: a loader runs. `running`: bhyve does. `stopping`: it was
 * asked to end. `waiting`: the pause before the next boot. `ending`: cleans up.
 */
export type Phase = (typeof phases)[number];

export const forces = ['power-off', 'kill'] as const;
/** How a guest is ended that has not powered off in time: bhyvectl(8) `--force-poweroff`, or SIGKILL to bhyve. */
export type Force = (typeof forces)[number];

/** A file by what the kernel calls it; numbers as text, since JSON has none of 64 bits. */
export interface FileIdentity {
  readonly path: string;
  readonly device: string;
  readonly inode: string;
}

/** How the last boot ended, for people. */
export interface LastEnd {
  readonly boot: number;
  /** ISO 8601. */
  readonly at: string;
  /** As in the events. */
  readonly end: string;
  readonly reason?: string;
  readonly why?: { readonly cause: string; readonly evidence: readonly string[]; readonly next: string };
}

/** What `restart` of the spec allows, and what of it is used up. Whoever reads it knows what is left at that moment. */
export interface RestartBudget {
  /** So many reboots within the window, and the run is given up. */
  readonly max: number;
  readonly windowMs: number;
  /** A boot that has lived so long has all of `max` before it again. */
  readonly stableMs: number;
  /** When each reboot was decided that counts, oldest first; ISO 8601. */
  readonly reboots: readonly string[];
}

/** What a run tells about itself in `state.json`, for the next one, for other programs and for people. */
export interface RunState {
  readonly version: 1;
  /** Of the VM. */
  readonly name: string;
  /** Pid of the process that supervises. */
  readonly supervisor: number;
  /** Start of the run, ISO 8601. */
  readonly since: string;
  /** Socket of the manager that runs it among others. */
  readonly managedBy?: string;
  /** What the run is doing. */
  readonly phase?: Phase;
  /** Of the boot. */
  readonly target?: string;
  /** Counts from 1. */
  readonly boot?: number;
  /** Start of the boot, ISO 8601. */
  readonly bootSince?: string;
  /** While it waits for the next boot: when that comes, at the earliest; ISO 8601. */
  readonly nextBootAt?: string;
  /** While it is asked to power off: until when the guest has time; ISO 8601. */
  readonly guestUntil?: string;
  /** The running bhyve. */
  readonly bhyve?: ProcessIdentity;
  /** The loader that runs before it. */
  readonly loader?: ProcessIdentity;
  /** The guest runs in a child of bhyve, which is the one to signal. */
  readonly isMonitored?: true;
  /** The guest has not powered off in time, and this is done to end it. */
  readonly forced?: Force;
  /** How long the guest has to power off. */
  readonly stopTimeoutMs?: number;
  /** Where bhyve makes sockets, and those that were there before it. */
  readonly sockets?: { readonly paths: readonly string[]; readonly before: readonly FileIdentity[] };
  /** Absent where the spec sets no limit, or one beyond 1000. */
  readonly restart?: RestartBudget;
  /** The end of the boot before. */
  readonly last?: LastEnd;
  /** What does not work beside the VM, and why: the log, the state file itself. */
  readonly degraded?: Readonly<Record<string, string>>;
}

type Fixed = 'version' | 'name' | 'supervisor' | 'since' | 'managedBy';

/** What may change while a run goes on; undefined takes a field away, as JSON does. */
export type StateChanges = { readonly [Key in Exclude<keyof RunState, Fixed>]?: RunState[Key] | undefined };

/** A state to be written. */
export type StateDraft = Pick<RunState, Fixed> & StateChanges;

/** Far more than a state has. */
const maxBytes = 1024 * 1024;

/**
 * Reads a state file. One that is cut, empty, or of another version says what can be understood of it, or nothing; it
 * never keeps a VM from starting.
 */
export function readState(file: string): RunState | undefined {
  try {
    return stateIn(readBoundedText(file, { most: maxBytes, isRegular: true }) ?? '');
  } catch {
    return undefined;
  }
}

/** The same of its text. */
export function stateIn(text: string): RunState | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { name, supervisor, since, managedBy, phase, target, boot, bootSince } = value;
  const { nextBootAt, guestUntil, forced, stopTimeoutMs } = value;
  if (!isCount(supervisor)) return undefined;
  const bhyve = identityOf(value.bhyve);
  const loader = identityOf(value.loader);
  const sockets = socketsOf(value.sockets);
  const restart = restartOf(value.restart);
  const last = lastOf(value.last);
  const degraded = degradedOf(value.degraded);
  const known = phases.find((each) => each === phase);
  const force = forces.find((each) => each === forced);
  return {
    version: 1,
    name: isText(name) ? name : '',
    supervisor,
    since: isText(since) ? since : '',
    ...(isText(managedBy) ? { managedBy } : {}),
    ...(known === undefined ? {} : { phase: known }),
    ...(isText(target) ? { target } : {}),
    ...(isCount(boot) ? { boot } : {}),
    ...(isText(bootSince) ? { bootSince } : {}),
    ...(isText(nextBootAt) ? { nextBootAt } : {}),
    ...(isText(guestUntil) ? { guestUntil } : {}),
    ...(bhyve === undefined ? {} : { bhyve }),
    ...(loader === undefined ? {} : { loader }),
    ...(value.isMonitored === true ? { isMonitored: true as const } : {}),
    ...(force === undefined ? {} : { forced: force }),
    ...(isAmount(stopTimeoutMs) ? { stopTimeoutMs } : {}),
    ...(sockets === undefined ? {} : { sockets }),
    ...(restart === undefined ? {} : { restart }),
    ...(last === undefined ? {} : { last }),
    ...(degraded === undefined ? {} : { degraded }),
  };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);
/** A pid, or the number of a boot; 0 and -1 would signal more than one process. */
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;

const isAmount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;

function identityOf(value: unknown): ProcessIdentity | undefined {
  if (!isObject(value) || !isCount(value.pid)) return undefined;
  const { pid, start, program } = value;
  return { pid, ...(isText(start) ? { start } : {}), ...(isText(program) ? { program } : {}) };
}

function socketsOf(value: unknown): RunState['sockets'] {
  if (!isObject(value) || !isTexts(value.paths) || !Array.isArray(value.before)) return undefined;
  const before: readonly unknown[] = value.before;
  return before.every(isFileIdentity) ? { paths: value.paths, before } : undefined;
}

const isFileIdentity = (value: unknown): value is FileIdentity =>
  isObject(value) && isText(value.path) && isDigits(value.device) && isDigits(value.inode);

const isDigits = (value: unknown): boolean => isText(value) && /^\d{1,20}$/.test(value);

function restartOf(value: unknown): RestartBudget | undefined {
  if (!isObject(value) || !isTexts(value.reboots)) return undefined;
  const { max, windowMs, stableMs, reboots } = value;
  return isAmount(max) && isAmount(windowMs) && isAmount(stableMs) ? { max, windowMs, stableMs, reboots } : undefined;
}

function lastOf(value: unknown): LastEnd | undefined {
  if (!isObject(value)) return undefined;
  const { boot, at, end, reason, why } = value;
  if (!isCount(boot) || !isText(at) || !isText(end)) return undefined;
  const { cause, evidence, next } = isObject(why) ? why : {};
  return {
    boot,
    at,
    end,
    ...(isText(reason) ? { reason } : {}),
    ...(isText(cause) && isTexts(evidence) && isText(next) ? { why: { cause, evidence, next } } : {}),
  };
}

function degradedOf(value: unknown): RunState['degraded'] {
  if (!isObject(value)) return undefined;
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => isText(entry[1])));
}
