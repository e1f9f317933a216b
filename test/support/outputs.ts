import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../src/host/clock.js';
import { makeOutput, type OutputFile } from '../../src/host/process/output-file.js';
import { makePrivateFolder, privateFolder } from '../../src/host/files/private-folder.js';

/** Files for what children write, in a folder of a test file's own. */
export function outputFolder() {
  const base = mkdtempSync(path.join(tmpdir(), 'vmrun-outputs-'));
  let count = 0;
  return {
    /** What makes one. @param onText gets what is written there; nothing is to go wrong */
    output: (onText: (text: string) => void) => (): OutputFile | undefined => {
      const folder = path.join(base, String((count += 1)));
      makePrivateFolder(base, folder);
      return makeOutput(privateFolder(base, folder), 'output', {
        onText,
        onGap: (bytes) => {
          throw new Error(`a gap of ${bytes} bytes`);
        },
        onTrouble: (error) => {
          throw new Error(error);
        },
        clock: systemClock,
      });
    },
    remove: (): void => {
      rmSync(base, { recursive: true });
    },
  };
}
