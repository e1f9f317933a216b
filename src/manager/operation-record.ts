import type { Problem } from '../base/problem.js';
import { operationKinds, operationStates, type Operation } from './operations.js';

/** How a stop is seen through by the next manager. */
export interface KeptStop {
  /** When the guest's time is over, ISO 8601; absent: as its spec says, from when the next manager takes it over. */
  readonly due?: string;
  readonly now?: true;
}

/** What `operations/ID.json` holds. @returns undefined for what is none */
export function operationIn(
  record: Readonly<Record<string, unknown>> | 'damaged' | undefined,
): { readonly operation: Operation; readonly stop: KeptStop | undefined } | undefined {
  if (record === undefined || record === 'damaged') return undefined;
  const { operation: value, stop } = record;
  if (!isObject(value)) return undefined;
  const { id, vm, by, begun, ended, hadEffect, problems } = value;
  const kind = operationKinds.find((each) => each === value.kind);
  const state = operationStates.find((each) => each === value.state);
  if (!isText(id) || !isText(vm) || !isText(by) || !isText(begun) || kind === undefined || state === undefined) {
    return undefined;
  }
  const operation: Operation = {
    ...{ id, kind, vm, by, state, begun, hadEffect: hadEffect !== false },
    ...(isText(ended) ? { ended } : {}),
    problems: Array.isArray(problems) ? problems.filter(isProblem) : [],
  };
  return { operation, stop: isObject(stop) ? stopIn(stop) : undefined };
}

const stopIn = ({ due, now }: Readonly<Record<string, unknown>>): KeptStop => ({
  ...(isText(due) ? { due } : {}),
  ...(now === true ? { now } : {}),
});

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';

const isProblem = (value: unknown): value is Problem =>
  isObject(value) &&
  isText(value.code) &&
  isText(value.message) &&
  (value.severity === 'error' || value.severity === 'warning');
