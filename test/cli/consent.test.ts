import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { asker } from '../../src/cli/consent.js';
import type { HostFinding } from '../../src/host/look/findings.js';

const fixable: HostFinding = {
  problem: { code: 'no-interface', severity: 'error', message: 'there is no tap7', subject: 'emulations[0]' },
  fix: { action: { kind: 'run', argv: ['ifconfig', 'tap7', 'create'] }, subject: 'emulations[0]' },
  mayFix: false,
};

function person() {
  const input = new PassThrough();
  let shown = '';
  const ask = asker({ err: (text) => (shown += text) }, input);
  return { input, ask, shown: () => shown };
}

describe('the host is changed', () => {
  test.each<[typed: string, isAllowed: boolean]>([
    ['y\n', true],
    ['Yes\r\n', true],
    ['\n', false],
    ['n\n', false],
    ['yo\n', false],
  ])('when a person types %j: %s', async (typed, isAllowed) => {
    const { input, ask, shown } = person();
    const answer = ask(fixable, new AbortController().signal);
    input.write(typed);
    expect(await answer).toBe(isAllowed);
    expect(shown()).toBe('vmrun: emulations[0]: there is no tap7\nvmrun: fix it with: ifconfig tap7 create ? [y/N] ');
  });

  test('not at the end of the input', async () => {
    const { input, ask } = person();
    const answer = ask(fixable, new AbortController().signal);
    input.end();
    expect(await answer).toBe(false);
  });

  test('not when a stop is asked for while the question stands, and its line is ended', async () => {
    const { ask, shown } = person();
    const stop = new AbortController();
    const answer = ask(fixable, stop.signal);
    stop.abort();
    expect(await answer).toBe(false);
    expect(shown()).toMatch(/\[y\/N\] \n$/);
  });

  test('without a question when a stop was asked for before, or nothing would help', async () => {
    const { ask, shown } = person();
    const { problem, mayFix } = fixable;
    expect(await ask(fixable, AbortSignal.abort())).toBe(false);
    expect(await ask({ problem, mayFix }, new AbortController().signal)).toBe(false);
    expect(shown()).toBe('');
  });
});

test('a second question is answered by the next line', async () => {
  const { input, ask } = person();
  const { signal } = new AbortController();
  const first = ask(fixable, signal);
  input.write('n\n');
  expect(await first).toBe(false);
  const second = ask(fixable, signal);
  input.write('y\n');
  expect(await second).toBe(true);
});
