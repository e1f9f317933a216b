import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { commands } from '../../src/cli/commands.js';
import { commandWords } from '../../src/cli/command-tree.js';
import { painted } from '../../src/cli/colours.js';
import { fitHelp } from '../../src/cli/fit-help.js';
import { asText } from '../../src/cli/paint.js';
import { commandLines } from '../../src/cli/show-plan.js';
import { formatRuns } from '../../src/cli/show-runs.js';
import { speaker } from '../../src/cli/speaker.js';
import { fitLines, shownLength, textWidth, wrap } from '../../src/cli/wrap.js';

const examples = fileURLToPath(new URL('../../examples', import.meta.url));
const fixtures = fileURLToPath(new URL('../fixtures/plan', import.meta.url));
const specs = readdirSync(examples).filter((name) => /\.(json|yaml)$/.test(name));
const widths = [40, 60, 80, 120];

let folder = '';
beforeAll(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'vmrun-narrow-')));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What a command prints on a terminal of so many columns, on a host whose bhyve is known. */
async function printed(line: string, columns: number | undefined, workingDirectory = folder): Promise<string> {
  let out = '';
  const [name = '', ...words] = line.split(' ');
  const write = (text: string): void => void (out += text);
  const make = await commands[name]?.load();
  const command = make?.(
    {
      ...{ workingDirectory, env: { NO_COLOR: '1' }, uid: 0, platform: 'freebsd', simulator: [] },
      ...{ hostBhyve: { release: 15, arch: 'amd64' } as const, out: write, err: write },
      ...{ divertErr: () => undefined, onSignals: () => () => undefined, onExit: () => undefined },
      columns: () => columns,
    },
    { writeOut: write, writeErr: write },
    commands,
  );
  expect(await command?.run(words)).toBe(0);
  return out;
}

/** Lines that are too long although they could be broken at a blank; those in quotes are part of a value. */
const breakable = (text: string, width: number): readonly string[] =>
  text.split('\n').filter((line) => {
    const whole = line.replaceAll(/'[^']*'/g, (quoted) => quoted.replaceAll(' ', '_'));
    const words = whole.trim().replace(/ \\$/, '').split(/ +/);
    // To part the two would not help.
    const isPair = words.length === 2 && /^-\w$/.test(words[0] ?? '') && 8 + (words[1] ?? '').length > width;
    return line.length > width && words.length > 1 && !isPair;
  });

const wordsIn = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== '');

describe('a plan', () => {
  test.each(widths)('on %i columns is what was reviewed', async (width) => {
    for (const name of ['web.json', 'next.json']) cpSync(path.join(fixtures, name), path.join(folder, name));
    const lines: string[] = [];
    for (const line of ['plan web.json', 'plan web.json --explain', 'plan web.json --diff next.json']) {
      lines.push(`vmrun ${line}`, await printed(line, width));
    }
    const text = lines.join('\n');
    const file = path.join(fixtures, `web-${width}.txt`);
    expect(text).toBe(readFileSync(file, 'utf8'));
  });

  test.each(specs)('of %s has no line that is too long and could be broken', async (name) => {
    for (const more of ['', ' --explain', ` --diff ${examples}/windows.json`]) {
      for (const width of widths) {
        const text = await printed(`plan ${path.join(examples, name)} --all-targets${more}`, width, '/');
        expect({ name, more, width, lines: breakable(text, width) }).toEqual({ name, more, width, lines: [] });
      }
    }
  });

  test('for no terminal is as for one of 80 columns', async () => {
    const line = `plan ${examples}/windows.json --explain`;
    expect(await printed(line, undefined)).toBe(await printed(line, 80));
  });
});

test.each(widths)('a shell reads a command that was broken for %i columns as it was', (width) => {
  const words = [
    ...['-A', '-H', '-c', 'cpus=2,sockets=1', '-s', `0:1:0,virtio-blk,/${'long '.repeat(40)}`, '-m', '1G'],
    ...['-l', `bootrom,${'x'.repeat(33)}`, '-s', '0:2:0,it\'s $HOME `x` \\ "y"', '-S', '-l', 'com1,stdio'],
    ...['-o', 'two\nlines', '-U', '', 'the name'],
  ];
  const command = commandLines(['printf', '%s\\0', ...words], width).join('\n');
  expect(spawnSync('bash', ['-c', command], { encoding: 'utf8' }).stdout.split('\0').slice(0, -1)).toEqual(words);
});

describe('help', () => {
  test.each([undefined, ...Object.keys(commands)])('of %s says the same on every terminal', async (name) => {
    const at = async (width: number): Promise<string> => {
      let text = '';
      (await commandWords(commands, name, () => width))
        .configureOutput({ writeOut: (more) => (text += fitHelp(more, width)) })
        .outputHelp();
      return text;
    };
    const usual = wordsIn(await at(80));
    for (const width of widths) {
      const text = await at(width);
      expect(breakable(text, width)).toEqual([]);
      expect(wordsIn(text)).toEqual(usual);
    }
  });

  test.each([40, 60])('which lists the commands fits %i columns', async (width) => {
    const text = await printed('help', width);
    expect(breakable(text, width)).toEqual([]);
    expect(wordsIn(text)).toEqual(wordsIn(await printed('help', undefined)));
  });

  test('puts what an option means below it where there is no room beside it', () => {
    const text = [
      'Usage: vmrun x SPEC [options] [-- bhyve options]',
      '',
      'Options:',
      '  -c, --config <file>      the spec, if not an operand; - is standard input, and',
      '                           needs --lock',
      '',
      'A paragraph that is longer than that: it was filled for a screen of 80 columns,',
      'and goes on.',
    ].join('\n');
    expect(fitHelp(text, 40).split('\n')).toEqual([
      'Usage: vmrun x SPEC [options] [-- bhyve',
      '         options]',
      '',
      'Options:',
      '  -c, --config <file>',
      '      the spec, if not an operand; - is',
      '      standard input, and needs --lock',
      '',
      'A paragraph that is longer than that: it',
      'was filled for a screen of 80 columns,',
      'and goes on.',
    ]);
  });
});

describe('lines for people', () => {
  const red = painted.red('a red word and more of them');
  test.each<[what: string, line: string, lines: readonly string[]]>([
    ['one that fits stays', 'vmrun: fits', ['vmrun: fits']],
    [
      'one that is too long goes on deeper than it began',
      '    fix: create the bridge, or leave "bridge" out',
      ['    fix: create the bridge, or leave', '      "bridge" out'],
    ],
    [
      'a word that is too long stays whole',
      `  ${'/x'.repeat(30)} is a path`,
      [`  ${'/x'.repeat(30)}`, '    is a path'],
    ],
    [
      'a column of its own moves to the next line',
      '  vmrun check -c web.yaml             see what the host lacks',
      ['  vmrun check -c web.yaml', '    see what the host lacks'],
    ],
    ['colours take no room', `${red} and so on`, [`${red} and so on`]],
    [
      'a mark stays below what it is about',
      `  ${'a'.repeat(60)}HERE${'b'.repeat(60)}\n  ${' '.repeat(60)}^`,
      [`${'a'.repeat(26)}HERE${'b'.repeat(10)}`, `${' '.repeat(26)}^`],
    ],
  ])('%s', (_what, text, lines) => {
    const fitted = fitLines(asText(text), 40);
    expect(fitted.split('\n')).toEqual(lines);
    expect(fitLines(fitted, 40)).toBe(fitted);
    expect(fitLines(asText(text), undefined)).toBe(text);
  });

  test('lose nothing, whatever they are', () => {
    for (const text of ['', ' ', '  a', 'a  b   c', 'a '.repeat(99), `  ${'b'.repeat(99)}`]) {
      const lines = wrap(text, 40, '  ');
      expect(wordsIn(lines.join(' '))).toEqual(wordsIn(text));
      for (const line of lines) expect(shownLength(line) <= 40 || wordsIn(line).length === 1).toBe(true);
    }
  });

  test.each([
    [undefined, undefined],
    [0, undefined],
    [1, 40],
    [40, 40],
    [132, 132],
  ])('a terminal of %p columns takes text of %p', (columns, width) => {
    expect(textWidth(columns)).toBe(width);
  });

  test('of a run begin with its name, and are as wide as the terminal is then', () => {
    let seen = '';
    let columns: number | undefined = 40;
    const context = { err: (text: string) => void (seen += text), divertErr: () => undefined, columns: () => columns };
    const { lines, passOn } = speaker(context, { name: 'web', usesStdio: false }, false, false);
    const line = 'stopping: asked the guest to power off, it has 10 s; a second stop ends it now';
    lines([line]);
    // What bhyve says stays as it is.
    passOn('bhyve', `bhyve: ${'word '.repeat(20)}\n`);
    columns = undefined;
    lines([line]);
    expect(seen.split('\n')).toEqual([
      'vmrun: web: stopping: asked the guest to',
      '  power off, it has 10 s; a second stop',
      '  ends it now',
      `web: bhyve: bhyve: ${'word '.repeat(20)}`,
      `vmrun: web: ${line}`,
      '',
    ]);
  });
});

test('a list of runs that is too wide has a second line for each run, and its notes are broken', () => {
  const now = new Date('2026-01-03T00:00:00.000Z');
  const run = (name: string) => ({
    ...{ name, status: 'orphaned' as const, pid: 4712, supervisor: 4711 },
    state: {
      ...{ version: 1 as const, name, supervisor: 4711, since: '2026-01-01T00:00:00.000Z', phase: 'running' as const },
      ...{ target: 'installer', boot: 12, bootSince: '2026-01-02T21:59:00.000Z' },
    },
  });
  expect(formatRuns([run('web')], now, 40).split('\n')).toEqual([
    'NAME  STATE     TARGET     BOOT  UP',
    '  PID   SUPERVISOR',
    'web   orphaned  installer  12    2h1m',
    '  4712  4711',
    '  its supervisor is gone; take it over,',
    '    or stop it:',
    '    vmrun -c FILE --adopt',
    '    vmrun stop web',
    '',
  ]);
  expect(formatRuns([run('web')], now, 60)).toBe(formatRuns([run('web')], now));
});
