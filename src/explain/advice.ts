/** What a machine has, by name: a field of its spec, a model of device, `--` for words from the command line. */
export type Has = (what: string) => boolean;

/** Words that make sense only for a machine that has one of some things. */
interface Bound {
  readonly has: readonly string[];
  readonly say: string;
}

/** "Look at" those of some places that the machine has. */
interface Look {
  readonly places: readonly Bound[];
}

/** What to do: clauses, of which a machine is told those that make sense for it. */
export type Advice = string | readonly (string | Bound | Look)[];

/** Words for a machine that has one of some things. Default: what the words begin with, the field or the model. */
export const about = (say: string, ...has: readonly string[]): Bound => ({ say, has: has.length > 0 ? has : [say] });

/** Where a user may have written an option of bhyve by hand. */
export const byOption = (option: string): readonly Bound[] => [
  about(`${option} in extra_options`, 'extra_options'),
  about(`${option} behind "--"`, '--'),
];

/** Where a user may have written a variable of bhyve by hand. */
export const byVariable = (variable: string): readonly Bound[] => [
  about(`${variable} in config`, 'config'),
  ...byOption(`-o ${variable}`),
];

export const rawDevices = about('raw devices', 'raw');

/** What vmrun passes on without a look inside. */
export const unchecked: readonly Bound[] = [
  about('extra_options'),
  about('config'),
  rawDevices,
  about('what follows "--"', '--'),
];

/** "Look at …": of the places those that the machine has; a text is a field or a model, or begins with it and a dot. */
export const look = (...places: readonly (string | Bound | readonly Bound[])[]): Look => ({
  places: places.flatMap((place) =>
    typeof place === 'string' ? [about(place, place.replace(/ .*/, ''))] : 'say' in place ? [place] : place,
  ),
});

/** For whatever nothing better is known of. */
export const byHand = 'look at the command with --dry-run and run it by hand';

/** An advice for one machine. */
export function advise(advice: Advice, has: Has): string {
  if (typeof advice === 'string') return advice;
  const isThere = (bound: Bound): boolean => bound.has.some(has);
  const clauses = advice.flatMap((clause) => {
    if (typeof clause === 'string') return [clause];
    if ('say' in clause) return isThere(clause) ? [clause.say] : [];
    const places = clause.places.filter(isThere).map(({ say }) => say);
    return places.length === 0 ? [] : [`look at ${listed(places)}`];
  });
  return clauses.length === 0 ? byHand : clauses.join('; ');
}

const listed = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
