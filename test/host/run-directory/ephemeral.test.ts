import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { removeTrace, tracesOf } from '../../../src/host/run-directory/ephemeral.js';
import { inPlace } from '../../e2e/support/place.js';

const traces = (...paths: readonly string[]) => tracesOf(paths.map((path) => ({ kind: 'socket', path })));

async function listen(path: string): Promise<Server> {
  const server = createServer().listen({ path });
  await once(server, 'listening');
  return server;
}

/** A socket that nobody listens on any more, as bhyve leaves it: the server unlinks the name that it knows. */
async function deadSocket(path: string): Promise<void> {
  const server = await listen(`${path}.new`);
  renameSync(`${path}.new`, path);
  server.close();
  await once(server, 'close');
}

test('a socket that bhyve left is removed; already gone is as good', async () => {
  await inPlace(async ({ path, folder }) => {
    await deadSocket(path('a.sock'));
    const [trace] = traces(path('a.sock'), path('b.sock'));
    if (trace === undefined) throw new Error('no trace');
    expect(removeTrace(trace)).toBe('removed');
    expect(removeTrace(trace)).toBe('already gone');
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('what took the place of the socket is not ours', async () => {
  await inPlace(async ({ path, folder, write }) => {
    await deadSocket(path('a.sock'));
    const [trace] = traces(path('a.sock'));
    if (trace === undefined) throw new Error('no trace');
    renameSync(path('a.sock'), path('kept'));
    await deadSocket(path('a.sock'));
    expect(removeTrace(trace)).toBe('already gone');
    rmSync(path('a.sock'));
    write('a.sock', 'precious');
    expect(removeTrace(trace)).toBe('already gone');
    expect(readdirSync(folder).sort()).toEqual(['a.sock', 'kept']);
  });
});

describe('what is no socket leaves no trace', () => {
  test('a file, a folder, a link to a socket', async () => {
    await inPlace(async ({ path, write }) => {
      write('file', '');
      mkdirSync(path('folder'));
      await deadSocket(path('real'));
      symlinkSync(path('real'), path('link'));
      expect(traces(path('file'), path('folder'), path('link'), path('none'))).toEqual([]);
    });
  });

  test.each<[title: string, name: string]>([
    ['a path through a file', 'file/x.sock'],
    ['a path through a loop of links', 'loop/x.sock'],
    ['a name that is too long', `${'n'.repeat(300)}/x.sock`],
  ])('%s', async (_title, name) => {
    await inPlace(({ path, write }) => {
      write('file', '');
      symlinkSync(path('loop'), path('loop'));
      expect(traces(path(name))).toEqual([]);
      return Promise.resolve();
    });
  });
});
