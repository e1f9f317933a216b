import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { documents } from '../scripts/docs/documents.js';
import { anchor } from '../scripts/docs/markdown.js';
import { fieldExamples, chapters, fieldsBelow, rootFields } from '../scripts/docs/spec-document.js';
import { pathsIn } from './support/paths.js';
import { minimal, problemsOf } from './support/specs.js';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');
const made = [...(await documents())];

describe('a document that is made of the sources', () => {
  test.each(made)('%s is the one that they give; if not, run the build', (name, text) => {
    expect(read(name)).toBe(text);
  });

  test.each(made)('%s has links that lead somewhere', (name, text) => {
    for (const [, file = '', heading = ''] of text.matchAll(/\]\(([^)#]*)#?([^)]*)\)/g)) {
      const target = file === '' ? name : path.join(path.dirname(name), file);
      expect([target, existsSync(path.join(root, target))]).toEqual([target, true]);
      if (heading !== '') expect(anchorsOf(new Map(made).get(target) ?? read(target))).toContain(`#${heading}`);
    }
  });
});

const anchorsOf = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchor(heading));

describe('docs/spec.md', () => {
  const disk = { emulations: [{ device: 'virtio-blk', path: 'disk.img' }] };
  /** What some fields want beside them. */
  const needs: Readonly<Record<string, object>> = {
    autostart: { com1: 'console' },
    cpu_pin: { cpu: 2 },
    numa: { cpu: 4, mem: '4G' },
    fw_cfg_files: { fwcfg: 'qemu' },
    tpm: { fwcfg: 'qemu' },
    graphic: { release: 16 },
    loader: disk,
    monitor: { release: 16 },
    next_target: { targets: { install: {}, rescue: {} } },
    on_give_up: { restart: { max: 5 }, targets: { rescue: {} } },
  };
  const shown = Object.keys(rootFields).flatMap((name) =>
    fieldExamples(name).map((value) => [name, JSON.stringify(value), value] as const),
  );

  test('has a place for every root field', () => {
    expect(chapters.flatMap(([, fields]) => fields).sort()).toEqual(Object.keys(rootFields).sort());
  });

  test('has an example of every root field, and of every field below it', () => {
    for (const name of Object.keys(rootFields)) {
      const said = new Set(fieldExamples(name).flatMap((value) => pathsIn(value, name)));
      expect([name, said.size > 0]).toEqual([name, true]);
      // A name of the user's own is any name.
      const below = fieldsBelow(name).map((field) =>
        field.path.replaceAll(/\.NAME\b/g, '..+').replaceAll('[]', '\\[\\]'),
      );
      const missing = below.filter((pattern) => ![...said].some((own) => new RegExp(`^${pattern}$`).test(own)));
      expect([name, missing]).toEqual([name, []]);
    }
  });

  test.each(shown)('has a valid example of %s: %s', async (name, _text, value) => {
    // Without the bridge, firmware has nobody to ask; with arm64 there are other defaults. Both are told as warnings.
    const problems = await problemsOf({ ...minimal, ...needs[name], [name]: value });
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});
