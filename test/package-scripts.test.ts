import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
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
    writeFileSync(path.join(folder, 'node'), '#!/bin/sh\ncase $1 in *is-built*) exit 1;; esac\n');
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

test('what is built already is not built again, until something that it is made of is newer', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'vmrun-built-'));
  const put = (name: string, seconds: number, text = ''): void => {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
    utimesSync(path.join(folder, name), seconds, seconds);
  };
  const age = (name: string, seconds: number): void => {
    utimesSync(path.join(folder, name), seconds, seconds);
  };
  const script = fileURLToPath(new URL('../scripts/is-built.mjs', import.meta.url));
  const isBuilt = (): boolean => spawnSync(process.execPath, [script, folder], { timeout: patienceMs }).status === 0;
  try {
    const inFolders = [
      'src/a/x.ts',
      'scripts/x.mjs',
      'bin/x.js',
      'docs/x.md',
      'schemas/x.json',
      'man/x.8',
      'examples/x.json',
      'port/x',
    ];
    for (const name of inFolders) put(name, 1000);
    for (const name of ['package.json', 'package-lock.json', 'node_modules/.package-lock.json']) put(name, 1000);
    for (const name of [...inFolders.map((each) => path.dirname(each)), 'src']) age(name, 1000);
    expect(isBuilt()).toBe(false);
    put('dist/.built', 2000, `${process.version} ${process.arch}\n`);
    expect(isBuilt()).toBe(true);
    age('src/a/x.ts', 3000);
    expect(isBuilt()).toBe(false);
    age('src/a/x.ts', 1000);
    expect(isBuilt()).toBe(true);
    // A file was removed.
    age('src/a', 3000);
    expect(isBuilt()).toBe(false);
    age('src/a', 1000);
    put('dist/.built', 2000, 'v1.0.0 x64\n');
    expect(isBuilt()).toBe(false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
