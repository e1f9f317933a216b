import type { Problem } from '../base/problem.js';
import type { Surroundings } from './surroundings.js';
import { newVmRecord, recordName, type ReadVmRecord, type VmRecord } from './vm-record.js';
import type { Wanted } from './vm-view.js';

export interface WantOptions {
  /** On disk, for the next manager. Default: true. */
  readonly isKept?: boolean;
  /** Of the first boot. */
  readonly target?: string;
}

/** What is wanted of a VM, and who said so last; its id, and the group that it is in, which are kept in the same file. */
export interface WantedState {
  readonly id: string;
  /** Its file is damaged: told until somebody says what is wanted. */
  readonly damage: () => readonly Problem[];
  readonly current: () => Wanted;
  readonly group: () => string;
  /** @returns what keeps it from being on the disk, a warning: it is wanted all the same */
  readonly want: (state: Wanted['state'], by: string, options?: WantOptions) => Problem | undefined;
  /** @returns what keeps it from being on the disk: it stays where it is then */
  readonly setGroup: (group: string) => Problem | undefined;
}

/** @param known what the manager before has kept of it */
export function wantedOf(
  name: string,
  known: ReadVmRecord | 'damaged' | undefined,
  { clock, records, ring, hostBoot }: Pick<Surroundings, 'clock' | 'records' | 'ring' | 'hostBoot'>,
): WantedState {
  const unasked: Wanted = { state: 'stopped', since: clock.now().toISOString(), by: 'nobody' };
  /** What its file holds, or will in a moment. A damaged one stays, so that the next manager tells of it, too. */
  let record: VmRecord = { ...newVmRecord(), ...(known === 'damaged' ? undefined : known) };
  let wanted = record.wanted ?? unasked;
  let damage = known === 'damaged' ? [damagedRecord(name, records.file(recordName(name)))] : [];
  for (const problem of damage) ring.tell({ kind: 'warning', vm: name, problem });
  if (known !== 'damaged' && known?.id === undefined) records.keepSoon(recordName(name), record);
  return {
    id: record.id,
    damage: () => damage,
    current: () => wanted,
    group: () => record.group,
    want(state, by, { isKept = true, target } = {}) {
      const isSame = wanted.state === state && wanted.target === target;
      if (isSame && (!isKept || record.hostBoot === hostBoot)) return undefined;
      let problem: Problem | undefined;
      wanted = { state, since: clock.now().toISOString(), by, ...(target === undefined ? {} : { target }) };
      if (isKept) {
        record = { ...record, wanted, hostBoot };
        problem = records.keep(recordName(name), record);
        damage = [];
      }
      if (!isSame) ring.tell({ kind: 'wanted', vm: name, wanted });
      return problem;
    },
    setGroup(next) {
      if (next === record.group) return undefined;
      const moved = { ...record, group: next };
      const problem = records.keep(recordName(name), moved);
      if (problem !== undefined) {
        records.keep(recordName(name), record);
        return problem;
      }
      record = moved;
      ring.tell({ kind: 'group', vm: name, group: next });
      return undefined;
    },
  };
}

const damagedRecord = (name: string, file: string): Problem => ({
  code: 'damaged-state',
  severity: 'warning',
  message: `${file} is damaged: nobody knows any more what was wanted of ${name}`,
  fix: 'start or stop it, and what is wanted is known again',
});
