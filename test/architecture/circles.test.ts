import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from '@jest/globals';

type Files = ReadonlyMap<string, string>;

/** Which files each file imports, in any form: types, `import()`, `export … from`. */
function importsIn(files: Files): ReadonlyMap<string, readonly string[]> {
  const found = [...files].map(([file, text]) => {
    const { importedFiles } = ts.preProcessFile(text, true, true);
    const names = importedFiles.map(({ fileName }) =>
      path.posix.join(path.posix.dirname(file), fileName).replace(/\.js$/, '.ts'),
    );
    return [file, names.filter((name) => files.has(name))] as const;
  });
  return new Map(found);
}

/** A folder of a room is one thing, whatever is in it; a file that is in none is itself. */
const folderOf = (file: string): string => {
  const [room, ...rest] = file.split('/');
  return rest.length > 1 ? `${room}/${rest[0]}` : file;
};

/** The same of folders. */
function foldersImportedIn(files: Files): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>([...files.keys()].map((file) => [folderOf(file), []]));
  for (const [file, imported] of importsIn(files)) {
    const own = folderOf(file);
    const others = imported.map(folderOf).filter((folder) => folder !== own);
    found.set(own, [...(found.get(own) ?? []), ...others]);
  }
  return found;
}

/** What imports one another, each circle as one list. */
function circlesIn(imports: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const reaches = (from: string): ReadonlySet<string> => {
    const reached = new Set(imports.get(from));
    for (const file of reached) for (const next of imports.get(file) ?? []) reached.add(next);
    return reached;
  };
  const all = [...imports.keys()];
  const reached = new Map(all.map((file) => [file, reaches(file)]));
  const circles = all.map((file) =>
    all.filter((other) => reached.get(file)?.has(other) === true && reached.get(other)?.has(file) === true),
  );
  return [...new Map(circles.filter(({ length }) => length > 0).map((circle) => [circle.join(), circle])).values()];
}

const src = fileURLToPath(new URL('../../src', import.meta.url));
const sources = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => /(?<!\.d)\.ts$/.test(name));

const files = new Map(sources.map((name) => [name, readFileSync(path.join(src, name), 'utf8')]));

test('no files of vmrun import one another in a circle, types included', () => {
  expect(files.size).toBeGreaterThan(400);
  expect([...importsIn(files).values()].flat().length).toBeGreaterThan(1000);
  expect(circlesIn(importsIn(files))).toEqual([]);
});

test('no folders of a room import one another in a circle', () => {
  expect([...foldersImportedIn(files).keys()]).toEqual(expect.arrayContaining(['host/look', 'host/host.ts']));
  expect(circlesIn(foldersImportedIn(files))).toEqual([]);
  const broken = new Map([...files, ['host/process/a.ts', "import '../look/a.js';"], ['host/look/a.ts', '']]);
  expect(circlesIn(foldersImportedIn(broken))).toEqual([['host/look', 'host/process']]);
});

describe('a circle is found', () => {
  test.each([
    ['of values', "import { b } from './b.js';"],
    ['of types', "import type { B } from './b.js';"],
    ['of a type in its place', "export type A = import('./b.js').B;"],
    ['of what is loaded later', "export const a = () => import('./b.js');"],
    ['of what is handed on', "export { b } from './b.js';"],
    ['of all that is handed on', "export * from './b.js';"],
  ])('%s', (_what, line) => {
    const others = [
      ['x/b.ts', "import { c } from './c.js';"],
      ['x/c.ts', "import { a } from '../a.js';"],
      ['d.ts', "import { a } from './a.js';"],
    ] as const;
    const few = new Map([['a.ts', line.replace('./b.js', './x/b.js')], ...others]);
    expect(circlesIn(importsIn(few))).toEqual([['a.ts', 'x/b.ts', 'x/c.ts']]);
    expect(circlesIn(importsIn(new Map([...few, ['x/c.ts', '']])))).toEqual([]);
  });
});
