import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from '@commander-js/extra-typings';
import { describe, expect, test } from '@jest/globals';
import { documents } from '../scripts/docs/documents.js';
import { synopsis } from '../scripts/docs/man/command-words.js';
import { optionNotes } from '../scripts/docs/man/vmrun-page.js';
import { allCommandWords, commandWords } from '../src/cli/command-tree.js';
import { commands } from '../src/cli/commands.js';
import { deviceModels } from '../src/devices/registry.js';
import { vmSchema } from '../src/spec/schema.js';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');
const pages = [...(await documents())].filter(([name]) => name.startsWith('man/'));
const page = (name: string): string => new Map(pages).get(`man/${name}`) ?? '';

const hasMandoc = spawnSync('mandoc', [], { input: '' }).error === undefined;
const withMandoc = hasMandoc ? test : test.skip;
const reason = hasMandoc ? '' : ' (skipped: no mandoc here)';

const mandoc = (text: string, ...words: readonly string[]): string => {
  const { stdout, stderr } = spawnSync('mandoc', words, { input: text, encoding: 'utf8' });
  return stdout + stderr;
};

describe.each(pages)('%s', (_name, text) => {
  withMandoc(`has nothing that mandoc would have otherwise${reason}`, () => {
    // Whether the pages that it refers to are installed depends on where this runs.
    const elsewhere = /referenced manual not found|outdated mandoc\.db/;
    const said = mandoc(text, '-Tlint', '-Wall').split('\n');
    expect(said.filter((line) => line !== '' && !elsewhere.test(line))).toEqual([]);
  });

  withMandoc(`fits a terminal${reason}`, () => {
    // What is bold or underlined is a character, a backspace, and a character.
    const shown = mandoc(text, '-Tascii', '-Owidth=80').replaceAll(/.[\b]/g, '');
    expect(shown).toContain('DESCRIPTION');
    expect(shown.split('\n').filter((line) => line.length > 80)).toEqual([]);
    // Names of macros that were taken for text, or text for escapes.
    expect(shown).not.toMatch(/(^|\s)(Fl|Ar|Cm|Xr|Op|Ns|Ql|Fx) |\\[&e(]/m);
  });

  test('has the usual sections', () => {
    const sections = [...text.matchAll(/^\.Sh (.*)$/gm)].map(([, title]) => title);
    expect(sections.slice(0, 1)).toEqual(['NAME']);
    expect(sections).toEqual(expect.arrayContaining(['DESCRIPTION', 'EXAMPLES', 'SEE ALSO', 'BUGS']));
  });
});

test('every page is installed with the package', () => {
  const { man, files } = JSON.parse(read('package.json')) as Readonly<Record<'man' | 'files', readonly string[]>>;
  expect([...man].sort()).toEqual(pages.map(([name]) => name).sort());
  expect([...man].sort()).toEqual(readdirSync(path.join(root, 'man')).map((name) => `man/${name}`));
  expect(files).toContain('man');
});

describe('vmrun.8', () => {
  test('has every command with every option', async () => {
    const [, own = ''] = page('vmrun.8').split('.Sh OPTIONS\n');
    const [main = '', ...parts] = own.split(/^\.S[hs] .*\n(?=\.D1|\.Pp)/m);
    expect(parts.length).toBeGreaterThan(0);
    for (const option of (await commandWords(commands)).options.filter(({ hidden }) => !hidden)) {
      expect(main).toContain(`Fl ${option.long?.slice(1) ?? ''}`);
    }
    for (const [name, command] of await allCommandWords(commands)) {
      const [, part = ''] = page('vmrun.8').split(`.Ss ${name}\n`);
      const [body = ''] = part.split(/^\.S[hs] /m);
      const missing = command.options.filter(
        ({ long = '', hidden }) => !hidden && !/^--(no-)?color$/.test(long) && !body.includes(`Fl ${long.slice(1)}`),
      );
      expect([name, body === '', missing.map(({ long }) => long)]).toEqual([name, false, []]);
    }
  });

  test('is not made of a usage that opens a bracket and does not close it on its line', () => {
    const usage = (text: string) => synopsis(new Command('vmrun sheep').usage(text));
    expect(usage('[NAME]\n       vmrun sheep -c FILE')).toEqual([
      ...['.Nm', '.Cm sheep', '.Op Ar name', '.Nm', '.Cm sheep', '.Fl c Ar file'],
    ]);
    expect(() => usage('[NAME |\n       FILE]')).toThrow('the usage "sheep [NAME |" has a [ without a ] on its line');
  });

  test('says more only of options that there are', async () => {
    const options = new Set((await commandWords(commands)).options.map(({ long }) => long));
    expect(Object.keys(optionNotes).filter((option) => !options.has(option))).toEqual([]);
  });
});

test('vmrun.json.5 has every root field and every device', () => {
  for (const field of Object.keys(vmSchema.properties ?? {}))
    expect(page('vmrun.json.5')).toContain(`.It Va ${field}\n`);
  for (const { model } of deviceModels) expect(page('vmrun.json.5')).toContain(`.Ss ${model}\n`);
});

test('bhyve-sim.8 has every variable that the simulator reads', () => {
  const known = [...read('src/simulator/environment.ts').matchAll(/get\('(VMRUN_\w+)'\)/g)].map(
    ([, name = '']) => name,
  );
  expect(known.length).toBeGreaterThan(6);
  for (const name of known) expect(page('bhyve-sim.8')).toContain(`.It Ev ${name}\n`);
});
