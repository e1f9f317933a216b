import { ProblemsError } from '../base/problem.js';
import { codeOf } from '../base/error-code.js';
import { isPassing } from '../host/start-error.js';
import type { ReadSecret } from '../host/secret.js';
import { configLine } from '../machine/argv.js';
import type { Machine } from '../machine/machine.js';

/**
 * The private file's text, with the secrets that other files hold. Their content is in no message.
 * @throws ProblemsError `host` where a file cannot be read, whose cause says why, or holds what bhyve cannot take
 */
export async function privateText(
  { name, privateConfig }: Machine,
  readSecret: ReadSecret,
): Promise<string | undefined> {
  if (privateConfig === undefined) return undefined;
  const { content, fromFiles } = privateConfig;
  const lines = await Promise.all(
    fromFiles.map(async ({ key, file }) => {
      const value = await readSecret(file.path).catch((error: unknown) => {
        // It says nothing about the file, and passes.
        if (isPassing(codeOf(error))) throw error;
        const reason = error instanceof Error ? error.message : String(error);
        const unread = `the password in ${file.path} cannot be read: ${reason}`;
        throw Object.assign(refusal(name, unread, 'look at the file and its permissions'), { cause: error });
      });
      if (!new RegExp(file.pattern).test(value)) {
        throw refusal(
          name,
          `${file.path} does not hold a password that bhyve can take`,
          `write on one line ${file.patternErrorMessage}`,
        );
      }
      return configLine({ key, value });
    }),
  );
  return content + lines.join('');
}

const refusal = (vm: string, message: string, fix: string): ProblemsError =>
  new ProblemsError('host', vm, [{ code: 'password-file', severity: 'error', message, fix }]);
