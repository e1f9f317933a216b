import { describe, expect, test } from '@jest/globals';
import { parseCommandLine } from '../../src/bhyve/parse.js';
import { checkStart } from '../../src/bhyve/start/start-checks.js';
import { parseOptionsOf, startOptionsOf, stderrPattern, titleOf, type Vector, vectors } from './vectors.js';

const parse = (vector: Vector): ReturnType<typeof parseCommandLine> =>
  parseCommandLine(vector.argv, parseOptionsOf(vector));

const rows = (isWanted: (vector: Vector) => boolean): [title: string, vector: Vector][] =>
  vectors.filter(isWanted).map((vector) => [titleOf(vector), vector]);

const stages = {
  dumped: rows(({ dump }) => dump !== undefined),
  parse: rows(({ stage }) => stage === 'parse'),
  init: rows(({ stage }) => stage === 'init'),
  help: rows(({ stage }) => stage === 'help'),
} as const;

test('every vector is in one of the tables below', () => {
  const tabled = Object.values(stages).flat();
  expect(tabled).toHaveLength(vectors.length);
  expect(vectors.length).toBeGreaterThanOrEqual(136);
});

describe('bhyve makes the same configuration of', () => {
  test.each(stages.dumped)('%s', (_title, vector) => {
    const parsed = parse(vector);
    if (parsed.kind !== 'parsed') throw new Error(JSON.stringify(parsed));
    expect([...parsed.config]).toEqual(Object.entries(vector.dump ?? {}));
    expect(parsed.warnings.join('\n')).toBe(vector.warnings ?? '');
    expect(parsed.isDumpAsked).toBe(vector.exit !== undefined);
    if (vector.init === 'ok') expect(checkStart(parsed.tree, startOptionsOf(vector)).kind).toBe('started');
  });
});

describe('bhyve refuses while reading', () => {
  test.each(stages.parse)('%s', (_title, vector) => {
    const failed = parse(vector);
    if (failed.kind !== 'failed') throw new Error(JSON.stringify(failed));
    expect(failed.messages.join('\n')).toMatch(stderrPattern(vector.error ?? ''));
    expect(failed).toMatchObject({ status: vector.exit });
    expect(failed.signal).toBe(vector.signal);
  });
});

describe('bhyve reads, and refuses to start', () => {
  test.each(stages.init)('%s', (_title, vector) => {
    const parsed = parse(vector);
    if (parsed.kind !== 'parsed') throw new Error(JSON.stringify(parsed));
    const failed = checkStart(parsed.tree, startOptionsOf(vector));
    if (failed.kind !== 'failed') throw new Error(JSON.stringify(failed.warnings));
    expect([...parsed.warnings, ...failed.messages].join('\n')).toMatch(stderrPattern(vector.error ?? ''));
    expect(failed.status).toBe(vector.exit);
  });
});

describe('bhyve only lists', () => {
  test.each(stages.help)('%s', (_title, vector) => {
    const help = parse(vector);
    expect(help).toMatchObject({ kind: 'help', status: 0 });
    expect(help.kind === 'help' && help.messages.join('\n')).toMatch(stderrPattern(vector.error ?? ''));
  });
});
