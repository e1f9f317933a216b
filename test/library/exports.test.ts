import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import ts from 'typescript';
import { describe, expect, test } from '@jest/globals';
import { openApiText } from '../../scripts/generate.mjs';
import { libraryProgram } from '../../scripts/library-types.mjs';
import { reportSchemas } from '../../scripts/report-schemas.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** It takes seconds to make: whatever asks for types is in this file. */
const program = libraryProgram(root);

/** What a user of the library sees, as the compiler sees it. */
function exportsOfLibrary(): { readonly checker: ts.TypeChecker; readonly exported: readonly ts.Symbol[] } {
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(`${root}src/index.ts`);
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error('src/index.ts is not a module');
  const exported = checker.getExportsOfModule(module).map((symbol) => {
    const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
    return isAlias ? checker.getAliasedSymbol(symbol) : symbol;
  });
  return { checker, exported };
}

const { checker, exported } = exportsOfLibrary();
const isExplained = (symbol: ts.Symbol): boolean => symbol.getDocumentationComment(checker).length > 0;

describe('what the library exports', () => {
  test('is explained, every name of it', () => {
    expect(exported.length).toBeGreaterThan(50);
    expect(exported.filter((symbol) => !isExplained(symbol)).map(({ name }) => name)).toEqual([]);
  });

  /** What a user writes, and what a run gives back. */
  const explained = /Options$|^(Run|RunResult|KnownRun|Host|Clock|RebootLimits)$/;

  test.each(exported.filter(({ name }) => explained.test(name)).map((symbol) => [symbol.name, symbol] as const))(
    '%s explains each of its members',
    (_name, symbol) => {
      const members = checker.getDeclaredTypeOfSymbol(symbol).getProperties();
      expect(members.length).toBeGreaterThan(0);
      expect(members.filter((member) => !isExplained(member)).map(({ name }) => name)).toEqual([]);
    },
  );
});

describe('the tables of docs/library.md', () => {
  const guide = readFileSync(`${root}docs/library.md`, 'utf8');
  const wordsOf = (cell = ''): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
  /** The cells of the table that has this in its first line. */
  const table = (head: string): readonly (readonly string[])[] => {
    const [, ...lines] =
      guide
        .slice(guide.indexOf(`| ${head} |`))
        .split('\n\n')[0]
        ?.split('\n')
        .slice(1) ?? [];
    return lines.map((line) => line.split('|').slice(1, -1));
  };
  const typeOf = (name: string): ts.Type => {
    const symbol = exported.find((each) => each.name === name);
    if (symbol === undefined) throw new Error(`there is no ${name}`);
    return checker.getDeclaredTypeOfSymbol(symbol);
  };
  const partsOf = (type: ts.Type): readonly ts.Type[] => (type.isUnion() ? type.types : [type]);
  const literalsOf = (type: ts.Type): readonly string[] =>
    partsOf(type).flatMap((part) => (part.isStringLiteral() ? [part.value] : []));
  const memberOf = (type: ts.Type, name: string): ts.Type => {
    const symbol = type.getProperty(name);
    if (symbol === undefined) throw new Error(`there is no member ${name}`);
    return checker.getNonNullableType(checker.getTypeOfSymbol(symbol));
  };
  const namesOf = (type: ts.Type): readonly string[] => type.getProperties().map(({ name }) => name);

  test('have every kind of event with its fields', () => {
    const fields = new Map<string, Set<string>>();
    for (const part of partsOf(typeOf('RunEvent'))) {
      const [kind = ''] = literalsOf(memberOf(part, 'kind'));
      const known = fields.get(kind) ?? new Set();
      for (const name of namesOf(part)) if (!['kind', 'time', 'monotonicMs'].includes(name)) known.add(name);
      fields.set(kind, known);
    }
    const told = table('kind').map(([kind, names]) => [wordsOf(kind)[0], [...wordsOf(names)].sort()] as const);
    expect(Object.fromEntries(told)).toEqual(
      Object.fromEntries([...fields].map(([kind, names]) => [kind, [...names].sort()])),
    );
  });

  test.each(['ProblemsError.kind', 'StartError.reason'])('have every %s', (what) => {
    const [name = '', member = ''] = what.split('.');
    const told = table(`\`${what}\``).flatMap(([words]) => wordsOf(words));
    expect([...told].sort()).toEqual([...literalsOf(memberOf(typeOf(name), member))].sort());
  });

  test('have every option of a run', () => {
    const told = table('option').flatMap(([words]) => wordsOf(words));
    expect([...told].sort()).toEqual([...namesOf(typeOf('RunOptions'))].sort());
  });
});

test.each([...reportSchemas(root, program)])(
  'the schema of %s is the one that the types give; if not, run the build',
  async (name, schema) => {
    const text = await format(JSON.stringify(schema), { parser: 'json', printWidth: 120 });
    expect(readFileSync(`${root}schemas/${name}.schema.json`, 'utf8')).toBe(text);
  },
);

test('docs/openapi.json is the one that rows and types give; if not, run the build', async () => {
  expect(readFileSync(`${root}docs/openapi.json`, 'utf8')).toBe(await openApiText(root, program));
});
