import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { patienceMs } from './support/patience.js';

const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** Those that build before they do what they are called for; who packs sees what npm says anyway. */
const building = Object.entries(scripts).filter(([, words]) => /npm run [-\w ]*\bbuild\b/.test(words));

test('the demo builds first', () => {
  expect(building.map(([name]) => name)).toContain('predemo');
});

test.each(building.filter(([name]) => name !== 'prepack'))('npm run %s says that it builds, before it does', (name) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'vmrun-scripts-'));
  try {
    // It runs the scripts of package.json as npm does, but builds nothing.
    const script = ['#!/bin/sh', 'while [ "$1" != run ]; do shift; done', 'shift; [ "$1" = --silent ] && shift'];
    const cases = Object.entries(scripts).map(
      ([each, words]) => `${each}) ${each === 'build' ? 'echo built >&2' : words};;`,
    );
    writeFileSync(path.join(folder, 'npm'), [...script, 'case $1 in', ...cases, 'esac', ''].join('\n'));
    writeFileSync(path.join(folder, 'node'), '#!/bin/sh\n');
    for (const program of ['npm', 'node']) chmodSync(path.join(folder, program), 0o755);
    const { stdout, stderr } = spawnSync('npm', ['run', name], {
      env: { PATH: `${folder}:/usr/bin:/bin` },
      encoding: 'utf8',
      timeout: patienceMs,
    });
    expect([stdout, stderr]).toEqual(['', expect.stringMatching(/^vmrun is built first.*\nbuilt\n$/)]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
