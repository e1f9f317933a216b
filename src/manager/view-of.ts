import type { KnownRun } from '../supervisor/runs.js';
import { defaultTarget } from '../spec/targets.js';
import type { PlanOptions } from '../machine/plan.js';
import { driftTeller, noDrift, type Drift } from './drift.js';
import type { VmStatus } from './managed-vm.js';
import type { Shelved } from './spec-shelf.js';
import type { BootedSpec } from './vm-life.js';
import type { SpecView, VmState, VmView } from './vm-view.js';

type TellDrift = (running: BootedSpec, next: BootedSpec, target: string) => Drift;

export type TellView = (status: VmStatus, shelved: Shelved) => VmView;

/**
 * Tells a VM as others see it, and makes that again only where something is another than before: who has the same view
 * as last time knows all of it, and need not look.
 */
export function viewTeller(name: string, planning: PlanOptions): TellView {
  const tellDrift = driftTeller(planning);
  let last: { readonly parts: readonly unknown[]; readonly view: VmView } | undefined;
  return (status, shelved) => {
    const parts = partsOf(status, shelved);
    const isSame = last?.parts.length === parts.length && last.parts.every((part, index) => part === parts[index]);
    if (last === undefined || !isSame) last = { parts, view: viewOf(name, status, shelved, tellDrift) };
    return last.view;
  };
}

/** All that a view is made of. None of it changes: what is told otherwise is another object. */
function partsOf(status: VmStatus, { files, accepted, problems }: Shelved): readonly unknown[] {
  const { life, others, state, wanted, group, waitsFor, isFailed, why, last, isReady, operation } = status;
  const own = [life, life?.booted(), others.known(), state, wanted, group, waitsFor, isFailed, why, last, isReady];
  return [...own, operation, accepted, ...files, undefined, ...problems, undefined, ...status.problems];
}

/** A VM as others see it. */
function viewOf(name: string, status: VmStatus, shelved: Shelved, tellDrift: TellDrift): VmView {
  const { life, id, wanted, group, waitsFor, why, problems, last, isReady, operation, others } = status;
  const other = life === undefined ? others.known() : undefined;
  const run = status.state ?? other?.state;
  const target = life === undefined && other === undefined ? undefined : run?.target;
  const pid = run?.bhyve?.pid ?? run?.loader?.pid ?? other?.pid;
  const supervisor = other?.status === 'supervised' ? other.supervisor : undefined;
  const isRunning = life !== undefined || other !== undefined;
  const lastEnd = last ?? other?.state?.last;
  return {
    name,
    id,
    state: stateOf(status, other),
    wanted,
    group,
    ...(target === undefined ? {} : { target }),
    ...(!isRunning || run?.boot === undefined ? {} : { boot: run.boot }),
    ...(!isRunning || run?.since === undefined ? {} : { since: run.since }),
    ...(!isRunning || run?.bootSince === undefined ? {} : { bootSince: run.bootSince }),
    ...(pid === undefined ? {} : { pid }),
    ...(!isRunning || run?.restart === undefined ? {} : { restart: run.restart }),
    ...(supervisor === undefined ? {} : { supervisor }),
    ...(isReady === undefined ? {} : { isReady }),
    ...(waitsFor === undefined ? {} : { waitsFor }),
    spec: specView(status, shelved, tellDrift, target),
    ...(lastEnd === undefined ? {} : { last: lastEnd }),
    ...(why === undefined ? {} : { why }),
    ...(problems.length === 0 ? {} : { problems }),
    ...(run?.degraded === undefined || !isRunning ? {} : { degraded: run.degraded }),
    ...(operation === undefined ? {} : { operation }),
  };
}

function stateOf({ life, state, waitsFor, isFailed }: VmStatus, other: KnownRun | undefined): VmState {
  if (life !== undefined) return state?.phase ?? 'starting';
  if (waitsFor !== undefined) return 'queued';
  if (other?.status === 'supervised') return other.state?.phase ?? 'starting';
  if (other !== undefined) return other.status;
  return isFailed ? 'failed' : 'stopped';
}

function specView(
  { life }: VmStatus,
  { files, accepted, problems }: Shelved,
  tellDrift: TellDrift,
  target = defaultTarget,
): SpecView {
  const [file] = files;
  const running = life?.booted();
  const drift = running === undefined || accepted === undefined ? noDrift : tellDrift(running, accepted, target);
  return {
    ...(file === undefined ? {} : { file: file.file }),
    isOurs: file?.isOurs ?? false,
    problems,
    nextBoot: nextBootOf(files, accepted),
    ...drift,
  };
}

function nextBootOf(files: Shelved['files'], accepted: Shelved['accepted']): SpecView['nextBoot'] {
  if (accepted === undefined || files.length > 1) return 'none';
  return files[0]?.loaded === undefined ? 'accepted' : 'file';
}
