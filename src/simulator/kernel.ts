/** Tells a simulated bhyve that somebody plays the kernel and bhyvectl(8) for it. */
const kernelVariable = 'VMRUN_SIM_KERNEL';

/** What bhyvectl(8) has the kernel do to a VM. */
interface KernelActs {
  /** `--force-reset` */
  readonly reset: () => void;
  /** `--force-poweroff` */
  readonly powerOff: () => void;
  /** `--inject-nmi` */
  readonly interrupt: () => void;
}

/** SIGUSR1 is a forced reset, SIGUSR2 a forced power-off and SIGURG an NMI; whatever the guest does, it hears them. */
export function obeyKernel({ reset, powerOff, interrupt }: KernelActs): void {
  if ((process.env[kernelVariable] ?? '') === '') return;
  process.on('SIGUSR1', reset);
  process.on('SIGUSR2', powerOff);
  process.on('SIGURG', interrupt);
}
