import { addAll } from '../base/long-lists.js';
import { createHash } from 'node:crypto';
import { compareAddresses } from '../base/pci-address.js';
import { inOrder, type Problem } from '../base/problem.js';
import { failure, success, type Result } from '../base/result.js';
import type { Platform } from '../devices/device.js';
import type { Spec } from '../spec/parse-spec.js';
import { defaultTarget } from '../spec/targets.js';
import { changeWords, guestChanges, type GuestChange } from './guest-changes.js';
import { guestIn, md5, type Guest, type GuestDevice } from './guest.js';
import { deviceWords, identityOf, type Identity, type LockedDevice, type LockedTarget, type Pin } from './identity.js';
import { planInDetail, type DetailedPlan } from './plan.js';

/** For which host a spec is locked, and what there was before. */
export interface LockOptions extends Partial<Platform> {
  /** What is locked already: it stays, and what is new is added. */
  readonly identity?: Identity | undefined;
  /** Part of a UUID that has to be made up, as bhyve has it: the host's name. Default: none. */
  readonly hostName?: string;
  /** Leave out what the spec has no more. Default: it is kept, as stale. */
  readonly prune?: boolean;
}

/** A spec that is locked. */
export interface Locked {
  readonly identity: Identity;
  /** Nobody said the UUID and none was locked: this one is new to a guest that ran before. */
  readonly isNewUuid: boolean;
}

/** For UUIDs of version 5 that vmrun makes: RFC 9562, section 5.5. Any constant would do. */
const namespace = '4d0d5a5e6b3d4e0c9a0f7f1e2c8b6a31';

/**
 * Locks a spec: what the guest of each target sees now, as far as that can be known, is what it is to see from now on.
 * A calculation; the same spec and identity always give the same.
 * @returns or every problem of every target
 */
export function lockIdentity(spec: Spec, options: LockOptions = {}): Result<Locked> {
  const { identity, hostName = '', prune = false } = options;
  const plans = planAll(spec, options);
  if (!plans.ok) return plans;
  const guests = plans.value.map((each) => ({ each, guest: guestIn(each) }));
  const known = guests.find(({ guest }) => guest.target === defaultTarget)?.guest.uuid ?? identity?.uuid;
  const uuid = known ?? nameUuid(`${hostName}\0${spec.name}`);
  const taken = identity === undefined ? undefined : macsOf(identity);
  const targets = guests.map(({ each, guest }): readonly [string, LockedTarget] => {
    const before = identity?.targets.get(guest.target)?.devices ?? [];
    const stale = prune ? [] : staleEntries(before, each).map((entry): LockedDevice => ({ ...entry, isStale: true }));
    const devices = guest.devices.map((device) => lockedDevice(device, each, taken));
    return [
      guest.target,
      {
        ...(guest.uuid === undefined || guest.uuid === uuid ? {} : { uuid: guest.uuid }),
        devices: [...devices, ...stale].sort((a, b) => compareAddresses(a.address, b.address)),
      },
    ];
  });
  const bootable = new Set(spec.targets);
  const gone = [...(identity?.targets ?? [])]
    .filter(([name]) => !prune && !bootable.has(name))
    .map(([name, target]): readonly [string, LockedTarget] => [name, { ...target, isStale: true }]);
  const sorted = [...targets, ...gone].sort(([a], [b]) => byTarget(a, b));
  return success({
    identity: identityOf({ name: spec.name, uuid, targets: new Map(sorted) }),
    isNewUuid: known === undefined,
  });
}

/** `default` first, then by name: an edit that only moves targets changes no line of the file. */
const byTarget = (a: string, b: string): number =>
  Number(b === defaultTarget) - Number(a === defaultTarget) || (a < b ? -1 : 1);

function planAll(spec: Spec, options: LockOptions): Result<readonly DetailedPlan[]> {
  const { release, arch, identity } = options;
  const host = { ...(release === undefined ? {} : { release }), ...(arch === undefined ? {} : { arch }) };
  const plans: DetailedPlan[] = [];
  const problems: Problem[] = [];
  for (const target of spec.targets) {
    const detailed = planInDetail(spec, target, { ...host, identity });
    if (detailed.ok) plans.push(detailed.value);
    else addAll(problems, detailed.problems);
  }
  return problems.length > 0 ? failure(inOrder(problems)) : success(plans);
}

/** Entries of a target that no device of it has any more. */
function staleEntries(before: readonly LockedDevice[], { pins, seats }: DetailedPlan): readonly LockedDevice[] {
  if (pins === undefined) return [];
  const used = new Set(seats.map(({ pin }) => pin.kept));
  return before.filter((entry) => !used.has(entry));
}

/** The MACs that cards of a locked VM have. */
const macsOf = ({ targets }: Identity): ReadonlySet<string | undefined> =>
  new Set([...targets.values()].flatMap(({ devices }) => devices.map(({ mac }) => mac)));

/** The entry of a device. A new card whose address another one has already, which moved away from here, gets another. */
function lockedDevice(
  { pointer, isMadeUp, names: _names, ...entry }: GuestDevice,
  { effective }: DetailedPlan,
  taken: ReadonlySet<string | undefined> | undefined,
): LockedDevice {
  if (isMadeUp !== true || entry.mac === undefined || taken === undefined) return entry;
  let mac = entry.mac;
  for (let number = 1; taken.has(mac); number += 1) {
    const digest = md5(new TextEncoder().encode(`${entry.mac} ${effective.vm.name} ${pointer} ${number}`));
    mac = [...mac.split(':').slice(0, 3), digest.slice(0, 2), digest.slice(2, 4), digest.slice(4, 6)].join(':');
  }
  return { ...entry, mac };
}

/** A UUID that is always the same for a text: RFC 9562, version 5. */
function nameUuid(text: string): string {
  const digest = createHash('sha1').update(Buffer.from(namespace, 'hex')).update(text).digest();
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x50, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = digest.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

/** How the machines of a spec stand to its lock file. */
export interface LockComparison {
  /** What the guest would find changed, although the lock is honoured: what the spec says comes first. */
  readonly changes: readonly GuestChange[];
  /** What the lock keeps: the guest would find this changed without it. */
  readonly held: readonly GuestChange[];
  /** The same, and what else is to be said, as warnings at their places. */
  readonly warnings: readonly Problem[];
}

/**
 * Compares the machines of some targets with what is locked of them.
 * @param file name of the lock file, for messages
 * @returns or the problems of the targets
 */
export function compareWithLock(
  spec: Spec,
  targets: readonly string[],
  { identity, file, ...host }: Partial<Platform> & { readonly identity: Identity; readonly file: string },
): Result<LockComparison> {
  const changes: GuestChange[] = [];
  const held: GuestChange[] = [];
  const warnings: Problem[] = [];
  for (const target of targets) {
    const withLock = planInDetail(spec, target, { ...host, identity });
    if (!withLock.ok) return withLock;
    const guest = guestIn(withLock.value);
    const { uuid } = identity;
    const before = {
      ...(uuid === undefined ? {} : { uuid }),
      ...(identity.targets.get(target) ?? inherited(withLock.value)),
    };
    const found = guestChanges(before, guest);
    addAll(changes, found);
    const tell = (warning: Omit<Problem, 'severity' | 'place' | 'subject'>, pointer: string | undefined): void => {
      const { effective } = withLock.value;
      const subject = pointer === undefined ? undefined : effective.subject(pointer);
      warnings.push({
        ...warning,
        severity: 'warning',
        ...(pointer === undefined ? {} : { place: effective.place(pointer) }),
        ...(subject === undefined ? {} : { subject }),
      });
    };
    for (const change of found) tell(changeWarning(change, file), change.pointer);
    for (const [pointer, message, fix] of doubtful(withLock.value)) tell({ code: 'lock-doubt', message, fix }, pointer);
    // Without the lock, a slot that the spec means may be taken: then nothing is to be compared.
    const without = planInDetail(spec, target, host);
    if (without.ok) addAll(held, heldBack(withLock.value, guest, guestIn(without.value)));
  }
  return success({ changes, held, warnings: inOrder(warnings) });
}

/** What is locked and would be otherwise. What bhyve makes of host and name is not known, so no UUID is compared. */
function heldBack({ seats }: DetailedPlan, guest: Guest, without: Guest): readonly GuestChange[] {
  const fresh = new Set(seats.flatMap(({ part, pin }) => (part !== undefined && isFresh(pin) ? [part.pointer] : [])));
  const devices = guest.devices.filter(({ pointer }) => !fresh.has(pointer));
  return guestChanges({ devices }, without).filter(({ pointer = '' }) => !fresh.has(pointer));
}

const isFresh = ({ kept, elsewhere }: Pin): boolean => kept === undefined && elsewhere === undefined;

/** A target that is new has its devices from the others. */
const inherited = ({ pins }: DetailedPlan): LockedTarget => ({
  devices: [...(pins === undefined ? [] : [pins.hostbridge, pins.lpc, ...pins.parts])].flatMap(
    ({ elsewhere }) => elsewhere ?? [],
  ),
});

const changeWarning = (change: GuestChange, file: string): Pick<Problem, 'code' | 'message' | 'fix'> =>
  change.kind === 'added'
    ? {
        code: 'lock-new',
        message: `${change.device ?? ''} at ${change.to ?? ''} is not in ${file}`,
        fix: 'vmrun lock keeps it there',
      }
    : {
        code: 'lock-changed',
        message: changeWords(change),
        fix: change.kind === 'removed' ? 'its place is kept; vmrun lock --prune gives it up' : `vmrun lock accepts it`,
      };

/** What may not be meant: a device that was known by kind and order alone. */
function doubtful({ seats }: DetailedPlan): readonly (readonly [string, string, string])[] {
  return seats.flatMap(({ part, pin: { kept, isGuess } }) => {
    if (part === undefined || isGuess !== true || kept?.label === undefined) return [];
    const message = `it takes the place of ${deviceWords(kept)}, being the next of its kind`;
    return [[part.pointer, message, 'if it is another device, give it an "id"'] as const];
  });
}
