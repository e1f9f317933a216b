import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface BuiltProcess {
  /** What it may have: setrlimit(2). The processes are those of its user. */
  readonly limits?: { readonly descriptors?: number; readonly processes?: number };
  /** Options of node. */
  readonly flags?: readonly string[];
  readonly words?: readonly string[];
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Who it runs as, by number; root alone may choose. */
  readonly uid?: number;
}

/**
 * Runs a script of test/support/built/ in a process of its own: they use the library as it is built, and measure their
 * own process, or use up what it may have.
 * @param folder its working directory
 * @returns what it printed, as JSON: only its own script knows the type
 * @throws Error with all that it wrote where it fails
 */
export async function inBuiltProcess<T>(
  script: string,
  folder: string,
  { limits = {}, flags = [], words = [], env = {}, uid }: BuiltProcess = {},
): Promise<T> {
  const file = fileURLToPath(new URL(`built/${script}`, import.meta.url));
  const child = spawn('/bin/sh', ['-c', limiting(limits), process.execPath, ...flags, file, ...words], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => (said[stream] += text));
  }
  await once(child, 'close');
  if (child.exitCode !== 0) {
    throw new Error(`${script}: ${child.exitCode ?? child.signalCode ?? ''} ${said.stderr}${said.stdout}`);
  }
  return JSON.parse(said.stdout) as T;
}

/** Shells do not agree on the letter for processes. */
export const limiting = ({ descriptors, processes }: NonNullable<BuiltProcess['limits']>): string =>
  [
    ...(descriptors === undefined ? [] : [`ulimit -n ${descriptors}`]),
    ...(processes === undefined ? [] : [`{ ulimit -u ${processes} || ulimit -p ${processes}; } 2> /dev/null`]),
    'exec "$0" "$@"',
  ].join(' && ');
