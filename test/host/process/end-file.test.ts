import { spawnSync } from 'node:child_process';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { spawnChild } from '../../../src/host/process/child.js';
import { clearEnd, readEnd } from '../../../src/host/process/end-file.js';
import type { SpawnOptions } from '../../../src/host/process/spawn-options.js';
import { inPlace } from '../../e2e/support/place.js';

test.each<[title: string, text: string, status: number | undefined]>([
  ['what is whole', '137 bhyve 3\n', 137],
  ['a whole one in the room that was kept for it', '0 bhyve 3\n      \n', 0],
  ['nothing', '', undefined],
  ['the room alone', '            \n', undefined],
  ['one without its line end', '137 bhyve 3', undefined],
  ['the end of another boot', '0 bhyve 2\n', undefined],
  ['the end of its loader', '0 loader 3\n', undefined],
  ['no number', 'x bhyve 3\n', undefined],
])('the end of bhyve is read from %s', async (_title, text, status) => {
  await inPlace(({ write }) => {
    expect(readEnd(write('vm.end', text), 'bhyve 3')?.status).toBe(status);
    return Promise.resolve();
  });
});

test('none is read where there is no such file', () => {
  expect(readEnd('/none/vm.end', 'bhyve 3')).toBeUndefined();
});

test('room is kept for an end, and that of the boot before is gone', async () => {
  await inPlace(({ write }) => {
    const file = write('vm.end', '0 bhyve 3\n');
    clearEnd(openSync(file, 'r+'));
    expect(readEnd(file, 'bhyve 3')).toBeUndefined();
    expect(readFileSync(file).length).toBe(64);
    return Promise.resolve();
  });
});

const telling = (files: { readonly noteFile?: string; readonly endFile?: string }): SpawnOptions => ({
  stdin: 'ignore',
  stdout: () => undefined,
  stderr: () => undefined,
  survivor: {
    noteFile: '/dev/null',
    endFile: undefined,
    ...files,
    note: '%',
    lock: undefined,
    tag: 'bhyve 3',
    lifeLine: undefined,
  },
  ownSession: true,
});

test.each(['noteFile', 'endFile'] as const)(
  'nobody waits for somebody who would read a FIFO in the place of the %s',
  async (which) => {
    await inPlace(async ({ path }) => {
      expect(spawnSync('mkfifo', [path('fifo')]).status).toBe(0);
      const child = await spawnChild(['/bin/sh', '-c', 'exit 3'], telling({ [which]: path('fifo') }));
      expect(await child.ended).toEqual({ kind: 'exited', status: 3 });
    });
  },
);

test('a shell writes the end of its program into that room', async () => {
  await inPlace(async ({ path }) => {
    const endFile = path('vm.end');
    clearEnd(openSync(endFile, 'w'));
    const child = await spawnChild(['/bin/sh', '-c', 'kill -SEGV $$'], telling({ endFile }));
    expect(await child.ended).toEqual({ kind: 'signalled', signal: 'SIGSEGV' });
    expect(readEnd(endFile, 'bhyve 3')?.status).toBe(139);
    expect(readFileSync(endFile).length).toBe(64);
    writeFileSync(endFile, '');
  });
});
