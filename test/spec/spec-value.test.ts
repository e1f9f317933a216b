import vm from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { placeWords, type Problem } from '../../src/base/problem.js';
import { loadSpecText, loadSpecValue } from '../../src/machine/load-spec.js';
import { plan } from '../../src/machine/plan.js';
import { maxDepth, maxSpecBytes, maxValues } from '../../src/spec/source-tree.js';
import { jsonMutator } from '../support/mutated/json-mutations.js';
import { drawsFrom } from '../support/mutated/mutations.js';
import { json } from '../support/mutated/texts.js';
import { minimal, specText } from '../support/specs.js';

const load = (value: unknown) => loadSpecValue({ name: 'a request', value, resolveFile: (path) => path });

async function toldOf(value: unknown): Promise<readonly string[]> {
  const loaded = await load(value);
  const problems = loaded.ok ? loaded.warnings : loaded.problems;
  return problems.map(({ code, place, message }) => `${place?.pointer ?? '-'} ${code}: ${message}`);
}

/** What a program has to say of each problem, without its place in a text. */
const comparable = (problems: readonly Problem[]) =>
  problems.map(({ place, excerpt: _, ...problem }) => ({ ...problem, pointer: place?.pointer }));

const change = jsonMutator(drawsFrom(1), json);
const values: readonly unknown[] = [...json, ...Array.from({ length: 4 }, () => json).flat()].flatMap((text, index) => {
  const changed = index < json.length ? text : change(text);
  try {
    return [JSON.parse(changed ?? text) as unknown];
  } catch {
    return [];
  }
});

test('a value is the spec that its JSON would be, or has the same problems, each at a pointer and at no line', async () => {
  expect(values.length).toBeGreaterThan(100);
  for (const value of values) {
    const text = await loadSpecText(specText(JSON.stringify(value), { name: 'a request' }));
    const own = await load(value);
    expect({ value, isOk: own.ok }).toEqual({ value, isOk: text.ok });
    const problems = own.ok ? own.warnings : own.problems;
    expect(comparable(problems)).toEqual(comparable(text.ok ? text.warnings : text.problems));
    expect(problems.filter(({ place }) => place?.line !== undefined || place?.column !== undefined)).toEqual([]);
    if (!own.ok || !text.ok) continue;
    for (const target of text.value.targets) {
      expect(own.value.effective(target).vm).toEqual(text.value.effective(target).vm);
      const [planned, expected] = [plan(own.value, target), plan(text.value, target)];
      expect(planned.ok && planned.value.argv).toEqual(expected.ok && expected.value.argv);
    }
  }
});

const shared = { cpu: 2 };

class Field {
  path = '/disk.img';
}

const circle: Record<string, unknown> = { ...minimal };
circle.targets = { a: { targets: [circle] } };

const nested = (depth: number): unknown => (depth === 0 ? 1 : { config: nested(depth - 1) });
const endless = (): object => ({
  get config() {
    return endless();
  },
});
const throwing = new Proxy({}, { ownKeys: () => { throw new Error('no'); } }); // prettier-ignore
const fourBillion = new Proxy(new Array(4_000_000_000), {
  get: (_list, key) => {
    if (key === 'length') return 4_000_000_000;
    throw new Error('no');
  },
});
const revoked = Proxy.revocable({}, {});
revoked.revoke();

describe('what JSON cannot say is a problem at its pointer', () => {
  test.each<[what: string, value: unknown, told: readonly string[]]>([
    ['a function', { ...minimal, mem: () => '1G' }, ['/mem not-json: a function is not a value in JSON']],
    ['a symbol', { ...minimal, mem: Symbol('1G') }, ['/mem not-json: a symbol is not a value in JSON']],
    ['a bigint', { ...minimal, mem: 1n }, ['/mem not-json: a bigint is not a value in JSON']],
    ['NaN', { ...minimal, cpu: NaN }, ['/cpu not-json: NaN is not a number in JSON']],
    ['Infinity', { ...minimal, cpu: -Infinity }, ['/cpu not-json: -Infinity is not a number in JSON']],
    ['a Date', { ...minimal, mem: new Date(0) }, ['/mem not-json: an instance of "Date" is not a value in JSON']],
    ['a Map', { ...minimal, config: new Map() }, ['/config not-json: an instance of "Map" is not a value in JSON']],
    ['bytes', Buffer.from('{}'), [' not-json: an instance of "Buffer" is not a value in JSON']],
    ['a promise', Promise.resolve(minimal), [' not-json: an instance of "Promise" is not a value in JSON']],
    ['a boxed text', { ...minimal, mem: Object('1G') as unknown }, ['/mem not-json: an instance of "String" is not a value in JSON']], // prettier-ignore
    ['an instance', { ...minimal, emulations: [new Field()] }, ['/emulations/0 not-json: an instance of "Field" is not a value in JSON']], // prettier-ignore
    ['toJSON', { ...minimal, toJSON: () => minimal }, ['/toJSON not-json: a function is not a value in JSON']],
    ['a hole', { ...minimal, 'com1/a~b': new Array(1) }, ['/com1~1a~0b/0 not-json: there is no value here']],
    ['undefined in a list', { ...minimal, hooks: { post_stop: ['a', undefined] } }, ['/hooks/post_stop/1 not-json: there is no value here']], // prettier-ignore
    ['nothing at all', undefined, [' not-json: there is no value here']],
    ['half of a character', { ...minimal, name: '\ud800' }, ['/name not-json: half of a surrogate pair in a string']],
    ['half of one in a key', { ...minimal, '\udc00': 1 }, ['/\udc00 not-json: half of a surrogate pair in a string']],
    ['a circle', circle, ['/targets/a/targets/0 not-json: this is the spec again, which it stands in: a circle']],
    ['a proxy that throws', { ...minimal, config: throwing }, ['/config not-json: this cannot be read: a getter or a proxy throws']], // prettier-ignore
    ['a proxy that is over', [revoked.proxy], ['/0 not-json: this cannot be read: a getter or a proxy throws']],
    ['several', { name: NaN, cpu: 1n, mem: '1G' }, ['/name not-json: NaN is not a number in JSON', '/cpu not-json: a bigint is not a value in JSON']], // prettier-ignore
  ])('%s', async (_what, value, told) => {
    expect(await toldOf(value)).toEqual(told);
  });

  test('more than a hundred of them are counted', async () => {
    const told = await toldOf(Array.from({ length: 150 }, () => NaN));
    expect(told).toHaveLength(101);
    expect(told.at(-1)).toBe('- more-problems: 50 more problems are not listed');
  });

  test.each([
    ['too deep', nested(maxDepth), `nested more than ${maxDepth} levels deep`],
    ['without an end', endless(), `nested more than ${maxDepth} levels deep`],
    ['too large', { ...minimal, hooks: { post_stop: Array.from({ length: maxValues }, () => 'a') } }, `there are more than 100,000 values`], // prettier-ignore
    ['a list of four billion things that throw', fourBillion, 'more than 100,000 values'],
    ['a list of four billion holes', { ...minimal, emulations: new Array(4_000_000_000) }, 'more than 100,000 values'],
  ])('it may not be %s', async (_what, value, message) => {
    const told = await load(value);
    expect(told.ok).toBe(false);
    expect(JSON.stringify(told)).toContain(message);
  });

  test('what is shared again and again grows no further than what is written out', async () => {
    let shared: unknown = 'a';
    for (let level = 0; level < 40; level += 1) shared = [shared, shared];
    expect(await toldOf(shared)).toEqual([expect.stringContaining('there are more than 100,000 values')]);
  });
});

describe('what JSON says otherwise, or not at all, is taken as it is in JSON', () => {
  test.each<[what: string, value: object]>([
    ['undefined in an object', { ...minimal, com1: undefined }],
    ['a key that is a symbol', { ...minimal, [Symbol('com1')]: 'nonsense' }],
    ['a field that is not enumerable', Object.defineProperty({ ...minimal }, 'com1', { value: 1 })],
    ['an object without a prototype', Object.assign(Object.create(null) as object, minimal)],
    ['an object of another realm', vm.runInNewContext('({ name: "vm0", cpu: 1, mem: "1G" })') as object],
    ['a getter', { ...minimal, get mem() { return '1G'; } }], // prettier-ignore
    ['what stands in two places', { ...minimal, config: {}, targets: { a: shared, b: shared } }],
  ])('%s', async (_what, value) => {
    const loaded = await load(value);
    expect(loaded.ok && loaded.value.effective('default').vm.mem).toBe('1G');
  });

  test('-0 is 0', async () => {
    const loaded = await load({ ...minimal, emulations: [{ device: 'virtio-rnd', slot: -0 }] });
    expect(loaded.ok && loaded.value.effective('default').vm.emulations[0]).toEqual({ device: 'virtio-rnd', slot: 0 });
  });
});

test('a getter runs once, and nobody looks below an x- key', async () => {
  const ran: string[] = [];
  const getter = (name: string, value: unknown) => ({ enumerable: true, get: () => (ran.push(name), value) });
  const config = Object.defineProperties({}, { 'a.b': getter('a.b', 1), 'x-own': getter('x-own', () => 1) });
  await load(Object.defineProperties({ cpu: 1, mem: 'much' }, { name: getter('name', 'vm0'), config: getter('config', config) })); // prettier-ignore
  expect(ran).toEqual(['name', 'config', 'a.b']);
});

test('a key __proto__ of its own is a field like another, and changes no object', async () => {
  const value: unknown = JSON.parse(
    '{"name":"vm0","cpu":1,"mem":"1G","__proto__":{"polluted":1},"config":{"__proto__":1}}',
  );
  const told = await toldOf(value);
  expect(told.map((line) => line.split(':')[0])).toEqual(expect.arrayContaining(['/__proto__ unknown-field']));
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
});

test('of a text of megabytes a message has a piece', async () => {
  for (const value of [{ ...minimal, name: 'a'.repeat(4e6) }, { ...minimal, mem: 'b'.repeat(4e6) }, 'c'.repeat(4e6)]) {
    const told = await toldOf(value);
    expect(told).toHaveLength(1);
    expect(told.join().length).toBeLessThan(400);
  }
});

const long = 'a'.repeat(maxSpecBytes + 1);
const half = 'a'.repeat(maxSpecBytes / 2);

test.each<[what: string, value: unknown, pointer: string, found: string]>([
  ['a string', { ...minimal, name: long }, '/name', 'this string of 4,194,305: "aaaaaaaaaaaaaaaaaaaa"...'],
  ['a key', { ...minimal, config: { [long]: {} } }, '/config', 'this key of 4,194,305: "aaaaaaaaaaaaaaaaaaaa"...'],
  ['what is shared', [half, half, half], '/2', 'this string of 2,097,152: "aaaaaaaaaaaaaaaaaaaa"...'],
  ['a text and its end', { [half]: half.slice(1), b: 'c' }, '/b', 'this string of 1: "c"'],
])('no more text is read than a file may have: %s', async (_what, value, pointer, found) => {
  const message = 'the strings and keys have more than 4,194,304 characters, which is what a file may have, with ';
  expect(await toldOf(value)).toEqual([`${pointer} not-json: ${message}${found}`]);
});

test('text that a file may have is read, and none is counted below an x- key', async () => {
  const told = await toldOf({ ...minimal, hooks: { post_stop: [half] }, 'x-own': long });
  expect(told.join()).not.toContain('4,194,304');
});

test('a message has a piece of a long pointer', async () => {
  const place = { file: 'a request', pointer: `/config/${half}` };
  expect(placeWords(place).length).toBeLessThan(500);
  const circle: Record<string, unknown> = {};
  circle[half] = { circle: {} };
  (circle[half] as Record<string, unknown>).circle = circle[half];
  const loaded = await load(circle);
  expect(loaded.ok ? [] : loaded.problems.map(({ message }) => message.length < 600)).toEqual([true]);
});
