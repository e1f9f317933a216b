import type { PciAddress } from '../base/pci-address.js';
import { inOrder, type Problem } from '../base/problem.js';
import { failure, success, type Result } from '../base/result.js';
import type { Ephemeral, Platform, Variable } from '../devices/device.js';
import { servedConsole } from '../devices/serial.js';
import type { EffectiveSpec, Spec } from '../spec/parse-spec.js';
import { defaultTarget } from '../spec/targets.js';
import { checkFields } from '../fields/checks.js';
import { checkAwaitedConsole, checkDeviceConsoles, consolesOf } from '../fields/consoles.js';
import { topologyOf, vcpusOf } from '../fields/cpu.js';
import { extraWords } from '../fields/extra-options.js';
import type { FieldContext, Setting, SettingContext, Stage } from '../fields/field.js';
import { isWired, memoryBytesOf, neededWiring } from '../fields/memory.js';
import type { Part } from '../fields/part.js';
import { policyOf } from '../fields/policy.js';
import { fieldsOfCommand } from '../fields/registry.js';
import type { VmSpec } from '../fields/vm-spec.js';
import { configLine, deviceArguments, settingArguments } from './argv.js';
import { checkBootOrder, checkLpcSlot, checkSingles, deviceFindings, type DeviceFindings } from './checks.js';
import { checkConfig } from './config.js';
import { loaderOf } from './loader.js';
import { pinsFor, type Identity, type Pins } from './identity.js';
import type { Machine } from './machine.js';
import { fieldsNamedIn } from './named.js';
import { partsOf } from './parts.js';
import { requirementsOf } from './requirements.js';
import { pathIn } from './run-path.js';
import { placesFor, seatAt, type TakenSlot, type Seat } from './seats.js';

/** Name of the private file in the run directory. */
export const privateConfigName = 'bhyve.conf';

export const defaultPlatform: Platform = { release: 15, arch: 'amd64' };

/** `release` and `arch` are those of the host, for a spec that names none. Default: 15 and amd64. */
export interface PlanOptions extends Partial<Platform> {
  /** Folder of what bhyve and its loader read: the private file, a device map. Default: the working directory. */
  readonly runDirectory?: string | undefined;
  /** What a lock file keeps: slots, and what else the guest knows its machine by. Default: nothing is kept. */
  readonly identity?: Identity | undefined;
  /** Words for bhyve from the command line, put after the spec's extra options. */
  readonly extraArguments?: readonly string[] | undefined;
  /** Host cards by the pointer of the device that looks one up; a device without stays a placeholder. */
  readonly hostCards?: ReadonlyMap<string, PciAddress> | undefined;
}

/** What a target's spec comes to before it is written as a command. */
interface Arranged {
  readonly memoryBytes: number;
  readonly places: readonly TakenSlot[];
  /** What a lock file keeps; absent: there is none. */
  readonly pins: Pins | undefined;
  readonly extraWords: readonly string[];
}

/**
 * What bhyve is to be told to boot one target of a spec: a calculation, so the same spec always gives the same
 * machine.
 * @param target one of `spec.targets`
 */
export function plan(spec: Spec, target: string, options: PlanOptions = {}): Result<Machine> {
  const detailed = planInDetail(spec, target, options);
  return detailed.ok ? success(detailed.value.machine, detailed.warnings) : detailed;
}

/** A machine with what it was made of, for those who tell why it is as it is. */
export interface DetailedPlan extends Arranged {
  readonly machine: Machine;
  readonly effective: EffectiveSpec;
  /** What is said before the devices, and after them. */
  readonly before: readonly Setting[];
  readonly after: readonly Setting[];
  /** Of each device of the machine, same order. */
  readonly seats: readonly Seat[];
}

/** The same as `plan`, with all that it found on its way. */
export function planInDetail(spec: Spec, target: string, options: PlanOptions): Result<DetailedPlan> {
  const effective = spec.effective(target);
  const { arranged, problems: found } = arrange(effective, platformOf(effective, options), new Map(), options.identity);
  if (arranged === undefined || !isSound(found)) return failure(inOrder(found));
  const built = build(effective, arranged, options);
  const problems = inOrder([...found, ...configProblems(effective, built.machine)]);
  return isSound(problems) ? success({ ...arranged, ...built, effective }, problems) : failure(problems);
}

/**
 * The same of a spec that has faults, for what else there is to say of it: a command that nobody is to start.
 * @returns undefined where too little is known to make one
 */
export function planDespiteFaults(spec: Spec, target: string, options: PlanOptions): DetailedPlan | undefined {
  const effective = spec.effective(target);
  const { arranged } = arrange(effective, platformOf(effective, options), new Map(), options.identity);
  return arranged === undefined ? undefined : { ...arranged, ...build(effective, arranged, options), effective };
}

/** Every problem of each target, warnings among them. Targets that share something say the same of it. */
export function* checkTargets(spec: Spec, host: PlanOptions = {}): Generator<readonly Problem[]> {
  const known: DeviceFindings = new Map();
  for (const target of spec.targets) {
    const effective = spec.effective(target);
    const { arranged, problems } = arrange(effective, platformOf(effective, host), known, host.identity);
    yield problems;
    if (arranged === undefined || effective.vm.config === undefined) continue;
    for (const problem of configProblems(effective, build(effective, arranged, host).machine)) yield [problem];
  }
}

const isSound = (problems: readonly Problem[]): boolean => problems.every(({ severity }) => severity !== 'error');

/** The spec's own variables can be judged only beside all the others. */
function* configProblems(effective: EffectiveSpec, machine: Machine): Generator<Problem> {
  if (effective.vm.config === undefined) return;
  for (const finding of checkConfig(effective.vm, machine)) yield effective.problem(finding);
}

const platformOf = ({ vm }: EffectiveSpec, { release, arch }: Partial<Platform>): Platform => ({
  release: vm.release ?? release ?? defaultPlatform.release,
  arch: vm.arch ?? arch ?? defaultPlatform.arch,
});

function arrange(
  effective: EffectiveSpec,
  platform: Platform,
  known: DeviceFindings,
  identity: Identity | undefined,
): { readonly arranged: Arranged | undefined; readonly problems: readonly Problem[] } {
  const { vm } = effective;
  const parts = partsOf(vm);
  const pins = identity === undefined ? undefined : pinsFor(identity, effective, parts);
  const context = contextOf(effective, parts, platform);
  const memoryBytes = memoryBytesOf(vm);
  const places = placesFor(effective, parts, platform, pins);
  const extra = extraWords(vm);
  const findings = [
    ...checkFields(context),
    ...checkDeviceConsoles(context),
    // What a manager starts by itself is this target.
    ...(effective.target === defaultTarget ? checkAwaitedConsole(vm, parts) : []),
    ...checkSingles(parts, effective),
    ...parts.flatMap((part, index) => deviceFindings(part, index, effective, platform, known)),
    ...('findings' in places
      ? places.findings
      : [...checkBootOrder(vm, places, effective), ...checkLpcSlot(vm, places, effective)]),
  ];
  const problems = [...effective.problems, ...findings.map((finding) => effective.problem(finding))];
  if (memoryBytes === undefined || 'findings' in places || 'error' in extra) return { arranged: undefined, problems };
  return { arranged: { memoryBytes, places, pins, extraWords: extra }, problems };
}

type Built = Pick<DetailedPlan, 'machine' | 'before' | 'after' | 'seats'>;

function build(effective: EffectiveSpec, arranged: Arranged, options: PlanOptions): Built {
  const { vm } = effective;
  const { places, memoryBytes, pins } = arranged;
  const platform = platformOf(effective, options);
  const seats = places.map((place) => seatAt(place, effective, platform, options.hostCards));
  const devices = seats.map(({ device }) => device);
  const parts = seats.flatMap(({ own }) => own ?? []);
  const far = seats.find(({ address }) => address.bus > 0);
  const context: SettingContext<VmSpec> = {
    ...contextOf(effective, parts, platform),
    keptUuid: pins?.uuid,
    far: far === undefined ? undefined : { pointer: far.part?.pointer },
  };
  const before = [...settingsAt('flags', context), ...settingsAt('machine', context)];
  const after = settingsAt('board', context);
  const wiring = vm.wire_guest_mem === undefined ? neededWiring(parts) : undefined;
  const variables = [
    ...before.flatMap((setting) => setting.variables),
    ...devices.flatMap((device) => device.variables),
    ...after.flatMap((setting) => setting.variables),
    { key: 'name', value: vm.name },
  ];
  const runDirectory = options.runDirectory ?? '.';
  const privateConfig = privateConfigOf(variables, runDirectory);
  const loader = loaderOf(vm, { parts, memoryBytes, isWired: isWired(vm, parts), runDirectory });
  const argv = [
    ...before.flatMap(settingArguments),
    ...devices.flatMap(deviceArguments),
    ...after.flatMap(settingArguments),
    // After -s: a slot that the file touches first counts as occupied.
    ...(privateConfig === undefined ? [] : ['-k', privateConfig.path]),
    ...arranged.extraWords,
    ...(options.extraArguments ?? []),
    vm.name,
  ];
  const backends = consolesOf(vm, parts).map(({ backend }) => backend);
  const machine: Machine = {
    name: vm.name,
    target: effective.target,
    named: [...fieldsNamedIn(effective), ...((options.extraArguments ?? []).length === 0 ? [] : ['--'])],
    ...platform,
    devices,
    cpus: topologyOf(vm),
    memoryBytes,
    isWired: isWired(vm, parts),
    ...(wiring === undefined ? {} : { wiredFor: effective.subject(wiring.pointer) ?? wiring.model.model }),
    variables,
    argv,
    ...(privateConfig === undefined ? {} : { privateConfig }),
    ...(loader === undefined ? {} : { loader }),
    isLoadedByOthers: vm.loader === 'none',
    isMonitored: vm.monitor,
    requirements: requirementsOf(effective, seats, context, {
      memoryBytes,
      isWired: isWired(vm, parts),
      vcpus: vcpusOf(vm),
      runDirectory: options.runDirectory,
    }),
    ephemerals: parts.flatMap(({ model, fields }): readonly Ephemeral[] => model.ephemerals?.(fields) ?? []),
    usesStdio: backends.includes('stdio'),
    servesConsole: backends.includes(servedConsole),
    policy: policyOf(vm),
  };
  return { machine, before, after, seats };
}

/** What each field looks at. */
const contextOf = (
  effective: EffectiveSpec,
  parts: readonly Part[],
  { release, arch }: Platform,
): FieldContext<VmSpec> => ({
  vm: effective.vm,
  release,
  arch,
  parts,
  isGiven: (field) => effective.isGiven(field),
  subject: (pointer) => effective.subject(pointer),
});

const settingsAt = (stage: Stage, context: SettingContext<VmSpec>): readonly Setting[] =>
  fieldsOfCommand().flatMap((field) => (field.stage === stage ? (field.settings?.(context) ?? []) : []));

function privateConfigOf(variables: readonly Variable[], runDirectory: string): Machine['privateConfig'] {
  const secrets = variables.filter(({ isSecret }) => isSecret === true);
  if (secrets.length === 0) return undefined;
  return {
    path: pathIn(runDirectory, privateConfigName),
    content: secrets
      .filter(({ secretFile }) => secretFile === undefined)
      .map(configLine)
      .join(''),
    fromFiles: secrets.flatMap(({ key, secretFile }) => (secretFile === undefined ? [] : [{ key, file: secretFile }])),
  };
}
