import type { PciAddress } from '../base/pci-address.js';
import { ProblemsError, type Problem } from '../base/problem.js';
import { checkHost, fixesOf, isReady, type HostReport } from '../host/look/check.js';
import type { HostFinding } from '../host/look/findings.js';
import { applyFix } from '../host/repair/fix.js';
import type { Host } from '../host/host.js';
import type { Ledger } from '../host/repair/ledger.js';
import { liveView } from '../host/look/live-view.js';
import type { RunTool } from '../host/process/tools.js';
import type { Machine } from '../machine/machine.js';
import { notLoaded } from './name-in-use.js';

interface PreflightOptions {
  readonly run: RunTool;
  readonly ledger: Ledger;
  /** Whether a fix may be applied that the spec does not allow by itself. Default: it may not. */
  readonly mayFix?: (finding: HostFinding) => boolean | Promise<boolean>;
}

interface Ready {
  /** The host card of each device that looks one up, by the device's pointer in the effective spec. */
  readonly hostCards: ReadonlyMap<string, PciAddress>;
  readonly warnings: readonly Problem[];
}

/**
 * Checks the host for a machine and fixes what it may; what was fixed is in the ledger.
 * @throws ProblemsError `host` with everything that is still missing; its cause is what kept a change from the ledger
 */
export async function preflight(machine: Machine, options: PreflightOptions): Promise<Ready> {
  const { run } = options;
  const first = await checkHost(machine.requirements, { view: liveView({ run }) });
  const { failures, unwritten } = await repair(first, options);
  const report = failures === undefined ? first : await checkHost(machine.requirements, { view: liveView({ run }) });
  const problems = report.findings.map(({ problem }) => problem);
  if (!isReady(report)) {
    const error = new ProblemsError('host', machine.name, [...(failures ?? []), ...problems]);
    throw unwritten === undefined ? error : Object.assign(error, { cause: unwritten });
  }
  return { hostCards: cardsByOwner(report), warnings: problems };
}

/**
 * Somebody else loads the VM, and must have done so: bhyve has no boot ROM to start it from.
 * @throws ProblemsError `host` where it is not there
 */
export function refuseUnloaded({ name, isLoadedByOthers }: Machine, { vmm }: Pick<Host, 'vmm'>): void {
  if (!isLoadedByOthers || !vmm.isAvailable || vmm.exists(name)) return;
  throw new ProblemsError('host', name, [notLoaded(name)]);
}

interface Repaired {
  /** What did not work; absent where nothing was tried. */
  readonly failures?: readonly Problem[];
  /** Why a change could not be written down before it was made. */
  readonly unwritten?: unknown;
}

/** Applies what may be applied. */
async function repair(report: HostReport, { run, ledger, mayFix = () => false }: PreflightOptions): Promise<Repaired> {
  const allowed: HostFinding[] = [];
  for (const finding of report.findings) {
    if (finding.fix !== undefined && (finding.mayFix || (await mayFix(finding)))) allowed.push(finding);
  }
  if (allowed.length === 0) return {};
  const failures: Problem[] = [];
  let unwritten: unknown;
  for (const fix of fixesOf(allowed)) {
    const outcome = await applyFix(fix, { run, ledger });
    if (outcome.kind === 'fixed') continue;
    failures.push(outcome.problem);
    unwritten ??= outcome.unwritten;
  }
  return { failures, unwritten };
}

const cardsByOwner = ({ cards }: HostReport): ReadonlyMap<string, PciAddress> =>
  new Map(
    [...cards].flatMap(([{ owner, need }, address]) =>
      need.kind === 'host-card' && need.card.by === 'ids' ? [[owner, address] as const] : [],
    ),
  );
