import type { BootGraph } from './boot-graph.js';
import type { MachineGraph } from './machine-graph.js';
import type { StartGraph } from './start-graph.js';

/** What is to be drawn: of a spec one of the first two, or both in one document; of a folder of specs the last. */
export interface Picture {
  readonly boots?: BootGraph;
  readonly machine?: MachineGraph;
  readonly starts?: StartGraph;
}

export const bootsTitle = ({ name }: BootGraph): string => `${name}: boot sequence`;

export const machineTitle = ({ name, target }: MachineGraph): string => `${name}: machine of target ${target}`;

export const startsTitle = ({ name }: StartGraph): string => `${name}: who waits for whom`;

/** What a grey target is. */
export const unreachedWords = (start: string): string => `not reached from ${start}, booted with -t only`;
