import { expect } from '@jest/globals';
import { checkHost, type HostReport } from '../../src/host/look/check.js';
import { asksOf, captureFacts, recordedView, type HostFacts } from '../../src/host/look/facts.js';
import { liveView, type LiveViewOptions } from '../../src/host/look/live-view.js';
import { readFacts } from '../../src/host/look/read-facts.js';
import type { HostView } from '../../src/host/look/view.js';
import type { MachineRequirement } from '../../src/machine/machine.js';

/** Facts as they come back from a file. */
export function throughFile(facts: HostFacts): HostFacts {
  const read = readFacts(JSON.stringify(facts, null, 2), 'host.json');
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.value;
}

/** What a view says to some requirements, written to a file and read back. */
export const recorded = async (view: HostView, requirements: readonly MachineRequirement[]): Promise<HostView> =>
  recordedView(throughFile(await captureFacts(view, asksOf(requirements))));

/** Checks a host as it is, and as it was captured: the report must be the same. */
export async function checkBoth(
  requirements: readonly MachineRequirement[],
  host: LiveViewOptions,
): Promise<HostReport> {
  const live = await checkHost(requirements, { view: liveView(host) });
  const captured = await recorded(liveView(host), requirements);
  expect(await checkHost(requirements, { view: captured })).toEqual(live);
  return live;
}
