import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('..', import.meta.url));
const text = readFileSync(path.join(root, 'docs/comparison.md'), 'utf8');
const [tables = '', sources = ''] = text.split(/^## Sources$/m);

const cellsOf = (line: string): readonly string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** Tables that compare have a column for each tool; the tools are told by the first one. */
const tools = cellsOf(/^\| \| vmrun .*$/m.exec(tables)?.[0] ?? '').slice(1);
const rows = tables
  .split('\n')
  .map(cellsOf)
  .filter(([head = '', ...cells]) => cells.length === tools.length && head !== '' && !head.startsWith('-'));

/** What a row's list says: tool → source. */
const told = new Map(
  [...sources.matchAll(/^- \*\*(.+)\*\*\n((?: {2}- .+\n?)+)/gm)].map(([, row = '', list = '']) => [
    row,
    new Map([...list.matchAll(/^ {2}- (.+?): (.+)$/gm)].map(([, tool = '', source = '']) => [tool, source])),
  ]),
);

describe('docs/comparison.md', () => {
  test('says which version of every tool was read, and when', () => {
    expect(tools).toHaveLength(7);
    for (const tool of tools) expect(tables).toMatch(new RegExp(`^\\| ${tool} \\| .+ \\| .+ \\|$`, 'm'));
    expect(tables).toMatch(/Last read: \w+ 20\d\d\./);
    expect(tables.match(/commit [0-9a-f]{7} of 20\d\d-\d\d-\d\d/g)).toHaveLength(4);
  });

  test('has no empty cell, and a source for every cell that is more than "no"', () => {
    expect(rows.length).toBeGreaterThan(25);
    const missing = rows.flatMap(([head = '', ...cells]) =>
      tools.filter((tool, index) => {
        const cell = cells[index] ?? '';
        return cell === '' || (cell !== 'no' && !told.get(head)?.has(tool));
      }),
    );
    expect(missing).toEqual([]);
  });

  test('has no source of a row or a tool that is not there', () => {
    const heads = rows.map(([head = '']) => head);
    expect([...told.keys()]).toEqual(heads);
    for (const [row, list] of told) {
      expect([row, [...list.keys()]]).toEqual([row, tools.filter((tool) => list.has(tool))]);
    }
  });

  test('has every row of the table of README.md, word for word, and its date', () => {
    const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
    const [, section = ''] = /^## Compared with others\n([^]*?)^## /m.exec(readme) ?? [];
    const lines = section.split('\n').filter((line) => line.startsWith('| '));
    expect(lines.length).toBeGreaterThan(8);
    expect(lines.filter((line) => !tables.includes(line))).toEqual([]);
    expect(tables).toContain(/Last read: \w+ \d+\./.exec(section)?.[0]);
  });

  test('names a test for all that it says of vmrun', () => {
    const named = [...told].flatMap(([row, list]) => (list.has('vmrun') ? [[row, list.get('vmrun') ?? '']] : []));
    expect(named.length).toBeGreaterThan(10);
    for (const [row, source = ''] of named) {
      const [, file = '', title = ''] = /^`(test\/.+\.test\.ts)`, "(.+)"$/.exec(source) ?? [];
      expect([row, file !== '' && existsSync(path.join(root, file))]).toEqual([row, true]);
      expect([
        row,
        new RegExp(`^ *(describe|test)\\b.*['"]${escape(title)}`, 'm').test(
          readFileSync(path.join(root, file), 'utf8'),
        ),
      ]).toEqual([row, true]);
    }
  });
});

const escape = (words: string): string => words.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
