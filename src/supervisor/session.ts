import type { Host } from '../host/host.js';
import type { PidFile } from '../host/pid-file.js';
import { processStart } from '../host/process-identity.js';
import type { RunDirectory, RunState } from '../host/run-directory.js';
import type { LoaderPrograms } from '../machine/loader.js';
import type { Machine } from '../machine/machine.js';
import type { Cleaner } from './cleanup.js';
import type { Emit } from './events.js';
import type { Explanation } from './explain.js';
import type { Hooks } from './hooks.js';
import type { RunEnd } from './run-end.js';
import type { StopSignals } from './stop.js';

/** What the boots of one run share. */
export interface Session {
  readonly host: Host;
  readonly emit: Emit;
  readonly signals: StopSignals;
  readonly cleaner: Cleaner;
  readonly hooks: Hooks;
  readonly directory: RunDirectory;
  readonly pidFile: PidFile | undefined;
  /** The bhyve program, and words that go before its options. */
  readonly bhyve: readonly string[];
  readonly loaders: LoaderPrograms;
  readonly env: (machine: Machine) => Readonly<Record<string, string>>;
  readonly onStderr: (text: string) => void;
  readonly saveState: (more: Partial<RunState>) => void;
}

export interface BootResult {
  readonly end: RunEnd;
  readonly aliveMs: number;
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

/** Tells the next run which process this is. What costs a process on some systems is not waited for. */
export async function rememberProcess(
  { host, saveState }: Session,
  role: 'bhyve' | 'loader',
  { target }: Machine,
  boot: number,
  pid: number,
  ended: AbortSignal,
): Promise<void> {
  saveState({ target, boot, [role]: { pid } });
  const start = await processStart(pid, host.run);
  if (start !== undefined && !ended.aborted) saveState({ target, boot, [role]: { pid, start } });
}
