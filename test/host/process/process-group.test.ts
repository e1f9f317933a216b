import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, jest, test } from '@jest/globals';
import { systemClock } from '../../../src/host/clock.js';
import { startGroup, type ProcessGroup } from '../../../src/host/process/process-group.js';
import { StartError } from '../../../src/host/process/start-error.js';
import { endProcess, inPlace, isRunning, until, type Place } from '../../e2e/support/place.js';

const sh = (...lines: readonly string[]): readonly string[] => ['/bin/sh', '-c', lines.join('\n')];

/** A program, and one that it has started and waits for; both are named in the file. */
const family = ({ path }: Place): readonly string[] =>
  sh(
    `tail -f '${path('text')}' &`,
    `echo "$$ $!" > '${path('pids.new')}'`,
    `mv '${path('pids.new')}' '${path('pids')}'`,
    'wait',
  );
const pidsOf = async ({ path }: Place): Promise<readonly number[]> => {
  await until(() => existsSync(path('pids')));
  return readFileSync(path('pids'), 'utf8').trim().split(' ').map(Number);
};

/** All that it has written, when it has settled. */
async function settled(group: ProcessGroup): Promise<string> {
  let text = '';
  for (const stream of [group.stdout, group.stderr]) {
    stream.setEncoding('utf8').on('data', (more: string) => (text += more));
  }
  await group.exited;
  await group.settle(systemClock);
  return text;
}

test.each<['SIGTERM' | 'SIGKILL']>([['SIGTERM'], ['SIGKILL']])(
  '%s ends what it has started as well',
  async (signal) => {
    await inPlace(async (place) => {
      place.write('text', '');
      const group = await startGroup(family(place), {});
      const pids = await pidsOf(place);
      group.kill(signal);
      expect(await group.exited).toEqual({ kind: 'signalled', signal });
      await group.settle(systemClock);
      for (const pid of pids) await until(() => !isRunning(pid));
    });
  },
);

test('what it leaves running is not waited for, and its last words are read', async () => {
  await inPlace(async (place) => {
    place.write('text', '');
    const group = await startGroup(sh(`tail -f '${place.path('text')}' &`, 'echo $!', 'printf "the end"'), {});
    const text = await settled(group);
    expect(text).toMatch(/^\d+\nthe end$/);
    expect(group.stdout.closed && group.stderr.closed).toBe(true);
    endProcess(parseInt(text));
  });
});

test('a kill that the system does not allow is not a failure', async () => {
  const group = await startGroup(['/bin/sleep', '600'], {});
  const refused = jest.spyOn(process, 'kill').mockImplementation(() => {
    throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
  });
  group.kill('SIGKILL');
  refused.mockRestore();
  group.kill('SIGKILL');
  await group.exited;
  await group.settle(systemClock);
});

test('what it leaves running is ended with it, and nobody who has got its number', async () => {
  await inPlace(async (place) => {
    place.write('text', '');
    const group = await startGroup(sh(`tail -f '${place.path('text')}' &`, 'echo $$ $!'), {});
    const [leader = 0, left = 0] = (await settled(group)).split(' ').map(Number);
    expect(isRunning(left)).toBe(true);
    // A process has the number: the group that it leads is another one.
    const sent = jest.spyOn(process, 'kill').mockImplementation(() => true);
    group.kill('SIGKILL');
    expect(sent.mock.calls).toEqual([[leader, 0]]);
    sent.mockRestore();
    expect(isRunning(left)).toBe(true);
    group.kill('SIGKILL');
    await until(() => !isRunning(left));
  });
});

describe('one that cannot be started', () => {
  test.each<[title: string, argv: readonly string[], reason: StartError['reason']]>([
    ['since it is not there', ['/no/such/program'], 'not-found'],
    ['since it is a folder', ['/'], 'not-executable'],
    ['since it has no name', [''], 'failed'],
    ['since there is nothing to start', [], 'failed'],
    ['since no argument may hold a NUL', ['/bin/echo', 'a\0b'], 'failed'],
    ['since one argument is larger than any may be', ['/bin/echo', 'x'.repeat(8 * 1024 * 1024)], 'failed'],
  ])('is told, %s', async (_title, argv, reason) => {
    const error: unknown = await startGroup(argv, {}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StartError);
    expect(error).toMatchObject({ reason, program: argv[0] ?? '' });
  });
});

/** Keeps this process from doing anything else. */
const block = (ms: number): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const blockUntil = (holds: () => boolean): void => {
  while (!holds()) block(5);
};

test('its last words are read also where this process was busy when it ended', async () => {
  await inPlace(async ({ path }) => {
    const pidIn = (name: string): number => (existsSync(path(name)) ? Number(readFileSync(path(name), 'utf8')) : 0);
    const isOver = (name: string): boolean => pidIn(name) > 0 && !isRunning(pidIn(name));
    const wait = `while test ! -e '${path('go')}'; do sleep 0.01; done`;
    const group = await startGroup(sh(wait, 'echo "last words"', `echo $$ > '${path('late')}'`), {});
    let text = '';
    group.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
    // Its end is found together with that of another, whose words were read when the group had not written its own.
    const [program = '', ...words] = sh('echo first', `echo $$ > '${path('early')}'`);
    const other = spawn(program, words, { stdio: ['ignore', 'pipe', 'ignore'] });
    other.stdout.once('data', () => {
      spawn('/usr/bin/touch', [path('go')], { stdio: 'ignore' });
      blockUntil(() => isOver('late'));
    });
    const settling = group.exited.then(() => {
      const settle = group.settle(systemClock);
      block(200);
      return settle;
    });
    blockUntil(() => isOver('early'));
    await settling;
    expect(text).toBe('last words\n');
  });
});
