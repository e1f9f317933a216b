import type { Surroundings } from './surroundings.js';
import { recordName, rootGroup, type VmRecord } from './vm-record.js';
import type { Wanted } from './vm-view.js';

export interface WantOptions {
  /** On disk, for the next manager. Default: true. */
  readonly isKept?: boolean;
  /** Of the first boot. */
  readonly target?: string;
}

/** What is wanted of a VM, and who said so last. */
export interface WantedState {
  readonly current: () => Wanted;
  readonly group: string;
  readonly want: (state: Wanted['state'], by: string, options?: WantOptions) => void;
}

/** @param known what the manager before has kept of it */
export function wantedOf(
  name: string,
  known: VmRecord | undefined,
  { clock, records, ring, hostBoot }: Pick<Surroundings, 'clock' | 'records' | 'ring' | 'hostBoot'>,
): WantedState {
  const group = known?.group ?? rootGroup;
  let wanted: Wanted = known?.wanted ?? { state: 'stopped', since: clock.now().toISOString(), by: 'nobody' };
  /** The boot of the host that its file names. */
  let keptIn = known?.hostBoot;
  return {
    current: () => wanted,
    group,
    want(state, by, { isKept = true, target } = {}) {
      const isSame = wanted.state === state && wanted.target === target;
      if (isSame && (!isKept || keptIn === hostBoot)) return;
      wanted = { state, since: clock.now().toISOString(), by, ...(target === undefined ? {} : { target }) };
      if (isKept) {
        keptIn = hostBoot;
        records.keep(recordName(name), { wanted, hostBoot, group });
      }
      if (!isSame) ring.tell({ kind: 'wanted', vm: name, wanted });
    },
  };
}
