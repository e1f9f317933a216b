import { mkdirSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from '@jest/globals';
import { spawnChild, type Child, type ProcessEnd } from '../../../src/host/process/child.js';
import type { SpawnOptions, Survivor } from '../../../src/host/process/spawn-options.js';
import { StartError } from '../../../src/host/process/start-error.js';
import { takeLock, whoHolds } from '../../../src/host/files/lock.js';
import { endProcess, inPlace, isRunning, until, type Place } from '../../e2e/support/place.js';
import { outputFolder } from '../../support/outputs.js';

const survivor = (more: Partial<Survivor> = {}): Survivor => ({
  noteFile: '/dev/null',
  note: '%',
  lock: undefined,
  endFile: undefined,
  tag: 'bhyve 1',
  lifeLine: undefined,
  ...more,
});

interface Started {
  readonly child: Child;
  readonly passed: readonly string[];
}

const { output, remove } = outputFolder();
afterAll(remove);

async function start(
  command: readonly string[],
  { onText, ...options }: Partial<SpawnOptions> & { readonly onText?: (text: string) => void } = {},
): Promise<Started> {
  const passed: string[] = [];
  const file = output(onText ?? ((text) => passed.push(text)));
  const child = await spawnChild(command, {
    stdin: 'ignore',
    stdout: file,
    stderr: file,
    survivor: survivor(),
    ownSession: true,
    ...options,
  });
  return { child, passed };
}

const sh = (...lines: readonly string[]): readonly string[] => ['/bin/sh', '-c', lines.join('\n')];
const node = (code: string): readonly string[] => [process.execPath, '-e', code];

test.each<[title: string, command: readonly string[], end: ProcessEnd]>([
  ['status 0', sh('exit 0'), { kind: 'exited', status: 0 }],
  ['status 4', sh('exit 4'), { kind: 'exited', status: 4 }],
  ['status 255', sh('exit 255'), { kind: 'exited', status: 255 }],
  ['a signal', sh('kill -SEGV $$'), { kind: 'signalled', signal: 'SIGSEGV' }],
  ['a signal that nobody can catch', sh('kill -KILL $$'), { kind: 'signalled', signal: 'SIGKILL' }],
])('a process that ends with %s is told so', async (_title, command, end) => {
  const { child } = await start(command);
  expect(await child.ended).toEqual(end);
  expect(child.isWaitedFor()).toBe(false);
});

describe('what it writes to stderr', () => {
  test('comes in whole lines, in order, and is kept', async () => {
    const { child, passed } = await start(
      sh('printf one >&2', 'sleep 0.05', "printf ' more\\ntwo\\nthr' >&2", 'printf ee >&2'),
    );
    await child.ended;
    expect(passed.join('')).toBe('one more\ntwo\nthree\n');
    for (const piece of passed) expect(piece.endsWith('\n')).toBe(true);
    expect(child.stderrTail()).toBe('one more\ntwo\nthree\n');
  });

  test('is passed on whole before the end is told, however much there is at the last moment', async () => {
    const { child, passed } = await start(
      node(`for (let n = 1; n <= 20000; n += 1) require('fs').writeSync(2, 'line ' + n + '\\n'); process.exit(3)`),
    );
    expect(await child.ended).toEqual({ kind: 'exited', status: 3 });
    const lines = passed.join('').trimEnd().split('\n');
    expect(lines).toHaveLength(20_000);
    expect([lines[0], lines.at(-1)]).toEqual(['line 1', 'line 20000']);
    expect(child.stderrTail().length).toBeLessThanOrEqual(8192);
    expect(child.stderrTail().endsWith('line 20000\n')).toBe(true);
  });

  test('is read as UTF-8 however it is cut', async () => {
    const { child, passed } = await start(
      node(`const w = (b) => require('fs').writeSync(2, b); const all = Buffer.from('é😀\\n');
        let at = 0; const t = setInterval(() => { w(all.subarray(at, at += 1)); if (at === all.length) clearInterval(t); }, 2)`),
    );
    await child.ended;
    expect(passed.join('')).toBe('é😀\n');
  });

  test('may be one line without an end: it is passed on, and memory does not fill', async () => {
    const sizes: number[] = [];
    const { child } = await start(node(`require('fs').writeSync(2, 'x'.repeat(5e6)); process.exit(1)`), {
      onText: (text) => sizes.push(text.length),
    });
    expect(await child.ended).toEqual({ kind: 'exited', status: 1 });
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThanOrEqual(5e6);
    expect(Math.max(...sizes)).toBeLessThan(256 * 1024);
    expect(child.stderrTail().length).toBeLessThanOrEqual(8192);
  });

  test('may be held open by a grandchild: the end of the process is the end', async () => {
    await inPlace(async ({ path }) => {
      const { child, passed } = await start(
        sh(`sleep 600 & echo $! > '${path('pid')}'`, 'echo last words >&2', 'exit 2'),
      );
      expect(await child.ended).toEqual({ kind: 'exited', status: 2 });
      expect(passed.join('')).toBe('last words\n');
      endProcess(Number(readFileSync(path('pid'), 'utf8')));
    });
  });
});

test('the environment is that of programs, with what is added', async () => {
  process.env.VMRUN_TEST_INHERITED = 'kept';
  process.env.SECRET_OF_A_SERVICE = 'told';
  const { child, passed } = await start(sh('echo "$VMRUN_TEST_INHERITED $SECRET_OF_A_SERVICE $VMRUN_NAME" >&2'), {
    env: { VMRUN_NAME: 'two words' },
  });
  await child.ended;
  delete process.env.VMRUN_TEST_INHERITED;
  delete process.env.SECRET_OF_A_SERVICE;
  expect(passed.join('')).toBe('kept  two words\n');
});

test('words reach the program as they are, without a shell', async () => {
  const words = ['', ' ', '$HOME', '*', "it's", '"', 'a\nb', 'é'];
  const { child, passed } = await start([
    ...node(`console.error(JSON.stringify(process.argv.slice(1)))`),
    '--',
    ...words,
  ]);
  await child.ended;
  expect(JSON.parse(passed.join(''))).toEqual(words);
});

test.each([
  [true, 'leads a session of its own'],
  [false, 'stays in ours'],
])('with ownSession %s it %s', async (ownSession) => {
  const { child, passed } = await start(sh('ps -o pid=,sid= -p $$ >&2'), { ownSession });
  await child.ended;
  const [pid, session] = passed.join('').trim().split(/\s+/).map(Number);
  expect(pid).toBe(child.pid);
  expect(session === child.shell).toBe(ownSession);
});

test('without an input its standard input is at its end', async () => {
  const { child } = await start(sh('read line && exit 1', 'exit 7'));
  expect(await child.ended).toEqual({ kind: 'exited', status: 7 });
});

describe('a text for its standard input', () => {
  test('comes whole, and then its end', async () => {
    const text = `${'é😀'.repeat(50_000)}\n`;
    const { child, passed } = await start(sh('wc -c', 'exit 3'), { stdin: { text } });
    expect(await child.ended).toEqual({ kind: 'exited', status: 3 });
    expect(Number(passed.join(''))).toBe(Buffer.byteLength(text));
  });

  test.each([
    ['at once', 'exit 7'],
    ['after it has closed it', 'exec <&-; exit 7'],
    ['after a part of it', 'read line; exit 7'],
  ])('need not be read: a child may end %s', async (_title, script) => {
    const { child } = await start(sh(script), { stdin: { text: `a\n${'x'.repeat(5e6)}` } });
    expect(await child.ended).toEqual({ kind: 'exited', status: 7 });
  });
});

test('what it writes to stdout is passed on and kept apart where that is asked for', async () => {
  const { child, passed } = await start(sh('echo out', 'echo err >&2', 'test -t 1 || printf "no terminal"'));
  await child.ended;
  expect([child.stdoutTail(), child.stderrTail()]).toEqual(['out\nno terminal\n', 'err\n']);
  expect([...passed.join('').split('\n')].sort()).toEqual(['', 'err', 'no terminal', 'out']);
  const { child: other } = await start(sh('exit 0'));
  await other.ended;
  expect(other.stdoutTail()).toBe('');
});

test('it is killed with all that it has started, its shell too', async () => {
  const { child, passed } = await start(sh("trap '' TERM", 'sleep 600 >&- 2>&- & echo $! >&2; wait'));
  await until(() => passed.length > 0);
  const grandchild = Number(passed.join(''));
  child.killWhole();
  expect(await child.ended).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
  await until(() => [child.pid, child.shell, grandchild].every((pid) => !isRunning(pid)));
});

test('a signal is passed on', async () => {
  const { child, passed } = await start(
    node(`process.on('SIGTERM', () => process.exit(9)); console.error('up'); setInterval(() => 0, 1e9)`),
  );
  await until(() => passed.length > 0);
  process.kill(child.pid, 'SIGTERM');
  expect(await child.ended).toEqual({ kind: 'exited', status: 9 });
  expect(isRunning(child.pid)).toBe(false);
});

describe('a program that cannot be started is told why', () => {
  const refused = async (program: string): Promise<StartError> => {
    const error: unknown = await start([program]).catch((thrown: unknown) => thrown);
    if (!(error instanceof StartError)) throw new Error(`not refused: ${String(error)}`);
    return error;
  };

  test.each<[title: string, make: (place: Place) => string, reason: StartError['reason'], message: RegExp]>([
    ['a path that is missing', ({ path }) => path('none'), 'not-found', /none is not there$/],
    ['a name that is in no folder of PATH', ({ name }) => `no-such-${name}`, 'not-found', /^no-such-.* is not there$/],
    [
      'a file without the x bit',
      ({ write }) => write('plain', '#!/bin/sh\n', 0o644),
      'not-executable',
      /may not be executed$/,
    ],
    [
      'a folder',
      ({ path }) => {
        mkdirSync(path('folder'));
        return path('folder');
      },
      'not-executable',
      /may not be executed$/,
    ],
    [
      'a script whose interpreter is missing',
      ({ write }) => write('script', '#!/no/such/interpreter\n', 0o755),
      'not-executable',
      /, the interpreter that .*script names, does not exist$/,
    ],
    ['a path through a file', ({ write }) => `${write('file', '')}/bhyve`, 'failed', /ENOTDIR/],
    ['nothing at all', () => '', 'failed', /its name is empty$/],
    [
      'a text that is not a script',
      ({ write }) => write('text', 'echo hello\n', 0o755),
      'not-executable',
      /is not a program of this system$/,
    ],
  ])('%s', async (_title, make, reason, message) => {
    await inPlace(async (place) => {
      const program = make(place);
      const error = await refused(program);
      expect(error).toMatchObject({ program, reason });
      expect(error.message).toMatch(message);
      expect(error.cause).toBeDefined();
    });
  });
});

describe('a child', () => {
  test('says who it is before it becomes the program, whatever the words', async () => {
    await inPlace(async ({ path }) => {
      const about = survivor({ noteFile: path('note'), note: 'bhyve % 3 a "b" $(c) \\n' });
      const { child } = await start(sh(`cat '${path('note')}' >&2; echo "$$" >&2`), { survivor: about });
      await child.ended;
      expect(child.stderrTail()).toBe(`bhyve ${child.pid} 3 a "b" $(c) \\n\n${child.pid}\n`);
    });
  });

  test.each(['/dev/full', '/no/such/folder/note', '/'])('is started where it cannot say so: %s', async (noteFile) => {
    const { child } = await start(sh('echo up >&2', 'exit 3'), {
      survivor: survivor({ noteFile }),
    });
    expect(await child.ended).toEqual({ kind: 'exited', status: 3 });
    expect(child.stderrTail()).toBe('up\n');
  });

  test('gets its words as they are', async () => {
    const words = ['%s', '$HOME', '`id`', '-n', '', "it's", '\n', '*', 'é'];
    const { child } = await start([
      process.execPath,
      '-e',
      'console.error(JSON.stringify(process.argv.slice(1)))',
      ...words,
    ]);
    await child.ended;
    expect(JSON.parse(child.stderrTail())).toEqual(words);
  });

  test('does not die of a message that nobody reads', async () => {
    const { child } = await start(sh('kill -PIPE $$', 'echo lives >&2', 'exit 3'));
    expect(await child.ended).toEqual({ kind: 'exited', status: 3 });
    expect(child.stderrTail()).toBe('lives\n');
  });

  test('holds the lock that it inherits for as long as it lives, and no longer', async () => {
    await inPlace(async ({ path, write }) => {
      write('go', '');
      const lock = await takeLock(path('vm.lock'));
      if ('heldBy' in lock) throw new Error('it is new');
      const about = survivor({ noteFile: path('note'), lock: lock.descriptor });
      const { child } = await start(sh('echo up >&2', 'exec sleep 600'), { survivor: about });
      await until(() => child.stderrTail() === 'up\n');
      lock.leave();
      expect(whoHolds(path('vm.lock'))).toBe('');
      expect(await takeLock(path('vm.lock'))).toEqual({ heldBy: '' });
      child.killWhole();
      await child.ended;
      expect(whoHolds(path('vm.lock'))).toBeUndefined();
      const next = await takeLock(path('vm.lock'));
      if ('heldBy' in next) throw new Error('nobody has it');
      next.release();
    });
  });
});

test('a note that cannot be written keeps no program from being started', async () => {
  await inPlace(async ({ path }) => {
    mkdirSync(path('note'));
    for (const noteFile of [path('note'), path('missing', 'note')]) {
      const { child, passed } = await start(sh('echo started', 'exit 7'), {
        survivor: survivor({ noteFile, note: 'bhyve % 1 default' }),
      });
      expect(await child.ended).toEqual({ kind: 'exited', status: 7 });
      expect(passed).toEqual(['started\n']);
    }
  });
});
