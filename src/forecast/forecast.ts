import { child } from '../base/json-pointer.js';
import { inOrder, type Problem } from '../base/problem.js';
import { foretell, type Foretold } from '../bhyve/foretell/foretell.js';
import { optionAt } from '../bhyve/foretell/option-at.js';
import { raw } from '../devices/raw.js';
import { configLine } from '../machine/argv.js';
import { isKnown } from '../machine/config.js';
import { explainDraft, type ExplainedArgument } from '../machine/explain.js';
import type { Machine } from '../machine/machine.js';
import { hasOwnWords } from '../machine/own-words.js';
import { draft, type Draft, type PlanOptions } from '../machine/plan.js';
import type { EffectiveSpec, Spec } from '../spec/parse-spec.js';
import { wordsFor } from './words.js';

/** What a command is planned with, and how what bhyve refuses is told. */
export interface ForecastOptions extends PlanOptions {
  /** Of what bhyve refuses. Default: an error; a warning where another bhyve may be run. */
  readonly severity?: Problem['severity'];
}

/**
 * Says what bhyve will say to a spec where it uses bhyve's own words: `config`, `raw` devices, `extra_options`, and what
 * follows `--` on the command line. vmrun passes these on as they are; a model of bhyve's parser and of the checks at its
 * start is asked about the finished command of each target. What depends on the host is not foretold.
 * @param targets of `spec.targets`, each of which can be planned
 */
export function forecast(spec: Spec, targets: readonly string[], options: ForecastOptions = {}): readonly Problem[] {
  const { severity = 'error', ...planning } = options;
  return inOrder(
    targets.flatMap((target) => {
      const hasExtra = (planning.extraArguments ?? []).length > 0;
      if (!hasExtra && !hasOwnWords(spec.effective(target).vm)) return [];
      const drafted = draft(spec, target, planning);
      return drafted.ok ? forecastOf(drafted.value, planning, severity) : [];
    }),
  );
}

function forecastOf(drafted: Draft, options: PlanOptions, severity: Problem['severity']): readonly Problem[] {
  const { machine, effective } = drafted;
  const own = ownWordsOf(drafted);
  const explained = explainDraft(drafted, options);
  /** The argument that each word of the command is in. */
  const argumentOf = explained.flatMap((argument) => argument.words.map(() => argument));
  const ownAt = (index: number | undefined): OwnWords | undefined =>
    index === undefined ? undefined : own(argumentOf[index]);
  const told = foretell(machine.argv, {
    release: machine.release,
    arch: machine.arch,
    loaded: machine.loader !== undefined || machine.isLoadedByOthers,
    readFile: (path) => contentOf(machine, path),
    isSuspect: (index) => ownAt(index) !== undefined,
  });
  return told.flatMap((one): readonly Problem[] => {
    const { index } = one;
    const from = ownAt(index);
    if (from === undefined && one.kind !== 'refusal') return [];
    if (one.kind === 'unread' && isToldAlready(one, from)) return [];
    const option = index === undefined ? [] : optionAt(machine.argv, index, machine);
    return [problemOf(one, { from, option, argument: argumentOf[index ?? -1], effective, machine, severity })];
  });
}

/** Where bhyve's own words stand: a pointer into the effective spec; undefined: on vmrun's command line. */
interface OwnWords {
  readonly pointer: string | undefined;
}

/** Tells the arguments of a command that are bhyve's own words, by the places that they come from. */
function ownWordsOf({ effective, parts }: Draft): (argument: ExplainedArgument | undefined) => OwnWords | undefined {
  const { config = {}, extra_options: extra = [] } = effective.vm;
  const pointers = [
    ...Object.keys(config).map((key) => child('/config', key)),
    ...parts.filter(({ model }) => model === raw).map(({ pointer }) => pointer),
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

const placeKey = ({ line, column, pointer }: { line: number; column: number; pointer: string }): string =>
  `${line}:${column} ${pointer}`;

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

interface Whereabouts {
  readonly from: OwnWords | undefined;
  readonly option: readonly string[];
  readonly argument: ExplainedArgument | undefined;
  readonly effective: EffectiveSpec;
  readonly machine: Machine;
  readonly severity: Problem['severity'];
}

function problemOf(told: Foretold, { from, option, argument, effective, machine, severity }: Whereabouts): Problem {
  const isWarning = told.kind !== 'refusal' && told.kind !== 'end';
  const where = from === undefined ? 'field' : whereOf(from.pointer);
  const finding = {
    code: codes[told.kind],
    severity: isWarning ? ('warning' as const) : severity,
    ...wordsFor(told, { where, option, machine }),
  };
  if (from?.pointer !== undefined) {
    return effective.problem({ ...finding, pointer: where === 'raw' ? child(from.pointer, 'value') : from.pointer });
  }
  const source = argument?.sources[0];
  return source?.kind === 'spec' ? { ...finding, place: source.place } : finding;
}

const codes: Readonly<Record<Foretold['kind'], string>> = {
  refusal: 'bhyve-refuses',
  end: 'bhyve-refuses',
  warning: 'bhyve-warns',
  unread: 'config-unread',
  overruled: 'config-overruled',
};

const whereOf = (pointer: string | undefined): 'config' | 'raw' | 'extra_options' | 'command line' => {
  if (pointer === undefined) return 'command line';
  if (pointer.startsWith('/config/')) return 'config';
  return pointer.startsWith('/extra_options') ? 'extra_options' : 'raw';
};
