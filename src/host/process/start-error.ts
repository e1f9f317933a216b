import { accessSync, constants } from 'node:fs';
import { codeOf, isSystemCode } from '../../base/error-code.js';
import { errorReason } from '../../base/error-words.js';
import type { Problem } from '../../base/problem.js';
import { describeSystemError, systemError } from '../errno.js';
import { headOf, interpreterIn } from './file-head.js';

/** A program could not be started. */
export class StartError extends Error {
  constructor(
    readonly program: string,
    /** `no-resources`: not now, since the system lacks processes, descriptors or memory. */
    readonly reason: 'not-found' | 'not-executable' | 'no-resources' | 'failed',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'StartError';
  }

  /** The same as a problem, with what to do; its code is the reason. */
  get problem(): Problem {
    const loader = Object.entries(loaderHints).find(([name]) => name === this.program);
    const [who, whenMissing] = loader ?? ['bhyve', 'bhyve is part of FreeBSD; give another path with --bhyve'];
    const otherwise = `look at the file and its permissions${loader === undefined ? ', or give another path with --bhyve' : ''}`;
    return {
      code: this.reason,
      severity: 'error',
      message: `${who} was not started: ${this.message}`,
      fix: this.reason === 'not-found' ? `${whenMissing}, or try --simulate` : otherwise,
    };
  }
}

const loaderHints: Readonly<Record<string, string>> = {
  bhyveload: 'bhyveload is part of FreeBSD on amd64; use a bootrom',
  'grub-bhyve': 'install it with pkg install grub2-bhyve, use a bootrom',
};

/** What passes by itself: fork(2), open(2) and write(2) without processes, descriptors, memory or room on the disk. */
const passing: readonly string[] = ['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'ENOSPC', 'EDQUOT'];

export const isPassing = (code: string): boolean => passing.includes(code);

/** @param cause what spawn gave for a program that did not start */
export function startError(program: string, cause: unknown): StartError {
  const code = codeOf(cause);
  switch (code) {
    case 'ENOENT':
      return program.includes('/') && isThere(program)
        ? new StartError(program, 'not-executable', withoutInterpreter(program), { cause })
        : new StartError(program, 'not-found', `${program} is not there`, { cause });
    case 'EACCES':
      return new StartError(program, 'not-executable', `${program} may not be executed`, { cause });
    case 'ENOEXEC':
      return new StartError(program, 'not-executable', `${program} is not a program of this system`, { cause });
    default: {
      const reason = isPassing(code) ? 'no-resources' : 'failed';
      return new StartError(program, reason, `${program} could not be started: ${whyNotStarted(cause)}`, { cause });
    }
  }
}

/** What a script begins with is there to be seen, but for a CR at its end. */
function withoutInterpreter(program: string): string {
  const interpreter = interpreterIn(headOf(program) ?? '');
  if (interpreter === undefined) return `the interpreter that ${program} names does not exist`;
  if (interpreter.endsWith('\r')) {
    return `the first line of ${program} ends with CR LF, so its interpreter is looked for with a CR in its name`;
  }
  return `${interpreter}, the interpreter that ${program} names, does not exist`;
}

/** Of spawn, Node.js says the code alone. */
const whyNotStarted = (cause: unknown): string =>
  isSystemCode(codeOf(cause)) ? describeSystemError(systemError(cause)) : errorReason(cause);

/** There is something of that name; a folder that we may not look into may hold it. */
export function isThere(file: string): boolean {
  try {
    accessSync(file, constants.F_OK);
    return true;
  } catch (error) {
    return codeOf(error) === 'EACCES';
  }
}
