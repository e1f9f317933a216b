import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

/** A process that runs a few lines with one module of src/; its stderr is a socket, which nobody reads. */
export interface OwnProcess {
  readonly child: ChildProcess;
  /** What it printed, and its exit status. */
  readonly ended: Promise<{ readonly stdout: string; readonly status: number | null }>;
}

/**
 * @param folder where the scripts are written
 * @param module path in src/, `host/sinks/line-sink.ts`
 * @param names what the script imports from it
 */
export function inOwnProcess(folder: string, module: string, names: string, ...script: readonly string[]): OwnProcess {
  buildSync({
    entryPoints: [fileURLToPath(new URL(`../../src/${module}`, import.meta.url))],
    outfile: path.join(folder, 'module.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  const file = path.join(folder, 'script.mjs');
  writeFileSync(file, [`import { ${names} } from './module.mjs';`, ...script].join('\n'));
  const child = spawn(process.execPath, [file], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const printed = once(child.stdout, 'close');
  const ended = once(child, 'exit').then(async () => {
    await printed;
    return { stdout, status: child.exitCode };
  });
  return { child, ended };
}
