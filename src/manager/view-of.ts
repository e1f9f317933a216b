import type { KnownRun } from '../supervisor/runs.js';
import { defaultTarget } from '../spec/targets.js';
import { noDrift, type Drift } from './drift.js';
import type { VmStatus } from './managed-vm.js';
import type { Shelved } from './spec-shelf.js';
import type { BootedSpec } from './vm-life.js';
import type { SpecView, VmState, VmView } from './vm-view.js';

export type TellDrift = (running: BootedSpec, next: BootedSpec, target: string) => Drift;

/** A VM as others see it. @param shelved undefined where its file is gone just now */
export function viewOf(name: string, status: VmStatus, shelved: Shelved | undefined, tellDrift: TellDrift): VmView {
  const { life, wanted, group, waitsFor, why, problems, last, isReady, operation, others } = status;
  const other = life === undefined ? others.known() : undefined;
  const run = status.state ?? other?.state;
  const target = life === undefined && other === undefined ? undefined : run?.target;
  const pid = run?.bhyve?.pid ?? run?.loader?.pid ?? other?.pid;
  const supervisor = other?.status === 'supervised' ? other.supervisor : undefined;
  const isRunning = life !== undefined || other !== undefined;
  const lastEnd = last ?? other?.state?.last;
  return {
    name,
    state: stateOf(status, other),
    wanted,
    group,
    ...(target === undefined ? {} : { target }),
    ...(!isRunning || run?.boot === undefined ? {} : { boot: run.boot }),
    ...(!isRunning || run?.since === undefined ? {} : { since: run.since }),
    ...(!isRunning || run?.bootSince === undefined ? {} : { bootSince: run.bootSince }),
    ...(pid === undefined ? {} : { pid }),
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
  shelved: Shelved | undefined,
  tellDrift: TellDrift,
  target = defaultTarget,
): SpecView {
  const [file] = shelved?.files ?? [];
  const { accepted, problems = [] } = shelved ?? {};
  const running = life?.booted();
  const drift = running === undefined || accepted === undefined ? noDrift : tellDrift(running, accepted, target);
  return { ...(file === undefined ? {} : { file: file.file }), isOurs: file?.isOurs ?? false, problems, ...drift };
}
