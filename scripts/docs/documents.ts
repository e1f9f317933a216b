import { bhyveDocument } from './bhyve-document.js';
import { commandsDocument } from './commands-document.js';
import { devicesDocument } from './devices-document.js';
import { rescuePicture } from './pictures.js';
import { simulatorPage } from './man/sim-page.js';
import { specPage } from './man/spec-page.js';
import { vmrunPage } from './man/vmrun-page.js';
import { specDocument } from './spec-document.js';

/** The documents that are made of the sources: for each file, named relative to the project, what it must hold. */
export const documents = async (): Promise<ReadonlyMap<string, string>> =>
  new Map([
    ['docs/spec.md', specDocument()],
    ['docs/devices.md', await devicesDocument()],
    ['docs/bhyve.md', bhyveDocument()],
    ['docs/commands.md', await commandsDocument()],
    ['docs/rescue.svg', await rescuePicture()],
    ['man/vmrun.8', await vmrunPage()],
    ['man/vmrun.json.5', specPage()],
    ['man/bhyve-sim.8', simulatorPage()],
  ]);
