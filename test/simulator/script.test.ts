import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseScript, type Step, stepOfBoot } from '../../src/simulator/script.js';

describe('a script is read as its steps', () => {
  test.each<[text: string, steps: readonly Step[]]>([
    ['run', [{ kind: 'run', shutdownMs: 0 }]],
    ['run:2s', [{ kind: 'run', shutdownMs: 2000 }]],
    ['deaf', [{ kind: 'deaf' }]],
    [
      'reboot:1.5s, power_off',
      [
        { kind: 'end', end: 'reboot', delayMs: 1500 },
        { kind: 'end', end: 'power_off', delayMs: 0 },
      ],
    ],
    ['signal:SEGV', [{ kind: 'signal', signal: 'SIGSEGV', delayMs: 0 }]],
    ['signal:SIGKILL:500ms', [{ kind: 'signal', signal: 'SIGKILL', delayMs: 500 }]],
  ])('%s', (text, steps) => {
    expect(parseScript(text)).toEqual({ kind: 'script', steps });
  });
});

describe('a script is refused with the word that is wrong', () => {
  test.each([
    ['', '""'],
    ['run,', '""'],
    ['run,dance', '"dance"'],
    ['Reboot', '"Reboot"'],
    ['reboot:2', '"2"'],
    ['reboot:2s:3s', '"2s:3s"'],
    ['reboot:365d', '"365d"'],
    ['deaf:2s', '"deaf:2s"'],
    ['signal', '""'],
    ['signal:USR1', '"USR1"'],
    ['signal:SEGV:soon', '"soon"'],
  ])('%s', (text, quoted) => {
    const script = parseScript(text);
    expect(script).toMatchObject({ kind: 'error', message: expect.stringContaining(quoted) });
  });
});

test('the last step repeats', () => {
  const steps: readonly Step[] = [{ kind: 'deaf' }, { kind: 'run', shutdownMs: 1 }];
  expect([1, 2, 3, 1000].map((boot) => stepOfBoot(steps, boot).kind)).toEqual(['deaf', 'run', 'run', 'run']);
});

test('any text is a script or an error, never an exception', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const script = parseScript(text);
      expect(script.kind === 'script' ? script.steps.length > 0 : script.fix !== '').toBe(true);
    }),
  );
});
