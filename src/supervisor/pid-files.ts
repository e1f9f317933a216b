import { errorReason } from '../base/error-words.js';
import { ProblemsError } from '../base/problem.js';
import { isLockFailure } from '../host/files/flock.js';
import { takePidFile, type PidFile } from '../host/files/pid-file.js';
import { runDirectoryOf } from '../host/run-directory/run-base.js';
import type { Identity } from '../machine/identity.js';
import type { Machine } from '../machine/machine.js';
import { filesOfTargets, namedFiles } from '../machine/named-files.js';
import type { Spec } from '../spec/parse-spec.js';
import { outputProblems } from './output-files.js';
import type { RunOptions } from './run-options.js';

interface Options extends Pick<RunOptions, 'pidFile' | 'supervisorPidFile' | 'platform' | 'extraArguments'> {
  readonly identity: Identity | undefined;
}

/**
 * A pid file is emptied: one that is part of the VM, or named twice, is refused before anything is made.
 * @throws ProblemsError `cannot-create`
 */
export function refusePidFiles(subject: Spec | Machine, options: Options, runBase: string): void {
  const { pidFile, supervisorPidFile, platform, identity, extraArguments } = options;
  const outputs = Object.entries({ pidFile, supervisorPidFile }).flatMap(([option, path]) =>
    path === undefined ? [] : [{ option, path, isPidFile: true as const }],
  );
  if (outputs.length === 0) return;
  const isMachine = 'argv' in subject;
  const runDirectory = runDirectoryOf(runBase, subject.name);
  const files = isMachine
    ? namedFiles(subject)
    : filesOfTargets(subject, { ...platform, identity, extraArguments, runDirectory });
  const named = isMachine ? files : [{ path: subject.source, owner: 'the spec' }, ...files];
  const problems = outputProblems(outputs, { folder: '.', named, runDirectory });
  if (problems.length > 0) throw new ProblemsError('cannot-create', subject.name, problems);
}

/** @throws ProblemsError `cannot-create` */
export async function createPidFile(vm: string, path: string): Promise<PidFile> {
  const refuse = (message: string, fix: string): ProblemsError =>
    new ProblemsError('cannot-create', vm, [{ code: 'pid-file', severity: 'error', message, fix }]);
  let file;
  try {
    file = await takePidFile(path);
  } catch (error) {
    if (isLockFailure(error)) throw error;
    throw refuse(`the pid file ${path} cannot be made: ${errorReason(error)}`, 'choose another path');
  }
  if (!('heldBy' in file)) return file;
  if (file.heldBy === '')
    throw refuse(
      `the pid file ${path} is locked by a process that does not say its number there`,
      `see who has it open with fuser, or choose another path`,
    );
  throw refuse(`the pid file ${path} belongs to process ${file.heldBy}`, 'stop that one, or choose another path');
}
