import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Policy } from '../../src/machine/machine.js';
import { rebootReasons, type RebootReason } from '../../src/spec/vm-spec.js';
import { nextStep, shortLifeMs, type History, type RebootLimits, type Step } from '../../src/supervisor/policy.js';
import { reasonOf, type RunEnd } from '../../src/supervisor/run-end.js';

const basePolicy: Policy = {
  rebootOn: ['reboot'],
  nextTarget: {},
  restart: { max: undefined, windowMs: 60_000, delayMs: 100, maxDelayMs: 10_000 },
  stopTimeoutMs: 60_000,
  postStart: undefined,
};
const quietPast: History = { nowMs: 1_000_000, aliveMs: 3_600_000, reboots: [], shortLives: 0 };

interface Case {
  readonly policy?: Partial<Omit<Policy, 'restart'>> & { readonly restart?: Partial<Policy['restart']> };
  readonly limits?: RebootLimits;
  readonly history?: Partial<History>;
}

const decide = (end: RunEnd, { policy = {}, limits = {}, history = {} }: Case = {}): Step =>
  nextStep(end, 'here', { ...basePolicy, ...policy, restart: { ...basePolicy.restart, ...policy.restart } }, limits, {
    ...quietPast,
    ...history,
  });

const ends: Readonly<Record<RebootReason, RunEnd>> = {
  reboot: { kind: 'rebooted' },
  power_off: { kind: 'powered-off' },
  halt: { kind: 'halted' },
  triple_fault: { kind: 'triple-fault' },
  error: { kind: 'failed', status: 4 },
};
const boot = (reason: RebootReason, target = 'here', delayMs = 0): Step => ({ do: 'boot', target, reason, delayMs });
const stop = (because: 'guest' | 'no-reboot' | 'reboot-count' | 'restart-limit'): Step => ({ do: 'stop', because });

describe('what follows the end of a boot', () => {
  test.each<[title: string, end: RunEnd, about: Case, step: Step]>([
    ['a reboot boots the same target', ends.reboot, {}, boot('reboot')],
    ['a power-off ends the run', ends.power_off, {}, stop('guest')],
    ['a halt ends the run', ends.halt, {}, stop('guest')],
    ['a triple fault ends the run', ends.triple_fault, {}, stop('guest')],
    ['an error ends the run', ends.error, {}, stop('guest')],
    ['a suspend ends the run', { kind: 'suspended' }, { policy: { rebootOn: rebootReasons } }, stop('guest')],
    [
      'a killed bhyve ends the run, whatever reboot_on says',
      { kind: 'killed', signal: 'SIGKILL' },
      { policy: { rebootOn: rebootReasons } },
      stop('guest'),
    ],
    ['reboot_on may name others', ends.halt, { policy: { rebootOn: ['halt'] } }, boot('halt')],
    ['and leave reboot out', ends.reboot, { policy: { rebootOn: ['halt'] } }, stop('guest')],
    ['an empty list never boots again', ends.reboot, { policy: { rebootOn: [] } }, stop('guest')],
    [
      '--reboot-on replaces the spec’s list',
      ends.power_off,
      { limits: { rebootOn: ['power_off'] } },
      boot('power_off'),
    ],
    ['--reboot-on adds nothing to it', ends.reboot, { limits: { rebootOn: ['power_off'] } }, stop('guest')],
    ['--no-reboot wins', ends.reboot, { limits: { noReboot: true } }, stop('no-reboot')],
    ['--no-reboot is not blamed for a power-off', ends.power_off, { limits: { noReboot: true } }, stop('guest')],
    ['--reboot-count 0 means none', ends.reboot, { limits: { rebootCount: 0 } }, stop('reboot-count')],
    [
      '--reboot-count counts reboots, not boots',
      ends.reboot,
      { limits: { rebootCount: 2 }, history: { reboots: [1] } },
      boot('reboot'),
    ],
    [
      '--reboot-count is reached',
      ends.reboot,
      { limits: { rebootCount: 2 }, history: { reboots: [1, 2] } },
      stop('reboot-count'),
    ],
    [
      'next_target goes by the reason',
      ends.reboot,
      { policy: { nextTarget: { reboot: 'disk', error: 'rescue' } } },
      boot('reboot', 'disk'),
    ],
    [
      'next_target of another reason does not count',
      ends.reboot,
      { policy: { nextTarget: { error: 'rescue' } } },
      boot('reboot'),
    ],
    [
      'next_target alone is no reason to boot',
      ends.error,
      { policy: { nextTarget: { error: 'rescue' } } },
      stop('guest'),
    ],
    [
      'restart.max reboots in the window are one too many',
      ends.reboot,
      { policy: { restart: { max: 2 } }, history: { reboots: [999_000, 999_500] } },
      stop('restart-limit'),
    ],
    [
      'fewer are not',
      ends.reboot,
      { policy: { restart: { max: 2 } }, history: { reboots: [999_000] } },
      boot('reboot'),
    ],
    [
      'those before the window do not count',
      ends.reboot,
      { policy: { restart: { max: 2 } }, history: { reboots: [1, 940_000, 940_001] } },
      boot('reboot'),
    ],
    ['restart.max 0 allows none', ends.reboot, { policy: { restart: { max: 0 } } }, stop('restart-limit')],
    ['the first short boot is followed at once', ends.reboot, { history: { aliveMs: 1 } }, boot('reboot')],
    [
      'the second waits for the delay',
      ends.reboot,
      { history: { aliveMs: 1, shortLives: 1 } },
      boot('reboot', 'here', 100),
    ],
    [
      'the fourth for four times of it',
      ends.reboot,
      { history: { aliveMs: 1, shortLives: 3 } },
      boot('reboot', 'here', 400),
    ],
    [
      'a long life is followed at once',
      ends.reboot,
      { history: { aliveMs: shortLifeMs, shortLives: 5 } },
      boot('reboot'),
    ],
  ])('%s', (_title, end, about, step) => {
    expect(decide(end, about)).toEqual(step);
  });
});

const anyEnd: fc.Arbitrary<RunEnd> = fc.oneof(
  fc.constantFrom<RunEnd>(...Object.values(ends), { kind: 'suspended' }),
  fc.integer({ min: 4, max: 255 }).map((status): RunEnd => ({ kind: 'failed', status })),
  fc.constantFrom<NodeJS.Signals>('SIGKILL', 'SIGSEGV').map((signal): RunEnd => ({ kind: 'killed', signal })),
);
const anyReasons = fc.subarray([...rebootReasons]);
const anyDelay = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 31_536_000_000 }));
const anyPolicy: fc.Arbitrary<Policy> = fc.record({
  rebootOn: anyReasons,
  nextTarget: fc.dictionary(fc.constantFrom(...rebootReasons), fc.constantFrom('a', 'b')),
  restart: fc.record({
    max: fc.option(fc.nat(10), { nil: undefined }),
    windowMs: anyDelay,
    delayMs: anyDelay,
    maxDelayMs: anyDelay,
  }),
  stopTimeoutMs: anyDelay,
  postStart: fc.constant(undefined),
});
const anyHistory: fc.Arbitrary<History> = fc
  .record({
    nowMs: fc.double({ min: 0, max: 1e12, noNaN: true }),
    aliveMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
    reboots: fc.array(fc.double({ min: 0, max: 1e12, noNaN: true })),
    shortLives: fc.oneof(fc.nat(20), fc.nat(5000)),
  })
  .map((history) => ({
    ...history,
    reboots: history.reboots.filter((at) => at <= history.nowMs).sort((a, b) => a - b),
  }));
const anyLimits: fc.Arbitrary<RebootLimits> = fc.record(
  { rebootOn: anyReasons, noReboot: fc.boolean(), rebootCount: fc.nat(10) },
  { requiredKeys: [] },
);

const holds = (check: (step: Step, end: RunEnd, policy: Policy, limits: RebootLimits, past: History) => void): void => {
  fc.assert(
    fc.property(anyEnd, anyPolicy, anyLimits, anyHistory, (end, policy, limits, past) => {
      check(nextStep(end, 'here', policy, limits, past), end, policy, limits, past);
    }),
    { numRuns: 2000 },
  );
};

describe('whatever the policy and the past', () => {
  test('--no-reboot never boots', () => {
    holds((_step, end, policy, limits, past) => {
      expect(nextStep(end, 'here', policy, { ...limits, noReboot: true }, past).do).toBe('stop');
    });
  });

  test('a boot follows only a reason that is listed, and never beyond a limit', () => {
    holds((step, end, { rebootOn, restart }, limits, { reboots, nowMs }) => {
      if (step.do === 'stop') return;
      expect(step.reason).toBe(reasonOf(end));
      expect(limits.rebootOn ?? rebootOn).toContain(step.reason);
      expect(reboots.length).toBeLessThan(limits.rebootCount ?? Infinity);
      const recent = reboots.filter((at) => nowMs - at < restart.windowMs);
      expect(recent.length).toBeLessThan(restart.max ?? Infinity);
    });
  });

  test('the pause is a number from 0 to max_delay', () => {
    holds((step, _end, { restart }) => {
      if (step.do === 'stop') return;
      expect(step.delayMs).toBeGreaterThanOrEqual(0);
      expect(step.delayMs).toBeLessThanOrEqual(restart.maxDelayMs);
    });
  });

  test('the pause doubles with each short boot until it is at max_delay', () => {
    holds((_step, _end, policy, _limits, past) => {
      const pause = (shortLives: number): number => {
        const free = { ...policy, rebootOn: rebootReasons, restart: { ...policy.restart, max: undefined } };
        const step = nextStep(ends.reboot, 'here', free, {}, { ...past, aliveMs: 0, shortLives });
        return step.do === 'boot' ? step.delayMs : NaN;
      };
      const { shortLives } = past;
      if (shortLives === 0) expect(pause(0)).toBe(0);
      else expect(pause(shortLives + 1)).toBe(Math.min(pause(shortLives) * 2, policy.restart.maxDelayMs));
    });
  });

  test('the target is next_target’s for the reason, else the same again', () => {
    holds((step, _end, { nextTarget }) => {
      if (step.do === 'boot') expect(step.target).toBe(nextTarget[step.reason] ?? 'here');
    });
  });
});
