import type { Problem } from '../base/problem.js';
import { rootGroup } from './accounts/grants.js';
import type { Surroundings } from './surroundings.js';
import { recordName, type VmRecord } from './vm-record.js';
import type { Wanted } from './vm-view.js';

export interface WantOptions {
  /** On disk, for the next manager. Default: true. */
  readonly isKept?: boolean;
  /** Of the first boot. */
  readonly target?: string;
}

/** What is wanted of a VM, and who said so last; and the group that it is in, which is kept in the same file. */
export interface WantedState {
  readonly current: () => Wanted;
  readonly group: () => string;
  readonly want: (state: Wanted['state'], by: string, options?: WantOptions) => void;
  /** @returns what keeps it from being on the disk: it stays where it is then */
  readonly setGroup: (group: string) => Problem | undefined;
}

/** @param known what the manager before has kept of it */
export function wantedOf(
  name: string,
  known: VmRecord | undefined,
  { clock, records, ring, hostBoot }: Pick<Surroundings, 'clock' | 'records' | 'ring' | 'hostBoot'>,
): WantedState {
  const unasked: Wanted = { state: 'stopped', since: clock.now().toISOString(), by: 'nobody' };
  /** What its file holds. */
  let record = known;
  let group = known?.group ?? rootGroup;
  let wanted = known?.wanted ?? unasked;
  return {
    current: () => wanted,
    group: () => group,
    want(state, by, { isKept = true, target } = {}) {
      const isSame = wanted.state === state && wanted.target === target;
      if (isSame && (!isKept || record?.hostBoot === hostBoot)) return;
      wanted = { state, since: clock.now().toISOString(), by, ...(target === undefined ? {} : { target }) };
      if (isKept) {
        record = { wanted, hostBoot, group };
        records.keep(recordName(name), record);
      }
      if (!isSame) ring.tell({ kind: 'wanted', vm: name, wanted });
    },
    setGroup(next) {
      if (next === group) return undefined;
      // Of a VM that nobody has asked anything of, the file says its group alone: it starts by itself as before.
      const moved = { ...(record ?? { wanted: unasked, hostBoot: '' }), group: next };
      const problem = records.keep(recordName(name), moved);
      if (problem !== undefined) {
        if (record === undefined) records.drop(recordName(name));
        else records.keep(recordName(name), record);
        return problem;
      }
      record = moved;
      group = next;
      ring.tell({ kind: 'group', vm: name, group });
      return undefined;
    },
  };
}
