import { dirname, resolve } from 'node:path';
import { readBoundedText } from '../../base/bounded-file.js';
import { ProblemsError } from '../../base/problem.js';
import { describeSystemError, systemError } from '../errno.js';
import { factsIn } from './facts-paths.js';
import type { HostFacts } from './facts.js';
import { readFacts } from './read-facts.js';

/** Facts about the files of ten thousand targets fit. */
const maxBytes = 16 * 1024 * 1024;

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
  const unreadable = (message: string, kind: 'unreadable' | 'spec' = 'unreadable'): ProblemsError =>
    new ProblemsError(kind, name, [
      {
        code: kind === 'spec' ? 'too-large' : kind,
        severity: 'error',
        message,
        fix: 'capture a host, on it, with: vmrun facts -c SPEC > host.json',
      },
    ]);
  let text: string | undefined;
  try {
    text = readBoundedText(path, { most: maxBytes });
  } catch (error) {
    throw unreadable(`the captured host cannot be read: ${describeSystemError(systemError(error))}`);
  }
  if (text !== undefined) return text;
  throw unreadable(`a captured host has at most ${maxBytes / 1024 / 1024} MiB, this is more`, 'spec');
}
