import { describe, expect, test } from '@jest/globals';
import { ProblemsError, type Problem } from '../../src/base/problem.js';
import { problemsExitCode } from '../../src/cli/exit-codes.js';
import { plain } from '../../src/cli/colours.js';
import { formatProblems } from '../../src/cli/show-problems.js';

const at = (line: number, column: number, pointer: string) => ({ file: 'vm.json', line, column, pointer });

test('problems are counted, warnings apart, grouped by what they are about in the order given, each with its place and its fix', () => {
  const problems: readonly Problem[] = [
    {
      code: 'a',
      severity: 'error',
      subject: 'emulations[1] virtio-net',
      message: 'slot 0:4:0 is taken',
      fix: 'choose another',
      place: at(14, 16, '/emulations/1/slot'),
    },
    { code: 'b', severity: 'error', message: 'name is missing', place: at(1, 1, '') },
    {
      code: 'c',
      severity: 'warning',
      subject: 'emulations[1] virtio-net',
      message: 'odd mtu',
      place: at(15, 2, '/emulations/1/mtu'),
      excerpt: ['"mtu": 47', '       ^'],
    },
  ];
  expect(formatProblems(new ProblemsError('spec', 'vm.json', problems), plain)).toBe(
    [
      'vm.json: 2 problems and 1 warning, nothing was started',
      '',
      'emulations[1] virtio-net',
      '  vm.json:14:16  /emulations/1/slot  slot 0:4:0 is taken',
      '    fix: choose another',
      '  vm.json:15:2  /emulations/1/mtu  warning: odd mtu',
      '    "mtu": 47',
      '           ^',
      '',
      '  vm.json:1:1  name is missing',
      '',
    ].join('\n'),
  );
});

test('the pointer of a place without a line is told once', () => {
  const place = { file: 'web.json', pointer: '/name' };
  const problems: readonly Problem[] = [{ code: 'a', severity: 'error', message: 'another has it', place }];
  expect(formatProblems(new ProblemsError('spec', 'specs', problems), plain, false)).toBe(
    'specs: 1 problem\n\n  web.json /name  another has it\n',
  );
});

test('a problem that has no place is told by itself', () => {
  const problems: readonly Problem[] = [{ code: 'a', severity: 'error', message: 'no bhyve' }];
  expect(formatProblems(new ProblemsError('host', 'this system', problems), plain)).toBe(
    'this system: 1 problem, bhyve was not started\n\n  no bhyve\n',
  );
});

test('what a problem quotes of others is cut in the middle where it is far too long for a terminal, and its length is told', () => {
  const long = `"${'x'.repeat(4 * 1024 * 1024)}"`;
  const message = `the field ${long} is unknown`;
  const problem: Problem = {
    code: 'a',
    severity: 'error',
    subject: long,
    message,
    fix: message,
    place: at(1, 2, long),
  };
  const text = formatProblems(new ProblemsError('spec', 'vm.json', [problem]), plain);
  expect(text.length).toBeLessThan(16 * 1024);
  expect(text).toContain('the field "xxx');
  expect(text).toContain(`(${message.length} characters)`);
  expect(text).toContain('xxx" is unknown');
});

describe('the exit code tells what the problems are in', () => {
  test.each<[ProblemsError['kind'], number]>([
    ['usage', 64],
    ['spec', 65],
    ['unreadable', 66],
    ['host', 69],
    ['cannot-create', 73],
    ['in-use', 75],
  ])('%s: %i', (kind, code) => {
    expect(problemsExitCode(new ProblemsError(kind, 'vm', []))).toBe(code);
  });
});
