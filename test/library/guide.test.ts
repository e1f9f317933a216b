import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { inPlace, type Place } from '../e2e/support/place.js';
import { blocksOf } from '../support/blocks.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const guide = readFileSync(`${root}docs/library.md`, 'utf8');

const blocks = blocksOf(guide);

/** Programs, each with what the guide says that it prints. */
const programs = blocks.flatMap(({ language, file, text, heading }, index) => {
  const next = blocks[index + 1];
  const prints = next?.language === 'text' ? next.text : undefined;
  return language === 'js' && file === undefined ? [[heading, text, prints] as const] : [];
});

/** Runs a program in a folder that has the files of the guide. */
async function runProgram(place: Place, text: string) {
  for (const block of blocks)
    if (block.file !== undefined) place.write(block.file, block.text.replaceAll('web', place.name));
  mkdirSync(place.path('node_modules'));
  symlinkSync(root, place.path('node_modules/vmrun'));
  const file = place.write('program.mjs', text);
  const child = spawn(process.execPath, [file], { cwd: place.folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (words: string) => (printed.stdout += words));
  child.stderr.setEncoding('utf8').on('data', (words: string) => (printed.stderr += words));
  await once(child, 'close');
  return { status: child.exitCode, stdout: printed.stdout.replaceAll(place.name, 'web'), stderr: printed.stderr };
}

describe('docs/library.md', () => {
  test('has programs, and says what most of them print', () => {
    expect(programs.length).toBeGreaterThan(8);
    expect(programs.filter(([, , prints]) => prints === undefined)).toHaveLength(1);
  });

  test.each(programs)('%s: the program there does what it says', async (_heading, text, prints) => {
    await inPlace(async (place) => {
      const { status, stdout, stderr } = await runProgram(place, text);
      if (prints === undefined) expect({ status, isSilent: stdout === '' }).toEqual({ status: 0, isSilent: false });
      else expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: prints, stderr: '' });
      expect(place.runDirectories()).toEqual([]);
    });
  });
});
