import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { expect, test } from '@jest/globals';
import { systemClock } from '../../src/host/clock.js';
import type { ProcessIdentity } from '../../src/host/process-identity.js';
import { runTool, type RunTool, type ToolResult } from '../../src/host/tools.js';
import { processEnd, type WatchOptions } from '../../src/host/watch-process.js';
import { identityOf } from '../supervisor/orphans.js';

interface Scene {
  readonly child: ChildProcess;
  readonly known: ProcessIdentity;
  readonly kill: () => Promise<void>;
  /** Watches it, with this in place of pwait(1). */
  readonly watch: (
    pwait: () => Promise<Partial<ToolResult>>,
    more?: Partial<WatchOptions>,
  ) => ReturnType<typeof processEnd>;
}

/** A process that runs until it is killed. */
async function withProcess(use: (scene: Scene) => Promise<void>): Promise<void> {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  const exit = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exit;
  };
  try {
    const known = await identityOf(child.pid ?? 0);
    const watch: Scene['watch'] = (pwait, more = {}) => {
      const run: RunTool = async (argv, options) => {
        if (argv[0] !== 'pwait') return runTool(argv, options);
        expect([argv, options]).toEqual([['pwait', '-v', String(known.pid)], { timeoutMs: 0 }]);
        return { argv, exitCode: 0, stdout: '', stderr: '', ...(await pwait()) };
      };
      return processEnd(known, { run, clock: systemClock, isAlive: () => true, ...more });
    };
    await use({ child, known, kill, watch });
  } finally {
    await kill();
  }
}

const missing = (): Promise<Partial<ToolResult>> => Promise.resolve({ exitCode: undefined, failure: 'ENOENT' });
const segv = constants.signals.SIGSEGV;

test.each<[text: (pid: number) => string, end: object]>([
  [(pid) => `${pid}: exited with status 0.\n`, { kind: 'exited', status: 0 }],
  [(pid) => `${pid}: exited with status 100.\n`, { kind: 'exited', status: 100 }],
  [(pid) => `${pid}: killed by signal 9.\n`, { kind: 'signalled', signal: 'SIGKILL' }],
  [(pid) => `${pid}: killed by signal ${segv}.\n`, { kind: 'signalled', signal: 'SIGSEGV' }],
  [(pid) => `noise\n${pid}: exited with status 3.\n`, { kind: 'exited', status: 3 }],
])('pwait(1) tells how it ended: %#', async (text, end) => {
  await withProcess(async ({ known, watch }) => {
    expect(await watch(() => Promise.resolve({ stdout: text(known.pid) }))).toEqual(end);
  });
});

test.each<[title: string, text: (pid: number) => string]>([
  ['nothing', () => ''],
  ['another process', (pid) => `${pid}1: exited with status 0.\n`],
  ['an end that it does not know', (pid) => `${pid}: terminated.\n`],
  ['a signal that there is not', (pid) => `${pid}: killed by signal 9999.\n`],
])('where it tells of %s, the end is waited for, and unknown', async (_title, text) => {
  await withProcess(async ({ known, kill, watch }) => {
    let isOver = false;
    const end = watch(() => Promise.resolve({ stdout: text(known.pid) })).finally(() => (isOver = true));
    await new Promise(setImmediate);
    expect(isOver).toBe(false);
    await kill();
    expect(await end).toBeUndefined();
  });
});

test('where there is no pwait it is looked at until it has ended', async () => {
  await withProcess(async ({ kill, watch }) => {
    let looks = 0;
    let looked: () => void = () => undefined;
    const isLookedAt = new Promise<void>((resolve) => (looked = resolve));
    const sleep = (): Promise<void> => {
      looks += 1;
      if (looks === 5) looked();
      return new Promise((resolve) => setImmediate(resolve));
    };
    const end = watch(missing, { clock: { ...systemClock, sleep } });
    await isLookedAt;
    await kill();
    expect(await end).toBeUndefined();
  });
});

test('a pwait that a signal ended is asked again', async () => {
  await withProcess(async ({ known, watch }) => {
    const answers: Partial<ToolResult>[] = [
      { exitCode: undefined, failure: 'SIGINT' },
      { exitCode: undefined, failure: 'SIGTERM' },
      { stdout: `${known.pid}: exited with status 2.\n` },
    ];
    const end = await watch(() => Promise.resolve(answers.shift() ?? {}));
    expect([end, answers]).toEqual([{ kind: 'exited', status: 2 }, []]);
  });
});

test('once nothing of it is left, whoever has its number is not waited for, nor asked about', async () => {
  await withProcess(async ({ watch }) => {
    const asked = watch(() => Promise.reject(new Error('asked')), { isAlive: () => false });
    expect(await asked).toBe('missed');
  });
});

test('a process that got its number is not taken for it', async () => {
  await withProcess(async ({ known }) => {
    const run: RunTool = (argv, options) =>
      argv[0] === 'pwait' ? Promise.reject(new Error('asked')) : runTool(argv, options);
    const other = { ...known, start: 'long ago' };
    expect(await processEnd(other, { run, clock: systemClock, isAlive: () => true })).toBe('missed');
  });
});
