import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from '@jest/globals';
import { patienceMs } from '../../support/patience.js';
import type { Place } from './place.js';
import type { Said, Surroundings } from './vmrun.js';

type About = Pick<Surroundings, 'cwd' | 'env' | 'input'>;

const script = fileURLToPath(new URL('../../support/built/answering.mjs', import.meta.url));
/** What no command prints. */
const mark = `<${randomBytes(16).toString('hex')}>`;
const scratch = path.join(tmpdir(), `vmrun-asked-${randomBytes(8).toString('hex')}`);

/** One for a test file, from its first question on. */
let answering: Answering | undefined;
/** It answers one at a time. */
let last: Promise<unknown> = Promise.resolve();

interface Answering {
  readonly child: ChildProcess;
  printed: { stdout: string; stderr: string };
  /** The status has come, more text, or the end of the process. */
  changed: () => void;
  status: number | undefined;
}

afterAll(async () => {
  if (answering?.child.connected !== true) return;
  const ended = once(answering.child, 'exit');
  answering.child.disconnect();
  await ended;
});

function start(): Answering {
  const child = fork(script, [mark, scratch], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [] });
  const started: Answering = {
    child,
    printed: { stdout: '', stderr: '' },
    changed: () => undefined,
    status: undefined,
  };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      started.printed[stream] += text;
      started.changed();
    });
  }
  child.on('message', (status: number) => {
    started.status = status;
    started.changed();
  });
  child.once('close', () => {
    started.changed();
  });
  return started;
}

/**
 * Runs a command that starts no VM, as it is built, in a process that runs one after another: most of what such a
 * command costs is the start of its process.
 */
export function askVmrun(place: Place, words: readonly string[], about: About = {}): Promise<Said> {
  const answer = last.then(() => ask(place, words, about));
  last = answer.catch(() => undefined);
  return answer;
}

async function ask({ folder }: Place, words: readonly string[], { cwd = folder, env, input }: About): Promise<Said> {
  if (answering?.child.connected !== true) answering = start();
  const asked = answering;
  const alarm = setTimeout(() => asked.child.kill('SIGKILL'), patienceMs).unref();
  asked.printed = { stdout: '', stderr: '' };
  asked.status = undefined;
  asked.child.send({
    words,
    cwd,
    env: { PATH: process.env.PATH, ...env },
    ...(input === undefined ? {} : { input: Buffer.from(input).toString('base64') }),
  });
  const isWhole = (): boolean => Object.values(asked.printed).every((text) => text.endsWith(mark));
  const status = await new Promise<number | undefined>((resolve) => {
    asked.changed = () => {
      if (asked.status !== undefined && isWhole()) resolve(asked.status);
      else if (!asked.child.connected) resolve(undefined);
    };
    asked.changed();
  });
  clearTimeout(alarm);
  const { stdout, stderr } = asked.printed;
  if (status === undefined) throw new Error(`vmrun ${words.join(' ')} ended its process: ${stdout}${stderr}`);
  return { status, stdout: stdout.slice(0, -mark.length), stderr: stderr.slice(0, -mark.length) };
}
