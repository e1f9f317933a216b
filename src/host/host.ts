import type { Platform } from '../devices/device.js';
import { spawnChild, type SpawnChild } from './process/child.js';
import { systemClock, type Clock } from './clock.js';
import { childrenOf } from './process/process-identity.js';
import { runHook, type RunHook } from './process/hook.js';
import { systemPlatform } from './look/system-names.js';
import { readSecret, type ReadSecret } from './look/secret.js';
import { runTool, type RunTool } from './process/tools.js';
import { vmmOf, type Vmm } from './look/vmm.js';

/** What a supervisor needs of the machine it runs on. Tests hand in one with a clock or a kernel of their own. */
export interface Host {
  /** Every pause and every time of an event; a test's own need not wait. */
  readonly clock: Clock;
  /** Short-lived tools: ifconfig, pciconf, bhyvectl. */
  readonly run: RunTool;
  /** bhyve and its loaders, which outlive this process should it be killed. */
  readonly spawn: SpawnChild;
  /** The spec's hooks. */
  readonly runHook: RunHook;
  /** What the kernel keeps of a VM; `noVmm` for a simulated one. */
  readonly vmm: Vmm;
  /** The content of a file that the spec names for a password. */
  readonly readSecret: ReadSecret;
  /** The bhyve of this host; empty where it has none. */
  readonly platform: Partial<Platform>;
  /** The children of a process. */
  readonly childrenOf: (pid: number) => Promise<readonly number[]>;
  /** Of this process. */
  readonly pid: number;
}

/** The machine that this process runs on. */
export const systemHost = (): Host => ({
  clock: systemClock,
  run: runTool,
  spawn: spawnChild,
  runHook,
  vmm: vmmOf({ run: runTool, clock: systemClock }),
  readSecret,
  platform: systemPlatform(),
  childrenOf: (pid) => childrenOf(pid, runTool),
  pid: process.pid,
});
