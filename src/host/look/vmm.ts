import { statSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../clock.js';
import type { RunTool } from '../process/tools.js';

/** The kernel's side of a VM: bhyve(8) leaves it behind on nearly every exit, with its memory. */
export interface Vmm {
  /** VMs show themselves in /dev/vmm at all: on FreeBSD. */
  readonly isAvailable: boolean;
  /** `/dev/vmm/NAME` is there. */
  exists(name: string): boolean;
  /** Resolves when bhyve has made it, or the signal is aborted; at once on a system that has no such thing. */
  appears(name: string, signal: AbortSignal): Promise<void>;
  /** Destroys it and waits until it is gone. False where it is still there after some seconds. */
  destroy(name: string): Promise<boolean>;
  /** Ends a running VM without asking the guest: bhyvectl --force-poweroff. */
  forcePowerOff(name: string): Promise<void>;
  /** Resets a running VM: its bhyve ends as for a reboot of the guest. Or why not: bhyvectl --force-reset. */
  forceReset(name: string): Promise<string | undefined>;
  /** Gives the guest a non-maskable interrupt. Or why not: bhyvectl --inject-nmi. */
  injectNmi(name: string): Promise<string | undefined>;
}

interface VmmOptions {
  readonly run: RunTool;
  readonly clock: Clock;
  /** Default: /dev/vmm. */
  readonly directory?: string;
  /** Default: bhyvectl. */
  readonly bhyvectl?: string;
  /** Default: on FreeBSD. */
  readonly isAvailable?: boolean;
}

/** Older kernels destroy a VM some time after they were asked to: sys/amd64/vmm/vmm_dev.c. */
const destroyTimeoutMs = 5000;
const pollMs = 5;

const notInKernel = 'the kernel has no such VM';

export function vmmOf(options: VmmOptions): Vmm {
  const { run, clock, directory = '/dev/vmm', bhyvectl = 'bhyvectl' } = options;
  const { isAvailable = process.platform === 'freebsd' } = options;
  const exists = (name: string): boolean =>
    statSync(path.join(directory, name), { throwIfNoEntry: false }) !== undefined;
  const control = async (name: string, option: string): Promise<string | undefined> => {
    if (!exists(name)) return `${notInKernel}: there is no ${path.join(directory, name)}`;
    const { exitCode, failure, stdout, stderr } = await run([bhyvectl, `--vm=${name}`, option]);
    if (exitCode === 0) return undefined;
    const [said = failure ?? `status ${exitCode}`] = `${stderr}\n${stdout}`
      .split('\n')
      .filter((line) => line.trim() !== '');
    return `${bhyvectl} ${option} failed: ${said}`;
  };
  return {
    isAvailable,
    exists,
    async appears(name, signal) {
      while (isAvailable && !exists(name) && !signal.aborted) await clock.sleep(pollMs, signal);
    },
    async destroy(name) {
      if (!exists(name)) return true;
      await run([bhyvectl, `--vm=${name}`, '--destroy']);
      const end = clock.monotonicMs() + destroyTimeoutMs;
      while (exists(name)) {
        if (clock.monotonicMs() >= end) return false;
        await clock.sleep(pollMs);
      }
      return true;
    },
    async forcePowerOff(name) {
      if (exists(name)) await run([bhyvectl, `--vm=${name}`, '--force-poweroff']);
    },
    forceReset: (name) => control(name, '--force-reset'),
    injectNmi: (name) => control(name, '--inject-nmi'),
  };
}

/** For a bhyve that makes no VM in the kernel, and must not meet those that are there: a simulated one. */
export const noVmm: Vmm = {
  isAvailable: false,
  exists: () => false,
  appears: () => Promise.resolve(),
  destroy: () => Promise.resolve(true),
  forcePowerOff: () => Promise.resolve(),
  forceReset: () => Promise.resolve(notInKernel),
  injectNmi: () => Promise.resolve(notInKernel),
};
