import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ParseOptions, Platform } from '../../src/bhyve/parse.js';
import type { StartOptions } from '../../src/bhyve/start/start-checks.js';

/** A command line with what bhyve makes of it; the fields are explained where the vectors come from. */
export interface Vector {
  readonly note?: string;
  readonly argv: readonly string[];
  readonly release?: 14 | 15 | 16;
  readonly arch?: 'arm64';
  readonly files?: Readonly<Record<string, string>>;
  readonly dump?: Readonly<Record<string, string>>;
  readonly warnings?: string;
  readonly init?: 'ok';
  readonly error?: string;
  readonly exit?: number;
  readonly stage?: 'parse' | 'init' | 'help';
  readonly loaded?: boolean;
  readonly maxcpu?: number;
  readonly signal?: string;
}

const file = new URL('../vectors/bhyve-config-vectors.json', import.meta.url);

export const vectors: readonly Vector[] = JSON.parse(readFileSync(fileURLToPath(file), 'utf8')) as Vector[];

export const platformOf = ({ release, arch }: Vector): Platform => ({ release: release ?? 15, arch: arch ?? 'amd64' });

export const parseOptionsOf = (vector: Vector): ParseOptions => ({
  ...platformOf(vector),
  readFile: (path) => vector.files?.[path],
});

export const startOptionsOf = (vector: Vector): StartOptions => ({
  ...platformOf(vector),
  ...(vector.loaded === undefined ? {} : { loaded: vector.loaded }),
  ...(vector.maxcpu === undefined ? {} : { maxcpu: vector.maxcpu }),
});

const escapeRegExp = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** What stderr must be: `<errno>` and the like stand for any text, and of a usage text only the first line counts. */
export function stderrPattern(expected: string): RegExp {
  const text = escapeRegExp(expected).replaceAll(/<(errno|ptr|gai error)>/g, '[^\\n]+');
  return new RegExp(`^${text}${expected.includes('Usage: ') ? '(\\n[^]*)?' : ''}$`);
}

/** A title for a table of tests. */
export const titleOf = ({ note, argv, release, arch }: Vector): string =>
  [argv.join(' ').slice(0, 100), note, release, arch].filter((part) => part !== undefined).join(' | ');
