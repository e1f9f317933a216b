import path from 'node:path';
import { errorWords } from '../base/error-words.js';
import type { Problem } from '../base/problem.js';
import type { Host } from '../host/host.js';
import type { PidFile } from '../host/files/pid-file.js';
import type { Child } from '../host/process/child.js';
import type { SpawnOptions, Survivor } from '../host/process/spawn-options.js';
import { identify, type ProcessIdentity } from '../host/process/process-identity.js';
import type { RunDirectory } from '../host/run-directory/run-directory.js';
import { keptSpecFile, vmLockFile, type Note } from '../host/run-directory/run-files.js';
import { deviceMapName, type LoaderPrograms } from '../machine/loader.js';
import type { Loader, Machine } from '../machine/machine.js';
import { privateConfigName } from '../machine/plan.js';
import type { ConsolePlace } from './console-place.js';
import type { Cleaner } from './cleanup.js';
import type { Emit } from './events.js';
import type { Explanation } from '../explain/rule.js';
import type { Hooks } from './hooks.js';
import type { RunEnd } from '../explain/run-end.js';
import { ownProcess, type VmProcess } from './power-button.js';
import type { Secrets } from './private-text.js';
import type { StateKeeper } from './state-keeper.js';
import type { RunSignals } from './requests.js';

/** What the boots of one run share. */
export interface Session {
  readonly host: Host;
  readonly emit: Emit;
  readonly signals: RunSignals;
  readonly cleaner: Cleaner;
  readonly hooks: Hooks;
  readonly directory: RunDirectory;
  readonly state: StateKeeper;
  readonly secrets: Secrets;
  readonly pidFile: PidFile | undefined;
  /** The bhyve program, and words that go before its options. */
  readonly bhyve: readonly string[];
  readonly loaders: LoaderPrograms;
  readonly env: (machine: Machine) => Readonly<Record<string, string>>;
  readonly onStderr: (text: string, program: 'bhyve' | Loader['kind']) => void;
  /** That which vmrun serves. */
  readonly console: ConsolePlace;
  /** Gets the bytes of a guest's console on stdio, in place of descriptor 1. */
  readonly onConsole: ((bytes: Uint8Array) => void) | undefined;
}

export interface BootResult {
  readonly end: RunEnd;
  readonly aliveMs: number;
  /** Of bhyve, where there was one. */
  readonly pid?: number;
  /** Where it was no doing of the guest or of us. */
  readonly why?: Explanation;
}

/** Of bhyve and of its loader. */
export const environmentOf = ({ env }: Session, machine: Machine, boot: number): Readonly<Record<string, string>> => ({
  ...env(machine),
  VMRUN_NAME: machine.name,
  VMRUN_TARGET: machine.target,
  VMRUN_BOOT: String(boot),
});

/** Standard input and output of bhyve, or of its loader: the console that vmrun serves, ours, or none. */
export function stdioOf(
  { console, onConsole }: Session,
  { servesConsole, usesStdio }: Pick<Machine, 'servesConsole' | 'usesStdio'>,
  { stdout, stderr }: { readonly stdout: SpawnOptions['stdout']; readonly stderr: SpawnOptions['stderr'] },
): Pick<SpawnOptions, 'stdin' | 'stdout' | 'stderr'> {
  if (servesConsole) return { ...console.stdio, stderr };
  if (!usesStdio) return { stdin: 'ignore', stdout, stderr };
  return { stdin: 'inherit', stdout: onConsole === undefined ? 1 : { onBytes: onConsole }, stderr };
}

/** What `degraded` calls them. */
export const pidFilePart = 'pid file';
const notePart = 'note';
const filesPart = 'run directory';

/** How the next child is found should we be killed; where the note of the one before cannot be removed, by the rest. */
export async function survivorOf({ directory, state, host }: Session, note: Omit<Note, 'pid'>): Promise<Survivor> {
  try {
    await directory.clearNote(host.run);
    state.degraded(notePart, undefined);
  } catch (error) {
    state.degraded(notePart, errorWords(error));
  }
  return directory.survivor(note);
}

/**
 * Removes the files that bhyve and its loader have read, but for those of the machine that boots next: where its file
 * cannot be written, the one of the boot before will do if it is the same.
 */
export function removeOldFiles({ directory, state }: Session, { privateConfig, loader }: Machine): void {
  const needed = new Set((loader?.files ?? []).map((file) => path.basename(file.path)));
  if (privateConfig !== undefined) needed.add(privateConfigName);
  needed.add(keptSpecFile);
  state.beside(filesPart, () => {
    directory.removeWritten(needed);
  });
}

/** The same of a run that was killed. What cannot be removed is tried again at the end. */
export function removeLeftFiles(
  { directory, state }: Pick<Session, 'directory' | 'state'>,
  ...more: readonly string[]
): void {
  state.beside(filesPart, () => {
    directory.remove(privateConfigName, deviceMapName, keptSpecFile, ...more);
  });
}

const settleMs = 5;
const maxLooks = 20;

/** A child that runs the VM or loads it, to be signalled. */
interface Remembered extends VmProcess {
  /** It is known which process it is, or it has ended before. */
  readonly identified: Promise<void>;
}

/** Tells the next run which process this is. What costs a process on some systems is not waited for. */
export function rememberProcess(
  { host, state, directory }: Session,
  role: 'bhyve' | 'loader',
  child: Child,
  ended: AbortSignal,
): Remembered {
  const { pid } = child;
  let identity: ProcessIdentity = { pid };
  state.update({ phase: role === 'bhyve' ? 'running' : 'loading', [role]: identity });
  const isOver = (): boolean => ended.aborted;
  async function identifyIt(): Promise<void> {
    for (let looks = 1; ; looks += 1) {
      // It takes a moment until it runs what it is to run.
      await host.clock.sleep(settleMs, ended);
      if (isOver()) return;
      const known = await identify(pid, host.run);
      if (known === undefined || isOver()) return;
      identity = known;
      if (known.program === undefined && looks < maxLooks) continue;
      state.update({ [role]: known });
      return;
    }
  }
  const own = { identity: () => identity, vmLock: directory.file(vmLockFile) };
  return { ...ownProcess(child, own, host), identified: identifyIt() };
}

/** What is told where nobody waits for a child any more. */
export const tellUnwaited =
  ({ emit }: Pick<Session, 'emit'>, program: string) =>
  (): void => {
    emit({ kind: 'warning', problem: unwaited(program) });
  };

const unwaited = (program: string): Problem => ({
  code: 'shell-killed',
  severity: 'warning',
  message: `the shell that waits for ${program} was killed: ${program} is watched on, but nobody will know how it ended`,
  fix: 'do not signal it: a stop is asked for with vmrun stop',
});
