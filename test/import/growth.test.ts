import { describe, expect, test } from '@jest/globals';
import { mostProblems } from '../../src/base/problem.js';
import { formatOf, importFormats } from '../../src/import/formats.js';
import { importText } from '../../src/import/import-text.js';
import { importVmBhyve } from '../../src/import/vm-bhyve/import-vm-bhyve.js';
import { importIohyve } from '../../src/import/iohyve.js';
import { importScript } from '../../src/import/script/import-script.js';
import { expectLinear } from '../support/growth.js';
import { optionsFor, refusals, sourceOf } from './support.js';

const pieces = [' ', '\t', '\r', '\n', 'x', '"', '[', '{', '$x', ';', '<<', 'x=1\n', '\u2028'];

describe('what reads a file to import takes no longer for each part of a larger one', () => {
  test.each(pieces)('in finding out its format, of many %j', (piece) => {
    expectLinear(
      4000,
      (count) => `x${piece.repeat(count)}z`,
      (text) => formatOf(text),
    );
  });

  test.each(pieces)('in a value of vm-bhyve, of many %j', (piece) => {
    expectLinear(
      4000,
      (count) => sourceOf(`loader="uefi"\ncpu=1\nmemory=1G\nuuid=x${piece.repeat(count)}z\n`),
      (source) => importVmBhyve(source, optionsFor()),
    );
  });

  test.each(pieces)('in a value of iohyve, of many %j', (piece) => {
    expectLinear(
      4000,
      (count) => sourceOf(`ram=1G\ncpu=1\ndescription   x${piece.repeat(count)}z\n`),
      (source) => importIohyve(source, optionsFor()),
    );
  });

  test.each([
    ['blanks', '"$(x', ' ', 'x)"'],
    ['ends of lines', 'n="$(printf "x', '\\n', 'x")"; : $n'],
    ['brackets', 'x', '[', 'z'],
    ['commas in braces', '#!/bin/bash\necho x{', ',', 'z'],
    ['braces', '#!/bin/bash\necho x', '{', 'z'],
    ['braces in braces', '#!/bin/bash\necho x', '{a,', 'z'],
    ['separators', 'case x in x) x ', ';', ' esac'],
    ['variables that are not set', 'echo "', '$x', '"'],
    ['names of a file', 'cd /x; bhyve -s 1,', 'a.', 'img vm'],
  ])('in a script, of many %s', (_title, before, piece, after) => {
    expectLinear(
      2000,
      (count) => sourceOf(`${before}${piece.repeat(count)}${after}\nbhyve -c 1 vm\n`),
      (source) => importScript(source, optionsFor()),
    );
  });
});

test('a script has so many commands, and no more', async () => {
  expect(await refusals(`#!/bin/sh\n${'true\n'.repeat(3001)}bhyve vm\n`)).toEqual([
    '3002:1  script: there are more than 3,000 commands [import the bhyve command by itself]',
  ]);
});

test.each(importFormats)('no more is told of a file in the format %s than anybody reads', async (format) => {
  const text = {
    bhyve: `${Array.from({ length: 500 }, (_, at) => `kldload module${at}`).join('\n')}\nbhyve -c 1 -m 1G vm\n`,
    config: `${Array.from({ length: 500 }, (_, at) => `pci.0.${at}.0.device={{ x }}`).join('\n')}\n`,
    'vm-bhyve': `loader=uefi\ncpu=1\nmemory=1G\n${Array.from({ length: 500 }, (_, at) => `unknown${at}=1`).join('\n')}\n`,
    iohyve: `ram=1G\ncpu=1\n${Array.from({ length: 500 }, (_, at) => `unknown${at}=1`).join('\n')}\n`,
    libvirt: `<domain type="bhyve"><name>x</name><memory>1048576</memory>${Array.from({ length: 500 }, (_, at) => `\n<unknown${at}/>`).join('')}</domain>`,
  }[format];
  const result = await importText(sourceOf(text), optionsFor({ format }));
  const told = result.ok ? result.warnings : result.problems;
  expect(told).toHaveLength(mostProblems + 1);
  expect(told.at(-1)?.message).toMatch(/^4\d\d more (warnings|problems) are not listed$/);
});

test.each(['/bin/sh', '/bin/csh'])('a command of %s with more words than it can be given is refused', async (shell) => {
  const result = await importText(sourceOf(`#!${shell}\nbhyve ${'-H '.repeat(20_000)}vm\n`), optionsFor({}));
  expect(result.ok ? [] : result.problems.map(({ message }) => message)).toEqual([
    expect.stringContaining('more than 20,000 words'),
  ]);
});

test('an identifier of an NVMe disk that is not a number is told', async () => {
  const text = 'name=vm\ncpus=1\nmemory.size=1G\npci.0.4.0.device=nvme\npci.0.4.0.path=/a\npci.0.4.0.eui64=0.x\n';
  const result = await importText(sourceOf(text), optionsFor({ format: 'config' }));
  const told = result.ok ? result.warnings : result.problems;
  expect(told.map(({ message }) => message).join()).toContain('eui64');
});
