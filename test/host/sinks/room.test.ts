import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { roomIn } from '../../../src/host/sinks/room.js';
import { inPlace } from '../../e2e/support/place.js';
import { inOwnProcess } from '../../support/own-process.js';

test('those who wait for room go on when there is some, and when the stream is closed', async () => {
  const stream = new PassThrough({ highWaterMark: 1 });
  const room = roomIn(stream);
  stream.write('two');
  const waits = [room(), room()];
  stream.resume();
  expect(await Promise.all(waits)).toEqual([true, true]);
  const last = room();
  stream.destroy();
  expect([await last, await room()]).toEqual([false, false]);
});

test('a stream that has failed has none, closed or not', async () => {
  const stream = new PassThrough({ autoDestroy: false });
  const room = roomIn(stream);
  const waits = room();
  stream.emit('error', new Error('EPIPE'));
  expect([await waits, await room()]).toEqual([false, false]);
});

test('who waits for it again and again leaves nothing behind', async () => {
  await inPlace(async ({ folder }) => {
    const { ended } = inOwnProcess(
      folder,
      'host/sinks/room.ts',
      'roomIn',
      `import { EventEmitter } from 'node:events';`,
      `import v8 from 'node:v8';`,
      `import vm from 'node:vm';`,
      `v8.setFlagsFromString('--expose-gc');`,
      `const gc = vm.runInNewContext('gc');`,
      `const stream = new EventEmitter();`,
      `const room = roomIn(stream);`,
      `const wait = async (times) => {`,
      `  for (let n = 0; n < times; n += 1) { const waited = room(); stream.emit('drain'); await waited; }`,
      `  gc();`,
      `  return process.memoryUsage().heapUsed;`,
      `};`,
      `await wait(20_000);`,
      `const before = await wait(20_000);`,
      `console.log((await wait(100_000)) - before < 1024 * 1024 ? 'nothing' : 'something');`,
    );
    expect(await ended).toEqual({ stdout: 'nothing\n', status: 0 });
  });
});
