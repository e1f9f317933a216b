import { describe, expect, test } from '@jest/globals';
import { fits } from '../../src/spec/fits.js';
import validate from '../../src/spec/generated/validate-vm.js';
import { parseJson } from '../../src/spec/json.js';
import { vmSchema } from '../../src/spec/schema.js';
import { minimal, problemsOf, type SpecObject } from '../support/specs.js';

const device = { device: 'virtio-rnd' };

/** Every place in which a name stands that lines for people and programs repeat. */
const places: Readonly<Record<string, (name: string) => SpecObject>> = {
  '/name': (name) => ({ ...minimal, name }),
  '/targets/NAME': (name) => ({ ...minimal, targets: { [name]: {} } }),
  '/targets/a/inherits': (inherits) => ({ ...minimal, targets: { a: { inherits } } }),
  '/next_target': (name) => ({ ...minimal, next_target: name }),
  '/next_target/reboot': (reboot) => ({ ...minimal, next_target: { reboot } }),
  '/targets/a/next_target/error': (error) => ({ ...minimal, targets: { a: { next_target: { error } } } }),
  '/on_give_up': (name) => ({ ...minimal, restart: { max: 1 }, on_give_up: name }),
  '/emulations/0/id': (id) => ({ ...minimal, emulations: [{ ...device, id }] }),
  '/targets/a/emulations/0/id': (id) => ({ ...minimal, targets: { a: { emulations: [{ id, remove: true }] } } }),
};

const hidden = ['\n', '\r', '\t', '\u0000', '\u001b[31m', '\u007f', '\u0085', '\u009b', '\u00ad', '\u061c', '\u200b'];
const more = ['\u200d', '\u200e', '\u202e', '\u2028', '\u2029', '\u2066', '\ufe0f', '\ufeff', '\u{e0041}'];

describe.each(Object.entries(places))('a name at %s', (place, spec) => {
  test.each([...hidden, ...more])('holds nothing that cannot be seen: %j', async (text) => {
    for (const name of [text, `web${text}`, `${text}web`]) {
      const problems = await problemsOf(spec(name));
      const pointer = place.replace('NAME', name);
      expect(problems.map((problem) => problem.place?.pointer)).toContain(pointer);
    }
  });

  test('may be in any script', async () => {
    for (const name of ['web', 'größe', '漢字', 'a.b_c-1', '😀']) {
      const codes = (await problemsOf(spec(name))).map(({ code }) => code);
      expect(codes.filter((code) => code === 'wrong-text')).toEqual([]);
    }
  });
});

test('a name of a target that is none is told as a key, once', async () => {
  const problems = await problemsOf({ ...minimal, targets: { 'a\nb': { cpu: 2 } } });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatchObject({
    code: 'wrong-text',
    message: '"a\\nb" is not a name of characters that can all be seen: no newline, no marks of direction',
  });
});

test.each(Object.entries(places))('%s: the quick answer and the compiled schema agree', (_place, spec) => {
  for (const name of ['web', 'we\nb', 'we\u202eb', 'we\u{e0041}b', '👩‍🚀', 'größe']) {
    const text = JSON.stringify(spec(name));
    const parsed = parseJson(text);
    if (!parsed.ok) throw new Error(text);
    expect(fits(vmSchema, parsed.root, vmSchema.$defs)).toBe(validate(JSON.parse(text)));
  }
});
