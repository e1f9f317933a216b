import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { identify } from '../../src/host/process-identity.js';
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
