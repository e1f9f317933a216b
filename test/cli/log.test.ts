import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ProblemsError } from '../../src/base/problem.js';
import { logLines, logOfError, logOfEvent } from '../../src/cli/log.js';
import { endLines } from '../../src/cli/paint.js';

const time = '2026-11-21T12:00:00.000Z';

test.each<[text: string, lines: readonly string[]]>([
  ['one\n', ['one']],
  ['one\ntwo\n', ['one', 'two']],
  ['one\r\ntwo\r\n', ['one', 'two']],
  ['a piece of a line', ['a piece of a line']],
  ['\n', ['']],
  ['\n\n', ['', '']],
])('each line of %j has its time and who says it', (text, lines) => {
  expect(logLines('bhyve', text, time)).toBe(lines.map((line) => `${time} bhyve: ${line}\n`).join(''));
});

test('a time that is not given is now, in ISO 8601', () => {
  const [now = ''] = logLines('hook', 'up\n').split(' ');
  expect(new Date(now).toISOString()).toBe(now);
});

test('an event has the words of -v and its own time, in no colours', () => {
  const boot = { kind: 'boot', boot: 1, target: 'disk', pid: 7, command: ['bhyve', 'a b'], changes: [] } as const;
  expect(logOfEvent({ ...boot, time, monotonicMs: 1 })).toBe(
    `${time} vmrun: boot 1, target disk (pid 7)\n${time} vmrun:   bhyve 'a b'\n`,
  );
  expect(logOfEvent({ kind: 'stop', because: 'error', boots: 0, time, monotonicMs: 1 })).toBe('');
});

test('an error has its problems, a line each', () => {
  const message = 'this VM still runs as process 7';
  const error = new ProblemsError('in-use', 'web', [{ code: 'x', severity: 'error', message, fix: 'use --force' }]);
  const text = logOfError(error).replaceAll(/^\S+ /gm, '');
  expect(text).toBe(
    ['web: 1 problem, nothing was started', `  ${message}`, '    fix: use --force']
      .map((line) => `vmrun: ${line}\n`)
      .join(''),
  );
  expect(logOfError(new Error('no such program'))).toMatch(/ vmrun: no such program\n$/);
});

test('each line of a text is a line of the log, whatever ends it', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '$', '&', '\n', '\r') });
  fc.assert(
    fc.property(text, (given) => {
      const lines = given.replace(/\r?\n$/, '').split(/\r?\n/);
      expect(endLines(given)).toBe(lines.map((line) => `${line}\n`).join(''));
      expect(logLines('bhyve', given, 'now')).toBe(
        lines.map((line) => `now bhyve: ${line.replaceAll('\r', '\\r')}\n`).join(''),
      );
    }),
  );
});
