import type { Problem } from '../base/problem.js';
import { count } from '../base/text.js';
import type { Configuration } from './configuration.js';
import { itemPrefix, type Carried } from './draft.js';
import { noteAt, type Original, type Source } from './original.js';
import type { Settled } from './settle.js';

/** A note for each part of a spec that is in bhyve's own words, which vmrun passes on as they are. */
export function carriedNotes(
  source: Source,
  original: Original,
  configuration: Configuration,
  { carried }: Pick<Settled, 'carried'>,
): readonly Problem[] {
  return carried.map((part) =>
    noteAt(
      source,
      lineOf(part, original, configuration),
      'own-words',
      `${nameOf(part, configuration)} is carried as it is, ${places[part.by]}: ${part.why}`,
    ),
  );
}

const places: Readonly<Record<Carried['by'], string>> = {
  raw: 'by a raw device',
  config: 'in "config"',
  extra_options: 'in "extra_options"',
};

/** The line of the variable where the text has one, else of the option that sets it. */
function lineOf(
  { variable }: Carried,
  { line, lineOf: lineOfWord }: Original,
  { setBy, items }: Configuration,
): number | undefined {
  const option =
    setBy.get(variable) ??
    items.find(({ name }) => itemPrefix + name === variable)?.option ??
    variable.replace(/^-\S+ /, '');
  return lineOfWord(variable) ?? lineOfWord(option) ?? line;
}

function nameOf({ variable }: Carried, { variables }: Configuration): string {
  const [, bus = '', slot = '', func = ''] = /^pci\.(\d+)\.(\d+)\.(\d+)\.device$/.exec(variable) ?? [];
  if (bus === '') return variable;
  const settings = [...variables.keys()].filter((key) => key.startsWith(`pci.${bus}.${slot}.${func}.`)).length - 1;
  const device = `the ${variables.get(variable) ?? ''} at ${bus}:${slot}:${func}`;
  return settings === 0 ? device : `${device} with its ${count(settings, 'setting')}`;
}
