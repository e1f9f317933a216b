import type { Host } from '../host/host.js';
import type { PidFile } from '../host/pid-file.js';
import { identify } from '../host/process-identity.js';
import type { RunDirectory } from '../host/run-directory.js';
import type { LoaderPrograms } from '../machine/loader.js';
import type { Machine } from '../machine/machine.js';
import type { Cleaner } from './cleanup.js';
import type { Emit } from './events.js';
import type { Explanation } from './explain.js';
import type { Hooks } from './hooks.js';
import type { RunEnd } from './run-end.js';
import type { StateKeeper } from './state-keeper.js';
import type { StopSignals } from './stop.js';

/** What the boots of one run share. */
export interface Session {
  readonly host: Host;
  readonly emit: Emit;
  readonly signals: StopSignals;
  readonly cleaner: Cleaner;
  readonly hooks: Hooks;
  readonly directory: RunDirectory;
  readonly state: StateKeeper;
  readonly pidFile: PidFile | undefined;
  /** The bhyve program, and words that go before its options. */
  readonly bhyve: readonly string[];
  readonly loaders: LoaderPrograms;
  readonly env: (machine: Machine) => Readonly<Record<string, string>>;
  readonly onStderr: (text: string) => void;
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

/** Where a guest's console on stdio goes. */
export const consoleOf = ({ onConsole }: Session): 1 | { readonly onBytes: (bytes: Uint8Array) => void } =>
  onConsole === undefined ? 1 : { onBytes: onConsole };

const settleMs = 5;
const maxLooks = 20;

/** Tells the next run which process this is. What costs a process on some systems is not waited for. */
export async function rememberProcess(
  { host, state }: Session,
  role: 'bhyve' | 'loader',
  pid: number,
  ended: AbortSignal,
): Promise<void> {
  state.update({ phase: role === 'bhyve' ? 'running' : 'loading', [role]: { pid } });
  for (let looks = 1; ; looks += 1) {
    const known = await identify(pid, host.run);
    if (known === undefined || ended.aborted) return;
    // It takes a moment until it runs what it is to run.
    if (known.program !== undefined || looks === maxLooks) {
      state.update({ [role]: known });
      return;
    }
    await host.clock.sleep(settleMs, ended);
  }
}
