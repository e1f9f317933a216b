import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cachedDataVersionTag } from 'node:v8';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { copyPackage, sumOf, type PackageCopy } from './support/package-copy.js';
import { inPlace, type Place } from './support/place.js';

const spec = '{ "name": "vm0", "cpu": 1, "mem": "1G", "emulations": [{ "device": "virtio-rnd" }] }';
const yaml = 'name: vm0\ncpu: 1\nmem: 1G\n';
const ucl = 'name = vm0; cpu = 1; mem = 1G;\n';

/** A copy whose caches are made once for all tests; each that needs caches starts with a copy of it. */
const shared = mkdtempSync(path.join(tmpdir(), 'vmrun-test-'));
let made: PackageCopy | undefined;
beforeAll(async () => {
  made = copyPackage(shared);
  await made.makeCaches();
});
afterAll(() => {
  rmSync(shared, { recursive: true });
});

const inPlaceWith = (
  from: PackageCopy | undefined,
  use: (copy: PackageCopy, place: Place) => Promise<void>,
): Promise<void> =>
  inPlace(async (place) => {
    place.write('vm.json', spec);
    place.write('vm.yaml', yaml);
    place.write('vm.conf', ucl);
    place.write('vm.sh', '#!/bin/sh\nbhyve -c 1 -m 1G -s 0,hostbridge -s 31,lpc vm0\n');
    await use(copyPackage(place.folder, from), place);
  });

const withCopy = (use: (copy: PackageCopy, place: Place) => Promise<void>): Promise<void> =>
  inPlaceWith(undefined, use);
const withCaches = (use: (copy: PackageCopy, place: Place) => Promise<void>): Promise<void> => inPlaceWith(made, use);

/** The cache of a script, by its whole path. */
const cacheOf = (copy: PackageCopy, script: string): string => {
  const [name, ...others] = copy.caches(script);
  expect(others).toEqual([]);
  return copy.script(name ?? 'none');
};

const dryRun = ['-c', 'vm.json', '--dry-run'];

test('a cache is beside its script, named by the SHA-256 of the script and what runs it', () =>
  withCopy(async (copy) => {
    expect(await copy.makeCaches()).toMatchObject({ status: 0, stdout: '', stderr: '' });
    const about = `${process.version}-${process.arch}-${cachedDataVersionTag()}.cache`;
    for (const script of ['vmrun.js', 'bhyve-sim.js']) {
      expect(copy.caches(script)).toEqual([`${script}.${sumOf(copy.script(script))}.${about}`]);
    }
    expect(copy.files().filter((name) => name.endsWith('.new'))).toEqual([]);
  }));

test.each<[what: string, words: readonly string[], chunks: readonly string[]]>([
  ['a dry run', dryRun, []],
  ['one of a YAML spec', ['-c', 'vm.yaml', '--dry-run'], ['yaml.js']],
  ['one of a UCL spec', ['-c', 'vm.conf', '--dry-run'], ['ucl.js']],
  ['check', ['check', '-c', 'vm.json', '--run-dir', 'run'], ['check.js']],
  ['plan', ['plan', '-c', 'vm.json'], ['plan.js']],
  ['import', ['import', 'vm.sh'], ['import.js']],
  ['completion', ['completion', 'bash', '--answer', '--', ' ', 'vmrun -c vm.json -t ', ''], ['completion.js']],
  ['help', ['help'], ['help.js']],
])('%s gives V8 the compiled code of every script that it loads', (_what, words, chunks) =>
  withCaches(async (copy) => {
    const { loaded } = await copy.vmrun(words);
    expect(loaded.map(({ script }) => script)).toEqual(expect.arrayContaining(['vmrun.js', ...chunks]));
    expect(loaded.filter(({ compiled }) => compiled !== 'taken')).toEqual([]);
  }),
);

test('without caches vmrun compiles, and writes none', () =>
  withCopy(async (copy) => {
    const before = copy.files();
    const { status, loaded } = await copy.vmrun(dryRun);
    expect(status).toBe(0);
    expect(loaded).toEqual([{ script: 'vmrun.js', compiled: 'none' }]);
    expect(copy.files()).toEqual(before);
  }));

/** Another letter in a message. The length stays, which is all that V8 looks at. */
function edit(file: string): void {
  const text = readFileSync(file, 'latin1');
  expect(text).toContain('there is no such file');
  writeFileSync(file, text.replace('there is no such file', 'there is No such file'), 'latin1');
}

const renameCache = (copy: PackageCopy, from: string, to: string): void => {
  const cache = cacheOf(copy, 'vmrun.js');
  renameSync(cache, copy.script(path.basename(cache).replace(from, to)));
};

test.each<[what: string, change: (copy: PackageCopy) => void]>([
  [
    'of a script that was edited, its length kept',
    (copy) => {
      edit(copy.script('vmrun.js'));
    },
  ],
  [
    'of another version of Node.js',
    (copy) => {
      renameCache(copy, process.version, 'v20.0.0');
    },
  ],
  [
    'of another architecture',
    (copy) => {
      renameCache(copy, `-${process.arch}-`, '-riscv64-');
    },
  ],
  [
    'that was cut off',
    (copy) => {
      truncateSync(cacheOf(copy, 'vmrun.js'), 100_000);
    },
  ],
  [
    'that was cut off in its head',
    (copy) => {
      truncateSync(cacheOf(copy, 'vmrun.js'), 10);
    },
  ],
  [
    'that is empty',
    (copy) => {
      truncateSync(cacheOf(copy, 'vmrun.js'), 0);
    },
  ],
  [
    'that has grown',
    (copy) => {
      appendFileSync(cacheOf(copy, 'vmrun.js'), 'more');
    },
  ],
  [
    'of another script',
    (copy) => {
      copyFileSync(cacheOf(copy, 'bhyve-sim.js'), cacheOf(copy, 'vmrun.js'));
    },
  ],
])('a cache %s never gets to V8', (_what, change) =>
  withCaches(async (copy) => {
    change(copy);
    const { status, stderr, loaded } = await copy.vmrun(['-c', 'missing.json']);
    expect(status).toBe(66);
    const isEdited = readFileSync(copy.script('vmrun.js'), 'latin1').includes('No such file');
    expect(stderr).toContain(isEdited ? 'there is No such file' : 'there is no such file');
    expect(loaded[0]).toEqual({ script: 'vmrun.js', compiled: 'none' });
  }),
);

test('V8 refuses a cache that was made with other flags', () =>
  withCaches(async (copy) => {
    const { status, stdout, loaded } = await copy.vmrun(dryRun, { node: ['--no-opt'] });
    expect([status, stdout]).toEqual([0, (await copy.vmrun(dryRun)).stdout]);
    expect(loaded).toEqual([{ script: 'vmrun.js', compiled: 'refused' }]);
  }));

test('new caches replace those of older code and of the same Node.js line, and what a killed one has left', () =>
  withCaches(async (copy) => {
    const about = `${process.version}-${process.arch}-${cachedDataVersionTag()}.cache`;
    const sum = sumOf(copy.script('vmrun.js'));
    const line = process.version.split('.')[0] ?? '';
    const olderCode = `vmrun.js.${'0'.repeat(64)}.${about}`;
    const olderNode = `vmrun.js.${sum}.${line}.0.0-${process.arch}-1.cache`;
    const otherLine = `vmrun.js.${sum}.v99.0.0-${process.arch}-1.cache`;
    const orphan = `gone.js.${sum}.${about}`;
    const killed = `vmrun.js.${sum}.${about}.2147483646.new`;
    for (const name of [olderCode, olderNode, otherLine, orphan, killed]) writeFileSync(copy.script(name), 'x');
    writeFileSync(copy.script('notes.cache'), 'not ours');
    await copy.makeCaches();
    const left = copy.files().map((name) => path.basename(name));
    expect(left).toEqual(expect.arrayContaining([`vmrun.js.${sum}.${about}`, otherLine, 'notes.cache']));
    for (const name of [olderCode, olderNode, orphan, killed]) expect(left).not.toContain(name);
  }));

test('compile-cache.js --remove takes every cache away and nothing else', () =>
  withCopy(async (copy) => {
    const before = copy.files();
    await copy.makeCaches();
    expect(copy.caches()).not.toEqual([]);
    expect(await copy.makeCaches({ words: ['--remove'] })).toMatchObject({ status: 0 });
    expect(copy.files()).toEqual(before);
  }));

const isRoot = process.getuid?.() === 0;

test('a folder that may not be written to is one sentence, and status 73', () =>
  withCopy(async (copy, place) => {
    chmodSync(place.folder, 0o755);
    const dist = copy.script('.');
    chmodSync(dist, 0o555);
    const { status, stdout, stderr } = await copy.makeCaches(isRoot ? { uid: 65_534, gid: 65_534 } : {});
    chmodSync(dist, 0o755);
    expect([status, stdout]).toEqual([73, '']);
    expect(stderr).toBe(
      `compile-cache: ${path.resolve(dist)} cannot be written (EACCES); run this as the user who owns it\n`,
    );
  }));

test.each<[what: string, change: (copy: PackageCopy) => void, status: number, said: string]>([
  [
    'a program that does not run',
    (copy) => {
      writeFileSync(copy.script('vmrun.js'), 'throw 1');
    },
    70,
    'vmrun.js does not run (status 1); install vmrun again',
  ],
  [
    'no program',
    (copy) => {
      rmSync(copy.script('.'), { recursive: true });
    },
    73,
    'dist/bin does not exist; install vmrun again, or run npm run build',
  ],
])('%s is one sentence too', (_what, change, expected, said) =>
  withCopy(async (copy) => {
    change(copy);
    const { status, stderr } = await copy.makeCaches();
    expect(status).toBe(expected);
    expect(stderr).toMatch(/^compile-cache: .*\n$/);
    expect(stderr).toContain(said);
  }),
);

test('a word that it does not know is refused', () =>
  withCopy(async (copy) => {
    const { status, stderr } = await copy.makeCaches({ words: ['--clean'] });
    expect([status, stderr]).toEqual([64, 'compile-cache: usage: node compile-cache.js [--remove]\n']);
  }));
