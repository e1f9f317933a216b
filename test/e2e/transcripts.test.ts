import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { blocksOf, type Block } from '../support/blocks.js';
import { inPlace, vmrunCommand, type Place } from './support/place.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Every page with a transcript: a `console` block, in which `$` stands before what is typed. */
const pages = ['README.md', ...readdirSync(path.join(root, 'docs')).map((name) => `docs/${name}`)]
  .filter((name) => name.endsWith('.md'))
  .map((name) => [name, blocksOf(readFileSync(path.join(root, name), 'utf8'))] as const)
  .filter(([, blocks]) => blocks.some(({ language }) => language === 'console'));

interface Typed {
  readonly command: string;
  readonly printed: readonly string[];
}

/** What is typed in a transcript, each with the lines below it. */
function typedIn({ text }: Block): readonly Typed[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...printed] = part.trimEnd().split('\n');
      return { command, printed };
    });
}

/** What may be otherwise each time: numbers of processes, times, widths of columns that have them, serial numbers. */
const settled = (line: string, place: Place): string =>
  line
    .replaceAll(` --run-dir ${place.runBase}`, '')
    .replaceAll(place.folder, '/vm')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/\b(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\b/g, 'CLOCK')
    .replaceAll(/\b(pid|process) \d+/g, '$1 N')
    .replaceAll(/\b\d+(\.\d+)? ?(ms|s|min)\b/g, 'DURATION')
    .replaceAll(/BHYVE(-[0-9A-F]{4}){3}/g, 'SERIAL')
    .replaceAll(/(FreeBSD) \d\d (\(?amd64)/g, '$1 N $2')
    .replaceAll(/^( *(?:NAME|db|web) .*)$/g, (columns) => columns.replaceAll(/\b\d{2,}\b/g, 'N').replaceAll(/ +/g, ' '))
    .trimEnd();

/** What only a slow machine makes a command say. */
const waiting = /^vmrun: \S+: waiting for the (guest|run) to /;

/** The lines that are shown, where `…` stands for any others. */
function isAsShown(said: readonly string[], shown: readonly string[]): boolean {
  const [first, ...rest] = shown;
  if (first === undefined) return said.length === 0;
  if (first === '…') return said.some((_, at) => isAsShown(said.slice(at), rest)) || rest.length === 0;
  return said[0] === first && isAsShown(said.slice(1), rest);
}

/** A folder as a reader of the page has it: the files that it shows, the examples, and vmrun in PATH. */
function prepare(place: Place, blocks: readonly Block[]): void {
  for (const name of ['', 'bin', 'run']) mkdirSync(place.path(name), { recursive: true });
  cpSync(path.join(root, 'examples'), place.folder, { recursive: true });
  cpSync(path.join(root, 'examples'), place.path('examples'), { recursive: true });
  // VMs of this host may have these names.
  place.script(
    'bin/vmrun',
    `case $1 in ps | stop | -*) set -- "$@" --run-dir '${place.runBase}' ;; esac`,
    `exec ${vmrunCommand.map((word) => `'${word}'`).join(' ')} "$@"`,
  );
  for (const { file, text } of blocks) {
    if (file === undefined) continue;
    mkdirSync(path.dirname(place.path(file)), { recursive: true });
    place.write(file, text);
  }
}

async function type(place: Place, command: string): Promise<readonly string[]> {
  const { BHYVE_EXEC: _, ...own } = process.env;
  const env = { ...own, PATH: `${place.path('bin')}:${own.PATH ?? ''}`, NO_COLOR: '1' };
  // What goes on in the background has nobody to read it.
  const words = command.endsWith('&') ? command.replace(/&$/, '>/dev/null 2>&1 &') : command;
  const child = spawn('bash', ['-c', `exec 2>&1; ${words}`], {
    cwd: place.folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  await once(child, 'close');
  return said === ''
    ? []
    : said
        .trimEnd()
        .split('\n')
        .filter((line) => !waiting.test(line))
        .map((line) => settled(line, place));
}

describe('what a page shows of a terminal is what is printed', () => {
  test.each(pages)('%s', (_name, blocks) =>
    inPlace(async (place) => {
      prepare(place, blocks);
      let isBeside = false;
      for (const { command, printed } of blocks.filter(({ language }) => language === 'console').flatMap(typedIn)) {
        const shown = printed.map((line) => settled(line, place));
        let said = await type(place, command);
        // What runs beside it has to get as far as the page has it.
        for (let times = 0; isBeside && times < 50 && !isAsShown(said, shown); times++)
          said = await type(place, command);
        expect({ command, said: isAsShown(said, shown) ? shown : said }).toEqual({ command, said: shown });
        isBeside = command.endsWith('&');
      }
      expect(place.runDirectories()).toEqual([]);
    }),
  );
});
