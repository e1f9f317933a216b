import type { BootGraph } from './boot-graph.js';
import type { MachineGraph } from './machine-graph.js';

/** What is to be drawn: one of the two, or both in one document. */
export interface Picture {
  readonly boots?: BootGraph;
  readonly machine?: MachineGraph;
}

export const bootsTitle = ({ name }: BootGraph): string => `${name}: boot sequence`;

export const machineTitle = ({ name, target }: MachineGraph): string => `${name}: machine of target ${target}`;

/** What a grey target is. */
export const unreachedWords = (start: string): string => `not reached from ${start}, booted with -t only`;
