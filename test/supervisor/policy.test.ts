import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ProcessEnd } from '../../src/host/process/child.js';
import type { Policy } from '../../src/fields/policy.js';
import { exitReasons, type ExitReason } from '../../src/fields/exits.js';
import {
  budgetOf,
  decide,
  noPast,
  rebootsLeft,
  type Decision,
  type Past,
  type RebootLimits,
  type Step,
  type StopReason,
} from '../../src/supervisor/policy.js';
import { readEnd, reasonOf, type RunEnd } from '../../src/explain/run-end.js';
import { runs } from '../support/runs.js';

type Changes = Partial<Omit<Policy, 'restart'>> & { readonly restart?: Partial<Policy['restart']> };

const policyWith = ({ restart = {}, ...more }: Changes = {}): Policy => ({
  rebootOn: ['reboot'],
  nextTarget: {},
  restart: { max: undefined, windowMs: 60_000, delayMs: 100, maxDelayMs: 10_000, stableMs: 10_000, ...restart },
  onGiveUp: undefined,
  stopTimeoutMs: 60_000,
  hooks: { timeoutMs: 30_000 },
  ...more,
});

const hour = 3_600_000;
const ends: Readonly<Record<ExitReason, RunEnd>> = {
  reboot: { kind: 'rebooted' },
  power_off: { kind: 'powered-off' },
  halt: { kind: 'halted' },
  triple_fault: { kind: 'triple-fault' },
  error: { kind: 'failed', status: 4 },
  suspend: { kind: 'suspended' },
  signal: { kind: 'killed', signal: 'SIGKILL' },
};
const boot = (reason: ExitReason, target = 'here', delayMs = 0): Step => ({ do: 'boot', target, reason, delayMs });
const giveUp = (target: string, reason: ExitReason = 'reboot'): Step => ({
  do: 'boot',
  target,
  reason,
  delayMs: 0,
  gaveUp: true,
});
const stop = (because: StopReason): Step => ({ do: 'stop', because });

interface Case {
  readonly policy?: Changes;
  readonly limits?: RebootLimits;
  readonly past?: Partial<Past>;
  readonly aliveMs?: number;
}

const stepAfter = (end: RunEnd, { policy = {}, limits = {}, past = {}, aliveMs = 1 }: Case = {}): Step =>
  decide({ end, target: 'here', aliveMs, nowMs: 1_000_000 }, { ...noPast, ...past }, policyWith(policy), limits).step;

const exited = (status: number): ProcessEnd => ({ kind: 'exited', status });
const signalled = (signal: NodeJS.Signals): ProcessEnd => ({ kind: 'signalled', signal });

describe('each way bhyve can end', () => {
  test.each<[end: ProcessEnd, reason: ExitReason, byDefault: 'boot' | 'stop']>([
    [exited(0), 'reboot', 'boot'],
    [exited(1), 'power_off', 'stop'],
    [exited(2), 'halt', 'stop'],
    [exited(3), 'triple_fault', 'stop'],
    [exited(4), 'error', 'stop'],
    [exited(5), 'suspend', 'stop'],
    [exited(71), 'error', 'stop'],
    [exited(100), 'error', 'stop'],
    [exited(255), 'error', 'stop'],
    [signalled('SIGTERM'), 'signal', 'stop'],
    [signalled('SIGKILL'), 'signal', 'stop'],
    [signalled('SIGSEGV'), 'signal', 'stop'],
    [signalled('SIGABRT'), 'signal', 'stop'],
    [signalled('SIGBUS'), 'signal', 'stop'],
  ])('%j is known as %s: by default a %s', (processEnd, reason, byDefault) => {
    const end = readEnd(processEnd, '');
    const others = exitReasons.filter((other) => other !== reason);
    const nextTarget = { ...Object.fromEntries(others.map((other) => [other, 'elsewhere'])), [reason]: 'there' };
    expect(stepAfter(end)).toEqual(byDefault === 'boot' ? boot(reason) : stop('guest'));
    expect(stepAfter(end, { policy: { rebootOn: [reason] } })).toEqual(boot(reason));
    expect(stepAfter(end, { policy: { rebootOn: exitReasons, nextTarget } })).toEqual(boot(reason, 'there'));
    expect(stepAfter(end, { policy: { rebootOn: others, nextTarget } })).toEqual(stop('guest'));
    expect(stepAfter(end, { policy: { rebootOn: [] } })).toEqual(stop('guest'));
    expect(stepAfter(end, { limits: { rebootOn: [reason] } })).toEqual(boot(reason));
    expect(stepAfter(end, { policy: { rebootOn: [reason] }, limits: { rebootOn: others } })).toEqual(stop('guest'));
  });

  test.each<[what: string, end: RunEnd]>([
    ['a hook that failed', { kind: 'not-prepared', how: { kind: 'exited', status: 1 } }],
    ['a loader that failed', { kind: 'not-loaded', program: 'bhyveload', how: { kind: 'exited', status: 1 } }],
  ])('%s is an error, though bhyve has not run', (_what, end) => {
    expect(stepAfter(end)).toEqual(stop('guest'));
    expect(stepAfter(end, { policy: { rebootOn: ['error'], nextTarget: { error: 'rescue' } } })).toEqual(
      boot('error', 'rescue'),
    );
  });

  test('an end that nobody saw is never followed by a boot', () => {
    const all = { policy: { rebootOn: exitReasons, onGiveUp: 'rescue', restart: { max: 0 } } };
    expect(stepAfter({ kind: 'unknown' }, all)).toEqual(stop('status-unknown'));
    expect(stepAfter({ kind: 'unknown' }, { limits: { rebootOn: exitReasons } })).toEqual(stop('status-unknown'));
  });
});

describe('what follows the end of a boot', () => {
  const counted = [999_000, 999_500];
  test.each<[title: string, end: RunEnd, about: Case, step: Step]>([
    ['--reboot-on adds nothing to reboot_on', ends.reboot, { limits: { rebootOn: ['halt'] } }, stop('guest')],
    ['--no-reboot wins', ends.reboot, { limits: { noReboot: true } }, stop('no-reboot')],
    ['--no-reboot is not blamed for a power-off', ends.power_off, { limits: { noReboot: true } }, stop('guest')],
    ['--reboot-count 0 means none', ends.reboot, { limits: { rebootCount: 0 } }, stop('reboot-count')],
    [
      '--reboot-count counts reboots, not boots',
      ends.reboot,
      { limits: { rebootCount: 2 }, past: { reboots: 1 } },
      boot('reboot'),
    ],
    [
      '--reboot-count is reached',
      ends.reboot,
      { limits: { rebootCount: 2 }, past: { reboots: 2 } },
      stop('reboot-count'),
    ],
    [
      '--reboot-count counts those before a stable run too',
      ends.reboot,
      { limits: { rebootCount: 2 }, past: { reboots: 2 }, aliveMs: hour },
      stop('reboot-count'),
    ],
    [
      '--reboot-count holds for the target of on_give_up',
      ends.reboot,
      {
        limits: { rebootCount: 2 },
        past: { reboots: 2, counted },
        policy: { restart: { max: 2 }, onGiveUp: 'rescue' },
      },
      stop('reboot-count'),
    ],
    [
      'next_target of another reason does not count',
      ends.reboot,
      { policy: { nextTarget: { error: 'rescue' } } },
      boot('reboot'),
    ],
    [
      'next_target alone is not a reason to boot',
      ends.error,
      { policy: { nextTarget: { error: 'rescue' } } },
      stop('guest'),
    ],
    [
      'restart.max reboots in the window are one too many',
      ends.reboot,
      { policy: { restart: { max: 2 } }, past: { counted } },
      stop('restart-limit'),
    ],
    ['fewer are not', ends.reboot, { policy: { restart: { max: 2 } }, past: { counted: [999_000] } }, boot('reboot')],
    [
      'those before the window do not count',
      ends.reboot,
      { policy: { restart: { max: 2 } }, past: { counted: [1, 940_000, 940_001] } },
      boot('reboot'),
    ],
    [
      'nor those before a stable run',
      ends.reboot,
      { policy: { restart: { max: 2 } }, past: { counted }, aliveMs: 10_000 },
      boot('reboot'),
    ],
    ['restart.max 0 allows none', ends.reboot, { policy: { restart: { max: 0 } } }, stop('restart-limit')],
    [
      'restart.max 0 allows none after a stable run either',
      ends.reboot,
      { policy: { restart: { max: 0 } }, aliveMs: hour },
      stop('restart-limit'),
    ],
    [
      'on_give_up is booted where the budget is spent, at once',
      ends.reboot,
      {
        policy: { restart: { max: 2 }, onGiveUp: 'rescue', nextTarget: { reboot: 'there' } },
        past: { counted, shortLives: 9 },
      },
      giveUp('rescue'),
    ],
    [
      'on_give_up is not booted before',
      ends.reboot,
      { policy: { restart: { max: 3 }, onGiveUp: 'rescue' }, past: { counted } },
      boot('reboot'),
    ],
    [
      'on_give_up is not booted for what reboot_on does not name',
      ends.power_off,
      { policy: { restart: { max: 2 }, onGiveUp: 'rescue' }, past: { counted } },
      stop('guest'),
    ],
    [
      '--no-reboot wins over on_give_up',
      ends.reboot,
      { policy: { restart: { max: 0 }, onGiveUp: 'rescue' }, limits: { noReboot: true } },
      stop('no-reboot'),
    ],
    [
      'the target of on_give_up has nothing to give up to',
      ends.reboot,
      { policy: { restart: { max: 2 }, onGiveUp: 'here' }, past: { counted } },
      stop('restart-limit'),
    ],
    [
      'a second give-up stops',
      ends.reboot,
      { policy: { restart: { max: 2 }, onGiveUp: 'rescue' }, past: { counted, hasGivenUp: true } },
      stop('restart-limit'),
    ],
    [
      'unless a run was stable since',
      ends.reboot,
      { policy: { restart: { max: 0 }, onGiveUp: 'rescue' }, past: { hasGivenUp: true }, aliveMs: 10_000 },
      giveUp('rescue'),
    ],
    ['the first short boot is followed at once', ends.reboot, {}, boot('reboot')],
    ['the second waits for the delay', ends.reboot, { past: { shortLives: 1 } }, boot('reboot', 'here', 100)],
    ['the fourth for four times of it', ends.reboot, { past: { shortLives: 3 } }, boot('reboot', 'here', 400)],
    ['the twentieth for max_delay', ends.reboot, { past: { shortLives: 19 } }, boot('reboot', 'here', 10_000)],
    ['a stable run is followed at once', ends.reboot, { past: { shortLives: 5 }, aliveMs: 10_000 }, boot('reboot')],
    [
      'restart.stable says what that is',
      ends.reboot,
      { policy: { restart: { stableMs: 10_001 } }, past: { shortLives: 1 }, aliveMs: 10_000 },
      boot('reboot', 'here', 100),
    ],
    [
      'no delay stays none',
      ends.reboot,
      { policy: { restart: { delayMs: 0 } }, past: { shortLives: 5000 } },
      boot('reboot'),
    ],
  ])('%s', (_title, end, about, step) => {
    expect(stepAfter(end, about)).toEqual(step);
  });
});

/** One boot of a run, and what was decided after it. */
interface Played {
  readonly target: string;
  readonly aliveMs: number;
  readonly endedMs: number;
  readonly decision: Decision;
}

interface Life {
  readonly end: RunEnd;
  readonly aliveMs: number;
}

/** Plays the lives one after the other, as the loop does it, until the decision is to stop or there are no more. */
function play(
  lives: readonly Life[],
  policyOf: (target: string) => Policy,
  { first = 'default', limits = {} }: { readonly first?: string; readonly limits?: RebootLimits } = {},
): readonly Played[] {
  const played: Played[] = [];
  let [target, past, nowMs] = [first, noPast, 5_000];
  for (const { end, aliveMs } of lives) {
    nowMs += aliveMs;
    const decision = decide({ end, target, aliveMs, nowMs }, past, policyOf(target), limits);
    played.push({ target, aliveMs, endedMs: nowMs, decision });
    const { step } = decision;
    if (step.do === 'stop') break;
    ({ target } = step);
    ({ past } = decision);
    nowMs += step.delayMs;
  }
  return played;
}

/** `rescue!` is a boot that gave up, `rescue+100` one after a pause, `stop: …` the end. */
const told = (played: readonly Played[]): readonly string[] =>
  played.map(({ decision: { step } }) => {
    if (step.do === 'stop') return `stop: ${step.because}`;
    return `${step.target}${step.gaveUp === true ? '!' : ''}${step.delayMs > 0 ? `+${step.delayMs}` : ''}`;
  });

describe('a guest that crashes again and again', () => {
  const crash: Life = { end: ends.error, aliveMs: 500 };
  const stable: Life = { end: ends.error, aliveMs: 10_000 };
  const repaired: Life = { end: ends.reboot, aliveMs: 600_000 };
  const both: Changes = { rebootOn: ['reboot', 'error'], restart: { max: 3 } };
  const times = (count: number, life: Life): readonly Life[] => Array.from({ length: count }, () => life);

  test('is given up after max reboots, each after a longer pause', () => {
    expect(told(play(times(9, crash), () => policyWith(both)))).toEqual([
      'default',
      'default+100',
      'default+200',
      'stop: restart-limit',
    ]);
  });

  test('boots the rescue target once, which has a budget of its own, and is then given up', () => {
    const policies: Readonly<Record<string, Policy>> = {
      default: policyWith({ ...both, onGiveUp: 'rescue' }),
      rescue: policyWith({ ...both, onGiveUp: 'rescue', restart: { max: 2 } }),
    };
    expect(told(play(times(20, crash), (target) => policies[target] ?? policyWith()))).toEqual([
      ...['default', 'default+100', 'default+200', 'rescue!'],
      ...['rescue', 'rescue+100', 'stop: restart-limit'],
    ]);
  });

  test('comes back from the rescue system with a new budget, once that was a stable run', () => {
    const policies: Readonly<Record<string, Policy>> = {
      default: policyWith({ ...both, onGiveUp: 'rescue', restart: { max: 1 } }),
      rescue: policyWith({ nextTarget: { reboot: 'default' } }),
    };
    const lives = [crash, crash, repaired, crash, crash, { ...repaired, aliveMs: 20 }, ...times(9, crash)];
    expect(told(play(lives, (target) => policies[target] ?? policyWith()))).toEqual([
      ...['default', 'rescue!', 'default'],
      // One reboot is counted already: the one after the stable run.
      ...['rescue!', 'stop: guest'],
    ]);
    const quick = [crash, crash, { ...repaired, aliveMs: 20 }, ...times(9, crash)];
    expect(told(play(quick, (target) => policies[target] ?? policyWith()))).toEqual([
      ...['default', 'rescue!', 'default'],
      // A rescue system that ended at once has rescued nothing: no second one.
      'stop: restart-limit',
    ]);
  });

  test('is forgiven what came before a stable run', () => {
    const lives = [crash, crash, crash, stable, ...times(9, crash)];
    expect(told(play(lives, () => policyWith(both)))).toEqual([
      ...['default', 'default+100', 'default+200', 'default'],
      ...['default', 'default+100', 'stop: restart-limit'],
    ]);
  });

  test('is not given up while it crashes less often than max in the window', () => {
    const slow = { ...crash, aliveMs: 9_000 };
    const policy = policyWith({ ...both, restart: { max: 3, windowMs: 20_000, maxDelayMs: 100 } });
    expect(play(times(50, slow), () => policy)).toHaveLength(50);
  });

  test('leaves no more behind after 10,000 reboots than as many numbers as can count', () => {
    for (const max of [undefined, 5, 2000]) {
      const policy = policyWith({ ...both, restart: { max, delayMs: 0, windowMs: 365 * 24 * hour } });
      let [past, most] = [noPast, 0];
      for (let nowMs = 1; nowMs <= 10_000; nowMs += 1) {
        ({ past } = decide({ end: ends.reboot, target: 'here', aliveMs: 1, nowMs }, past, policy, {}));
        most = Math.max(most, past.counted.length);
      }
      expect(most).toBeLessThanOrEqual(Math.max(1000, max ?? 0));
      expect(past.reboots).toBe(max ?? 10_000);
      expect(past.counted.at(-1)).toBe(max ?? 10_000);
    }
  });
});

const anyEnd: fc.Arbitrary<RunEnd> = fc.oneof(
  fc.constantFrom<RunEnd>(...Object.values(ends), { kind: 'unknown' }),
  fc.integer({ min: 4, max: 255 }).map((status): RunEnd => ({ kind: 'failed', status })),
  fc.constantFrom<NodeJS.Signals>('SIGKILL', 'SIGSEGV').map((signal): RunEnd => ({ kind: 'killed', signal })),
  fc.constantFrom<RunEnd>({ kind: 'not-prepared', how: { kind: 'timed-out', timeoutMs: 1000 } }),
);
const anyReasons = fc.subarray([...exitReasons]);
const targets = ['here', 'a', 'b'] as const;
const anyTarget = fc.constantFrom<string>(...targets);
const anyDelay = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 31_536_000_000 }), fc.integer({ min: 0, max: 50 }));
/** Near the length of a life, so that each of these is about as often exceeded as not. */
const nearLife = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 100_000 }));
const anyPolicy: fc.Arbitrary<Policy> = fc.record({
  rebootOn: fc.oneof(anyReasons, fc.constant(exitReasons)),
  nextTarget: fc.dictionary(fc.constantFrom(...exitReasons), anyTarget),
  restart: fc.record({
    max: fc.option(fc.nat(10), { nil: undefined }),
    windowMs: fc.oneof(anyDelay, nearLife),
    delayMs: anyDelay,
    maxDelayMs: anyDelay,
    stableMs: nearLife,
  }),
  onGiveUp: fc.option(anyTarget, { nil: undefined }),
  stopTimeoutMs: anyDelay,
  hooks: fc.constant({ timeoutMs: 30_000 }),
});
const anyLimits: fc.Arbitrary<RebootLimits> = fc.record(
  { rebootOn: anyReasons, noReboot: fc.boolean(), rebootCount: fc.nat(10) },
  { requiredKeys: [] },
);
const anyLife: fc.Arbitrary<Life> = fc.record({
  end: fc.oneof(anyEnd, fc.constant(ends.reboot), fc.constant(ends.error)),
  aliveMs: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 200_000 })),
});
const anyLives = fc.array(anyLife, { minLength: 1, maxLength: 40, size: 'max' });
/** A policy for each target. */
const anyPolicies = fc
  .tuple(anyPolicy, anyPolicy, anyPolicy)
  .map(
    (policies): ReadonlyMap<string, Policy> =>
      new Map(targets.map((name, index) => [name, policies[index] ?? policyWith()])),
  );

/** Checks every decision of random runs, given what was before it. */
const holds = (
  check: (at: {
    readonly played: Played;
    readonly before: readonly Played[];
    readonly life: Life;
    readonly policy: Policy;
    readonly limits: RebootLimits;
  }) => void,
): void => {
  fc.assert(
    fc.property(anyLives, anyPolicies, anyLimits, (lives, policies, limits) => {
      const policyOf = (target: string): Policy => policies.get(target) ?? policyWith();
      play(lives, policyOf, { first: 'here', limits }).forEach((played, index, all) => {
        const life = lives[index];
        if (life === undefined) return;
        check({ played, before: all.slice(0, index), life, policy: policyOf(played.target), limits });
      });
    }),
    { numRuns: runs(500) },
  );
};

const isStable = ({ aliveMs }: Played, policy: Policy): boolean => aliveMs >= policy.restart.stableMs;

describe('whatever the policies and the run', () => {
  test('a boot follows only a reason that is listed, and never beyond --reboot-count', () => {
    holds(({ played: { decision }, before, life, policy, limits }) => {
      const { step } = decision;
      if (step.do === 'stop') return;
      expect(step.reason).toBe(reasonOf(life.end));
      expect(limits.rebootOn ?? policy.rebootOn).toContain(step.reason);
      expect(limits.noReboot).not.toBe(true);
      expect(before.length).toBeLessThan(limits.rebootCount ?? Infinity);
    });
  });

  test("the target is next_target's for the reason, else the same again; on_give_up's after a give-up", () => {
    holds(({ played: { target, decision }, policy }) => {
      const { step } = decision;
      if (step.do === 'stop') return;
      expect(step.target).toBe(step.gaveUp === true ? policy.onGiveUp : (policy.nextTarget[step.reason] ?? target));
    });
  });

  test('the pause is a number from 0 to max_delay', () => {
    holds(({ played: { decision }, policy }) => {
      const { step } = decision;
      if (step.do === 'stop') return;
      expect(step.delayMs).toBeGreaterThanOrEqual(0);
      expect(step.delayMs).toBeLessThanOrEqual(Math.max(0, policy.restart.maxDelayMs));
    });
  });

  test('the same again gives the same again, and nothing that was given is changed', () => {
    const freeze = <T extends object>(value: T): T => {
      for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) freeze(part);
      return Object.freeze(value);
    };
    fc.assert(
      fc.property(anyLives, anyPolicy, anyLimits, (lives, policy, limits) => {
        const once = play(freeze(lives), () => freeze(policy), { limits: freeze(limits) });
        // A decision is made from what earlier ones left: here it cannot be changed any more.
        for (const { decision } of once) freeze(decision);
        const [first] = once;
        if (first === undefined) return;
        expect(play(lives, () => policy, { limits })).toEqual(once);
      }),
    );
  });

  test('the past does not grow with the run', () => {
    holds(({ played: { decision }, before, policy }) => {
      const { counted, reboots } = decision.past;
      expect(counted.length).toBeLessThanOrEqual(Math.max(1000, policy.restart.max ?? 0));
      expect(reboots).toBe(before.length + (decision.step.do === 'boot' ? 1 : 0));
    });
  });

  test('a stable run forgets all but the number of reboots', () => {
    fc.assert(
      fc.property(anyLives, anyPolicy, anyLife, (lives, policy, life) => {
        const past = play(lives, () => policy).at(-1)?.decision.past ?? noPast;
        const aliveMs = policy.restart.stableMs;
        const ended = { end: life.end, target: 'here', aliveMs, nowMs: 1e9 };
        const fresh = { ...noPast, reboots: past.reboots };
        expect(decide(ended, past, policy, {})).toEqual(decide(ended, fresh, policy, {}));
      }),
    );
  });
});

describe('a run that boots again whatever happens', () => {
  const always = (restart: Partial<Policy['restart']>, more: Changes = {}): Policy =>
    policyWith({ rebootOn: exitReasons, ...more, restart });
  const limit = fc.integer({ min: 1, max: 8 });
  const span = fc.integer({ min: 1, max: 2000 });
  const knownLives = fc.array(
    fc.record({ end: fc.constantFrom(...Object.values(ends)), aliveMs: fc.integer({ min: 0, max: 400 }) }),
    { minLength: 20, maxLength: 80, size: 'max' },
  );

  /** The boots that followed, cut before each that followed a stable run. */
  const stretches = (played: readonly Played[], policy: Policy): readonly (readonly Played[])[] => {
    const cut: Played[][] = [[]];
    for (const each of played) {
      if (isStable(each, policy)) cut.push([]);
      if (each.decision.step.do === 'boot') cut.at(-1)?.push(each);
    }
    return cut;
  };
  const hasGivenUp = ({ decision: { step } }: Played): boolean => step.do === 'boot' && step.gaveUp === true;
  /** The most reboots that were decided within one window. */
  const mostIn = (windowMs: number, booted: readonly Played[]): number =>
    Math.max(
      0,
      ...booted.map(
        (last, index) => booted.slice(0, index + 1).filter(({ endedMs }) => last.endedMs - endedMs < windowMs).length,
      ),
    );

  test('has at most max reboots in every window between stable runs, and stops only at the next', () => {
    fc.assert(
      fc.property(knownLives, limit, span, fc.nat(50), (lives, max, windowMs, delayMs) => {
        const policy = always({ max, windowMs, delayMs, maxDelayMs: 400, stableMs: 300 });
        const played = play(lives, () => policy);
        const cut = stretches(played, policy);
        expect(Math.max(...cut.map((booted) => mostIn(windowMs, booted)))).toBeLessThanOrEqual(max);
        const end = played.at(-1);
        if (end?.decision.step.do !== 'stop') return;
        expect(end.decision.step.because).toBe('restart-limit');
        expect(mostIn(windowMs, [...(cut.at(-1) ?? []), end])).toBe(max + 1);
      }),
      { numRuns: runs(300) },
    );
  });

  test('gives up at most once between stable runs, with max reboots in the window before that and after it', () => {
    fc.assert(
      fc.property(knownLives, limit, span, (lives, max, windowMs) => {
        const policy = always({ max, windowMs, delayMs: 1, maxDelayMs: 20, stableMs: 300 }, { onGiveUp: 'rescue' });
        for (const booted of stretches(
          play(lives, () => policy),
          policy,
        )) {
          expect(booted.filter(hasGivenUp).length).toBeLessThanOrEqual(1);
          const given = booted.findIndex(hasGivenUp);
          const cut = given === -1 ? [booted] : [booted.slice(0, given), booted.slice(given + 1)];
          for (const part of cut) expect(mostIn(windowMs, part)).toBeLessThanOrEqual(max);
        }
      }),
      { numRuns: runs(300) },
    );
  });

  test('pauses: between stable runs, whatever the targets, at most three boots follow at once', () => {
    const onGiveUp = fc.option(anyTarget, { nil: undefined });
    const anyMax = fc.option(fc.nat(4), { nil: undefined });
    const paused = fc
      .record({ max: anyMax, onGiveUp, next: anyTarget })
      .map(({ max, onGiveUp: rescue, next }) =>
        always(
          { max, windowMs: 1e9, delayMs: 1, stableMs: 300 },
          { onGiveUp: rescue, nextTarget: Object.fromEntries(exitReasons.map((reason) => [reason, next])) },
        ),
      );
    fc.assert(
      fc.property(knownLives, fc.tuple(paused, paused, paused), (lives, policies) => {
        const policyOf = (target: string): Policy =>
          policies[targets.findIndex((name) => name === target)] ?? always({});
        let atOnce = 0;
        for (const each of play(lives, policyOf, { first: 'here' })) {
          const { step } = each.decision;
          if (isStable(each, policyOf(each.target))) atOnce = -1;
          if (step.do === 'boot' && step.delayMs === 0) atOnce += 1;
          // The first short life, the give-up, and the first short life after it.
          expect(atOnce).toBeLessThanOrEqual(3);
        }
      }),
      { numRuns: runs(300) },
    );
  });

  test('pauses twice as long after each short life, up to max_delay', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 31_536_000_000 }),
        (delayMs, maxDelayMs) => {
          const lives = Array.from({ length: 60 }, (): Life => ({ end: ends.reboot, aliveMs: 0 }));
          const pauses = play(lives, () => always({ delayMs, maxDelayMs })).map(({ decision: { step } }) =>
            step.do === 'boot' ? step.delayMs : NaN,
          );
          expect(pauses.slice(0, 2)).toEqual([0, Math.min(delayMs, maxDelayMs)]);
          pauses.slice(2).forEach((pause, index) => {
            expect(pause).toBe(Math.min((pauses[index + 1] ?? NaN) * 2, maxDelayMs));
          });
        },
      ),
    );
  });
});

describe('what is left of the budget', () => {
  const startMs = Date.parse('2026-01-01T00:00:00Z');
  /** The clock that is monotonic has begun 500 s ago. */
  const now = { wallMs: startMs + 500_000, monotonicMs: 500_000 };
  const at = (seconds: number): Date => new Date(startMs + seconds * 1000);
  const budget = (max: number, seconds: readonly number[]) => {
    const told = budgetOf(
      policyWith({ restart: { max } }),
      { ...noPast, counted: seconds.map((each) => each * 1000) },
      now,
    );
    if (told === undefined) throw new Error('there is a budget');
    return told;
  };

  test('is told by the clock on the wall, and by no more reboots than matter', () => {
    expect(budget(2, [480, 490, 495])).toEqual({
      ...{ max: 2, windowMs: 60_000, stableMs: 10_000 },
      reboots: [at(490).toISOString(), at(495).toISOString()],
    });
    expect(budget(0, [495]).reboots).toEqual([]);
    for (const max of [undefined, 1001]) {
      expect(budgetOf(policyWith({ restart: { max } }), noPast, now)).toBeUndefined();
    }
  });

  test.each<[what: string, max: number, reboots: readonly number[], bootSince: number | undefined, left: number]>([
    ['all of it before the first reboot', 3, [], 499, 3],
    ['less by each reboot in the window', 3, [490, 495], 499, 1],
    ['none after the last', 2, [490, 495], 499, 0],
    ['one that has left the window counts no more', 3, [440, 441], undefined, 2],
    ['all of it once the boot is a stable run', 3, [480, 485], 490, 3],
    ['not yet a moment before', 3, [480, 485], 490.001, 1],
    ['never any', 0, [], 499, 0],
  ])('%s', (_what, max, reboots, bootSince, left) => {
    const since = bootSince === undefined ? undefined : at(bootSince).toISOString();
    expect(rebootsLeft(budget(max, reboots), { bootSince: since, now: at(500) })).toBe(left);
  });

  test('is what the decision goes by', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 5 }),
        fc.array(fc.integer({ min: 400, max: 500 }), { maxLength: 8 }),
        fc.integer({ min: 480, max: 500 }),
        (max, reboots, bootSince) => {
          const counted = reboots.sort((a, b) => a - b);
          const left = rebootsLeft(budget(max, counted), { bootSince: at(bootSince).toISOString(), now: at(500) });
          const { step } = decide(
            { end: ends.reboot, target: 'here', aliveMs: (500 - bootSince) * 1000, nowMs: now.monotonicMs },
            { ...noPast, counted: counted.map((each) => each * 1000) },
            policyWith({ restart: { max } }),
            {},
          );
          expect(step.do).toBe(left > 0 ? 'boot' : 'stop');
        },
      ),
    );
  });
});
