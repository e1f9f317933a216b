import type { PciAddress } from '../base/pci-address.js';
import { child } from '../base/json-pointer.js';
import { parseMemorySize, formatMemorySize } from '../base/memory-size.js';
import { inOrder, type Finding, type Problem } from '../base/problem.js';
import { failure, success, type Result } from '../base/result.js';
import { splitWords } from '../base/shell.js';
import type {
  AnyDeviceModel,
  BootPlace,
  DeviceContext,
  Ephemeral,
  Release,
  Requirement,
  Variable,
} from '../devices/device.js';
import { fbuf } from '../devices/fbuf.js';
import { hostbridges } from '../devices/hostbridge.js';
import { lpc } from '../devices/lpc.js';
import { modelNamed } from '../devices/registry.js';
import { xhci } from '../devices/xhci.js';
import type { EffectiveSpec, Spec } from '../spec/parse-spec.js';
import type { VmSpec } from '../spec/vm-spec.js';
import { configLine, deviceArguments, settingArguments, type Setting } from './argv.js';
import { checkConsoles, consoleRequirements, consolesOf, consoleSettings } from './consoles.js';
import { checkTopology, cpuSetting, topologyOf, type Topology } from './cpu.js';
import { strayWord } from './extra-options.js';
import type { Machine, MachineRequirement, PlannedDevice } from './machine.js';
import {
  bootromRequirements,
  bootromSetting,
  checkGdb,
  flagSettings,
  gdbRequirements,
  gdbSettings,
  keyboardSettings,
  uuidSettings,
} from './options.js';
import { checkDurations, checkHooks, policyOf } from './policy.js';
import { assignSlots, type Claim, type Slots } from './slots.js';

export const defaultRelease: Release = 15;

export interface PlanOptions {
  /** FreeBSD release that the command is written for. Default: 15. */
  readonly release?: Release;
  /** Where the private file will be, if the machine needs one. Default: `bhyve.conf`. */
  readonly privateConfigPath?: string;
  /** Words for bhyve from the command line, put after the spec's extra options. */
  readonly extraArguments?: readonly string[];
  /** Host cards by the pointer of the device that looks one up; a device without stays a placeholder. */
  readonly hostCards?: ReadonlyMap<string, PciAddress>;
}

/** A device of the machine before it has an address. */
interface Part {
  readonly model: AnyDeviceModel;
  readonly fields: object;
  readonly pointer: string;
  readonly id?: string;
  readonly slot?: string | number;
  readonly mayFix: boolean;
}

/** What a target's spec comes to before it is written as a command: everything that can be wrong has been looked at. */
interface Arranged {
  readonly topology: Topology;
  readonly memoryBytes: number;
  readonly bridge: AnyDeviceModel;
  readonly parts: readonly Part[];
  readonly slots: Slots;
  readonly extraWords: readonly string[];
  readonly warnings: readonly Problem[];
}

/** Findings by device, kept over the targets of one spec, which mostly share their devices. */
type DeviceFindings = Map<object, readonly Finding[]>;

/**
 * What bhyve is to be told to boot one target of a spec: a calculation, so the same spec always gives the same
 * machine.
 * @param target one of `spec.targets`
 */
export function plan(spec: Spec, target: string, options: PlanOptions = {}): Result<Machine> {
  const effective = spec.effective(target);
  const arranged = arrange(effective, options.release ?? defaultRelease, new Map());
  return arranged.ok ? success(build(effective, arranged.value, options), arranged.value.warnings) : arranged;
}

/** Every problem of every target, in the order of the file; warnings among them. */
export function checkTargets(spec: Spec, release: Release = defaultRelease): readonly Problem[] {
  const known: DeviceFindings = new Map();
  return inOrder(
    spec.targets.flatMap((target) => {
      const arranged = arrange(spec.effective(target), release, known);
      return arranged.ok ? arranged.value.warnings : arranged.problems;
    }),
  );
}

function arrange(effective: EffectiveSpec, release: Release, known: DeviceFindings): Result<Arranged> {
  const { vm } = effective;
  const parts = [...specParts(vm), ...graphicParts(vm)];
  const topology = topologyOf(vm.cpu);
  const memory = parseMemorySize(vm.mem);
  const claims = parts.map((part) => claimOf(part, effective));
  const slots = assignSlots({
    hostbridge: { who: 'hostbridge', pointer: '/hostbridge' },
    lpc: { who: 'LPC bridge', pointer: '/lpc_slot', ...(vm.lpc_slot === undefined ? {} : { slot: vm.lpc_slot }) },
    devices: claims,
  });
  const extra = extraWords(vm);
  const findings = [
    ...(typeof memory === 'number'
      ? []
      : [{ code: 'memory-size', pointer: '/mem', message: memory.error, fix: memory.fix }]),
    ...checkName(vm, release),
    ...checkTopology(topology),
    ...checkConsoles(vm),
    ...checkGdb(vm),
    ...checkDurations(vm),
    ...checkHooks(vm),
    ...checkExtra(extra),
    ...checkWiring(vm, parts),
    ...checkSingles(parts, effective),
    ...checkBootOrder(parts, effective),
    ...parts.flatMap((part, index) => deviceFindings(part, index, effective, release, known)),
    ...('findings' in slots ? slots.findings : []),
  ];
  const problems = [...effective.problems, ...findings.map((finding) => effective.problem(finding))];
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0 || typeof memory !== 'number' || 'findings' in slots || 'error' in extra) {
    return failure(inOrder(problems));
  }
  const bridge = hostbridges[vm.hostbridge];
  return success({ topology, memoryBytes: memory, bridge, parts, slots, extraWords: extra, warnings: problems });
}

function extraWords({ extra_options: extra = [] }: VmSpec): readonly string[] | { readonly error: string } {
  return typeof extra === 'string' ? splitWords(extra) : extra;
}

const specParts = (vm: VmSpec): readonly Part[] =>
  vm.emulations.map((device, index) => ({
    model: modelNamed(device.device),
    fields: device,
    pointer: child('/emulations', index),
    ...(device.id === undefined ? {} : { id: device.id }),
    ...(device.slot === undefined ? {} : { slot: device.slot }),
    mayFix: device.fix === true,
  }));

/** `graphic` stands for a frame buffer and, unless told otherwise, a tablet; they come after the devices. */
function graphicParts({ graphic }: VmSpec): readonly Part[] {
  if (graphic === undefined) return [];
  const part = (model: AnyDeviceModel, fields: object): Part => ({ model, fields, pointer: '/graphic', mayFix: false });
  return [part(fbuf, graphic), ...(graphic.xhci_table ? [part(xhci, {})] : [])];
}

const claimOf = ({ model, pointer, slot }: Part, effective: EffectiveSpec): Claim => ({
  who: effective.subject(pointer) ?? `${pointer.slice(1)} ${model.model}`,
  pointer: slot === undefined ? pointer : child(pointer, 'slot'),
  ...(slot === undefined ? {} : { slot }),
});

/** From release 16 on, bhyve always makes a UNIX socket of its folder and the name: 103 bytes. */
const maxNameBytes = (release: Release): number => (release === 16 ? 103 - '/var/run/bhyve//'.length : 229);

function checkName({ name }: VmSpec, release: Release): readonly Finding[] {
  const bytes = new TextEncoder().encode(name).length;
  const max = maxNameBytes(release);
  if (bytes <= max) return [];
  const where = release === 16 ? ' for FreeBSD 16' : '';
  return [
    { code: 'name-length', pointer: '/name', message: `a VM name has at most ${max} bytes${where}, this has ${bytes}` },
  ];
}

function checkExtra(words: readonly string[] | { readonly error: string }): readonly Finding[] {
  const wrong = 'error' in words ? words.error : strayWord(words);
  if (wrong === undefined) return [];
  return [
    {
      code: 'extra-options',
      pointer: '/extra_options',
      message: wrong,
      fix: 'give options only, quoted as for a shell',
    },
  ];
}

/** bhyve refuses a passthru device unless guest memory is wired. */
function checkWiring(vm: VmSpec, parts: readonly Part[]): readonly Finding[] {
  const needy = parts.find(({ model }) => model.wiresMemory === true);
  if (vm.wire_guest_mem !== false || needy === undefined) return [];
  return [
    {
      code: 'memory-not-wired',
      pointer: '/wire_guest_mem',
      message: `a ${needy.model.model} device needs wired guest memory`,
      fix: 'leave "wire_guest_mem" out',
    },
  ];
}

function checkSingles(parts: readonly Part[], effective: EffectiveSpec): readonly Finding[] {
  const first = new Map<AnyDeviceModel, Part>();
  return parts.flatMap((part): readonly Finding[] => {
    const { model, pointer } = part;
    const holder = first.get(model);
    if (model.isSingle !== true || holder === undefined) {
      first.set(model, part);
      return [];
    }
    const other = effective.subject(holder.pointer) ?? holder.pointer.slice(1);
    return [
      {
        code: 'device-twice',
        pointer,
        message: `bhyve takes one ${model.model} per VM, and ${other} is one already`,
        fix: pointer === '/graphic' && model === xhci ? 'set "xhci_table": false' : 'take one of them out',
      },
    ];
  });
}

/** bhyve refuses a second device at one place of the boot order. */
function checkBootOrder(parts: readonly Part[], effective: EffectiveSpec): readonly Finding[] {
  const holders = new Map<number, string>();
  return parts.flatMap((part) =>
    bootPlaces(part).flatMap(({ pointer, bootindex }): readonly Finding[] => {
      const holder = holders.get(bootindex);
      holders.set(bootindex, holder ?? part.pointer);
      if (holder === undefined) return [];
      return [
        {
          code: 'bootindex-taken',
          pointer: part.pointer + pointer,
          message: `bootindex ${bootindex} is that of ${effective.subject(holder) ?? holder.slice(1)} already`,
          fix: 'give each device a number of its own',
        },
      ];
    }),
  );
}

function bootPlaces({ model, fields }: Part): readonly BootPlace[] {
  if (model.bootOrder !== undefined) return model.bootOrder(fields);
  const bootindex = 'bootindex' in fields ? fields.bootindex : undefined;
  return typeof bootindex === 'number' ? [{ pointer: '/bootindex', bootindex }] : [];
}

function deviceFindings(
  { model, fields, pointer }: Part,
  index: number,
  effective: EffectiveSpec,
  release: Release,
  known: DeviceFindings,
): readonly Finding[] {
  if (model.check === undefined) return [];
  const identity = pointer === '/graphic' ? fields : effective.identity(index);
  const found = known.get(identity) ?? model.check(fields, { release });
  known.set(identity, found);
  return found.map((finding) => ({ ...finding, pointer: pointer + finding.pointer }));
}

function build(effective: EffectiveSpec, arranged: Arranged, options: PlanOptions): Machine {
  const { vm } = effective;
  const { parts, slots, bridge, topology, memoryBytes } = arranged;
  const release = options.release ?? defaultRelease;
  const contexts = parts.map(({ pointer }) => contextOf(pointer, release, options));
  const devices = [
    place(bridge, {}, slots.hostbridge, { release }),
    ...parts.map((part, index) => placePart(part, slots.devices[index], contexts[index] ?? { release })),
    place(lpc, {}, slots.lpc, { release }),
  ];
  const isWired = vm.wire_guest_mem ?? parts.some(({ model }) => model.wiresMemory === true);
  // Guests that read the MP table see no bus but 0 in it.
  const hasMpTable = !vm.disable_mptable_gen && devices.every(({ address }) => address.bus === 0);
  const before: readonly Setting[] = [
    ...flagSettings(vm, release, { isWired, hasMpTable }),
    cpuSetting(topology),
    memorySetting(memoryBytes),
    ...uuidSettings(vm),
    ...keyboardSettings(vm),
    ...gdbSettings(vm),
  ];
  const after: readonly Setting[] = [bootromSetting(vm, release), ...consoleSettings(vm)];
  const variables = [
    ...before.flatMap((setting) => setting.variables),
    ...devices.flatMap((device) => device.variables),
    ...after.flatMap((setting) => setting.variables),
    { key: 'name', value: vm.name },
  ];
  const privateConfig = privateConfigOf(variables, options);
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
  return {
    name: vm.name,
    target: effective.target,
    release,
    devices,
    cpus: topology,
    memoryBytes,
    variables,
    argv,
    ...(privateConfig === undefined ? {} : { privateConfig }),
    requirements: requirementsOf(effective, parts, contexts),
    ephemerals: parts.flatMap(({ model, fields }): readonly Ephemeral[] => model.ephemerals?.(fields) ?? []),
    usesStdio: consolesOf(vm).some(({ backend }) => backend === 'stdio'),
    policy: policyOf(vm),
  };
}

function contextOf(pointer: string, release: Release, { hostCards }: PlanOptions): DeviceContext {
  const hostCard = hostCards?.get(pointer);
  return hostCard === undefined ? { release } : { release, hostCard };
}

function placePart(part: Part, address: PciAddress | undefined, context: DeviceContext): PlannedDevice {
  if (address === undefined) throw new Error(`no address for ${part.pointer}`);
  const device = place(part.model, part.fields, address, context);
  return part.id === undefined ? device : { ...device, id: part.id };
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

function memorySetting(bytes: number): Setting {
  const size = formatMemorySize(bytes);
  return { variables: [{ key: 'memory.size', value: size }], option: ['-m', size] };
}

function privateConfigOf(
  variables: readonly Variable[],
  { privateConfigPath = 'bhyve.conf' }: PlanOptions,
): Machine['privateConfig'] {
  const secrets = variables.filter(({ isSecret }) => isSecret === true);
  if (secrets.length === 0) return undefined;
  return { path: privateConfigPath, content: secrets.map(configLine).join('') };
}

function requirementsOf(
  effective: EffectiveSpec,
  parts: readonly Part[],
  contexts: readonly DeviceContext[],
): readonly MachineRequirement[] {
  const { vm } = effective;
  const told = (need: Requirement, owner: string, mayFix: boolean): MachineRequirement => ({
    need,
    owner,
    subject: effective.subject(owner + need.pointer) ?? (owner + need.pointer).split('/')[1] ?? 'host',
    place: effective.place(owner + need.pointer),
    mayFix,
  });
  const ofMachine: readonly Requirement[] = [
    { kind: 'module', name: 'vmm', why: 'bhyve itself', pointer: '' },
    ...bootromRequirements(vm),
    ...consoleRequirements(vm),
    ...gdbRequirements(vm),
  ];
  const ofDevices = parts.flatMap(({ model, fields, pointer, mayFix }, index) =>
    (model.requirements?.(fields, contexts[index] ?? { release: defaultRelease }) ?? []).map((need) =>
      told(need, pointer, mayFix),
    ),
  );
  return [...ofMachine.map((need) => told(need, '', false)), ...ofDevices];
}
