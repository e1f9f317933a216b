import { BhyveExit, crash, exitError, warn } from '../outcome.js';
import type { StartContext } from './start-context.js';

const tpmTypes = ['passthru', 'swtpm'];
/** EINVAL, which the message gives as a number. */
const invalidNumber = 22;

/** Whether there is an lpc device does not matter here, although a guest finds no TPM without one. */
export function startTpm({ config, output }: StartContext): void {
  const node = config.find('tpm');
  if (node === undefined) return;
  const refuse = (message: string): never => {
    warn(output, message);
    warn(output, `init_tpm: unable to create a TPM device (${invalidNumber})`);
    output.stderr.push('Failed to init TPM device');
    throw new BhyveExit(exitError);
  };
  // bhyve asserts that `-l tpm` has set these two; `-o tpm.path=…` alone aborts it.
  const version = config.getFrom(node, 'version') ?? crash('SIGABRT');
  if (version !== '2.0') refuse(`tpm_device_create: unsupported tpm version ${version}`);
  const type = config.getFrom(node, 'type') ?? crash('SIGABRT');
  if (!tpmTypes.includes(type)) refuse(`TPM emulation "${type}" not found`);
  if (config.getFrom(node, 'path') === undefined) refuse(`tpm_${type}_init: no socket or device path specified`);
  const intf = config.getFrom(node, 'intf') ?? 'crb';
  if (intf !== 'crb') refuse(`TPM interface "${intf}" not found`);
  const ppi = config.getFrom(node, 'ppi') ?? 'qemu';
  if (ppi !== 'qemu') refuse(`TPM PPI "${ppi}" not found`);
}
