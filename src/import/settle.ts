import type { Problem } from '../base/problem.js';
import { shown } from '../base/text.js';
import { loadSpecText } from '../machine/load-spec.js';
import type { Loader } from '../machine/machine.js';
import { plan } from '../machine/plan.js';
import { readConfiguration, type Configuration } from './configuration.js';
import type { Unit } from './arrangement.js';
import { draftOf, itemPrefix, type Draft } from './draft.js';
import { meaningOf } from './meaning.js';
import type { Original } from './original.js';
import type { SpecObject } from './spec-object.js';

/** A variable that bhyve would get otherwise with the spec; absent: not at all. */
export interface Difference {
  readonly variable: string;
  readonly original?: string;
  readonly spec?: string;
}

/** A spec that comes as near to a configuration as vmrun can say it. */
export interface Settled {
  readonly spec: SpecObject;
  /** What vmrun does not take, whatever way it is said. */
  readonly problems: readonly Problem[];
  readonly differences: readonly Difference[];
  /** The program that vmrun would run before bhyve; undefined: none, or the spec has problems. */
  readonly loader: Loader | undefined;
}

/**
 * Finds the plainest spec that vmrun takes and that gives bhyve the configuration of the original. It is found by
 * trying: the spec is loaded and planned, bhyve's parser reads the command that comes out, and where a part of the
 * spec is refused, or says something else than the original, that part is said in a plainer way, and so on. So what
 * comes out is known to be the same, or the differences are known.
 */
export async function settle(configuration: Configuration, original: Original): Promise<Settled> {
  const refused = new Set<Unit>();
  for (;;) {
    const draft = draftOf(configuration, original, refused);
    const tried = await attempt(draft, configuration);
    const units = tried.blamed.filter((unit) => !refused.has(unit));
    const { spec } = draft;
    if (units.length === 0) return { spec, ...tried };
    for (const unit of units) refused.add(unit);
  }
}

interface Attempt extends Omit<Settled, 'spec'> {
  readonly blamed: readonly Unit[];
}

async function attempt({ spec, unitsAt, unitOf }: Draft, configuration: Configuration): Promise<Attempt> {
  const { platform } = configuration;
  const loaded = await loadSpecText(
    { name: 'spec', text: JSON.stringify(spec), format: 'json', resolveFile: (path) => path },
    platform,
  );
  const planned = loaded.ok ? plan(loaded.value, 'default', { ...platform, runDirectory: privateFolder }) : loaded;
  if (!planned.ok) {
    const problems = planned.problems.filter(({ severity }) => severity === 'error');
    const blamed = problems.flatMap(({ place }) => unitsAt(place?.pointer ?? ''));
    return { problems, blamed, differences: [], loader: undefined };
  }
  const machine = planned.value;
  const read = readConfiguration(machine.argv, {
    platform,
    readFile: (path) => (path === machine.privateConfig?.path ? machine.privateConfig.content : undefined),
  });
  // A bare device that bhyve does not take: its settings come too late, by -o.
  if (!read.ok) {
    const message = `bhyve would not take its command: ${read.messages.join('; ')}`;
    const problems: readonly Problem[] = [{ code: 'bhyve-refuses', severity: 'error', message }];
    return { problems, blamed: bareDevices(spec, unitsAt), differences: [], loader: undefined };
  }
  const differences = differencesBetween(configuration, read.configuration);
  return {
    problems: [],
    blamed: differences.flatMap(({ variable }) => unitOf(variable) ?? []),
    differences,
    loader: machine.loader,
  };
}

/** Where the private file would be; nothing is written. */
const privateFolder = '/var/run/vmrun/import';

const bareDevices = ({ emulations = [] }: SpecObject, unitsAt: Draft['unitsAt']): readonly Unit[] =>
  (Array.isArray(emulations) ? emulations : []).flatMap((device: unknown, index) =>
    typeof device === 'object' && device !== null && 'device' in device && device.device === 'raw'
      ? unitsAt(`/emulations/${index}`)
      : [],
  );

function differencesBetween(original: Configuration, spec: Configuration): readonly Difference[] {
  const [before, after] = [original, spec].map(meaningWithItems);
  const variables = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])]);
  return [...variables].sort().flatMap((variable): readonly Difference[] => {
    const [was, is] = [before?.get(variable), after?.get(variable)];
    if (was === is) return [];
    return [{ variable, ...(was === undefined ? {} : { original: was }), ...(is === undefined ? {} : { spec: is }) }];
  });
}

const meaningWithItems = ({ variables, items, platform }: Configuration): ReadonlyMap<string, string> =>
  new Map([
    ...meaningOf(variables, platform),
    ...items.map(
      ({ name, file, string = '' }) => [itemPrefix + name, file === undefined ? string : `<${file}`] as const,
    ),
  ]);

/** One sentence about what will not be the same. */
export function differenceWords({ variable, original, spec }: Difference): string {
  const word = (value: string | undefined): string =>
    value === undefined ? 'not set' : /password$/i.test(variable) ? '***' : shown(value);
  return `${variable} is ${word(original)} in the original and ${word(spec)} with this spec`;
}
