import { child, steps } from '../base/json-pointer.js';
import { formatAddress } from '../base/pci-address.js';
import type { Place } from '../base/problem.js';
import { success, type Result } from '../base/result.js';
import type { EffectiveSpec, Spec } from '../spec/parse-spec.js';
import type { Setting } from '../fields/field.js';
import { deviceArguments, settingArguments } from './argv.js';
import { lockedValue, traitsOf, traitVariable, type Pin } from './identity.js';
import type { PlannedDevice } from './machine.js';
import type { Part } from '../fields/part.js';
import { planInDetail, type DetailedPlan, type PlanOptions } from './plan.js';
import type { Seat } from './seats.js';

/** Why something is in a command. */
export type Source =
  /** A value of the spec says it. */
  | { readonly kind: 'spec'; readonly place: Place }
  /** The spec does not say it: a field has its default. */
  | { readonly kind: 'default'; readonly field: string }
  /** Something else in the spec makes it necessary. */
  | { readonly kind: 'because'; readonly why: string; readonly place?: Place }
  /** A lock file keeps it. */
  | { readonly kind: 'lock' }
  /** It follows `--` on vmrun's own command line. */
  | { readonly kind: 'command-line' };

/** An option of the command with its value, or a word without one, and where it comes from. */
export interface ExplainedArgument {
  readonly words: readonly string[];
  /** The fields that make it, at least one. */
  readonly sources: readonly Source[];
  /** Where parts of a device's words come from: its slot, and what a guest knows it by where it is not as bhyve has it. */
  readonly details: readonly { readonly what: 'slot' | 'mac' | 'serial'; readonly source: Source }[];
}

/**
 * Says where each argument of a target's command comes from. The words of all of them, one after another, are `argv` of
 * the machine that `plan` gives for the same options.
 * @param target one of `spec.targets`
 */
export function explain(spec: Spec, target: string, options: PlanOptions = {}): Result<readonly ExplainedArgument[]> {
  const detailed = planInDetail(spec, target, options);
  return detailed.ok ? success(explainPlan(detailed.value, options), detailed.warnings) : detailed;
}

/** The same of a plan. */
export function explainPlan(detailed: DetailedPlan, options: PlanOptions): readonly ExplainedArgument[] {
  const { machine, effective, before, after, extraWords, seats } = detailed;
  const fromSettings = (settings: readonly Setting[]): readonly ExplainedArgument[] =>
    settings.flatMap((setting) =>
      inOptions(settingArguments(setting), setting.option !== undefined).map((words) => ({
        words,
        sources: setting.pointers.map((pointer) => sourceOf(setting, pointer, detailed)),
        details: [],
      })),
    );
  const plain = (word: string, source: Source): ExplainedArgument => ({
    words: [word],
    sources: [source],
    details: [],
  });
  const isList = typeof effective.vm.extra_options === 'object';
  return [
    ...fromSettings(before),
    ...seats.flatMap((seat) => deviceExplained(seat, detailed)),
    ...fromSettings(after),
    ...(machine.privateConfig === undefined
      ? []
      : [{ words: ['-k', machine.privateConfig.path], sources: secretSources(detailed), details: [] }]),
    ...extraWords.map((word, index) =>
      plain(word, said(effective, isList ? child('/extra_options', index) : '/extra_options')),
    ),
    ...(options.extraArguments ?? []).map((word) => plain(word, { kind: 'command-line' })),
    plain(machine.name, said(effective, '/name')),
  ];
}

const said = (effective: EffectiveSpec, pointer: string): Source => ({ kind: 'spec', place: effective.place(pointer) });

/** One list for each option: `-o` is repeated where no other option says a setting. */
function inOptions(words: readonly string[], isWhole: boolean): readonly (readonly string[])[] {
  if (isWhole || words.length === 0) return words.length === 0 ? [] : [words];
  return Array.from({ length: words.length / 2 }, (_, index) => words.slice(2 * index, 2 * index + 2));
}

/** The field that a pointer leads to, or why the machine has what the field does not say. */
function sourceOf({ because: reason }: Setting, pointer: string, { effective }: DetailedPlan): Source {
  if (reason === 'lock') return { kind: 'lock' };
  if (reason !== undefined) return because(effective, reason.pointer, reason.why);
  const [field = ''] = steps(pointer);
  return effective.isGiven(field) ? said(effective, pointer) : { kind: 'default', field };
}

const because = (effective: EffectiveSpec, pointer: string | undefined, why: string): Source => ({
  kind: 'because',
  why,
  ...(pointer === undefined ? {} : { place: effective.place(pointer) }),
});

function deviceExplained(
  { device, part, bridge, pin }: Seat,
  { effective, pins }: DetailedPlan,
): readonly ExplainedArgument[] {
  const words = deviceArguments(device);
  if (part === undefined) {
    const field = bridge?.field ?? 'hostbridge';
    const isSaid = effective.isGiven(field);
    const source: Source = isSaid ? said(effective, `/${field}`) : { kind: 'default', field };
    const isSlotSaid = field === 'lpc_slot' && isSaid;
    const slot = isSlotSaid
      ? source
      : slotSource(device, pin, field === 'lpc_slot' ? "the bridge's own" : 'the first free one');
    return [{ words, sources: [source], details: [{ what: 'slot', source: slot }] }];
  }
  const extra = part.broughtBy?.extra;
  const source = extra === undefined ? said(effective, part.pointer) : because(effective, part.pointer, extra.why);
  const details = [
    {
      what: 'slot' as const,
      source:
        part.slot === undefined
          ? slotSource(device, pin, pins === undefined ? 'the lowest free one' : 'the lowest that no target uses')
          : said(effective, child(part.pointer, 'slot')),
    },
    ...lockedTraits(device, part, pin, effective),
  ];
  return inOptions(words, words[0] === '-s').map((each) => ({ words: each, sources: [source], details }));
}

function slotSource({ address }: PlannedDevice, { kept, elsewhere }: Pin, why: string): Source {
  const isAt = formatAddress(address);
  return [kept, elsewhere].some((entry) => entry !== undefined && formatAddress(entry.address) === isAt)
    ? { kind: 'lock' }
    : { kind: 'because', why };
}

/** What a lock file says of a device that the spec leaves to bhyve. */
function lockedTraits(
  { address }: PlannedDevice,
  part: Part,
  { kept, elsewhere }: Pin,
  effective: EffectiveSpec,
): ExplainedArgument['details'] {
  const entry = kept ?? elsewhere;
  if (entry === undefined) return [];
  const { config = {} } = effective.vm;
  return traitsOf(part, effective).flatMap((trait) =>
    trait.said !== undefined ||
    Object.hasOwn(config, traitVariable(trait, address)) ||
    lockedValue(trait, entry) === undefined
      ? []
      : [{ what: trait.kind, source: { kind: 'lock' as const } }],
  );
}

/** The passwords that make the private file necessary. */
function secretSources({ machine, effective, seats }: DetailedPlan): readonly Source[] {
  const why = 'a password, kept off the command line';
  const ownerOf = new Map(seats.flatMap(({ device, part }) => device.variables.map(({ key }) => [key, part] as const)));
  return machine.variables
    .filter(({ isSecret }) => isSecret === true)
    .map(({ key, secretFile }) => {
      const part = ownerOf.get(key);
      if (part === undefined) return because(effective, child('/config', key), why);
      return because(effective, child(part.pointer, secretFile === undefined ? 'password' : 'password_file'), why);
    });
}
