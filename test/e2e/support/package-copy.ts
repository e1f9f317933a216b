import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** A script that was loaded, and whether V8 was given compiled code for it and took it. */
export interface Loaded {
  readonly script: string;
  readonly compiled: 'taken' | 'refused' | 'none';
}

export interface Finished {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly loaded: readonly Loaded[];
}

/** What is installed of vmrun's programs, without caches, in a folder of its own. */
export interface PackageCopy {
  readonly folder: string;
  readonly script: (name: string) => string;
  /** Names of the caches in dist/bin and below, sorted; of one script where it is named. */
  readonly caches: (script?: string) => readonly string[];
  /** Every file of the copy with what tells whether it was written to. */
  readonly files: () => readonly string[];
  readonly makeCaches: (about?: Surroundings) => Promise<Finished>;
  readonly vmrun: (words: readonly string[], about?: Surroundings) => Promise<Finished>;
}

export interface Surroundings {
  readonly uid?: number;
  readonly gid?: number;
  /** Options of node. */
  readonly node?: readonly string[];
  readonly words?: readonly string[];
}

/** Preloaded: writes which scripts are made, and with what compiled code. */
const watcher = `
const vm = require('node:vm');
const seen = [];
vm.Script = class extends vm.Script {
  constructor(code, options) {
    super(code, options);
    if (options?.filename === undefined) return;
    const compiled = options.cachedData === undefined ? 'none' : this.cachedDataRejected ? 'refused' : 'taken';
    seen.push({ script: require('node:path').basename(options.filename), compiled });
  }
};
process.on('exit', () => require('node:fs').writeFileSync(process.env.LOADED, JSON.stringify(seen)));
`;

const isCode = (name: string): boolean => !name.endsWith('.cache') && !name.endsWith('.new');

/** @param from another copy, whose caches come along */
export function copyPackage(to: string, from?: PackageCopy): PackageCopy {
  const folder = path.join(to, 'package');
  const dist = path.join(folder, 'dist/bin');
  mkdirSync(path.join(folder, 'dist'), { recursive: true });
  cpSync(path.join(root, 'bin'), path.join(folder, 'bin'), { recursive: true });
  if (from === undefined) cpSync(path.join(root, 'dist/bin'), dist, { recursive: true, filter: isCode });
  else cpSync(from.script('.'), dist, { recursive: true });
  const preload = path.join(to, 'watch.cjs');
  writeFileSync(preload, watcher);
  const all = (): readonly string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' });
  let runs = 0;

  const node = (options: readonly string[], program: string, words: readonly string[], about: Surroundings) =>
    new Promise<Finished>((resolve) => {
      const { uid, gid } = about;
      const loadedBy = path.join(to, `loaded-${(runs += 1)}`);
      const args = [...options, path.join(folder, 'bin', program), ...words];
      const ids = uid === undefined || gid === undefined ? {} : { uid, gid };
      const env = { ...process.env, LOADED: loadedBy };
      const child = execFile(process.execPath, args, { cwd: to, env, ...ids }, (_error, stdout, stderr) => {
        const loaded = existsSync(loadedBy) ? (JSON.parse(readFileSync(loadedBy, 'utf8')) as readonly Loaded[]) : [];
        resolve({ status: child.exitCode ?? -1, stdout, stderr, loaded });
      });
    });

  return {
    folder,
    script: (name) => path.join(dist, name),
    caches: (script = '') =>
      all()
        .map((name) => path.basename(name))
        .filter((name) => name.endsWith('.cache') && name.startsWith(script))
        .sort(),
    files: () => [...all()].sort(),
    makeCaches: (about = {}) => node([], 'compile-cache.js', about.words ?? [], about),
    vmrun: (words, about = {}) => node(['-r', preload, ...(about.node ?? [])], 'vmrun.js', words, about),
  };
}

export const sumOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
