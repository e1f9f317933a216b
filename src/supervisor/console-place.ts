import { errorWords } from '../base/error-words.js';
import type { Clock } from '../host/clock.js';
import { openConsolePipes, type ConsolePipes } from '../host/run-directory/console-pipes.js';
import { isFifo } from '../host/run-directory/fifo.js';
import { servePeers, type PeerServer } from '../host/sinks/peer-socket.js';
import type { SpawnOptions } from '../host/process/spawn-options.js';
import type { RunDirectory } from '../host/run-directory/run-directory.js';
import { consoleInFile, consoleOutFile, consoleSocketFile } from '../host/run-directory/run-files.js';
import type { RunTool } from '../host/process/tools.js';
import { consoleServer, mostClients, mostOthers } from './console-server.js';
import type { ServedConsole } from './console.js';
import type { StateKeeper } from './state-keeper.js';

/** Where the console of a run is: its FIFOs, and the socket by which others come to it. */
export interface ConsolePlace {
  /** For a bhyve or a loader that has it. */
  readonly stdio: Pick<SpawnOptions, 'stdin' | 'stdout'>;
  /** What a boot with such a console needs; nothing of what was typed for the one before is left. */
  readonly prepare: () => Promise<void>;
  /** That of a bhyve which is taken over, where it has one. */
  readonly adopt: () => Promise<void>;
  /** Hands on what the guest has written by now: it has ended. */
  readonly settle: () => void;
  /** Lets go of it. A bhyve that goes on keeps it. */
  readonly close: () => void;
}

/** What `degraded` calls it. */
const part = 'console';

interface Needs {
  readonly directory: Pick<RunDirectory, 'file'>;
  readonly state: Pick<StateKeeper, 'degraded'>;
  readonly run: RunTool;
  readonly clock: Pick<Clock, 'sleep'>;
}

export function consolePlace({ directory, state, run, clock }: Needs, console: ServedConsole): ConsolePlace {
  let pipes: ConsolePipes | undefined;
  let server: PeerServer | undefined;
  const { onClient, ...clients } = consoleServer(console, clock);

  async function open(isAdopted: boolean): Promise<void> {
    pipes = await openConsolePipes({ file: directory.file, run, isAdopted, onOutput: console.onOutput });
    console.connect(pipes.write);
  }

  /** A console that nobody can come to does not keep a guest from running. */
  async function serve(): Promise<void> {
    if (server?.isThere() === true) return;
    server?.close();
    server = undefined;
    try {
      server = await servePeers(directory.file(consoleSocketFile), mostClients + mostOthers + 1, onClient);
      state.degraded(part, undefined);
    } catch (error) {
      state.degraded(part, errorWords(error));
    }
  }

  function close(): void {
    console.connect(undefined);
    pipes?.close();
    server?.close();
    clients.close();
    [pipes, server] = [undefined, undefined];
  }

  return {
    stdio: { stdin: { fifo: directory.file(consoleInFile) }, stdout: { fifo: directory.file(consoleOutFile) } },
    async prepare() {
      if (pipes === undefined) await open(false);
      else await pipes.prepare();
      await serve();
    },
    async adopt() {
      if (!isFifo(directory.file(consoleInFile)) || !isFifo(directory.file(consoleOutFile))) return;
      try {
        await open(true);
        // What a guest wrote whose end is to be told comes before it.
        pipes?.settle();
      } catch (error) {
        state.degraded(part, errorWords(error));
        return;
      }
      await serve();
    },
    settle: () => pipes?.settle(),
    close,
  };
}
