import { expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { runTool } from '../../../src/host/process/tools.js';
import { inPlace, isRunning, until, type Place } from '../../e2e/support/place.js';

/** A tool that waits for a child which ignores SIGTERM; the child's process id is in the file. */
const stubborn = ({ path }: Place): readonly string[] => [
  '/bin/sh',
  '-c',
  `trap '' TERM; tail -f /dev/null & echo $! > '${path('new')}'; mv '${path('new')}' '${path('pid')}'; trap - TERM; wait`,
];
const childOf = async ({ path }: Place): Promise<number> => {
  await until(() => existsSync(path('pid')));
  return Number(readFileSync(path('pid'), 'utf8'));
};

test('a tool whose time is over is ended with what it has started, though that ignores SIGTERM', async () => {
  await inPlace(async (place) => {
    expect(await runTool(stubborn(place), { timeoutMs: 300 })).toMatchObject({
      failure: 'timeout',
      exitCode: undefined,
    });
    const child = await childOf(place);
    await until(() => !isRunning(child));
  });
});

test('an abort ends a tool with what it has started', async () => {
  await inPlace(async (place) => {
    const stop = new AbortController();
    const running = runTool(stubborn(place), { signal: stop.signal });
    const child = await childOf(place);
    stop.abort();
    expect(await running).toMatchObject({ failure: 'aborted', exitCode: undefined });
    await until(() => !isRunning(child));
  });
});

test('what a tool said and how it ended are told apart from a failure', async () => {
  const argv = ['/bin/sh', '-c', 'echo out; echo err >&2; exit 3'];
  expect(await runTool(argv, { timeoutMs: 60_000 })).toEqual({ argv, exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
  expect(await runTool(['/bin/sh', '-c', 'kill -9 $$'])).toMatchObject({ exitCode: undefined, failure: 'SIGKILL' });
  expect(await runTool(['/nowhere/ifconfig'])).toMatchObject({ exitCode: undefined, failure: 'ENOENT' });
});
