import { expect, test } from '@jest/globals';
import type { Problem } from '../../src/base/problem.js';
import { afterEnd, failureOf } from '../../src/manager/after-end.js';
import type { LifeEnd } from '../../src/manager/vm-life.js';
import type { StopReason } from '../../src/supervisor/policy.js';

const failed = (...codes: readonly string[]): LifeEnd => ({
  kind: 'failed',
  problems: codes.map((code): Problem => ({ code, severity: 'error', message: code })),
});
const ended = (because: StopReason, cause?: string): LifeEnd => ({
  kind: 'ended',
  result: {
    ...{ because, boots: 1, leftBehind: [], end: { kind: 'powered-off' } },
    ...(cause === undefined ? {} : { why: { cause, evidence: [], next: 'look' } }),
  },
});

test.each<[title: string, end: LifeEnd, isStopAsked: boolean, mayGoOn: boolean, follows: object]>([
  ['what is in the way is waited for', failed('orphan'), false, true, { do: 'retry' }],
  ['unless it is to be stopped', failed('orphan'), true, true, { do: 'stop-other' }],
  ['or is not wanted any more', failed('orphan'), false, false, { do: 'ended', isBootedAgain: false }],
  ['another failure is told', failed('not-ready'), false, true, { do: 'ended', problems: [{ code: 'not-ready' }] }],
  ['a stop was asked for', ended('asked'), true, true, { do: 'stopped' }],
  ['a guest that powered off is left at that', ended('guest'), false, true, { do: 'ended', isBootedAgain: false }],
  ['an end that nobody knows is no reason to stay off', ended('status-unknown'), false, true, { isBootedAgain: true }],
  ['but where it is to stay off', ended('status-unknown'), false, false, { isBootedAgain: false }],
])('%s', (_title, end, isStopAsked, mayGoOn, follows) => {
  expect(afterEnd('web', end, { isStopAsked, mayGoOn })).toMatchObject(follows);
});

test.each<[title: string, end: LifeEnd, isFailure: boolean]>([
  ['could not run', failed('not-ready'), true],
  ['was given up', ended('restart-limit'), true],
  ['ended for a reason that is known', ended('guest', 'the disk is full'), true],
  ['powered off', ended('guest'), false],
  ['was stopped', ended('asked'), false],
])('a VM that %s', (_title, end, isFailure) => {
  expect(failureOf(end) !== undefined).toBe(isFailure);
});
