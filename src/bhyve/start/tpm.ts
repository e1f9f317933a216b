import { BhyveExit, crash, exitError, warn } from '../outcome.js';
import type { StartContext } from './start-context.js';

const tpmTypes = ['passthru', 'swtpm'];
/** Errors that the last message gives as numbers. */
const errors = { ENOENT: 2, EINVAL: 22 } as const;

/** Whether there is an lpc device does not matter here, although a guest finds no TPM without one. */
export function startTpm({ config, output }: StartContext): void {
  const node = config.find('tpm');
  if (node === undefined) return;
  const refuse = (message: string, error: keyof typeof errors = 'EINVAL'): never => {
    warn(output, message);
    warn(output, `init_tpm: unable to create a TPM device (${errors[error]})`);
    output.stderr.push('Failed to init TPM device');
    throw new BhyveExit(exitError);
  };
  // bhyve asserts that `-l tpm` has set these two; `-o tpm.path=…` alone aborts it.
  const version = config.getFrom(node, 'version') ?? crash('SIGABRT');
  if (version !== '2.0') refuse(`tpm_device_create: unsupported tpm version ${version}`);
  const type = config.getFrom(node, 'type') ?? crash('SIGABRT');
  if (!tpmTypes.includes(type)) refuse(`TPM emulation "${type}" not found`);
  const path = config.getFrom(node, 'path');
  if (path === undefined) {
    // One of the two looks whether there is a path, the other opens a null.
    refuse(
      type === 'swtpm'
        ? 'tpm_swtpm_init: no socket path specified'
        : 'tpm_passthru_init: unable to open tpm device "(null)"',
      'ENOENT',
    );
  }
  const intf = config.getFrom(node, 'intf') ?? 'crb';
  if (intf !== 'crb') refuse(`TPM interface "${intf}" not found`);
  const ppi = config.getFrom(node, 'ppi') ?? 'qemu';
  if (ppi !== 'qemu') refuse(`TPM PPI "${ppi}" not found\n`); // its text ends its line itself
}
