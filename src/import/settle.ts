import type { Problem } from '../base/problem.js';
import { shown } from '../base/text.js';
import { loadSpecValue } from '../machine/load-spec.js';
import type { Loader } from '../machine/machine.js';
import { plan } from '../machine/plan.js';
import { readConfiguration, type Configuration } from './configuration.js';
import type { Unit } from './arrangement.js';
import { draftOf, itemPrefix, type Carried, type SpecDraft } from './draft.js';
import { meaningOf } from './meaning.js';
import type { Original } from './original.js';
import type { SpecObject } from './spec-object.js';

/** A variable that bhyve would get otherwise with the spec; absent: not at all. */
interface Difference {
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
  /** What the spec says in bhyve's own words, each with why no field says it. */
  readonly carried: readonly (Carried & { readonly why: string })[];
}

/**
 * Finds the plainest spec that vmrun takes and that gives bhyve the configuration of the original. It is found by
 * trying: the spec is loaded and planned, bhyve's parser reads the command that comes out, and where a part of the
 * spec is refused, or says something else than the original, that part is said in a plainer way, and so on. So what
 * comes out is known to be the same, or the differences are known.
 */
export async function settle(configuration: Configuration, original: Original): Promise<Settled> {
  /** Units to be said in a plainer way, each with why. */
  const refused = new Map<Unit, string>();
  const drafts: SpecDraft[] = [];
  for (;;) {
    const draft = draftOf(configuration, original, new Set(refused.keys()));
    const { blamed, ...tried } = await attempt(draft, configuration);
    const news = blamed.filter(({ unit }) => !refused.has(unit));
    if (news.length === 0) {
      const carried = draft.carried.map((one) => ({ ...one, why: one.why ?? reasonFor(one, drafts, refused) }));
      return { spec: draft.spec, ...tried, carried };
    }
    for (const { unit, why } of news) if (!refused.has(unit)) refused.set(unit, why);
    drafts.push(draft);
  }
}

/** What the first part of a draft that said it was refused for. */
function reasonFor({ variable }: Carried, drafts: readonly SpecDraft[], refused: ReadonlyMap<Unit, string>): string {
  const [, prefix] = /^(pci\.\d+\.\d+\.\d+\.)device$/.exec(variable) ?? [];
  const ofDevice = [...refused].find(([unit]) => prefix !== undefined && unit.split(' ')[1] === prefix);
  const why = ofDevice?.[1] ?? drafts.flatMap(({ unitOf }) => refused.get(unitOf(variable) ?? '') ?? [])[0];
  return why ?? 'no field of a spec says it';
}

interface Blame {
  readonly unit: Unit;
  readonly why: string;
}

interface Attempt extends Omit<Settled, 'spec' | 'carried'> {
  readonly blamed: readonly Blame[];
}

async function attempt({ spec, unitsAt, unitOf }: SpecDraft, configuration: Configuration): Promise<Attempt> {
  const { platform } = configuration;
  const loaded = await loadSpecValue({ name: 'spec', value: spec, resolveFile: (path) => path }, platform);
  const planned = loaded.ok ? plan(loaded.value, 'default', { ...platform, runDirectory: privateFolder }) : loaded;
  if (!planned.ok) {
    const problems = planned.problems.filter(({ severity }) => severity === 'error');
    const blamed = problems.flatMap(({ place, message }) =>
      unitsAt(place?.pointer ?? '').map((unit) => ({ unit, why: message })),
    );
    return { problems, blamed, differences: [], loader: undefined };
  }
  const machine = planned.value;
  const read = readConfiguration(machine.argv, {
    platform,
    readFile: (path) => (path === machine.privateConfig?.path ? machine.privateConfig.content : undefined),
  });
  // A bare device that bhyve does not take: its settings come too late, by -o.
  if (!read.ok) {
    const message = `bhyve would not accept its command: ${read.messages.join('; ')}`;
    const problems: readonly Problem[] = [{ code: 'bhyve-refuses', severity: 'error', message }];
    const blamed = bareDevices(spec, unitsAt).map((unit) => ({ unit, why: message }));
    return { problems, blamed, differences: [], loader: undefined };
  }
  const differences = differencesBetween(configuration, read.configuration);
  return {
    problems: [],
    blamed: differences.flatMap((difference) => {
      const unit = unitOf(difference.variable);
      return unit === undefined ? [] : [{ unit, why: whyNot(difference) }];
    }),
    differences,
    loader: machine.loader,
  };
}

/** Where the private file would be; nothing is written. */
const privateFolder = '/var/run/vmrun/import';

const bareDevices = ({ emulations = [] }: SpecObject, unitsAt: SpecDraft['unitsAt']): readonly Unit[] =>
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

const wordFor = ({ variable }: Difference, value: string | undefined): string =>
  value === undefined ? 'not set' : /password$/i.test(variable) ? '***' : shown(value);

/** One sentence about what will not be the same. */
export const differenceWords = (difference: Difference): string => {
  const { variable, original, spec } = difference;
  return `${variable} is ${wordFor(difference, original)} in the original and ${wordFor(difference, spec)} with this spec`;
};

/** Why a part is not said by fields. */
const whyNot = (difference: Difference): string =>
  `by the fields of a spec, ${difference.variable} would be ${wordFor(difference, difference.spec)}`;
