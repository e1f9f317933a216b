import { ProblemsError } from '../base/problem.js';
import { codeOf } from '../base/error-code.js';
import { errorWords } from '../base/error-words.js';
import { isPassing } from '../host/process/start-error.js';
import type { ReadSecret } from '../host/look/secret.js';
import { configLine } from '../machine/argv.js';
import type { Machine, PrivateConfig } from '../machine/machine.js';
import type { StateKeeper } from './state-keeper.js';

/** The secrets that the boots of one run have read from files. */
export interface Secrets {
  /**
   * The private file's text, with the secrets that other files hold. Their content is in no message. A file that has been
   * read before is not needed: where it cannot be read, what it held then is used, and that is told.
   * @throws ProblemsError `host` where a file cannot be read, whose cause says why, or holds what bhyve cannot take
   */
  readonly privateText: (machine: Machine) => Promise<string | undefined>;
  /** It has been read before. */
  readonly isKnown: (path: string) => boolean;
}

/** What `degraded` calls it. */
const part = 'password file';

export function keepSecrets(readSecret: ReadSecret, { degraded }: Pick<StateKeeper, 'degraded'>): Secrets {
  const known = new Map<string, string>();

  return {
    isKnown: (path) => known.has(path),
    privateText: async ({ name, privateConfig }) => {
      if (privateConfig === undefined) return undefined;
      const { content, fromFiles } = privateConfig;
      const troubles: string[] = [];
      const lines: string[] = [];
      for (const { key, file } of fromFiles) {
        try {
          known.set(file.path, await readValid(name, file, readSecret));
        } catch (error) {
          if (!known.has(file.path)) throw error;
          troubles.push(messageOf(error));
        }
        lines.push(configLine({ key, value: known.get(file.path) ?? '' }));
      }
      if (fromFiles.length > 0) degraded(part, troubles[0]);
      return content + lines.join('');
    },
  };
}

type SecretFile = PrivateConfig['fromFiles'][number]['file'];

async function readValid(vm: string, file: SecretFile, readSecret: ReadSecret): Promise<string> {
  const value = await readSecret(file.path).catch((error: unknown) => {
    // It says nothing about the file, and passes.
    if (isPassing(codeOf(error))) throw error;
    const unread = `the password in ${file.path} cannot be read: ${messageOf(error)}`;
    throw Object.assign(refusal(vm, unread, 'look at the file and its permissions'), { cause: error });
  });
  if (new RegExp(file.pattern).test(value)) return value;
  throw refusal(
    vm,
    `${file.path} does not hold a password that bhyve can take`,
    `write on one line ${file.patternErrorMessage}`,
  );
}

const messageOf = (error: unknown): string =>
  error instanceof ProblemsError ? error.problems.map(({ message }) => message).join('; ') : errorWords(error);

const refusal = (vm: string, message: string, fix: string): ProblemsError =>
  new ProblemsError('host', vm, [{ code: 'password-file', severity: 'error', message, fix }]);
