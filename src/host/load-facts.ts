import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ProblemsError } from '../base/problem.js';
import { describeSystemError, systemError } from './errno.js';
import { factsIn } from './facts-paths.js';
import type { HostFacts } from './facts.js';
import { readFacts } from './read-facts.js';

/**
 * Reads the file of a captured host; its relative paths start at the file's folder, as those of a spec do.
 * @returns facts with absolute paths
 * @throws ProblemsError `unreadable` where there is nothing to read, `spec` where it is not what vmrun captures
 */
export function loadFacts(file: string, workingDirectory: string): HostFacts {
  const path = resolve(workingDirectory, file);
  const facts = readFacts(textOf(path, file), file);
  if (!facts.ok) throw new ProblemsError('spec', file, facts.problems);
  return factsIn(dirname(path), facts.value);
}

function textOf(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ProblemsError('unreadable', name, [
      {
        code: 'unreadable',
        severity: 'error',
        message: `the captured host cannot be read: ${describeSystemError(systemError(error))}`,
        fix: 'capture a host, on it, with: vmrun facts -c SPEC > host.json',
      },
    ]);
  }
}
