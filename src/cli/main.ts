import { systemPlatform } from '../host/platform.js';
import { writeText } from './output.js';
import { vmrun } from './vmrun.js';

/** The program. This file alone touches the process. @param simulator path of the launcher of bhyve-sim */
export async function main(simulator: string): Promise<void> {
  process.exitCode = await vmrun(process.argv.slice(2), {
    workingDirectory: process.cwd(),
    env: process.env,
    uid: process.getuid?.(),
    platform: process.platform,
    hostBhyve: systemPlatform(),
    simulator: [process.execPath, simulator],
    out: (text) => {
      writeText(1, text);
    },
    err: (text) => {
      writeText(2, text);
    },
    onSignals(signals, handler) {
      for (const signal of signals) process.on(signal, handler);
      return () => {
        for (const signal of signals) process.off(signal, handler);
      };
    },
  });
}
