import { child } from '../base/json-pointer.js';
import { inOrder, placeKey, type Problem } from '../base/problem.js';
import { foretell, type Foretold } from '../bhyve/foretell/foretell.js';
import { optionAt } from '../bhyve/foretell/option-at.js';
import { raw } from '../devices/raw.js';
import { configLine } from '../machine/argv.js';
import { isKnown } from '../machine/config.js';
import { explainPlan, type ExplainedArgument } from '../machine/explain.js';
import type { Machine } from '../machine/machine.js';
import { hasOwnWords } from '../machine/own-words.js';
import { planInDetail, planDespiteFaults, type DetailedPlan, type PlanOptions } from '../machine/plan.js';
import type { EffectiveSpec, Spec } from '../spec/parse-spec.js';
import { sharedIn, type Shared } from './shared.js';
import { wordsFor } from './words.js';

/** What a command is planned with, and how what bhyve refuses is told. */
export interface ForecastOptions extends PlanOptions {
  /** Of what bhyve refuses. Default: an error; a warning where another bhyve may be run. */
  readonly severity?: Problem['severity'];
  /** Tell also what the fields alone share, as a check of the host tells: one interface for two cards. Default: false. */
  readonly withoutHost?: boolean;
  /** Default: true. */
  readonly ownWords?: boolean;
  /** What is wrong with the spec, which is looked at all the same: nothing is told where an error is told already. */
  readonly despite?: readonly Problem[];
}

/**
 * Says what bhyve will say to a spec where it uses bhyve's own words: `config`, `raw` devices, `extra_options`, and what
 * follows `--` on the command line. vmrun passes these on as they are; a model of bhyve's parser and of the checks at its
 * start is asked about the finished command of each target. What depends on the host is not foretold.
 * @param targets of `spec.targets`, each of which can be planned
 */
export function forecast(spec: Spec, targets: readonly string[], options: ForecastOptions = {}): readonly Problem[] {
  const { severity = 'error', withoutHost = false, ownWords = true, despite, ...planning } = options;
  const isToldOf = placesOf(despite ?? []);
  return inOrder(
    targets.flatMap((target) => {
      const hasOwn = ownWords && ((planning.extraArguments ?? []).length > 0 || hasOwnWords(spec.effective(target).vm));
      if (!hasOwn && !withoutHost) return [];
      const detailed =
        despite === undefined ? soundPlan(spec, target, planning) : planDespiteFaults(spec, target, planning);
      if (detailed === undefined) return [];
      const found = forecastOf(detailed, planning, { severity, withoutHost, hasOwn, isSound: despite === undefined });
      return found.filter(({ place }) => place === undefined || !isToldOf.has(placeKey(place)));
    }),
  );
}

function soundPlan(spec: Spec, target: string, options: PlanOptions): DetailedPlan | undefined {
  const detailed = planInDetail(spec, target, options);
  return detailed.ok ? detailed.value : undefined;
}

/** Where errors are told; of bhyve's options in one text there may be more to say. */
const placesOf = (problems: readonly Problem[]): ReadonlySet<string> =>
  new Set(
    problems.flatMap(({ severity, code, place }) =>
      severity === 'error' && code !== 'extra-options' && place !== undefined ? [placeKey(place)] : [],
    ),
  );

type Wanted = Required<Pick<ForecastOptions, 'severity' | 'withoutHost'>> & {
  /** There are words of bhyve's own. */
  readonly hasOwn: boolean;
  /** The spec has no faults: what bhyve refuses of its fields is worth telling. */
  readonly isSound: boolean;
};

function forecastOf(
  detailed: DetailedPlan,
  options: PlanOptions,
  { severity, withoutHost, hasOwn, isSound }: Wanted,
): readonly Problem[] {
  const { machine, effective } = detailed;
  if (!hasOwn && machine.requirements.filter(({ need }) => hostNeeds.has(need.kind)).length < 2) return [];
  const own = ownWordsOf(detailed);
  const explained = explainPlan(detailed, options);
  /** The argument that each word of the command is in. */
  const argumentOf = explained.flatMap((argument) => argument.words.map(() => argument));
  const ownAt = (index: number | undefined): OwnWords | undefined =>
    index === undefined ? undefined : own(argumentOf[index]);
  const shared = sharedIn(machine, (path) => contentOf(machine, path) ?? '').flatMap((one) => {
    const from = [one.index, one.otherIndex].find((index) => ownAt(index) !== undefined);
    const isTold = from === undefined ? withoutHost && isHosts(one) : hasOwn && !isSeenByTwins(one, ownAt);
    return isTold ? [{ ...one, at: from ?? one.index }] : [];
  });
  const told = !hasOwn
    ? []
    : foretell(machine.argv, {
        release: machine.release,
        arch: machine.arch,
        loaded: machine.loader !== undefined || machine.isLoadedByOthers,
        readFile: (path) => contentOf(machine, path),
        isSuspect: (index) => ownAt(index) !== undefined,
      });
  const isTold = new Set(shared.filter(isHosts).flatMap(({ index, otherIndex }) => [index, otherIndex]));
  return [
    ...told.flatMap((one): readonly Problem[] => {
      const { index } = one;
      const from = ownAt(index);
      if (from === undefined && (one.kind !== 'refusal' || !isSound)) return [];
      if (one.kind === 'unread' && isToldAlready(one, from)) return [];
      if (one.kind === 'refusal' && index !== undefined && isTold.has(index)) return [];
      const option = index === undefined ? [] : optionAt(machine.argv, index, machine);
      const isWarning = one.kind !== 'refusal' && one.kind !== 'end';
      const where = from === undefined ? 'field' : whereOf(from.pointer);
      const finding = {
        code: codes[one.kind],
        severity: isWarning ? ('warning' as const) : severity,
        ...wordsFor(one, { where, option, machine }),
      };
      return [placed(finding, from, argumentOf[index ?? -1], effective)];
    }),
    ...shared.map((one) => {
      const finding = { ...one.words, severity: isHosts(one) ? severity : ('warning' as const) };
      return placed(finding, ownAt(one.at), argumentOf[one.at ?? -1], effective);
    }),
  ];
}

const hostNeeds: ReadonlySet<string> = new Set(['interface', 'tcp-port', 'free-socket', 'host-card']);

/** The second who asks the host for it is refused, and bhyve ends. */
const isHosts = ({ kind }: Pick<Shared, 'kind'>): boolean => ['interface', 'port', 'socket', 'card'].includes(kind);

/** What fields and `config` say of MACs and serial numbers is told without bhyve's code. */
const isSeenByTwins = (
  { kind, index, otherIndex }: Shared,
  ownAt: (index: number | undefined) => OwnWords | undefined,
): boolean =>
  (kind === 'mac' || kind === 'serial') &&
  [index, otherIndex].map(ownAt).every((own) => own === undefined || own.pointer?.startsWith('/config/') === true);

/** Where bhyve's own words stand: a pointer into the effective spec; undefined: on vmrun's command line. */
interface OwnWords {
  readonly pointer: string | undefined;
}

/** Tells the arguments of a command that are bhyve's own words, by the places that they come from. */
function ownWordsOf({
  effective,
  seats,
}: DetailedPlan): (argument: ExplainedArgument | undefined) => OwnWords | undefined {
  const { config = {}, extra_options: extra = [] } = effective.vm;
  const pointers = [
    ...Object.keys(config).map((key) => child('/config', key)),
    ...seats.flatMap(({ part }) => (part?.model === raw ? [part.pointer] : [])),
    ...(typeof extra === 'string' ? ['/extra_options'] : extra.map((_, index) => child('/extra_options', index))),
  ];
  const byPlace = new Map(pointers.map((pointer) => [placeKey(effective.place(pointer)), pointer]));
  return (argument) => {
    for (const source of argument?.sources ?? []) {
      if (source.kind === 'command-line') return { pointer: undefined };
      const pointer = source.kind === 'spec' ? byPlace.get(placeKey(source.place)) : undefined;
      if (pointer !== undefined) return { pointer };
    }
    return undefined;
  };
}

/** The private file, with something in the place of each secret; what others wrote is not known. */
function contentOf({ privateConfig }: Machine, path: string): string | undefined {
  if (path !== privateConfig?.path) return undefined;
  return (
    privateConfig.content + privateConfig.fromFiles.map(({ key }) => configLine({ key, value: 'secret' })).join('')
  );
}

/** The spec's own checks report a variable outside of devices that no bhyve knows. */
const isToldAlready = ({ variable = '' }: Foretold, from: OwnWords | undefined): boolean =>
  from?.pointer?.startsWith('/config/') === true && !variable.startsWith('pci.') && !isKnown(variable);

function placed(
  finding: Omit<Problem, 'place' | 'subject'>,
  from: OwnWords | undefined,
  argument: ExplainedArgument | undefined,
  effective: EffectiveSpec,
): Problem {
  if (from?.pointer !== undefined) {
    const { pointer } = from;
    return effective.problem({ ...finding, pointer: whereOf(pointer) === 'raw' ? child(pointer, 'value') : pointer });
  }
  const source = argument?.sources[0];
  if (source?.kind !== 'spec') return finding;
  return { ...finding, place: source.place };
}

const codes: Readonly<Record<Foretold['kind'], string>> = {
  refusal: 'bhyve-refuses',
  end: 'bhyve-refuses',
  warning: 'bhyve-warns',
  unread: 'config-unread',
  overruled: 'config-overruled',
  misread: 'bhyve-misreads',
};

const whereOf = (pointer: string | undefined): 'config' | 'raw' | 'extra_options' | 'command line' => {
  if (pointer === undefined) return 'command line';
  if (pointer.startsWith('/config/')) return 'config';
  return pointer.startsWith('/extra_options') ? 'extra_options' : 'raw';
};
