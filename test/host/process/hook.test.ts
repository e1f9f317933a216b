import { getEventListeners } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { systemClock, type Clock } from '../../../src/host/clock.js';
import { runHook, type HookEnd, type HookOptions } from '../../../src/host/process/hook.js';
import { endProcess, inPlace, isRunning, until } from '../../e2e/support/place.js';

interface Ran {
  readonly end: HookEnd;
  readonly output: string;
}

async function hook(argv: readonly string[], options: Partial<HookOptions> = {}): Promise<Ran> {
  let output = '';
  const end = await runHook(argv, {
    env: {},
    timeoutMs: 20_000,
    clock: systemClock,
    signal: new AbortController().signal,
    onOutput: (text) => (output += text),
    ...options,
  });
  return { end, output };
}

const sh = (...lines: readonly string[]): readonly string[] => ['/bin/sh', '-c', lines.join('\n')];

/** A hook that starts a program, writes both pids down and waits. */
const family = (file: string): readonly string[] =>
  sh('trap "" TERM', 'sleep 600 &', `echo "$$ $!" > '${file}.new'`, `mv '${file}.new' '${file}'`, 'wait');
const pidsIn = (file: string): readonly number[] => readFileSync(file, 'utf8').trim().split(' ').map(Number);

test.each<[title: string, line: string, end: HookEnd]>([
  ['works', 'exit 0', { kind: 'exited', status: 0 }],
  ['fails', 'exit 3', { kind: 'exited', status: 3 }],
  ['is killed', 'kill -KILL $$', { kind: 'signalled', signal: 'SIGKILL' }],
])('a hook that %s is told so', async (_title, line, end) => {
  expect((await hook(sh(line))).end).toEqual(end);
});

test('what it writes, to stdout or stderr, comes in whole lines', async () => {
  const { output } = await hook(sh('printf on', 'sleep 0.02', 'echo e', 'sleep 0.05', 'echo two >&2', 'printf three'));
  expect(output.split('\n').sort()).toEqual(['', 'one', 'three', 'two']);
});

test('it is told about the VM by its environment and keeps what programs need of ours', async () => {
  const { output } = await hook(sh('echo "$VMRUN_NAME|$VMRUN_PID|${PATH:+path}"'), {
    env: { VMRUN_NAME: 'web 1', VMRUN_PID: '42' },
  });
  expect(output).toBe('web 1|42|path\n');
});

test('its words are not read by a shell', async () => {
  expect((await hook(['/bin/echo', '$HOME', '*', 'a  b'])).output).toBe('$HOME * a  b\n');
});

test('it reads nothing from our standard input', async () => {
  expect((await hook(sh('read line && exit 1', 'exit 0'))).end).toEqual({ kind: 'exited', status: 0 });
});

describe('a hook that cannot be started is told why', () => {
  test('a missing program', async () => {
    await inPlace(async ({ path }) => {
      const end = { kind: 'not-started', error: `${path('none')} is not there` };
      expect((await hook([path('none')])).end).toEqual(end);
    });
  });

  test('a file that is not a program', async () => {
    await inPlace(async ({ write }) => {
      const file = write('plain', 'echo', 0o644);
      expect((await hook([file])).end).toEqual({ kind: 'not-started', error: `${file} may not be executed` });
    });
  });

  test('a folder', async () => {
    expect((await hook(['/'])).end).toEqual({ kind: 'not-started', error: '/ may not be executed' });
  });

  test.each<[title: string, argv: readonly string[]]>([
    ['no name', ['']],
    ['an argument that is larger than any may be', ['/bin/echo', 'x'.repeat(8 * 1024 * 1024)]],
    ['an argument with a NUL', ['/bin/echo', 'a\0b']],
  ])('%s', async (_title, argv) => {
    const { end } = await hook(argv);
    expect(end).toEqual({ kind: 'not-started', error: expect.stringContaining('could not be started: ') });
  });

  test('a script whose interpreter is missing', async () => {
    await inPlace(async ({ write }) => {
      const file = write('script', '#!/no/such/interpreter\n', 0o755);
      const error = `/no/such/interpreter, the interpreter that ${file} names, does not exist`;
      const end = { kind: 'not-started', error };
      expect((await hook([file])).end).toEqual(end);
    });
  });
});

describe('it is killed with all that it has started', () => {
  test('when its time is over', async () => {
    await inPlace(async ({ path }) => {
      const clock: Clock = {
        ...systemClock,
        sleep: async (ms, signal) => {
          if (ms < 1000) return systemClock.sleep(ms, signal);
          await until(() => existsSync(path('pids')));
        },
      };
      const { end } = await hook(family(path('pids')), { clock });
      expect(end).toMatchObject({ kind: 'timed-out' });
      for (const pid of pidsIn(path('pids'))) await until(() => !isRunning(pid));
    });
  });

  test('when the run is over', async () => {
    await inPlace(async ({ path }) => {
      const over = new AbortController();
      const running = hook(family(path('pids')), { signal: over.signal });
      await until(() => existsSync(path('pids')));
      over.abort();
      expect((await running).end).toEqual({ kind: 'aborted' });
      // Whoever waited for the hook may rely on its end.
      expect(isRunning(pidsIn(path('pids'))[0] ?? 0)).toBe(false);
      for (const pid of pidsIn(path('pids'))) await until(() => !isRunning(pid));
    });
  });

  test('when the run was over before it began', async () => {
    expect((await hook(['/bin/sleep', '600'], { signal: AbortSignal.abort() })).end).toEqual({ kind: 'aborted' });
  });
});

test('nobody listens to the signal when it has ended', async () => {
  const over = new AbortController();
  await hook(sh('exit 0'), { signal: over.signal });
  expect(getEventListeners(over.signal, 'abort')).toEqual([]);
});

test('a program that it leaves running holds nothing up, and what was said till then is told', async () => {
  await inPlace(async ({ path }) => {
    const { end, output } = await hook(sh('sleep 600 &', `echo $! > '${path('pid')}'`, 'echo done', 'printf "so far"'));
    expect(end).toEqual({ kind: 'exited', status: 0 });
    expect(output).toBe('done\nso far\n');
    const pid = Number(readFileSync(path('pid'), 'utf8'));
    expect(isRunning(pid)).toBe(true);
    endProcess(pid);
  });
});
