import { chmodSync, chownSync, unlinkSync } from 'node:fs';
import { errorReason } from '../base/error-words.js';
import { request as httpRequest, type Server } from 'node:http';
import path from 'node:path';
import { readBoundedText } from '../base/bounded-file.js';
import { ProblemsError } from '../base/problem.js';
import { trustedPath } from '../host/files/trust.js';
import { lookAtSocket } from '../host/look/look-at-socket.js';

/** Groups that may use the socket; the first that there is. */
const groups = ['vmrun', 'wheel'];
const mostGroupBytes = 4 * 1024 * 1024;
const answerMs = 2000;

const refuse = (file: string, code: string, message: string, fix: string): never => {
  throw new ProblemsError(code === 'in-use' ? 'in-use' : 'host', file, [{ code, severity: 'error', message, fix }]);
};

/**
 * Makes a server listen at a path, for root and a group of root's choice. What a killed manager has left there is replaced.
 * @throws ProblemsError where somebody listens there, something else has the name, or others could put something else there
 */
export async function listenAtPath(server: Server, file: string, groupFile = '/etc/group'): Promise<void> {
  try {
    trustedPath(path.dirname(file));
  } catch (error) {
    const why = errorReason(error);
    refuse(file, 'listen', `no socket can be made there: ${why}`, 'choose a folder that only root can change');
  }
  await makeWay(file);
  const umask = process.umask(0o177);
  try {
    // The system makes the socket before this returns.
    server.listen(file);
  } finally {
    process.umask(umask);
  }
  await listening(server, file);
  const group = groupIdOf(groupFile);
  const uid = process.getuid?.();
  if (uid === 0 && group !== undefined) chownSync(file, uid, group);
  chmodSync(file, 0o660);
}

async function makeWay(file: string): Promise<void> {
  const found = await lookAtSocket(file);
  switch (found.kind) {
    case 'stale':
      unlinkSync(file);
      break;
    case 'listening':
      return refuse(file, 'in-use', `${await whoListens(file)} listens there`, 'stop it, or listen somewhere else');
    case 'not-a-socket':
      return refuse(file, 'listen', 'something that is no socket is there', 'remove it, or listen somewhere else');
    case 'free':
    case 'hidden':
    case 'unclear':
    case 'not-captured':
      break;
  }
}

/** Resolves when it listens. @throws ProblemsError where it cannot */
export function listening(server: Pick<Server, 'once' | 'off'>, where: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onListening = (): void => {
      server.off('error', onError);
      resolve();
    };
    const onError = (error: Error): void => {
      server.off('listening', onListening);
      const isTaken = 'code' in error && error.code === 'EADDRINUSE';
      const message = isTaken
        ? `somebody listens at ${where} already`
        : `nobody can listen at ${where}: ${errorReason(error)}`;
      const problem = { code: 'listen', severity: 'error', message, fix: 'choose another address' } as const;
      reject(new ProblemsError(isTaken ? 'in-use' : 'host', where, [problem]));
    };
    server.once('listening', onListening);
    server.once('error', onError);
  });
}

/** Another manager says its pid. */
function whoListens(file: string): Promise<string> {
  const stranger = 'another program';
  return new Promise((resolve) => {
    const asked = httpRequest({ socketPath: file, path: '/healthz', timeout: answerMs }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (more: string) => {
        if (text.length < 10_000) text += more;
      });
      response.on('end', () => {
        const [, pid] = /"pid":\s*(\d+)/.exec(text) ?? [];
        resolve(pid === undefined ? stranger : `the manager with pid ${pid}`);
      });
      response.on('error', () => {
        resolve(stranger);
      });
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => {
      resolve(stranger);
    });
    asked.end();
  });
}

function groupIdOf(groupFile: string): number | undefined {
  let text: string;
  try {
    text = readBoundedText(groupFile, { most: mostGroupBytes, isRegular: true }) ?? '';
  } catch {
    return undefined;
  }
  const ids = new Map(text.split('\n').map((line) => [line.split(':')[0] ?? '', Number(line.split(':')[2])]));
  return groups.map((name) => ids.get(name)).find((id) => id !== undefined && Number.isSafeInteger(id));
}
