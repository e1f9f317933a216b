import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { childrenOf, identify, isStillThere } from '../../src/host/process-identity.js';
import { runTool } from '../../src/host/tools.js';
import { inPlace, isRunning } from '../e2e/support/place.js';

const startOf = async (pid: number): Promise<string | undefined> => (await identify(pid, runTool))?.start;

test('a process keeps its start as long as it runs, whatever it calls itself', async () => {
  await inPlace(async ({ name }) => {
    const title = `) R 1 1 ( ${name}`;
    const code = `process.title = ${JSON.stringify(title)}; console.log('up'); setInterval(() => 0, 1e9)`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    const { pid = 0 } = child;
    const before = await startOf(pid);
    await once(child.stdout, 'data');
    expect(before).toBeDefined();
    expect(await startOf(pid)).toBe(before);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(await startOf(pid)).toBeUndefined();
    expect(isRunning(pid)).toBe(false);
  });
});

test('there is none for a number that no process has', async () => {
  expect(await startOf(2 ** 30)).toBeUndefined();
});

const onLinux = process.platform === 'linux' ? test : test.skip; // /proc tells of a process that nobody has waited for
onLinux('a process that has ended and was not waited for is none', async () => {
  // The shell starts a child, turns into a program that waits for nobody, and so keeps a zombie.
  const child = spawn('/bin/sh', ['-c', 'sh -c : & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  const zombie = Number(String(text));
  while (isRunning(zombie)) await new Promise(setImmediate);
  expect(await startOf(zombie)).toBeUndefined();
  child.kill('SIGKILL');
  await once(child, 'exit');
});

test('two processes that were started one after the other differ', async () => {
  expect(await startOf(process.pid)).not.toBe(await startOf(1));
});

describe('a process that was identified', () => {
  /** A process that becomes another program when its standard input ends. */
  async function withProcess(use: (pid: number, become: () => Promise<unknown>) => Promise<void>): Promise<void> {
    const script = 'echo up; read -r line; exec sleep 600';
    const child = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const { pid = 0 } = child;
    await once(child.stdout, 'data');
    const become = async (): Promise<void> => {
      const before = (await identify(pid, runTool))?.program;
      child.stdin.end('\n');
      while ((await identify(pid, runTool))?.program === before) await new Promise(setImmediate);
    };
    try {
      await use(pid, become);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
      child.stdin.destroy();
    }
    expect(await isStillThere({ pid }, runTool)).toBe(false);
  }

  test('is still there as long as it runs, whatever program it becomes', async () => {
    await withProcess(async (pid, become) => {
      const known = await identify(pid, runTool);
      if (known?.program === undefined) throw new Error(JSON.stringify(known));
      expect(await isStillThere(known, runTool)).toBe(true);
      await become();
      expect(await isStillThere(known, runTool)).toBe(true);
      const now = await identify(pid, runTool);
      expect(now).toMatchObject({ pid, start: known.start });
      expect(now?.program).not.toBe(known.program);
    });
  });

  test('is not the one that has its number, but was started at another time, or nobody knows when', async () => {
    await withProcess(async (pid) => {
      const known = await identify(pid, runTool);
      for (const start of ['', 'long ago', `${known?.start ?? ''}0`]) {
        expect(await isStillThere({ pid, start }, runTool)).toBe(false);
      }
      expect(await isStillThere({ pid }, runTool)).toBe(false);
      expect(await isStillThere({ pid: 2 ** 30, ...(known?.start && { start: known.start }) }, runTool)).toBe(false);
    });
  });
});

test('the children of a process are told, and of one that is gone none', async () => {
  const parent = spawn('/bin/sh', ['-c', 'sleep 600 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = (await once(parent.stdout, 'data')) as [Buffer];
  const child = Number(String(text));
  expect(await childrenOf(parent.pid ?? 0, runTool)).toEqual([child]);
  expect(await childrenOf(child, runTool)).toEqual([]);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  process.kill(child, 'SIGKILL');
  expect(await childrenOf(parent.pid ?? 0, runTool)).toEqual([]);
});
