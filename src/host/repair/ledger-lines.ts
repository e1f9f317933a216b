import type { PciAddress } from '../../base/pci-address.js';
import type { Undo } from '../look/findings.js';

export interface LedgerEntry {
  /** Counts from 1 within one file. */
  readonly id: number;
  readonly undo: Undo;
}

export const formatChange = ({ id, undo }: LedgerEntry): string => `${JSON.stringify({ id, undo })}\n`;

export const formatSettled = (id: number): string => `${JSON.stringify({ id, settled: true })}\n`;

/**
 * Reads a ledger. A last line without its end was cut by a crash and does not count.
 * @returns what is still to be taken back, oldest first; lines that say nothing; the length in bytes of all whole lines
 */
export function readLedger(content: Buffer) {
  const whole = content.lastIndexOf('\n') + 1;
  const entries = new Map<number, LedgerEntry>();
  const unreadable: string[] = [];
  let lastId = 0;
  for (const line of content.toString('utf8', 0, whole).split('\n').slice(0, -1)) {
    const read = readLine(line);
    if (read === undefined) {
      unreadable.push(line);
      continue;
    }
    lastId = Math.max(lastId, read.id);
    if (read.undo === undefined) entries.delete(read.id);
    else entries.set(read.id, { id: read.id, undo: read.undo });
  }
  return { entries: [...entries.values()], unreadable, lastId, whole };
}

/** Without `undo` the line says that its change is settled. */
function readLine(line: string): { readonly id: number; readonly undo: Undo | undefined } | undefined {
  const fields = parseObject(line);
  const id = fields?.id;
  if (fields === undefined || !isWholeNumber(id)) return undefined;
  if (fields.settled === true) return { id, undo: undefined };
  const undo = readUndo(fields.undo);
  return undo === undefined ? undefined : { id, undo };
}

/** Nothing is run that is not one of the known changes, with values that fit: whoever wrote the file. */
function readUndo(value: unknown): Undo | undefined {
  if (!isObject(value)) return undefined;
  const { kind, name, bridge, member, address, formerDriver } = value;
  switch (kind) {
    case 'destroy-interface':
      return isInterfaceName(name) ? { kind, name } : undefined;
    case 'remove-member':
      return isInterfaceName(bridge) && isInterfaceName(member) ? { kind, bridge, member } : undefined;
    case 'release-card': {
      if (!isPciAddress(address)) return undefined;
      const { bus, slot, func } = address;
      return { kind, address: { bus, slot, func }, ...(typeof formerDriver === 'string' ? { formerDriver } : {}) };
    }
    default:
      return undefined;
  }
}

const isInterfaceName = (value: unknown): value is string =>
  typeof value === 'string' && /^[^\s/-][^\s/]{0,14}$/.test(value);

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const isWholeNumber = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

const isPciAddress = (value: unknown): value is PciAddress =>
  isObject(value) && [value.bus, value.slot, value.func].every(isWholeNumber);
