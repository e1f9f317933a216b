import type { KeptRecords } from './kept-records.js';
import { rootGroup } from './accounts/grants.js';
import type { Wanted } from './vm-view.js';

/** What is kept of a VM beside its spec: `vms/NAME.json`. */
export interface VmRecord {
  readonly wanted: Wanted;
  /** The boot of the host in which that was wanted. */
  readonly hostBoot: string;
  readonly group: string;
}

const folder = 'vms';

export const recordName = (vm: string): string => `${folder}/${vm}`;

/** @returns undefined where there is none, `damaged` where it says nothing that can be understood */
export function readVmRecord(records: Pick<KeptRecords, 'read'>, vm: string): VmRecord | 'damaged' | undefined {
  const record = records.read(recordName(vm));
  if (record === undefined || record === 'damaged') return record;
  const { hostBoot, group } = record;
  const wanted = wantedIn(record.wanted);
  if (wanted === undefined) return 'damaged';
  return { wanted, hostBoot: isText(hostBoot) ? hostBoot : '', group: isText(group) ? group : rootGroup };
}

function wantedIn(value: unknown): Wanted | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { state, since, by, target } = value as Partial<Record<keyof Wanted, unknown>>;
  if ((state !== 'running' && state !== 'stopped') || !isText(since) || !isText(by)) return undefined;
  return { state, since, by, ...(isText(target) ? { target } : {}) };
}

const isText = (value: unknown): value is string => typeof value === 'string';
