import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { refuseUnstartable } from '../../../src/host/process/program.js';
import { inPlace } from '../../e2e/support/place.js';

test('a folder of PATH that cannot be searched hides nothing of the others, and is not a reason of its own', async () => {
  await inPlace(({ path, write }) => {
    // As root has no folder that it may not search, one that leads nowhere but to itself.
    symlinkSync('loop', path('loop'));
    mkdirSync(path('bin'));
    const searchPath = `${path('loop')}:${path('bin')}`;
    const look = (): void => {
      refuseUnstartable('bhyve', searchPath);
    };
    expect(look).toThrow(expect.objectContaining({ reason: 'not-found', message: 'bhyve is not there' }));
    write('bin/bhyve', '#!/bin/sh\n', 0o644);
    expect(look).toThrow(expect.objectContaining({ reason: 'not-executable' }));
    chmodSync(path('bin/bhyve'), 0o755);
    expect(look).not.toThrow();
    return Promise.resolve();
  });
});

test('a program in the working directory is not in PATH', () => {
  expect(() => {
    refuseUnstartable('package.json', '/nowhere');
  }).toThrow(expect.objectContaining({ reason: 'not-found' }));
});
