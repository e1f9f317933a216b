import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { codeOf } from '../../src/base/error-code.js';
import { plain } from '../../src/cli/colours.js';
import { servedConsole } from '../../src/supervisor/console.js';
import { runOutput } from '../../src/cli/run-output.js';
import type { RunEvent, RunEventBody } from '../../src/supervisor/events.js';
import { until } from '../e2e/support/place.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vmrun-output-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const event = (body: RunEventBody): RunEvent => ({ time: '2026-01-01T00:00:00.000Z', monotonicMs: 1, ...body });
const machine = { name: 'web', target: 'disk', usesStdio: false, servesConsole: false };

/** The output of a run, and what people have seen. @param files names in the test's folder */
function output(files: { readonly log?: string; readonly events?: string }, quiet = false) {
  let seen = '';
  const degraded: (string | undefined)[] = [];
  const at = (name: string | undefined) => (name === undefined || name === '-' ? name : path.join(folder, name));
  const out = runOutput(
    { err: (text) => (seen += text), divertErr: () => undefined },
    machine,
    {
      ...{ log: at(files.log), events: at(files.events), consoleLog: undefined, quiet, verbose: false },
      ...{ simulate: undefined, runDir: undefined },
    },
    plain,
  );
  out.begin({ degraded: (_part, error) => degraded.push(error), console: servedConsole() });
  return { ...out, seen: () => seen, degraded };
}

test('people see with -q what is wrong, and the log has all', async () => {
  const { event: tell, words, seen, end } = output({ log: 'log' }, true);
  tell(event({ kind: 'reboot', boot: 2, target: 'disk', reason: 'reboot', delayMs: 0 }));
  words('bhyve: odd\n', 'bhyve');
  tell(event({ kind: 'exit', boot: 1, end: { kind: 'triple-fault' }, aliveMs: 10 }));
  await end();
  expect(seen()).toBe('web: bhyve: bhyve: odd\nvmrun: web: boot 1 had a triple fault after 10 ms\n');
  const log = readFileSync(path.join(folder, 'log'), 'utf8');
  expect(log.replaceAll(/^\S+ /gm, '').split('\n')).toEqual([
    'vmrun: web: begins with target disk',
    'vmrun: next: boot 2, target disk',
    'bhyve: bhyve: odd',
    'vmrun: boot 1 had a triple fault after 10 ms',
    '',
  ]);
});

test('a log on stderr stands in for the lines for people, and has all with -q too', async () => {
  const { event: tell, words, seen, end } = output({ log: '-' }, true);
  tell(event({ kind: 'reboot', boot: 2, target: 'disk', reason: 'reboot', delayMs: 0 }));
  words('bhyve: odd\n', 'bhyve');
  words('done\n', 'pre_start');
  tell(event({ kind: 'exit', boot: 1, end: { kind: 'triple-fault' }, aliveMs: 10 }));
  await end();
  expect(
    seen()
      .replaceAll(/^\d{4}-\d\d-\d\dT[\d:.]+Z /gm, '> ')
      .split('\n'),
  ).toEqual([
    '> vmrun: web: begins with target disk',
    '> vmrun: next: boot 2, target disk',
    '> bhyve: bhyve: odd',
    '> pre_start: done',
    '> vmrun: boot 1 had a triple fault after 10 ms',
    '',
  ]);
});

describe('a reason that comes again is not told again', () => {
  const why = { cause: 'no boot ROM', evidence: ['no bootrom was configured'], next: 'set bootrom' };
  const failed = (more: object = {}): RunEventBody => ({
    ...{ kind: 'exit', boot: 1, end: { kind: 'failed', status: 4 }, aliveMs: 10, why },
    ...more,
  });
  const full = ['  no boot ROM', '    bhyve: no bootrom was configured', '    fix: set bootrom'];
  const rebooted = failed({ end: { kind: 'rebooted' }, why: undefined });
  const loader: RunEventBody = {
    ...{ kind: 'loader', boot: 1, state: 'ended', program: 'bhyveload', aliveMs: 10 },
    ...{ end: { kind: 'exited', status: 1 }, why },
  };
  const minute = 60_000;
  test.each<[what: string, events: readonly (readonly [RunEventBody, atMinute?: number])[], told: readonly string[]]>([
    [
      'but counted',
      [[failed()], [failed()], [failed()]],
      [...full, '  as before, 2 times in a row', '  as before, 3 times in a row'],
    ],
    ['except after a boot that ended well', [[failed()], [rebooted], [failed()]], [...full, ...full]],
    [
      'except where bhyve has said something else',
      [[failed()], [failed({ why: { ...why, evidence: ['no'] } })]],
      [...full, '  no boot ROM', '    bhyve: no', '    fix: set bootrom'],
    ],
    [
      'except where the full words are old',
      [[failed()], [failed(), 59], [failed(), 61]],
      [...full, '  as before, 2 times in a row', ...full],
    ],
    [
      'also where a loader and bhyve take turns',
      [[loader], [failed()], [loader], [failed()]],
      [
        ...full.map((line) => line.replace('bhyve:', 'bhyveload:')),
        ...full,
        '  as before, 2 times in a row',
        '  as before, 2 times in a row',
      ],
    ],
  ])('%s', async (_what, events, told) => {
    for (const quiet of [false, true]) {
      const { event: tell, seen, end } = output({ log: `log-${quiet}` }, quiet);
      for (const [body, atMinute = 0] of events) tell({ ...event(body), monotonicMs: atMinute * minute });
      await end();
      const reasons = (text: string, prefix: RegExp): readonly string[] =>
        text.split('\n').flatMap((line) => (prefix.test(line) ? [line.replace(prefix, '')] : []));
      expect(reasons(seen(), /^vmrun: web: (?= )/)).toEqual(told);
      expect(reasons(readFileSync(path.join(folder, `log-${quiet}`), 'utf8'), /^\S+ vmrun: (?= )/)).toEqual(told);
    }
  });

  test('except in a log that begins anew', async () => {
    const { event: tell, reopen, end } = output({ log: 'log' });
    tell(event(failed()));
    rmSync(path.join(folder, 'log'));
    reopen();
    tell(event(failed()));
    await end();
    expect(readFileSync(path.join(folder, 'log'), 'utf8')).toContain('no bootrom was configured');
  });
});

test('a file that cannot be written is told to the run, and to people once: by the event, or at the end', async () => {
  const told = output({ log: 'none/log' });
  told.event(event({ kind: 'degraded', part: 'log', error: told.degraded[0] ?? '' }));
  await told.end();
  expect(told.degraded).toEqual([expect.stringContaining('none/log: no such file or directory (ENOENT)')]);
  expect(told.seen().match(/degraded: log: .*ENOENT/g)).toHaveLength(1);

  const without = output({ log: 'none/log' });
  expect(without.seen()).toBe('');
  await without.end();
  expect(without.seen()).toMatch(/^vmrun: web: degraded: log: .*ENOENT.*\n$/);
});

test('a reader of events gets JSON lines alone, also where some are missing', async () => {
  const fifo = path.join(folder, 'events');
  execFileSync('mkfifo', [fifo]);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  let text = '';
  const read = (): void => {
    const chunk = Buffer.alloc(64 * 1024);
    try {
      text += chunk.toString('utf8', 0, readSync(reader, chunk));
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') throw error;
    }
  };
  try {
    const { event: tell, end } = output({ events: 'events' });
    for (let boot = 1; boot <= 20_000; boot += 1) tell(event({ kind: 'adopted', boot, target: 'disk', pid: 7 }));
    await until(() => {
      read();
      return text.includes('"degraded"');
    });
    await end();
    read();
    const events = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as RunEvent);
    const kept = events.filter(({ kind }) => kind === 'adopted').length;
    expect(events.at(-1)).toMatchObject({
      kind: 'degraded',
      part: 'events',
      error: `${20_000 - kept} lines were not written here: the reader did not keep up`,
    });
  } finally {
    closeSync(reader);
  }
});
