import { describe, expect, test } from '@jest/globals';
import { formatWhen } from '../../src/cli/clock-time.js';
import { asJson } from '../../src/cli/paint.js';
import { formatRuns, runLines } from '../../src/cli/show-runs.js';
import type { RunState } from '../../src/host/run-directory/run-state.js';
import { runsDocument } from '../../src/report/runs-document.js';
import type { KnownRun } from '../../src/supervisor/runs.js';

const now = new Date('2026-01-03T00:00:00.000Z');
const state = (more: Partial<RunState> = {}): RunState => ({
  version: 1,
  name: 'web',
  supervisor: 4711,
  since: '2026-01-01T00:00:00.000Z',
  phase: 'running',
  target: 'default',
  boot: 12,
  bootSince: '2026-01-02T21:59:00.000Z',
  ...more,
});
const supervised = (more: Partial<KnownRun> = {}): KnownRun => ({
  name: 'web',
  status: 'supervised',
  pid: 4712,
  supervisor: 4711,
  state: state(),
  ...more,
});
const lines = (...runs: readonly KnownRun[]): readonly string[] => formatRuns(runs, now).split('\n');

const heading = /^NAME +STATE +TARGET +BOOT +UP +PID +SUPERVISOR$/;

test('no run is a heading alone', () => {
  expect(formatRuns([], now)).toBe('NAME  STATE  TARGET  BOOT  UP  PID  SUPERVISOR\n');
});

test('a run is a line, its columns under their headings, and every line has an end', () => {
  const [head = '', first = '', second = '', ...rest] = lines(
    supervised(),
    supervised({ name: 'a-longer-name', pid: 1, state: state({ phase: 'stopping', target: 'installer', boot: 1 }) }),
  );
  expect(rest).toEqual(['']);
  expect(head).toMatch(heading);
  expect(first).toBe('web            running   default    12    2h1m  4712  4711');
  expect(second).toBe('a-longer-name  stopping  installer  1     2h1m  1     4711');
});

test.each([
  [0, '0s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [3_599_999, '59m'],
  [3_600_000, '1h0m'],
  [86_399_999, '23h59m'],
  [86_400_000, '1d0h'],
  [30 * 86_400_000 + 4 * 3_600_000, '30d4h'],
])('a boot %i ms ago is up %s', (ms, up) => {
  const bootSince = new Date(now.getTime() - ms).toISOString();
  expect(lines(supervised({ state: state({ bootSince }) }))[1]?.split(/ +/)[4]).toBe(up);
});

describe('what is not known or not so is a dash', () => {
  test.each<[title: string, run: KnownRun, line: string]>([
    ['a run that has told nothing', { name: 'web', status: 'supervised' }, 'web starting - - - - -'],
    [
      'one that waits for its next boot',
      { name: 'web', status: 'supervised', supervisor: 4711, state: state({ phase: 'waiting' }) },
      'web waiting default 12 - - 4711',
    ],
    ['one that is left', { name: 'web', status: 'left', state: state() }, 'web left default 12 - - -'],
    ['one that is left, and its file is cut', { name: 'web', status: 'left' }, 'web left - - - - -'],
    [
      'an orphan',
      { name: 'web', status: 'orphaned', pid: 4712, state: state() },
      'web orphaned default 12 2h1m 4712 -',
    ],
    ['an orphan whose file is cut', { name: 'web', status: 'orphaned', pid: 4712 }, 'web orphaned - - - 4712 -'],
    ['nobody knows who', { name: 'web', status: 'orphaned', state: state() }, 'web orphaned default 12 2h1m - -'],
    ['a date that is none', supervised({ state: state({ bootSince: 'soon' }) }), 'web running default 12 - 4712 4711'],
    [
      'a boot that will be, since the date was set back',
      supervised({ state: state({ bootSince: '2026-02-01T00:00:00.000Z' }) }),
      'web running default 12 - 4712 4711',
    ],
  ])('%s', (_title, run, line) => {
    expect(lines(run)[1]?.replace(/ +/g, ' ')).toBe(line);
  });
});

describe('below a run stands', () => {
  const notes = (run: KnownRun): readonly string[] => lines(run).slice(2, -1);

  test('nothing where all is well', () => {
    expect(notes(supervised())).toEqual([]);
    expect(
      notes(supervised({ state: state({ last: { boot: 11, at: '', end: 'rebooted', reason: 'reboot' } }) })),
    ).toEqual([]);
  });

  test('what does not work beside it', () => {
    const degraded = { log: 'ENOSPC: no space left on device', start: 'fork failed' };
    expect(notes(supervised({ state: state({ degraded }) }))).toEqual([
      '  log does not work: ENOSPC: no space left on device',
      '  start does not work: fork failed',
    ]);
  });

  test('when its next boot comes, as long as that is to come', () => {
    const waits = (nextBootAt: string): readonly string[] =>
      notes({ name: 'web', status: 'supervised', supervisor: 4711, state: state({ phase: 'waiting', nextBootAt }) });
    const nextBootAt = '2026-01-03T00:00:58.000Z';
    expect(waits(nextBootAt)).toEqual([`  boot 13 begins at ${formatWhen(new Date(nextBootAt), now)}`]);
    expect(waits(nextBootAt)[0]).toMatch(/, in 58 s$/);
    expect(waits('2026-01-02T23:59:59.000Z')).toEqual([]);
    expect(waits('soon')).toEqual([]);
    expect(notes(supervised({ state: state({ nextBootAt }) }))).toEqual([]);
    expect(notes({ name: 'web', status: 'left', state: state({ phase: 'waiting', nextBootAt }) })[0]).toBe(
      '  nothing runs; run it again, or remove what is left:',
    );
  });

  test('why its last boot failed', () => {
    const why = { cause: 'the disk is gone', evidence: ['a'], next: 'look' };
    expect(notes(supervised({ state: state({ last: { boot: 11, at: '', end: 'failed', why } }) }))).toEqual([
      '  boot 11: the disk is gone',
    ]);
  });

  test('what to do with an orphan, and with what is left', () => {
    expect(notes({ name: 'web', status: 'orphaned', pid: 4712 })).toEqual([
      '  its supervisor is gone; take it over, or stop it:',
      '    vmrun -c FILE --adopt',
      '    vmrun stop web',
    ]);
    expect(notes({ name: 'web', status: 'left' })).toEqual([
      '  nothing runs; run it again, or remove what is left:',
      '    vmrun -c FILE',
      '    vmrun stop web',
    ]);
  });

  test('with the options that the commands need to find it', () => {
    const runs = [
      { name: 'web', status: 'orphaned' },
      { name: 'db', status: 'left', simulated: true },
    ] as const;
    const runDir = `/tmp/${'my runs '.repeat(10).trim()}`;
    // Each on a line, whole, however narrow the terminal is.
    for (const width of [undefined, 80, 40]) {
      const text = formatRuns(runs, now, width, { runDir });
      expect(text).toContain(
        `\n    vmrun -c FILE --adopt --run-dir '${runDir}'\n    vmrun stop web --run-dir '${runDir}'\n`,
      );
      expect(text).toContain(`\n      vmrun -c FILE --simulate --run-dir '${runDir}'\n`);
      expect(text).toContain(`\n      vmrun stop db --simulate --run-dir '${runDir}'\n`);
    }
    expect(formatRuns(runs.slice(0, 1), now, undefined, { isSimulated: true })).toContain(
      '\n    vmrun -c FILE --adopt --simulate\n    vmrun stop web --simulate\n',
    );
  });
});

test('usual names, targets and numbers fit in 80 columns, notes too', () => {
  const name = 'freebsd-15-build-01';
  const about = { state: state({ name, target: 'installer', boot: 123, supervisor: 99_999 }), pid: 99_998 };
  const text = lines(
    supervised({ name, ...about, supervisor: 99_999 }),
    { name, status: 'orphaned', ...about },
    { name, status: 'left' },
  );
  for (const line of text) expect(line.length).toBeLessThanOrEqual(80);
});

test('as JSON they are what the library tells, one array in which simulated ones say so', () => {
  const runs = [supervised(), { name: 'db', status: 'left' } as const];
  expect(JSON.parse(asJson(runsDocument(runs, [])))).toEqual(runs);
  expect(runsDocument(runs.slice(0, 1), runs.slice(1))).toEqual([runs[0], { ...runs[1], simulated: true }]);
  expect(asJson(runsDocument([], []))).toBe('[]\n');
});

describe('a run whose texts are hostile', () => {
  const target = 'x\nweb  running  y\t\u001b[2J\u202e';
  const hostile = supervised({ state: state({ target, degraded: { 'log\nweb': 'no\u001b[1A\nweb  running' } }) });

  test('is a line for scripts, of seven fields', () => {
    const text = runLines([hostile, supervised({ name: 'db' })], now);
    expect(text.split('\n').map((line) => line.split('\t'))).toEqual([
      ['web', 'running', String.raw`x\nweb  running  y\t\e[2J\u202e`, '12', '2h1m', '4712', '4711'],
      ['db', 'running', 'default', '12', '2h1m', '4712', '4711'],
      [''],
    ]);
  });

  test('is a row of the table and its notes, under its headings', () => {
    const [head = '', row = '', note = '', ...rest] = lines(hostile);
    expect(rest).toEqual(['']);
    expect(row.slice(head.indexOf('PID'))).toBe('4712  4711');
    expect(row).toContain(String.raw`x\nweb  running  y\t\e[2J\u202e`);
    expect(note).toBe(String.raw`  log\nweb does not work: no\e[1A\nweb  running`);
  });
});
