import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { writeLines } from './effects.js';

/** Tells a process that it is the child of a monitor; its descriptor 3 is at its end when the monitor is gone. */
export const monitoredVariable = 'VMRUN_SIM_MONITORED';
const lifeline = 3;

const exitError = 4;

/**
 * bhyve's monitor mode: a child runs the guest, one after the other while it reboots. The monitor itself handles no
 * signal, so SIGTERM ends it, and the child with it: vmm(4).
 */
export function monitor(boot: number, restarts: boolean): void {
  const child = spawn(process.execPath, process.argv.slice(1), {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, [monitoredVariable]: '1', VMRUN_BOOT: String(boot) },
  });
  child.once('exit', (status, signal) => {
    if (signal !== null) {
      writeLines(2, [`Child process was killed by signal ${signal}`]);
      process.exit(exitError);
    }
    if (status !== 0 || !restarts) process.exit(status ?? exitError);
    monitor(boot + 1, restarts);
  });
}

/** In the child: ends it when its monitor has ended. */
export function followMonitor(): void {
  const line = new Socket({ fd: lifeline, readable: true, writable: false });
  line.once('close', () => process.exit(exitError));
  line.resume();
}
