import type { DeviceContext, Platform, Requirement } from '../devices/device.js';
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
    { kind: 'vcpus', count: vcpus, pointer: '/cpu' },
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
