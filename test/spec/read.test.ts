import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ProblemsError } from '../../src/base/problem.js';
import { readSpec } from '../../src/spec/read.js';
import { maxSpecBytes } from '../../src/spec/source-tree.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vmrun-read-'));
  mkdirSync(join(folder, 'vms'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const written = (name: string, content: string | Buffer): string => {
  writeFileSync(join(folder, name), content);
  return name;
};

/** What reading a file of the folder throws, from within the folder. */
const refused = (name: string): ProblemsError => {
  try {
    readSpec(join(folder, name), { workingDirectory: folder });
  } catch (error) {
    if (error instanceof ProblemsError) return error;
    throw error;
  }
  throw new Error(`${name} was read`);
};

describe('a spec file', () => {
  test.each([
    ['vm.json', 'json'],
    ['vm.yaml', 'yaml'],
    ['vm.YML', 'yaml'],
    ['vm', 'json'],
    ['vm.ucl', 'ucl'],
    ['vm.conf', 'ucl'],
    ['vm.json.CONF', 'ucl'],
    ['vm.txt', 'json'],
  ])('%s is read as %s', (name, format) => {
    expect(readSpec(join(folder, written(name, '{}')), { workingDirectory: folder })).toMatchObject({
      text: '{}',
      format,
    });
  });

  test('is read in the format that is asked for', () => {
    const file = join(folder, written('vm.json', '{}'));
    expect(readSpec(file, { workingDirectory: folder, format: 'yaml' }).format).toBe('yaml');
  });

  test('keeps its relative names where bhyve, started here, finds the same file; elsewhere they are made absolute', () => {
    written('vms/vm.json', '{}');
    const here = readSpec('vms/vm.json', { workingDirectory: folder });
    expect(here.resolveFile('disk.img')).toBe(join(folder, 'vms/disk.img'));
    expect(here.resolveFile('../disk.img')).toBe(join(folder, 'disk.img'));
    expect(here.resolveFile('/disk.img')).toBe('/disk.img');
    const there = readSpec(join(folder, 'vms/vm.json'), { workingDirectory: join(folder, 'vms') });
    expect(there.resolveFile('disk.img')).toBe('disk.img');
  });

  test('has one absolute name for a file, whichever way leads to it', () => {
    written('vms/vm.json', '{}');
    symlinkSync('vms', join(folder, 'link'));
    const names = [
      readSpec('vms/vm.json', { workingDirectory: folder }),
      readSpec('vm.json', { workingDirectory: join(folder, 'vms') }),
      readSpec(join(folder, 'link/vm.json'), { workingDirectory: '/' }),
    ].map(({ absoluteFile }) => absoluteFile?.('disk.img'));
    expect(new Set(names)).toEqual(new Set([join(realpathSync(folder), 'vms/disk.img')]));
  });

  test.each<[what: string, content: string | Buffer, problem: object]>([
    ['that is empty', '', { code: 'empty' }],
    ['of blanks', ' \n\t\n', { code: 'empty' }],
    ['in UTF-16', Buffer.from('\ufeff{}', 'utf16le'), { code: 'encoding', message: 'the file is in UTF-16' }],
    [
      'with a byte that is not UTF-8, at its place',
      Buffer.concat([Buffer.from('{\n  "é": "'), Buffer.from([0xe9]), Buffer.from('"}')]),
      { code: 'encoding', message: 'byte 0xe9 is not UTF-8', place: { line: 2, column: 9 } },
    ],
    [
      'that is too large',
      Buffer.alloc(maxSpecBytes + 1, ' '),
      { code: 'too-large', message: 'a spec has at most 4 MiB, this is more' },
    ],
  ])('%s is refused', (_what, content, problem) => {
    const error = refused(written('wrong.json', content));
    expect(error.kind).toBe('spec');
    expect(error.problems).toMatchObject([problem]);
  });

  test('may hold the replacement character, written as such', () => {
    const file = join(folder, written('vm.json', '"\ufffd"'));
    expect(readSpec(file, { workingDirectory: folder }).text).toBe('"\ufffd"');
  });

  test.each([
    ['missing.json', 'there is no such file'],
    ['vms', 'this is a directory'],
    ['vm.json/vm.json', 'a part of this path is not a directory'],
    ['a\0b', '"NUL" bytes cannot be part of a file name'],
  ])('%j cannot be read, and says why', (name, message) => {
    written('vm.json', '{}');
    const error = refused(name);
    expect(error.kind).toBe('unreadable');
    expect(error.problems).toMatchObject([{ code: 'unreadable', message }]);
  });

  test.each([
    ['named/web', 'did you mean named/web.yaml?'],
    ['named/web.yml', 'did you mean named/web.yaml?'],
    ['named/web.1', 'did you mean named/web.1.conf?'],
    ['named/db.json', 'check the path; - is standard input'],
  ])('%j is not there, and a file beside it may be meant', (name, fix) => {
    mkdirSync(join(folder, 'named'), { recursive: true });
    written('named/web.yaml', 'name: web');
    written('named/web.1.conf', 'name: web.1');
    const [problem] = refused(name).problems;
    expect([problem?.message, problem?.fix?.replace(`${folder}/`, '')]).toEqual(['there is no such file', fix]);
  });
});
