import type { Problem } from '../base/problem.js';
import { groupBy } from '../base/group-by.js';
import { startOrder as orderOfSpecs } from '../machine/start-order.js';
import type { Spec } from '../spec/parse-spec.js';
import { autostartOf } from './autostart-of.js';

/** What VMs wait for others for, by name; only what can come true is in it. */
export type Waits = ReadonlyMap<string, readonly string[]>;

export interface StartOrder {
  readonly waits: Waits;
  /** Of VMs that wait for what is not there, or for themselves; warnings, too. */
  readonly problems: ReadonlyMap<string, readonly Problem[]>;
}

/**
 * Who waits for whom among the VMs of a manager.
 * @param specs those that are booted next, by name
 * @param names of all VMs, those whose specs have errors too
 */
export function startOrder(specs: ReadonlyMap<string, Spec>, names: readonly string[]): StartOrder {
  const broken = new Set(names.filter((name) => !specs.has(name)));
  const nameOf = new Map([...specs].map(([name, { source }]) => [source, name]));
  const { problems: found } = orderOfSpecs([...specs.values()], { broken });
  const problems = groupBy(found, ({ place }) => nameOf.get(place?.file ?? '') ?? '');
  const isSound = (name: string): boolean => problems.get(name)?.some(({ severity }) => severity === 'error') !== true;
  const waits = [...specs].flatMap(([name, spec]) => (isSound(name) ? [[name, autostartOf(spec).after] as const] : []));
  return { waits: new Map(waits), problems };
}
