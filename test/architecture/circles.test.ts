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

/** Files that import one another, each circle as one list. */
function circlesIn(files: Files): readonly (readonly string[])[] {
  const imports = importsIn(files);
  const reaches = (from: string): ReadonlySet<string> => {
    const reached = new Set(imports.get(from));
    for (const file of reached) for (const next of imports.get(file) ?? []) reached.add(next);
    return reached;
  };
  const reached = new Map([...files.keys()].map((file) => [file, reaches(file)]));
  const circles = [...files.keys()].map((file) =>
    [...files.keys()].filter(
      (other) => reached.get(file)?.has(other) === true && reached.get(other)?.has(file) === true,
    ),
  );
  return [...new Map(circles.filter(({ length }) => length > 0).map((circle) => [circle.join(), circle])).values()];
}

const src = fileURLToPath(new URL('../../src', import.meta.url));
const sources = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => /(?<!\.d)\.ts$/.test(name));

test('no files of vmrun import one another in a circle, types included', () => {
  const files = new Map(sources.map((name) => [name, readFileSync(path.join(src, name), 'utf8')]));
  expect(files.size).toBeGreaterThan(400);
  expect([...importsIn(files).values()].flat().length).toBeGreaterThan(1000);
  expect(circlesIn(files)).toEqual([]);
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
    const files = new Map([['a.ts', line.replace('./b.js', './x/b.js')], ...others]);
    expect(circlesIn(files)).toEqual([['a.ts', 'x/b.ts', 'x/c.ts']]);
    expect(circlesIn(new Map([...files, ['x/c.ts', '']]))).toEqual([]);
  });
});
