import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { documents } from '../scripts/docs/documents.js';
import { anchor } from '../scripts/docs/markdown.js';
import type { Problem } from '../src/base/problem.js';
import { commandWords } from '../src/cli/command-tree.js';
import { commands } from '../src/cli/commands.js';
import { deviceModels } from '../src/devices/registry.js';
import { phases } from '../src/host/run-directory/run-state.js';
import { vmSchema } from '../src/spec/schema.js';
import { exitReasons } from '../src/fields/exits.js';
import { hookFields } from '../src/fields/hooks.js';
import { loadSpecText } from '../src/machine/load-spec.js';
import { blocksOf } from './support/blocks.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');

/** Pages that are written by hand; those that are made of the sources have a test of their own. */
const made = await documents();
const guides = [root, `${root}docs/`, `${root}.github/ISSUE_TEMPLATE/`]
  .flatMap((folder) => readdirSync(folder).map((name) => path.relative(root, path.join(folder, name))))
  .filter((name) => name.endsWith('.md') && !made.has(name));

/** A page without its blocks of code. */
const proseOf = (page: string): string => page.replaceAll(/^```[^]*?^```$/gm, '');

const headingsOf = (page: string, level: RegExp): readonly string[] =>
  [...proseOf(page).matchAll(level)].map(([, words = '']) => anchor(words));

/** What a program of these words would be given, in a block for a shell or in the middle of a sentence. */
function commandLines(page: string): readonly string[] {
  const inBlocks = blocksOf(page)
    .filter(({ language }) => language === 'sh' || language === 'console')
    .flatMap(({ text }) => text.replaceAll(/^\$ /gm, '').split('\n'));
  const inProse = [...proseOf(page).matchAll(/`([^`]+)`/g)].map(([, words = '']) => words.replaceAll('\n', ' '));
  return [...inBlocks, ...inProse].flatMap((line) =>
    [...line.matchAll(/(?<![-/.\w])vmrun (?![|=])[^|;&>#…`()]*/g)].map(([words]) => words.trim()),
  );
}

/** Options of a command line that its command does not have. */
async function unknownOptions(line: string): Promise<readonly string[]> {
  const [, first = '', ...rest] = line.split(/\s+/);
  const isCommand = Object.hasOwn(commands, first);
  const { options } = await commandWords(commands, isCommand ? first : undefined);
  const known = new Set(options.flatMap(({ short, long }) => [short, long]).concat('-h', '--help'));
  const words = isCommand ? rest : [first, ...rest];
  const own = words
    .slice(0, words.includes('--') ? words.indexOf('--') : undefined)
    .filter((word) => /^-[^-]|^--./.test(word));
  return own
    .map((word) => (word.startsWith('--') ? word.replace(/=.*/, '').replace(/[[,.].*$/, '') : word.slice(0, 2)))
    .filter((word) => !known.has(word));
}

/** Blocks that are neither a spec nor typed at a shell, each with what holds it to the code. */
const others: Readonly<Record<string, readonly (readonly [begin: string, heldBy: string])[]>> = {
  'README.md': [['vmrun -c SPEC', 'below: its commands are all that there are']],
  'ARCHITECTURE.md': [
    ['text ─►', 'a drawing of the rooms, whose table eslint holds'],
    ['  ┌──', 'a drawing of a run'],
    ['          requests', 'a drawing of a VM of a manager'],
  ],
  'docs/running.md': [
    ['$ vmrun console web', 'test/e2e/console-terminal.test.ts'],
    ['/var/log/vmrun/web.log', 'newsyslog.conf(5); test/e2e/logs.test.ts sends its signal'],
  ],
  'docs/manager.md': [['vmrun serve user add', 'test/e2e/serve.test.ts']],
  'docs/writing-specs.md': [['let g:ale_yaml', 'a setting of vim']],
};

describe.each(guides)('%s', (name) => {
  const text = read(name);
  const links = [...proseOf(text).matchAll(/\]\((?!https:)([^)#]*)#?([^)]*)\)/g)].map(([, file = '', heading = '']) => {
    return { target: file === '' ? name : path.normalize(path.join(path.dirname(name), file)), heading };
  });
  const blocks = blocksOf(text);

  test('has links that lead somewhere', () => {
    expect(links.map(({ target }) => target).filter((target) => !existsSync(path.join(root, target)))).toEqual([]);
    const missing = links.filter(
      ({ target, heading }) => heading !== '' && !headingsOf(read(target), /^#+ (.*)$/gm).includes(`#${heading}`),
    );
    expect(missing).toEqual([]);
  });

  test('has a list of its contents where it is longer than three screens', () => {
    // A changelog is read from its beginning.
    if (text.split('\n').length <= 150 || name === 'CHANGELOG.md') return;
    const [top = ''] = text.split(/^## /m);
    expect(headingsOf(text, /^## (.*)$/gm).filter((heading) => !top.includes(`](${heading})`))).toEqual([]);
  });

  test('names no option that vmrun does not have', async () => {
    const wrong: unknown[] = [];
    for (const line of commandLines(text)) {
      const unknown = await unknownOptions(line);
      if (unknown.length > 0) wrong.push({ line, unknown });
    }
    expect(wrong).toEqual([]);
  });

  test('has specs that are good, unless it shows what vmrun says of one that is not', async () => {
    const wrong: unknown[] = [];
    for (const { language, file, text: own } of blocks.filter(({ language }) => /^(json|yaml|ucl)$/.test(language))) {
      if (file === 'typo.yaml') continue;
      const isPart = own.startsWith('"');
      const whole = isPart
        ? `{ "name": "vm", "cpu": 1, "mem": "1G", "emulations": [{ "device": "virtio-blk", "path": "d" }], ${own} }`
        : own;
      if (file === 'settings.json') JSON.parse(own);
      else wrong.push(...(await problemsOf(whole, language)).filter(({ severity }) => severity === 'error'));
    }
    expect(wrong).toEqual([]);
  });

  test('has no block of code that nothing holds to the code', () => {
    // Those of js are programs, those with a name files beside them: test/library/guide.test.ts. Those of console are typed
    // by test/e2e/transcripts.test.ts.
    const isHeld = new Set([
      'json',
      'yaml',
      'ucl',
      'sh',
      'console',
      ...(name === 'docs/library.md' ? ['js', 'text'] : []),
    ]);
    const rest = blocks.filter(({ language, file }) => !isHeld.has(language) && file === undefined);
    const known = others[name] ?? [];
    expect(rest.map(({ text: own }) => known.find(([begin]) => own.startsWith(begin))?.[0] ?? own)).toEqual(
      known.map(([begin]) => begin),
    );
  });
});

/** What is wrong with a text as a spec. */
async function problemsOf(text: string, format: string): Promise<readonly Problem[]> {
  if (format !== 'json' && format !== 'yaml' && format !== 'ucl') throw new Error(format);
  const loaded = await loadSpecText({ name: 'a page', text, format, resolveFile: (file) => file });
  return loaded.ok ? [] : loaded.problems;
}

/** The cells of the table of a document whose first line begins so. */
function tableOf(document: string, head: string): readonly (readonly string[])[] {
  const text = read(document);
  const [, ...lines] =
    text
      .slice(text.indexOf(`| ${head} |`))
      .split('\n\n')[0]
      ?.split('\n')
      .slice(1) ?? [];
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

test('an issue template asks for what vmrun doctor prints', () => {
  const templates = guides.filter((name) => name.startsWith('.github/'));
  expect(templates.length).toBeGreaterThan(2);
  expect(templates.filter((name) => !read(name).includes('`vmrun doctor'))).toEqual([]);
});

describe('README.md', () => {
  test('is at most 220 lines', () => {
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(220);
  });

  test('lists every command, and what the help lists is all that there are', () => {
    const listed = blocksOf(read('README.md')).find(
      ({ heading, language }) => heading === 'The command line' && language === '',
    );
    const names = [...(listed?.text ?? '').matchAll(/^vmrun ([a-z]+)/gm)].map(([, name]) => name);
    expect([...names].sort()).toEqual(Object.keys(commands).sort());
  });
});

describe('docs/writing-specs.md', () => {
  const named = (head: string): readonly string[] =>
    tableOf('docs/writing-specs.md', head).flatMap(([cell = '']) => cell.split(/, | … /));

  test('names every field of a spec, and every device, in its tables', () => {
    const fields = Object.keys(vmSchema.properties ?? {}).filter((field) => field !== '$schema');
    const ports = fields.filter((field) => /^com[23]$/.test(field));
    expect(fields.filter((field) => !named('field').includes(field))).toEqual(ports);
    expect(deviceModels.map(({ model }) => model).filter((model) => !named('device').includes(model))).toEqual([]);
  });
});

describe('docs/running.md', () => {
  const table = (head: string): readonly (readonly string[])[] => tableOf('docs/running.md', head);
  const first = (head: string): readonly string[] => table(head).map(([cell = '']) => cell);

  test('knows the states of a run, the reasons of an end and the hooks', () => {
    expect(first('state')).toEqual([...phases, 'orphaned', 'left']);
    expect([...first('reason')].sort()).toEqual([...exitReasons].sort());
    expect(first('hook')).toEqual([...hookFields]);
  });

  test('says of each setting of rc.d/vmrun what it is by default', () => {
    const script = read('rc.d/vmrun');
    const defaults = [...script.matchAll(/^: "\$\{(vmrun_\w+):?=(.*)\}"$/gm)].map(([, name = '', value = '']) => [
      name,
      value === '' ? 'none' : value,
    ]);
    const told = table('in `/etc/rc.conf`').filter(([name]) => name?.includes('NAME') === false);
    // Where run directories and pid files are is the system's, and a service jail is not for VMs.
    const silent = ['vmrun_piddir', 'vmrun_svcj'];
    expect(Object.fromEntries(told.map(([name, , value]) => [name, value]))).toEqual(
      Object.fromEntries(defaults.filter(([name = '']) => !silent.includes(name))),
    );
  });
});
