import type { PciAddress } from '../base/pci-address.js';
import { child } from '../base/json-pointer.js';
import { inOrder, type Problem } from '../base/problem.js';
import { failure, success, type Result } from '../base/result.js';
import type { AnyDeviceModel, DeviceContext, Ephemeral, Platform, Variable } from '../devices/device.js';
import { hostbridges } from '../devices/hostbridge.js';
import { lpc } from '../devices/lpc.js';
import { servedConsole } from '../devices/serial.js';
import type { EffectiveSpec, Spec } from '../spec/parse-spec.js';
import { checkFields } from '../fields/checks.js';
import { checkDeviceConsoles, consolesOf } from '../fields/consoles.js';
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
import { pinsFor, withPin, type Identity, type Pin, type Pins } from './identity.js';
import { withAbsolutePaths, type ToldPart } from './identity-paths.js';
import type { Machine, PlannedDevice } from './machine.js';
import { fieldsNamedIn } from './named.js';
import { partsOf } from './parts.js';
import { requirementsOf } from './requirements.js';
import { pathIn } from './run-path.js';
import { assignSlots, type Claim, type Claims, type Slots } from './slots.js';

/** Name of the private file in the run directory. */
export const privateConfigName = 'bhyve.conf';

export const defaultPlatform: Platform = { release: 15, arch: 'amd64' };

/** `release` and `arch` are those of the host, for a spec that names none. Default: 15 and amd64. */
export interface PlanOptions extends Partial<Platform> {
  /** Folder of what bhyve and its loader read: the private file, a device map. Default: the working directory. */
  readonly runDirectory?: string;
  /** What a lock file keeps: slots, and what else the guest knows its machine by. Default: nothing is kept. */
  readonly identity?: Identity | undefined;
  /** Words for bhyve from the command line, put after the spec's extra options. */
  readonly extraArguments?: readonly string[];
  /** Host cards by the pointer of the device that looks one up; a device without stays a placeholder. */
  readonly hostCards?: ReadonlyMap<string, PciAddress>;
}

/** What a target's spec comes to before it is written as a command. */
export interface Arranged {
  readonly memoryBytes: number;
  /** Absent: the machine has none. */
  readonly bridge: AnyDeviceModel | undefined;
  readonly parts: readonly Part[];
  readonly slots: Slots;
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
  const drafted = draft(spec, target, options);
  return drafted.ok ? success(drafted.value.machine, drafted.warnings) : drafted;
}

/** A machine with what it was made of, for those who tell why it is as it is. */
export interface Draft extends Arranged {
  readonly machine: Machine;
  readonly effective: EffectiveSpec;
  /** What is said before the devices, and after them. */
  readonly before: readonly Setting[];
  readonly after: readonly Setting[];
  /** Of each device of the machine, same order: the part that it stands for; undefined for a bridge. */
  readonly owners: readonly (Part | undefined)[];
}

/** The same as `plan`, with all that it found on its way. */
export function draft(spec: Spec, target: string, options: PlanOptions): Result<Draft> {
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
export function draftDespite(spec: Spec, target: string, options: PlanOptions): Draft | undefined {
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
  const slots = assignSlots({
    ...bridgeClaims(vm, platform, pins),
    devices: parts.map((part, index) => claimOf(part, effective, pins?.parts[index])),
    ...(pins === undefined ? {} : { reserved: pins.reserved }),
  });
  const extra = extraWords(vm);
  const findings = [
    ...checkFields(context),
    ...checkDeviceConsoles(context),
    ...checkSingles(parts, effective),
    ...parts.flatMap((part, index) => deviceFindings(part, index, effective, platform, known)),
    ...('findings' in slots
      ? slots.findings
      : [...checkBootOrder(vm, parts, slots.devices, effective), ...checkLpcSlot(vm, parts, slots, effective)]),
  ];
  const problems = [...effective.problems, ...findings.map((finding) => effective.problem(finding))];
  if (memoryBytes === undefined || 'findings' in slots || 'error' in extra) return { arranged: undefined, problems };
  const bridge = vm.hostbridge === 'none' ? undefined : hostbridges[vm.hostbridge];
  return { arranged: { memoryBytes, bridge, parts, slots, pins, extraWords: extra }, problems };
}

/** The bridges of a machine; arm64 has no LPC. */
function bridgeClaims(
  { hostbridge, lpc_slot: slot }: VmSpec,
  { arch }: Platform,
  pins: Pins | undefined,
): Omit<Claims, 'devices'> {
  const lpcClaim = {
    who: 'LPC bridge',
    pointer: '/lpc_slot',
    ...(slot === undefined ? {} : { slot }),
    ...placesIn(pins?.lpc),
  };
  return {
    ...(hostbridge === 'none'
      ? {}
      : { hostbridge: { who: 'hostbridge', pointer: '/hostbridge', ...placesIn(pins?.hostbridge) } }),
    ...(slot === 'none' || arch === 'arm64' ? {} : { lpc: lpcClaim }),
  };
}

const claimOf = ({ model, pointer, slot }: Part, effective: EffectiveSpec, pin: Pin | undefined): Claim => ({
  who: effective.subject(pointer) ?? `${pointer.slice(1)} ${model.model}`,
  pointer: slot === undefined ? pointer : child(pointer, 'slot'),
  ...(slot === undefined ? {} : { slot }),
  ...placesIn(pin),
});

/** A guess gives way to what is known. */
function placesIn({ kept, isGuess, elsewhere }: Pin = {}): Pick<Claim, 'kept' | 'elsewhere'> {
  if (kept !== undefined) return isGuess === true ? { elsewhere: kept.address } : { kept: kept.address };
  return elsewhere === undefined ? {} : { elsewhere: elsewhere.address };
}

type Built = Pick<Draft, 'machine' | 'before' | 'after' | 'owners'>;

function build(effective: EffectiveSpec, arranged: Arranged, options: PlanOptions): Built {
  const { vm } = effective;
  const { slots, bridge, memoryBytes, pins } = arranged;
  const platform = platformOf(effective, options);
  const parts =
    pins === undefined
      ? arranged.parts
      : arranged.parts.map((part, index) => pinned(part, pins.parts[index], slots.devices[index], effective));
  const known = parts.map((part) => [part, deviceContext(part.pointer, platform, options)] as const);
  const told = parts.map((part, index) => withAbsolutePaths(part, addressOf(part, slots.devices[index]), effective));
  const first =
    bridge === undefined || slots.hostbridge === undefined ? [] : [place(bridge, {}, slots.hostbridge, platform)];
  const devices = [
    ...first,
    ...told.map((part, index) => {
      const [own, context] = known[index] ?? [part.part, platform];
      return placePart(own, part, addressOf(own, slots.devices[index]), context);
    }),
    ...(slots.lpc === undefined ? [] : [place(lpc, {}, slots.lpc, platform)]),
  ];
  const owners = [...first.map(() => undefined), ...told.map(({ part }) => part)];
  const far = devices.findIndex(({ address }) => address.bus > 0);
  const context: SettingContext<VmSpec> = {
    ...contextOf(effective, parts, platform),
    keptUuid: pins?.uuid,
    far: far === -1 ? undefined : { pointer: owners[far]?.pointer },
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
    requirements: requirementsOf(effective, known, context, {
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
  return { machine, before, after, owners };
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

const pinned = (part: Part, pin: Pin | undefined, address: PciAddress | undefined, effective: EffectiveSpec): Part =>
  pin === undefined || address === undefined ? part : withPin(part, pin, address, effective);

function deviceContext(pointer: string, platform: Platform, { hostCards }: PlanOptions): DeviceContext {
  const hostCard = hostCards?.get(pointer);
  return hostCard === undefined ? platform : { ...platform, hostCard };
}

function addressOf({ pointer }: Part, address: PciAddress | undefined): PciAddress {
  if (address === undefined) throw new Error(`no address for ${pointer}`);
  return address;
}

/** @param own as the spec has it: people know a device by the label that it has there */
function placePart(
  own: Part,
  { part, shortPaths }: ToldPart,
  address: PciAddress,
  context: DeviceContext,
): PlannedDevice {
  const label = own.model.label?.(own.fields);
  return {
    ...place(part.model, part.fields, address, context),
    ...(label === undefined ? {} : { label }),
    ...(own.id === undefined ? {} : { id: own.id }),
    ...(shortPaths.size === 0 ? {} : { shortPaths }),
  };
}

function place(model: AnyDeviceModel, fields: object, address: PciAddress, context: DeviceContext): PlannedDevice {
  const node = `pci.${address.bus}.${address.slot}.${address.func}`;
  const label = model.label?.(fields);
  const own = model.variables(fields, context).map((variable) => ({ ...variable, key: `${node}.${variable.key}` }));
  const variables =
    model.isOpaque === true ? [] : [{ key: `${node}.device`, value: model.emulation ?? model.model }, ...own];
  const words = model.words(fields, context);
  return {
    address,
    model: model.model,
    ...(label === undefined ? {} : { label }),
    variables,
    words: words === undefined || model.isOpaque === true ? words : [model.model, ...words],
  };
}

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
