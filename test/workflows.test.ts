import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { releases } from '../src/devices/device.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = path.join(root, '.github/workflows');
const files = readdirSync(folder);
const read = (file: string): string => readFileSync(path.join(folder, file), 'utf8');

interface Job {
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly (string | number)[]>> };
  readonly 'timeout-minutes'?: number;
}

const jobsOf = (file: string): readonly (readonly [string, Job])[] =>
  Object.entries((parse(read(file)) as { readonly jobs: Readonly<Record<string, Job>> }).jobs);

/** Where `go install` puts it. */
const actionlint = [...(process.env.PATH ?? '').split(':'), path.join(homedir(), 'go/bin')]
  .map((directory) => path.join(directory, 'actionlint'))
  .find((file) => existsSync(file));

describe('the workflows', () => {
  (actionlint === undefined ? test.skip : test).each(files)('%s has no fault that actionlint knows', (file) => {
    const said = execFileSync(actionlint ?? '', [path.join(folder, file)], { cwd: root, encoding: 'utf8' });
    expect(said).toBe('');
  });

  test('check vmrun with each Node.js that it is for, and on releases of FreeBSD that it knows', () => {
    const jobs = files.flatMap(jobsOf);
    const { engines } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      readonly engines: { readonly node: string };
    };
    const nodes = jobs.flatMap(([, { strategy }]) => strategy?.matrix.node ?? []);
    expect(nodes).toEqual([20, 22, 24]);
    expect(engines.node).toMatch(new RegExp(`^>=${nodes[0]}\\.`));
    const systems = jobs.flatMap(([, { strategy }]) => strategy?.matrix.release ?? []);
    expect(systems).toEqual(['14', '15', '14', '15']);
    expect(systems.filter((release) => !releases.some((known) => String(known) === release))).toEqual([]);
    expect(jobs.filter(([, job]) => job['timeout-minutes'] === undefined)).toEqual([]);
  });

  test('run scripts that are there, and may write nothing to the repository', () => {
    const text = files.map(read).join('\n');
    const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const named = [...text.matchAll(/npm run ([\w-]+)/g)].map(([, name = '']) => name);
    expect(named).toContain('check');
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
    const paths = [...text.matchAll(/\b(?:ba)?sh ([.\w/-]+)/g)].map(([, file = '']) => file);
    expect(paths).toContain('scripts/freebsd-ci.sh');
    expect(paths.filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
    for (const file of files) {
      expect(parse(read(file))).toMatchObject({ permissions: { contents: 'read' } });
      expect(read(file)).not.toMatch(/: write\b|secrets\./);
    }
  });
});
