import { ProblemsError, type Problem } from '../base/problem.js';

const error = (code: string, message: string, fix?: string): Problem => ({
  ...{ code, severity: 'error', message },
  ...(fix === undefined ? {} : { fix }),
});

export const unknownVm = (name: string): ProblemsError =>
  new ProblemsError('usage', name, [
    error(
      'unknown-vm',
      `there is no VM ${JSON.stringify(name)}`,
      'put its spec into the folder of specs and reload, or look for its name in the list',
    ),
  ]);

export const managerEnding: Problem = error('ending', 'the manager is ending, and starts nothing any more');

export const notRunning = (name: string): Problem => error('not-running', `${name} does not run`, 'start it first');

/** Of an operation whose place another has taken. */
export const replacedBy = (what: string): Problem =>
  error('replaced', `a ${what} that was asked for later has taken its place`);

export const specRemoved = (name: string): Problem =>
  error('no-spec', `the spec of ${name} was removed before it was started`, 'put its file back, and reload');

export const cancelled: Problem = error('cancelled', 'it was taken back before it had begun');

export const runsElsewhere = (name: string, supervisor: number | undefined): Problem =>
  error(
    'in-use',
    `${name} is run by ${supervisor === undefined ? 'another vmrun' : `process ${supervisor}`}, not by this manager`,
    'ask that one, or stop the VM and start it here',
  );
