import { randomUUID } from 'node:crypto';
import type { KeptRecords } from './kept-records.js';
import { rootGroup } from './accounts/grants.js';
import type { Wanted } from './vm-view.js';

/** What is kept of a VM beside its spec: `vms/NAME.json`. */
export interface VmRecord {
  /** UUID, the same for as long as there is a spec of its name. */
  readonly id: string;
  readonly group: string;
  /** Undefined where nobody has wanted anything of it yet. */
  readonly wanted?: Wanted;
  /** The boot of the host in which that was wanted. */
  readonly hostBoot?: string;
}

const folder = 'vms';

export const recordName = (vm: string): string => `${folder}/${vm}`;

/** Of a VM that is seen for the first time. */
export const newVmRecord = (): VmRecord => ({ id: randomUUID(), group: rootGroup });

/** As it is on disk: an older vmrun has given no id. */
export type ReadVmRecord = Omit<VmRecord, 'id'> & Partial<Pick<VmRecord, 'id'>>;

/** @returns undefined where there is none, `damaged` where it says nothing that can be understood */
export function readVmRecord(records: Pick<KeptRecords, 'read'>, vm: string): ReadVmRecord | 'damaged' | undefined {
  const record = records.read(recordName(vm));
  if (record === undefined || record === 'damaged') return record;
  const { id, hostBoot, group } = record;
  const wanted = wantedIn(record.wanted);
  if (wanted === undefined && (record.wanted !== undefined || !isText(id))) return 'damaged';
  return {
    ...(isText(id) ? { id } : {}),
    group: isText(group) ? group : rootGroup,
    ...(wanted === undefined ? {} : { wanted }),
    ...(isText(hostBoot) ? { hostBoot } : {}),
  };
}

function wantedIn(value: unknown): Wanted | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { state, since, by, target } = value as Partial<Record<keyof Wanted, unknown>>;
  if ((state !== 'running' && state !== 'stopped') || !isText(since) || !isText(by)) return undefined;
  return { state, since, by, ...(isText(target) ? { target } : {}) };
}

const isText = (value: unknown): value is string => typeof value === 'string';
