import type { Requirement } from '../devices/device.js';
import { highestPinOf } from '../fields/cpu-pin.js';
import type { FieldContext } from '../fields/field.js';
import { fieldsOfCommand } from '../fields/registry.js';
import type { VmSpec } from '../fields/vm-spec.js';
import type { EffectiveSpec } from '../spec/parse-spec.js';
import type { MachineRequirement } from './machine.js';
import type { Seat } from './seats.js';

/** What a machine takes of the host's own. */
interface Share {
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

/** All that a machine asks of the host, its own needs first. */
export function requirementsOf(
  effective: EffectiveSpec,
  seats: readonly Seat[],
  context: FieldContext<VmSpec>,
  { memoryBytes, isWired, vcpus, runDirectory }: Share,
): readonly MachineRequirement[] {
  const { vm, arch } = context;
  const pin = highestPinOf(vm);
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
    { kind: 'vcpus', count: vcpus, ...(pin === undefined ? {} : { highestPin: pin }), pointer: '/cpu' },
    { kind: 'virtualization', arch, isFirmware: beginsInRealMode(vm, vcpus), pointer: '' },
    ...(runDirectory === undefined
      ? []
      : [{ kind: 'space' as const, path: runDirectory, bytes: runDirectoryBytes, pointer: '' }]),
    ...fieldsOfCommand().flatMap((field) => field.requirements?.(context) ?? []),
  ];
  const ofDevices = seats.flatMap(({ own, context: around }) =>
    (own?.model.requirements?.(own.fields, around) ?? []).map((need) =>
      told(need, own?.pointer ?? '', own?.mayFix === true),
    ),
  );
  const passed = ofDevices.find(({ need }) => need.kind === 'host-card');
  return [
    ...ofMachine.map((need) => told(need, '', false)),
    ...(passed === undefined ? [] : [told({ kind: 'iommu', pointer: '' }, passed.owner, false)]),
    ...ofDevices,
  ];
}
