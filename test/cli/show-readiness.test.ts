import { expect, test } from '@jest/globals';
import { plain } from '../../src/cli/colours.js';
import { asJson } from '../../src/cli/paint.js';
import { formatReadiness } from '../../src/cli/show-readiness.js';
import type { HostFinding } from '../../src/host/look/findings.js';
import { checkDocument } from '../../src/report/check-document.js';
import type { CheckReport } from '../../src/report/check-report.js';

const place = (line: number) => ({ file: 'vm.json', line, column: 3, pointer: `/emulations/${line}` });

const missing: HostFinding = {
  problem: { code: 'file-missing', severity: 'error', message: 'a.img does not exist', place: place(1), subject: 'a' },
  mayFix: false,
};
const warning: HostFinding = { problem: { code: 'odd', severity: 'warning', message: 'odd' }, mayFix: false };
const fixable: HostFinding = {
  problem: { code: 'tap', severity: 'error', message: 'no tap', fix: 'ifconfig tap0 create', subject: 'b' },
  mayFix: false,
  fix: { action: { kind: 'run', argv: ['ifconfig', 'tap0', 'create'] }, subject: 'b' },
};

const report = (...targets: readonly (readonly [string, boolean, readonly HostFinding[]])[]): CheckReport => ({
  name: 'web',
  source: 'vm.json',
  warnings: [],
  targets: targets.map(([target, isReady, findings]) => ({ target, isReady, findings })),
  host: { system: 'freebsd', release: 15, arch: 'amd64' },
});

test.each<[title: string, report: CheckReport, ready: string, rest: readonly string[]]>([
  ['nothing found', report(['default', true, []]), 'web: ready to boot target default\n', []],
  [
    'warnings only',
    report(['default', true, [warning]]),
    'web: ready to boot target default\n',
    ['web: 1 warning', '', '  warning: odd'],
  ],
  [
    'the same in every target',
    report(['default', false, [missing, fixable]], ['b', false, [missing, fixable]]),
    '',
    [
      'web: 2 problems, the host is not ready; nothing was changed',
      '',
      'a',
      '  vm.json:1:3  /emulations/1  a.img does not exist',
      '',
      'b',
      '  no tap',
      '    fix: ifconfig tap0 create',
      '',
      'vmrun can fix 1 of them: run it with --recover',
    ],
  ],
  [
    'warnings beside what must be fixed',
    { ...report(['default', false, [missing, warning]]), warnings: [{ ...warning.problem, message: 'old' }] },
    '',
    [
      'web: 1 problem and 2 warnings, the host is not ready; nothing was changed',
      '',
      '  warning: old',
      '  warning: odd',
      '',
      'a',
      '  vm.json:1:3  /emulations/1  a.img does not exist',
    ],
  ],
  [
    'in some targets, and twice in one',
    report(['default', true, []], ['b', false, [fixable, fixable]], ['c', false, [fixable]]),
    'web: ready to boot target default\n',
    [
      'web: 1 problem, the host is not ready; nothing was changed',
      '',
      'b',
      '  no tap (targets b and c)',
      '    fix: ifconfig tap0 create',
      '',
      'vmrun can fix it: run it with --recover',
    ],
  ],
])('the report for people, %s', (_title, found, ready, rest) => {
  expect(formatReadiness(found, plain)).toEqual({ ready, rest: rest.map((line) => `${line}\n`).join('') });
});

test('the report for programs has its keys in one order, and what is not known is absent', () => {
  const json = asJson(
    checkDocument({ ...report(['default', false, [fixable, warning]]), host: { system: 'linux' } }),
    2,
  );
  expect(json).toBe(
    `${JSON.stringify(
      {
        name: 'web',
        source: 'vm.json',
        ready: false,
        problems: [],
        targets: [
          {
            target: 'default',
            ready: false,
            problems: [
              {
                code: 'tap',
                severity: 'error',
                message: 'no tap',
                fix: 'ifconfig tap0 create',
                subject: 'b',
                mend: { command: 'ifconfig tap0 create', automatic: true },
              },
              { code: 'odd', severity: 'warning', message: 'odd' },
            ],
          },
        ],
        host: { system: 'linux' },
      },
      undefined,
      2,
    )}\n`,
  );
});
