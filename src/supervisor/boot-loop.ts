import { ProblemsError, type Problem } from '../base/problem.js';
import { abort, aborted } from '../host/abort.js';
import type { HostFinding } from '../host/look/findings.js';
import type { Ledger } from '../host/repair/ledger.js';
import { keptSpecFile } from '../host/run-directory/run-files.js';
import { differences } from '../machine/difference.js';
import type { Machine, MachineRequirement } from '../machine/machine.js';
import type { Spec } from '../spec/parse-spec.js';
import { adoptOnce } from './adopt.js';
import { bootOnce, lastEnd } from './boot.js';
import { lastWords, saidLines } from '../explain/rule.js';
import type { Callbacks } from './callbacks.js';
import type { Claimed } from './claim.js';
import type { HookFacts } from './hooks.js';
import type { Orphan } from './orphan.js';
import { patienceOf, type Patience } from './patience.js';
import type { Planner } from './planner.js';
import { budgetOf, decide, noPast, type StopReason } from './policy.js';
import { preflight, refuseUnloaded } from './preflight.js';
import { reasonOf } from '../explain/run-end.js';
import type { RunOptions, RunResult } from './run-options.js';
import type { BootResult, Session } from './session.js';
import { specErrorWords as wordsOfProblems, type SpecAtHand } from './spec-source.js';

interface Loop {
  readonly spec: SpecAtHand;
  readonly options: RunOptions;
  readonly mayFix: Callbacks['mayFix'];
  readonly session: Session;
  /** Absent where the host is not looked at. */
  readonly ledger: Ledger | undefined;
  readonly adoption: Adoption | undefined;
  /** The boot that a supervisor that was killed had begun. */
  readonly begun: Claimed['begun'];
}

/** What `degraded` calls a spec that cannot be taken. */
const specPart = 'spec';
/** The same of its file for who takes the VM over. */
const keptSpecPart = 'kept spec';

/** A bhyve that is taken over; it is over when that has ended. */
interface Adoption {
  readonly orphan: Orphan;
  isOver: boolean;
}

/** Boots, decides, boots again, until the policy or a stop ends it. */
export async function bootLoop({ spec, options, mayFix, session, ledger, adoption, begun }: Loop): Promise<RunResult> {
  const { host, emit, signals, cleaner, hooks, state } = session;
  const { planned } = spec;
  const { boot: first = 1, target: firstTarget = options.target } = adoption?.orphan ?? begun ?? {};
  let target = firstTarget;
  let past = noPast;
  let tried: Machine | undefined;
  let previous: Machine | undefined;
  let last: BootResult | undefined;
  let kept: Spec | undefined;
  let boots = first - 1;
  const isStopping = (): boolean => signals.stop.aborted;
  const finish = (because: StopReason): RunResult => ({
    end: last?.end,
    because,
    boots,
    leftBehind: cleaner.leftBehind,
    ...(last?.why === undefined ? {} : { why: last.why }),
  });
  const facts = (boot: number): HookFacts => ({ boot, pid: last?.pid, reason: last && reasonOf(last.end) });

  signals.onReset(() => {
    if (tried === undefined) return undefined;
    const nowMs = host.clock.monotonicMs();
    const aliveMs = host.clock.now().getTime() - Date.parse(state.current().bootSince ?? '');
    const ended = {
      end: { kind: 'rebooted' },
      target: tried.target,
      aliveMs: aliveMs > 0 ? aliveMs : 0,
      nowMs,
    } as const;
    const { step } = decide(ended, past, tried.policy, options.limits ?? {});
    return step.do === 'boot' ? undefined : wouldEnd(step.because);
  });

  function tellBudget(policy: Machine['policy']): void {
    const now = { wallMs: host.clock.now().getTime(), monotonicMs: host.clock.monotonicMs() };
    state.soon({ restart: budgetOf(policy, past, now) });
  }

  /** Before its bhyve is started: were we killed then, nobody else would know what it runs with. */
  async function keepSpec(): Promise<void> {
    const current = spec.current();
    if (current === undefined || current.spec === kept) return;
    const { keptText } = await import('./kept-spec.js');
    state.beside(keptSpecPart, () => {
      session.directory.write(keptSpecFile, keptText(current));
      kept = current.spec;
    });
  }

  /** @returns undefined where a stop was asked for before there was a bhyve */
  async function bootNext(number: number): Promise<BootResult | undefined> {
    if (adoption?.isOver === false) {
      tried = planned(target);
      tellBudget(tried.policy);
      const booted = await adoptOnce(session, tried, adoption.orphan);
      adoption.isOver = true;
      spec.keep();
      previous = tried;
      return booted;
    }
    const isFirst = number === first && adoption === undefined;
    let trouble = isFirst ? undefined : await spec.renew(target);
    if (isStopping()) return undefined;
    const patience = patienceOf(session, isFirst);
    const ready = (): Promise<Machine | undefined> => readyMachine(planned, target, mayFix, session, ledger, patience);
    const machine = await ready().catch((error: unknown) => {
      if (!(error instanceof ProblemsError) || !spec.goBack()) throw error;
      trouble = wordsOfProblems(error);
      return ready();
    });
    state.degraded(specPart, trouble);
    if (machine === undefined) return undefined;
    tried = machine;
    const failed = await prepare(session, machine, facts(number), patience);
    if (failed !== undefined || isStopping()) return failed;
    if (options.keepSpec === true) await keepSpec();
    const changes = previous === undefined || previous === machine ? [] : differences(previous, machine);
    tellBudget(machine.policy);
    const booted = await bootOnce(session, { machine, number, changes, patience });
    spec.keep();
    if (booted !== undefined) previous = machine;
    return booted;
  }

  try {
    for (;;) {
      const booted = await bootNext(boots + 1);
      if (booted === undefined || tried === undefined) return finish('asked');
      boots += 1;
      last = booted;
      const { end, aliveMs } = last;
      const nowMs = host.clock.monotonicMs();
      const endedAt = host.clock.now();
      // The end of a bhyve is there since it was told; that of a boot without one is not.
      const isKnown = state.current().last?.boot === boots;
      state.soon({ phase: 'ending', ...(isKnown ? {} : { last: lastEnd(boots, endedAt, last) }) });
      if (isStopping()) return finish('asked');
      const ended = { end, target: tried.target, aliveMs, nowMs };
      const { step, past: remembered } = decide(ended, past, tried.policy, options.limits ?? {});
      if (step.do === 'stop') return finish(step.because);
      if (options.panicOnFailedCleanup === true && cleaner.leftBehind.length > 0) return finish('left-behind');
      past = remembered;
      ({ target } = step);
      const { delayMs, gaveUp } = step;
      const next = { boot: boots + 1, target: step.target, reason: step.reason, delayMs };
      emit({ kind: 'reboot', ...next, ...(gaveUp === undefined ? {} : { gaveUp }) });
      const waits = { phase: 'waiting', nextBootAt: new Date(endedAt.getTime() + delayMs).toISOString() } as const;
      tellBudget(tried.policy);
      // A hook may read it.
      if (tried.policy.hooks.preReboot === undefined) state.soon(waits);
      else state.update(waits);
      await hooks.preReboot(tried, facts(boots));
      const restMs = nowMs + delayMs - host.clock.monotonicMs();
      if (restMs > 0) await host.clock.sleep(restMs, signals.stop);
      if (isStopping()) return finish('asked');
      state.soon({ phase: 'starting', nextBootAt: undefined });
    }
  } finally {
    // A bhyve that goes on without us is for the next run to end.
    if (tried !== undefined && adoption?.isOver !== false) {
      state.update({ phase: 'ending', nextBootAt: undefined });
      await hooks.postStop(tried, facts(boots));
    }
  }
}

const wouldEnd = (because: StopReason): Problem => ({
  code: 'would-end',
  severity: 'error',
  message: `no boot would follow a reset now (${because}), and the VM would be off`,
  fix: 'let reboot_on name "reboot", or stop the VM and start it',
});

/** @returns how the boot ended where pre_start failed, since bhyve is not started then */
async function prepare(
  { hooks, signals, state }: Session,
  machine: Machine,
  facts: HookFacts,
  patience: Patience,
): Promise<BootResult | undefined> {
  if (machine.policy.hooks.preStart !== undefined) state.update({ phase: 'starting' });
  const hook = await patience.attempt(() => hooks.preStart(machine, facts));
  if (hook?.value === undefined || signals.stop.aborted) return undefined;
  const { end, output } = hook.value;
  if (end.kind === 'exited' && end.status === 0) return undefined;
  return {
    end: { kind: 'not-prepared', how: end },
    aliveMs: 0,
    why: {
      cause: end.kind === 'not-started' ? end.error : 'pre_start failed, so bhyve was not started',
      evidence: lastWords(saidLines(output)),
      next: 'look at hooks.pre_start, and at what it wrote',
    },
  };
}

/**
 * The machine of a target, on a host that was looked at; planned again with what the host told.
 * @returns undefined where a stop was asked for meanwhile
 */
async function readyMachine(
  planned: Planner,
  target: string | undefined,
  mayFix: Callbacks['mayFix'],
  { host, emit, secrets, signals, loaders }: Session,
  ledger: Ledger | undefined,
  patience: Patience,
): Promise<Machine | undefined> {
  const machine = planned(target);
  refuseUnloaded(machine, host);
  const isStopping = (): boolean => signals.stop.aborted;
  if (isStopping()) return undefined;
  if (ledger === undefined) return machine;
  const mayMend = mayFix === undefined ? undefined : { mayFix: askUntil(signals.stop, mayFix) };
  try {
    // A password that was read before is kept; a loader that somebody else plays is not looked for.
    const isNeeded = ({ need }: MachineRequirement): boolean =>
      need.kind === 'program'
        ? need.isOfBhyve !== true || !Object.hasOwn(loaders, need.program)
        : need.kind !== 'file' || !secrets.isKnown(need.path);
    const needed = { ...machine, requirements: machine.requirements.filter(isNeeded) };
    const looked = await patience.attempt(() => preflight(needed, { run: patience.tool, ledger, ...mayMend }));
    if (looked === undefined || isStopping()) return undefined;
    const { warnings, hostCards } = looked.value;
    for (const problem of warnings) emit({ kind: 'warning', problem });
    return hostCards.size === 0 ? machine : planned(target, hostCards);
  } catch (error) {
    // Looking was cut short, and what it then found is not so.
    if (isStopping()) return undefined;
    throw error;
  }
}

/** Somebody who is asked need not answer any more once a stop is asked for. */
const askUntil =
  (stop: AbortSignal, mayFix: NonNullable<Callbacks['mayFix']>) =>
  async (finding: HostFinding): Promise<boolean> => {
    const over = new AbortController();
    const stopped = aborted(stop, over.signal).then(() => false);
    try {
      return await Promise.race([Promise.resolve(mayFix(finding, stop)), stopped]);
    } finally {
      abort(over);
    }
  };
