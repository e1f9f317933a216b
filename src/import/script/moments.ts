import type { Ran, Run, Started } from './run.js';

/** When a command of the script is run: before bhyve, beside it, between two of its boots, or when the last has ended. */
export type Moment = 'before' | 'during' | 'between' | 'after';

/** A command that does something else than to start the VM. */
export interface Done extends Ran {
  readonly moment: Moment;
}

/** What was done on a way through the script. */
export function doneIn({ ran, started }: Run, chosen: Started): readonly Done[] {
  const places = started.flatMap(({ site }, at) => (site === chosen.site ? [at] : []));
  const [first, last] = [places[0], places.at(-1)];
  return ran.map((each) => {
    const isBefore = first === undefined || last === undefined || each.after <= first;
    if (isBefore) return { ...each, moment: 'before' };
    return { ...each, moment: each.isBeside ? 'during' : each.after <= last ? 'between' : 'after' };
  });
}
