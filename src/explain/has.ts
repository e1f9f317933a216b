import type { Machine } from '../machine/machine.js';
import type { Has } from './advice.js';

type Parts = Pick<Machine, 'named' | 'devices' | 'argv' | 'loader' | 'usesStdio'>;

/**
 * What the rules may ask of a machine: fields of its spec, models of devices, whoever adds them to the command,
 * `loader` for one that vmrun starts, `stdio` for a console there.
 */
export function hasIn({ named, devices, argv, loader, usesStdio }: Parts): Has {
  const all = new Set([...named, ...devices.map(({ model }) => model), ...argv.flatMap(modelIn)]);
  if (loader === undefined) all.delete('loader');
  if (usesStdio) all.add('stdio');
  return (what) => all.has(what);
}

/** The model that an argument of bhyve adds: `-s 5,model,…` in one or two words, `pci.0.5.0.device=model`. */
function modelIn(word: string, at: number, argv: readonly string[]): readonly string[] {
  const slot = argv[at - 1] === '-s' ? word : /^-s(.+)/.exec(word)?.[1];
  const model = slot === undefined ? /^(?:-o)?pci\.[\d.]+\.device=(.+)/.exec(word)?.[1] : slot.split(',')[1];
  return model === undefined ? [] : [model];
}
