import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../..', import.meta.url));

function textsIn(folder: string, ending: RegExp): readonly (readonly [file: string, text: string])[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => ending.test(name) && !/(^|\/)generated\//.test(name))
    .map((name) => [path.posix.join(folder, name), readFileSync(path.join(root, folder, name), 'utf8')]);
}

/** What others start with, by the name of the file, or take from a file that they load by its name. */
const entries = new Set([
  ...['src/index.ts', 'src/manager/index.ts', 'src/cli/main.ts', 'src/simulator/main.ts'],
  ...['src/spec/published-schema.ts', 'src/api/native/openapi.ts', 'src/cli/define-command.ts'],
  'src/cli/serve/draft-thread.ts',
]);
/** Of these, what a file has that nobody else uses is not looked at. */
const rooms = /^src\/(?!(manager|server|api)\/)/;

const exported = /^export (?:async )?(?:function\*?|const|let|class|interface|type|enum) (\w+)/gm;
const named = /\b(?:import|export)\s+(?:type\s+)?\{([^}]*)\}\s*from\s*'(\.[^']+)'/g;
/** As a whole: `import * as`, `export *`, and where it is loaded or named in its place. */
const whole = /\bimport\('(\.[^']+)'\)|\*(?:\s+as\s+\w+)?\s+from\s+'(\.[^']+)'/g;

/** `file name` of each export that no other file imports. */
function unusedExports(files: readonly (readonly [file: string, text: string])[]): readonly string[] {
  const used = new Set<string>();
  const usedWhole = new Set<string>();
  const fileOf = (from: string, to: string): string =>
    path.posix.join(path.posix.dirname(from), to).replace(/\.js$/, '.ts');
  for (const [file, text] of files) {
    for (const [, names = '', from = ''] of text.matchAll(named)) {
      for (const name of names.split(',')) {
        const [word = ''] = name
          .trim()
          .replace(/^type /, '')
          .split(/\s+/);
        used.add(`${fileOf(file, from)} ${word}`);
      }
    }
    for (const [, loaded, all] of text.matchAll(whole)) usedWhole.add(fileOf(file, loaded ?? all ?? ''));
  }
  return files
    .filter(([file]) => !usedWhole.has(file))
    .flatMap(([file, text]) => [...text.matchAll(exported)].map(([, name = '']) => `${file} ${name}`))
    .filter((name) => !used.has(name));
}

test('what a file exports is used by another', () => {
  const sources = textsIn('src', /(?<!\.d)\.ts$/);
  const others = [...textsIn('test', /\.ts$/), ...textsIn('scripts', /\.m?ts$/)];
  const unused = unusedExports([...sources, ...others]).filter((name) => rooms.test(name));
  expect(sources.length).toBeGreaterThan(400);
  expect(unused.filter((name) => !entries.has(name.split(' ')[0] ?? ''))).toEqual([]);
});

test.each<[how: string, text: string, unused: readonly string[]]>([
  ['by nobody', '', ['src/a.ts A', 'src/a.ts b']],
  ['by name, on more than one line', "import {\n  type A,\n  b as c,\n} from './a.js';", []],
  ['to be handed on', "export { b } from './a.js';", ['src/a.ts A']],
  ['as a type', "import type { A } from './a.js';", ['src/a.ts b']],
  ['when it is needed', "const { b } = await import('./a.js');", []],
  ['in the place of a type', "type C = import('./a.js').A;", []],
  ['as a whole', "import * as a from './a.js';", []],
])('an export may be used %s', (_how, text, unused) => {
  const own = 'export interface A {}\nexport const b = 1;\nconst c = 2;';
  expect(
    unusedExports([
      ['src/a.ts', own],
      ['src/b.ts', text],
    ]),
  ).toEqual(unused);
});
