import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { format } from 'prettier';
import { mostProblems } from '../../../src/base/problem.js';
import type { HostFacts } from '../../../src/host/look/facts.js';
import { publishedFactsSchema } from '../../../src/host/look/facts-schema.js';
import { readFacts } from '../../../src/host/look/read-facts.js';

const facts: HostFacts = {
  version: 1,
  taken: '2026-01-31T12:00:00.000Z',
  system: 'freebsd',
  platform: { release: 15, arch: 'amd64' },
  uid: 1001,
  interfaces: [{ name: 'tap0', groups: ['tap'], pids: [812], isUp: true, mtu: 1500, description: 'web', members: [] }],
  cards: [{ name: 'ppt0', driver: 'ppt', domain: 0, address: { bus: 3, slot: 0, func: 0 }, vendor: 0x8086 }],
  modules: ['kernel', 'vmm'],
  sysctls: { 'hw.physmem': '34235027456' },
  vms: { error: 'cannot list /dev/vmm: permission denied (EACCES)' },
  files: {
    '/vm/a.img': {
      ...{ kind: 'there', type: 'regular file', identity: '1:2', bytes: 5 },
      denied: { write: { code: 'EACCES', words: 'permission denied' } },
    },
    '/vm/b.img': { kind: 'missing', linkTo: 'c.img', isFolderThere: true },
    '/root/c.img': { kind: 'hidden', error: { code: 'EACCES', words: 'permission denied' } },
  },
  sockets: {
    '/a': { kind: 'free' },
    '/b': { kind: 'listening' },
    '/c': { kind: 'not-a-socket' },
    '/d': { kind: 'stale', device: '72', inode: '18446744073709551615' },
    '/e': { kind: 'unclear', why: 'EACCES' },
    '/f': { kind: 'hidden', error: { code: 'ENOTDIR', words: 'not a directory' } },
  },
  ports: {
    '127.0.0.1 5900': { kind: 'free' },
    '::1 5901': { kind: 'refused', error: { code: 'EADDRINUSE', words: 'address already in use' } },
  },
  freeBytes: { '/vm/a.img': 1_000_000 },
};

/** `line:column code: message [fix]` of each problem. */
function problemsOf(text: string): readonly string[] {
  const read = readFacts(text, 'host.json');
  if (read.ok) return [];
  return read.problems.map(({ code, message, fix, place }) => {
    expect(place?.file ?? 'host.json').toBe('host.json');
    return `${place === undefined ? '' : `${place.line}:${place.column} `}${code}: ${message} [${fix ?? ''}]`;
  });
}

/** The facts as text, a part of it replaced. */
const withPart = (part: string, other: string): string => {
  const text = JSON.stringify(facts, null, 2);
  expect(text).toContain(part);
  return text.replace(part, other);
};

const again = 'capture the host again, on it: vmrun facts -c SPEC';

describe('facts', () => {
  test('come back as they were written', () => {
    expect(readFacts(JSON.stringify(facts), 'host.json')).toEqual({ ok: true, value: facts, warnings: [] });
  });

  test('may hold what else somebody notes', () => {
    const noted = { $schema: './host.schema.json', ...facts, 'x-rack': 4 };
    expect(problemsOf(JSON.stringify(noted))).toEqual([]);
  });

  test.each<[what: string, text: string, problem: string]>([
    ['nothing', '', `empty: the file is empty [${again}]`],
    ['blanks', ' \n', `empty: the file is empty [${again}]`],
    ['no JSON', 'hello', `1:1 syntax: text needs double quotes, found "***" [${again}]`],
    [
      'half of it',
      '{ "version": 1,\n',
      `2:1 syntax: the text ends where a key in double quotes is expected [${again}]`,
    ],
    ['two of them', '{}\n{}', `2:1 syntax: there is more text after the facts [${again}]`],
    ['a list', '[1]', `1:1 wrong-type: the facts of a host are an object, this is a list [${again}]`],
    ['a text', '"facts"', `1:1 wrong-type: the facts of a host are an object, this is "facts" [${again}]`],
    [
      'a spec',
      '{ "name": "vm0", "cpu": 1, "mem": "1G" }',
      `1:1 wrong-version: these are not the facts of a host: they have no "version" [${again}]`,
    ],
    [
      'another version, whatever else',
      '{ "version": 2, "hosts": [] }',
      `1:14 wrong-version: these facts are of version 2, this vmrun reads version 1 [${again}]`,
    ],
    ['a null for the version', '{ "version": null }', `1:14 wrong-version: these facts are of version null,`],
  ])('are not read from %s', (_what, text, problem) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  test.each<[what: string, part: string, other: string, problem: string]>([
    [
      'a field that is none',
      '"system": "freebsd"',
      '"system": "freebsd", "sysctl": {}',
      '4:24 unknown-field: "sysctl" is not a field here [did you mean "sysctls"?]',
    ],
    [
      'a wrong type',
      '"isUp": true',
      '"isUp": "yes"',
      '19:15 wrong-type: isUp must be true or false, got "yes" [write true, without quotes]',
    ],
    ['a number that is none', '"bytes": 5', '"bytes": -5', `out-of-range: bytes must be at least 0, got -5 [${again}]`],
    [
      'a list that is none',
      '"modules": [',
      '"modules": "vmm", "x-": [',
      'wrong-type: modules must be a list or an object, got "vmm" [use e.g. []]',
    ],
    [
      'a list that is neither there nor missing',
      '"error": "cannot list',
      '"x-error": "cannot list',
      'required: error is required: why there is no answer [add e.g. "error": ',
    ],
    ['a time that is none', '2026-01-31T12:00:00.000Z', 'yesterday', 'wrong-text: "yesterday" is not a time in UTC'],
    ['a release that is none', '"release": 15', '"release": 9', 'not-allowed: release cannot be 9 [use 14, 15 or 16]'],
    [
      'a kind of file that is none',
      '"kind": "missing"',
      '"kind": "mising"',
      'unknown-kind: "mising" is not something that vmrun finds there [did you mean "missing"?]',
    ],
    [
      'a kind of another place',
      '"kind": "missing"',
      '"kind": "listening"',
      'unknown-kind: "listening" is not something that vmrun finds there [use one of there, missing or hidden]',
    ],
    [
      'no kind',
      '"kind": "missing",',
      '',
      'required: kind is required: what was found there [use one of there, missing or hidden]',
    ],
    ['a kind without its fields', '"device": "72",', '', 'required: device is required: device number of the file'],
    ['a field of another kind', '"kind": "free"', '"kind": "free", "why": "so"', 'unknown-field: "why" is not a field'],
    ['a type of file that is none', '"type": "regular file"', '"type": "file"', 'not-allowed: type cannot be "file"'],
    [
      'a value that is not a text',
      '"34235027456"',
      '34235027456',
      'wrong-type: hw.physmem must be text, got 34235027456',
    ],
  ])('are refused with %s', (_what, part, other, problem) => {
    const problems = problemsOf(withPart(part, other));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
    expect(problems[0]).toMatch(/^\d+:\d+ .* \[.+\]$/);
  });

  test('are refused with all that is wrong, in one go', () => {
    expect(problemsOf('{ "version": 1, "ports": [] }').length).toBeGreaterThan(10);
  });

  test('are not told of more problems than anybody reads', () => {
    const problems = problemsOf(JSON.stringify({ ...facts, modules: Array.from({ length: 500 }, () => 1) }));
    expect(problems).toHaveLength(mostProblems + 1);
    expect(problems.at(-1)).toContain('400 more problems are not listed');
  });

  test.each(Object.keys(facts).filter((key) => key !== 'version' && key !== 'uid'))(
    'are not whole without %s',
    (key) => {
      const problems = problemsOf(JSON.stringify({ ...facts, [key]: undefined }));
      expect(problems).toEqual([expect.stringContaining(`required: ${key} is required: `)]);
    },
  );

  test('are read from any text without an exception', () => {
    const text = JSON.stringify(facts);
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(20), fc.string({ unit: 'grapheme' }), (at, length, other) => {
        const read = readFacts(text.slice(0, at) + other + text.slice(at + length), 'host.json');
        if (!read.ok) expect(read.problems.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('the published schema of facts', () => {
  const text = readFileSync(fileURLToPath(new URL('../../../schemas/host.schema.json', import.meta.url)), 'utf8');
  const validate = new Ajv2020({ strict: false, allErrors: true }).compile(JSON.parse(text) as object);

  test('is the one that the sources give; if not, run the build', async () => {
    expect(text).toBe(await format(JSON.stringify(publishedFactsSchema()), { parser: 'json', printWidth: 120 }));
  });

  test('is plain JSON Schema', () => {
    expect(text).not.toContain('discriminator');
  });

  test('accepts what vmrun reads', () => {
    expect([validate(facts), validate.errors]).toEqual([true, null]);
  });

  test.each<[what: string, change: object]>([
    ['another version', { version: 2 }],
    ['an unknown field', { hosts: [] }],
    ['a list of another kind', { interfaces: ['tap0'] }],
    ['a kind that is none', { files: { '/a': { kind: 'free' } } }],
    ['a port without a word', { ports: { '::1 1': {} } }],
  ])('refuses %s, as vmrun does', (_what, change) => {
    const changed = { ...facts, ...change };
    expect(validate(changed)).toBe(false);
    expect(readFacts(JSON.stringify(changed), 'host.json').ok).toBe(false);
  });
});
