import { fstatSync } from 'node:fs';
import { codeOf } from '../base/error-code.js';
import type { Sink } from '../host/sinks/line-sink.js';
import { systemPlatform } from '../host/look/system-names.js';
import { writeText } from './output.js';
import { writable } from './paint.js';
import { vmrun } from './vmrun.js';
import { fitLines, textWidth } from './wrap.js';

/** How long a reader of stderr that does not read is waited for at the end. */
const graceMs = 1000;

/**
 * Columns of the terminal that a descriptor leads to. Node.js makes a stream of it when it is first asked for, which a
 * pipe or a file is to be spared, and keeps up with a window that changes.
 */
function columns(descriptor: 1 | 2): number | undefined {
  try {
    if (!fstatSync(descriptor).isCharacterDevice()) return undefined;
  } catch {
    return undefined; // it is closed
  }
  const stream = descriptor === 1 ? process.stdout : process.stderr;
  watch(stream);
  return textWidth(stream.columns);
}

const watched = new Set<NodeJS.WriteStream>();

/**
 * While we are stopped nobody tells us of a window that changes, so Node.js is told when we go on. It looks, and that the
 * terminal is gone by then, for which the kernel sends the same signal, is no reason to fail.
 */
function watch(terminal: NodeJS.WriteStream): void {
  if (watched.has(terminal)) return;
  if (watched.size === 0) process.on('SIGCONT', () => process.kill(process.pid, 'SIGWINCH'));
  watched.add(terminal);
  terminal.on('error', () => undefined);
}

/** Asked for when it is needed: somebody may have removed it, and not every command needs one. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    const message = 'the working directory is gone, change to another one';
    throw Object.assign(new Error(message, { cause }), { code: codeOf(cause), syscall: 'getcwd' });
  }
}

/** The program. This file alone touches the process. @param simulator path of the launcher of bhyve-sim */
export async function main(simulator: string): Promise<void> {
  const diverted: { sink?: Sink } = {};
  const leaving = { isWanted: false };
  process.exitCode = await vmrun(process.argv.slice(2), {
    get workingDirectory() {
      return workingDirectory();
    },
    env: process.env,
    uid: process.getuid?.(),
    platform: process.platform,
    hostBhyve: systemPlatform(),
    simulator: [process.execPath, simulator],
    out: (text) => {
      writeText(1, writable(text));
    },
    err: (text) => {
      if (diverted.sink === undefined) writeText(2, writable(fitLines(text, columns(2))));
      else diverted.sink.write(writable(text));
    },
    divertErr: (sink) => {
      diverted.sink = sink;
    },
    columns,
    onSignals(signals, handler) {
      for (const signal of signals) process.on(signal, handler);
      return () => {
        for (const signal of signals) process.off(signal, handler);
      };
    },
    leave() {
      leaving.isWanted = true;
    },
    onExit(handler) {
      process.once('exit', handler);
    },
  });
  await diverted.sink?.end(graceMs);
  if (leaving.isWanted) process.exit();
}
