import type { DeviceContext, Platform, Requirement } from '../devices/device.js';
import type { VmSpec } from '../spec/vm-spec.js';
import type { EffectiveSpec } from '../spec/parse-spec.js';
import { consoleRequirements } from './consoles.js';
import type { MachineRequirement } from './machine.js';
import { firmwareRequirements } from './firmware.js';
import { gdbRequirements } from './gdb.js';
import { loaderRequirements } from './loader.js';
import type { Part } from './parts.js';

/** What a machine takes of the host's own. */
export interface Share {
  readonly memoryBytes: number;
  readonly isWired: boolean;
  readonly vcpus: number;
  /** Where the run writes; undefined: nobody has said. */
  readonly runDirectory?: string | undefined;
}

/** State, ledger, private file and device map: a few KiB, and room for what a file system adds. */
const runDirectoryBytes = 256 * 1024;

/** A boot ROM and GRUB begin in real mode, and so does every vCPU but the first. */
const beginsInRealMode = ({ loader }: VmSpec, vcpus: number): boolean =>
  vcpus > 1 || loader === undefined || (typeof loader === 'object' && loader.kind === 'grub-bhyve');

function highestPin(vm: VmSpec): { readonly highestPin?: number } {
  const pins = Object.values(vm.cpu_pin ?? {}).flatMap((set) => set.split(/[,-]/).map(Number));
  return pins.length === 0 ? {} : { highestPin: pins.reduce((highest, pin) => Math.max(highest, pin)) };
}

/** All that a machine asks of the host, its own needs first. */
export function requirementsOf(
  effective: EffectiveSpec,
  parts: readonly (readonly [Part, DeviceContext])[],
  { arch }: Platform,
  { memoryBytes, isWired, vcpus, runDirectory }: Share,
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
    { kind: 'privilege', isMonitored: vm.monitor, pointer: '' },
    { kind: 'memory', bytes: memoryBytes, isWired, pointer: '/mem' },
    { kind: 'vcpus', count: vcpus, ...highestPin(vm), pointer: '/cpu' },
    { kind: 'virtualization', arch, isFirmware: beginsInRealMode(vm, vcpus), pointer: '' },
    ...(runDirectory === undefined
      ? []
      : [{ kind: 'space' as const, path: runDirectory, bytes: runDirectoryBytes, pointer: '' }]),
    ...firmwareRequirements(vm, arch),
    ...loaderRequirements(
      vm,
      parts.map(([part]) => part),
    ),
    ...consoleRequirements(vm),
    ...gdbRequirements(vm),
  ];
  const ofDevices = parts.flatMap(([{ model, fields, pointer, mayFix }, context]) =>
    (model.requirements?.(fields, context) ?? []).map((need) => told(need, pointer, mayFix)),
  );
  const passed = ofDevices.find(({ need }) => need.kind === 'host-card');
  return [
    ...ofMachine.map((need) => told(need, '', false)),
    ...(passed === undefined ? [] : [told({ kind: 'iommu', pointer: '' }, passed.owner, false)]),
    ...ofDevices,
  ];
}
