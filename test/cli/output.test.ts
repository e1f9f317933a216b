import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { inOwnProcess } from '../support/own-process.js';

test('words for people are not waited for longer than a second, all together, when nobody reads them', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'vmrun-output-'));
  const { child, ended } = inOwnProcess(
    folder,
    'cli/output.ts',
    'writeText',
    `import { Socket } from 'node:net';`,
    // Somebody has made it non-blocking.
    `new Socket({ fd: 2, readable: false, writable: true }).unref();`,
    `const timed = (text) => { const ms = performance.now(); writeText(2, text); return performance.now() - ms; };`,
    `const first = timed('x'.repeat(4 * 1024 * 1024));`,
    // The machine may be busy at one of these moments, not at all of them.
    `const others = Array.from({ length: 20 }, () => timed('more'));`,
    `console.log(JSON.stringify([first > 500, Math.min(...others) < 100]));`,
  );
  try {
    expect(await ended).toEqual({ stdout: '[true,true]\n', status: 0 });
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
});
