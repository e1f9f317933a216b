import { codeOf } from '../base/error-code.js';
import { systemHost, type Host } from '../host/host.js';
import { readSecret, type ReadSecret } from '../host/look/secret.js';
import { noVmm } from '../host/look/vmm.js';
import type { Machine } from '../machine/machine.js';
import type { RunOptions } from '../supervisor/run-options.js';

/**
 * What the simulator is told of each boot; it makes no VM in the kernel, and leaves alone those that are there.
 * @param scriptOf the script that a VM plays; undefined or `''`: the simulator's own choice
 */
export const simulation = (
  scriptOf: (machine: Machine) => string | undefined,
): { readonly host: Host; readonly env: NonNullable<RunOptions['env']> } => ({
  host: { ...systemHost(), vmm: noVmm, readSecret: simulatedSecret },
  env: (machine) => {
    const { release, arch, loader, isLoadedByOthers } = machine;
    const script = scriptOf(machine);
    return {
      VMRUN_SIM_RELEASE: String(release),
      VMRUN_SIM_ARCH: arch,
      ...(loader !== undefined || isLoadedByOthers ? { VMRUN_SIM_LOADED: 'yes' } : {}),
      ...(script === undefined || script === '' ? {} : { VMRUN_SIM_SCRIPT: script }),
    };
  },
});

/** A spec is simulated wherever it is, so a password file that is not there is one with some password. */
const simulatedSecret: ReadSecret = (path) =>
  readSecret(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return 'simulate';
    throw error;
  });
