import { describe, expect, test } from '@jest/globals';
import type { SpecFormat } from '../../src/spec/parse-spec.js';
import { parseYaml } from '../../src/spec/yaml.js';
import { problemsOf } from '../support/specs.js';
import { expectLinear } from '../support/growth.js';

/** A mistake of the hand: the line and column that are told, and words of what is told there, alone. */
type Row = readonly [what: string, text: string, at: string, message: string, fix: string];

const disks = 'name: a\ncpu: 1\nmem: 1G\nemulations:\n';

const mistakes: Readonly<Record<SpecFormat, readonly Row[]>> = {
  yaml: [
    ['a forgotten colon', 'name: a\ncpu 2\nmem: 1G\n', '2:4', 'no colon after the name', 'KEY: VALUE'],
    ['one in the first line', 'name a\ncpu: 2\nmem: 1G\n', '1:5', 'no colon after the name', 'KEY: VALUE'],
    ['one in the last line', 'name: a\ncpu: 2\nmem 1G\n', '3:4', 'no colon after the name', 'KEY: VALUE'],
    ['all of them', 'name a\ncpu 2\n', '1:5', 'no colon after the name', 'KEY: VALUE'],
    ['one before a list', `name: a\nemulations\n  - device: nvme\n`, '2:11', 'no colon after', 'KEY: VALUE'],
    ['one behind a dash', `${disks}  - device nvme\n    path: a\n`, '5:11', 'no colon after', 'KEY: VALUE'],
    ['one in an item', `${disks}  - device: nvme\n    path a\n  - device: hda\n`, '6:9', 'no colon', 'KEY: VALUE'],
    ['equals signs', 'name = a\ncpu = 2\n', '1:6', 'a colon between', '--input-format ucl'],
    ['no blank after a colon', 'name: a\ncpu:2\nmem: 1G\n', '2:5', 'no blank after this colon', 'a blank'],
    [
      'no blank after a dash',
      `${disks}  - device: nvme\n  -device: hda\n`,
      '6:4',
      'no blank after this dash',
      'a blank',
    ],
    ['a blank of a web page', 'name: a\ncpu:\u00a02\nmem: 1G\n', '2:5', 'U+00A0', 'ordinary blank'],
    ['a stray blank', 'name: a\n cpu: 2\nmem: 1G\n', '2:2', 'indented more than the one before', 'same indentation'],
    ['one in the first line', ' name: a\ncpu: 2\nmem: 1G\n', '1:2', 'indented more than one that follows', 'same'],
    ['one in an item', `${disks}  - device: nvme\n     path: a\n`, '6:6', 'indented more than the one', 'same'],
    ['one before a dash', `${disks}  - device: nvme\n   - device: hda\n`, '6:4', 'where no line above', 'same'],
    ['a blank too few', `${disks}  - device: nvme\n   path: a\n`, '6:4', 'neither a dash', 'same indentation'],
    ['one too few before a dash', `${disks}  - device: nvme\n - device: hda\n`, '6:2', 'where no line above', 'same'],
    ['a list among fields', `${disks}  device: nvme\n  - device: hda\n`, '6:3', 'a list begins here', 'same'],
    ['a tab', `${disks}\t- device: nvme\n`, '5:1', 'a tab stands in the indentation', 'indent with blanks'],
    ['a quote left open', 'name: "a\ncpu: 2\nmem: 1G\n', '1:7', 'this quote has none at its end', 'add a "'],
    [
      'one that the next quote closes',
      `${disks}  - device: nvme\n    path: "a\n  - device: hda\n    play: "b"\n`,
      '6:11',
      'this quote has none at its end',
      'add a "',
    ],
    ['a single one', "name: 'a\ncpu: 2\n", '1:7', 'this quote has none at its end', "add a '"],
    ['text after a quote', 'name: "a" b\ncpu: 2\n', '1:11', 'more text after the end', 'inside the quotes'],
    [
      'a bracket left open',
      `${disks}  - { device: nvme\n  - { device: hda }\n`,
      '5:5',
      'this { is not closed',
      'add the }',
    ],
    ['one at the end', 'name: a\ncpu_pin: [1, 2\n', '2:10', 'this [ is not closed', 'add the ]'],
    ['another bracket', 'a: [1, { b: 2 ]\nc: 1\n', '1:15', 'this ] closes nothing', 'add the }'],
    ['a bracket too many', `${disks}  - { device: nvme }}\n`, '5:21', 'closes nothing', 'take it out'],
    ['a second field on a line', 'name: a\ncpu: 2 mem: 1G\n', '2:11', 'a second colon', 'a line of its own'],
    ['a character that begins no text', 'name: @a\n', '1:7', 'unless it is in quotes', 'double quotes'],
    ['a backslash', 'name: "C:\\web"\n', '1:10', 'means nothing in YAML', 'for a backslash'],
    ['a comment too near', 'name: "a"#b\n', '1:10', 'no blank before this comment', 'a blank before'],
    ['a missing comma', '{\n  "name": "a"\n  "cpu": 2\n}\n', '3:3', 'no comma', 'add a comma'],
    ['marks of a merge', 'name: a\n<<<<<<< HEAD\ncpu: 1\n=======\n', '2:1', 'a merge', 'keep one'],
  ],
  json: [
    ['a forgotten comma', '{\n  "name": "a"\n  "cpu": 2\n}', '2:14', 'no comma after this value', 'add a comma'],
    ['one between objects', '{ "a": [{}\n{}] }', '1:11', 'no comma after this value', 'add a comma'],
    ['a comma too many', '{ "cpu": 2, }', '1:11', 'a comma before "}"', 'take the comma out'],
    ['two commas', '{ "cpu": 2,, "a": 1 }', '1:12', 'a second comma', 'take it out'],
    ['a comma at the end', '{ "cpu": 2 },\n', '1:13', 'a comma after the spec', 'take the comma out'],
    ['a semicolon', '{ "cpu": "2"; "a": 1 }', '1:13', 'commas, not semicolons', 'write a comma'],
    ['forgotten braces', '"name": "a",\n"cpu": 2\n', '1:1', 'braces around the spec are missing', 'put a {'],
    ['a forgotten first brace', '  "name": "a"\n}\n', '1:3', 'braces around the spec are missing', 'put a {'],
    ['a forgotten last brace', '{\n "name": "a"\n', '1:1', 'this object has no end', 'add the }'],
    ['a brace too many', '{ "name": "a" }}', '1:16', 'this } closes nothing', 'take it out'],
    ['another bracket', '{ "a": [{ "b": 1 ] }', '1:18', 'this ] closes nothing', 'add the } that closes the object'],
    ['single quotes', "{ 'name': 'a' }", '1:3', 'needs double quotes', 'use'],
    ['typographic quotes', '{ \u201cname\u201d: 1 }', '1:3', 'typographic quotes', 'plain ones'],
    ['a blank of a web page', '{\u00a0"name": 1 }', '1:2', 'U+00a0', 'ordinary blank'],
    ['a quote left open', '{\n "name": "a,\n "cpu": 2 }', '2:10', 'does not end on its line', 'add a "'],
    ['one of a key', '{ "name: "a" }', '1:3', 'does not end before its colon', 'add a "'],
    ['a quote too few in front', '{ name": "a" }', '1:3', 'does not begin with one', 'add a "'],
    ['one of a value', '{ "name": a" }', '1:11', 'does not begin with one', 'add a "'],
    ['a forgotten colon', '{ "name" "a" }', '1:9', 'no colon after "name"', 'add a colon'],
    ['an equals sign', '{ "name" = "a" }', '1:10', 'not "="', 'write a colon'],
    ['a comment', '{ "cpu": 2 } // two', '1:14', 'no comments', 'take it out'],
    ['True', '{ "wired": True }', '1:12', 'True is true in JSON', 'write true'],
    ['a script', '#!/bin/sh\nbhyve a\n', '1:1', 'this is a script', 'vmrun import'],
    ['marks of a merge', '{\n<<<<<<< HEAD\n"cpu": 1\n', '2:1', 'a merge', 'keep one'],
  ],
  ucl: [
    ['a brace left open', 'a = [\n  { b = 1;\n]\n', '3:1', 'this ] closes nothing', 'add the } that closes the object'],
    ['a bracket left open', 'a = [\n  { b = 1; }\n', '1:5', 'this array has no end', 'add the ]'],
    ['a brace too many', 'a = 1; }\n', '1:8', 'this } closes nothing', 'take it out'],
    ['a quote left open', 'a = "b;\nc = 1;\n', '1:8', 'does not end on its line', 'add a "'],
    ['a value left out', 'a\nb = 1;\n', '1:2', 'no value on its line', 'KEY: VALUE'],
    ['marks of a merge', 'a = 1;\n<<<<<<< HEAD\nb = 1;\n', '2:1', 'a merge', 'keep one'],
  ],
};

describe.each(Object.entries(mistakes))(
  'a mistake in %s is told where it was made, and nothing else is',
  (format, rows) => {
    test.each(rows)('%s: %j', async (_what, text, at, message, fix) => {
      const problems = await problemsOf(text, { format: format as SpecFormat });
      expect(problems.map(({ place }) => `${place?.line}:${place?.column}`)).toEqual([at]);
      expect(problems).toMatchObject([
        { message: expect.stringContaining(message), fix: expect.stringContaining(fix) },
      ]);
    });
  },
);

test('what may stand on several lines of YAML is taken for no mistake where another is told', async () => {
  const text = [
    '---',
    '# a comment',
    'description: words that',
    '  go on',
    'x-quoted: "words that',
    '  go on"',
    'x-flow: [1,',
    '  2]',
    'x-block: |',
    '  a: b: c',
    '   - "',
    'x-list:',
    '- &one a: 1',
    '  b: *one',
    '- - c',
    '  - d',
    '-',
    '  e: "f"',
    'cpu 2',
    '',
  ].join('\n');
  const problems = await problemsOf(text, { format: 'yaml' });
  expect(problems.map(({ place, message }) => [place?.line, message])).toEqual([
    [19, 'there is no colon after the name of this field'],
  ]);
});

test.each<[string, (count: number) => string]>([
  ['over lines', (count) => `${'- a:\n  - b: "c\n\n     d"\n'.repeat(count)}  e 1\n`],
  ['on one line', (count) => `a: [${'"",'.repeat(count)}"${'x'.repeat(50 * count)}"]\nb 1\n`],
])('a mistake is found in a time that grows as the text does: %s', (_where, make) => {
  expectLinear(200, make, (text) => {
    expect(parseYaml(text)).toMatchObject({ problems: [{ offset: text.length - 3 }] });
  });
});
