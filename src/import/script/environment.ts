import type { Run } from './run.js';
import { shownText } from './symbols.js';

/** Variables that bhyve, or what it is linked with, reads from its environment. */
const readByBhyve = /^(TZ|LD_\w+|MALLOC_\w+)$/;

/** Tells what of the script's environment is meant for bhyve, once it has its value. */
export function tellExported(run: Run, names: readonly (string | undefined)[], line: number): void {
  for (const name of names) {
    if (name === undefined || !readByBhyve.test(name)) continue;
    const value = shownText([run.variables.get(name) ?? ''].flat().join(' '), run.symbols);
    const message = `bhyve gets ${name}=${value} in its environment here`;
    run.lost.push({ line, code: 'wrapper', message, fix: 'set it for vmrun: bhyve inherits it' });
  }
}
