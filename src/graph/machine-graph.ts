import { formatMemorySize } from '../base/memory-size.js';
import { compareAddresses, formatAddress, type PciAddress } from '../base/pci-address.js';
import { count } from '../base/text.js';
import type { Machine } from '../machine/machine.js';
import { connectionsOf, fieldConnectionsOf, needsOf, type Connection } from './connections.js';

export type { Connection } from './connections.js';

/** A device in its slot. */
export interface MachineDevice {
  readonly address: PciAddress;
  readonly model: string;
  readonly id?: string;
  /** What tells a device from others that is connected to nothing, or to nobody knows what. */
  readonly label?: string;
  readonly connections: readonly Connection[];
}

/** A PCI bus of the guest that has devices. */
export interface MachineBus {
  readonly number: number;
  /** By slot and function. */
  readonly devices: readonly MachineDevice[];
}

/** A machine as a tree: the buses, the devices in their slots, and what each is connected to. Holds no secret. */
export interface MachineGraph {
  /** The VM. */
  readonly name: string;
  readonly target: string;
  /** In a few words each: CPUs, memory, platform. */
  readonly facts: readonly string[];
  /** Connections of the machine itself: loader, gdb stub, and what is on the board where there is no LPC bridge. */
  readonly connections: readonly Connection[];
  readonly buses: readonly MachineBus[];
}

/** What one target's machine has and is connected to: a calculation over what `plan` gives. */
export function machineGraph(machine: Machine): MachineGraph {
  const { name, target, devices } = machine;
  const needs = needsOf(machine.requirements.map(({ need }) => need));
  const board = fieldConnectionsOf(machine, 'board');
  const hasLpc = devices.some(({ model }) => model === 'lpc');
  const placed = devices
    .toSorted((a, b) => compareAddresses(a.address, b.address))
    .map((device): MachineDevice => {
      const { address, model, id, label } = device;
      const connections = model === 'lpc' ? board : connectionsOf(device, needs);
      return {
        address,
        model,
        ...(id === undefined ? {} : { id }),
        ...(label === undefined || connections.length > 0 ? {} : { label }),
        connections,
      };
    });
  const buses = new Map<number, MachineDevice[]>();
  for (const device of placed) {
    const { bus } = device.address;
    const devicesOfBus = buses.get(bus);
    if (devicesOfBus === undefined) buses.set(bus, [device]);
    else devicesOfBus.push(device);
  }
  return {
    name,
    target,
    facts: factsOf(machine),
    connections: [...fieldConnectionsOf(machine, 'machine'), ...(hasLpc ? [] : board)],
    buses: [...buses].map(([number, devicesOfBus]) => ({ number, devices: devicesOfBus })),
  };
}

function factsOf({ cpus, memoryBytes, isWired, arch, release }: Machine): readonly string[] {
  const { sockets, cores, threads } = cpus;
  const parts = [count(sockets, 'socket'), count(cores, 'core'), count(threads, 'thread')];
  const vcpus = sockets * cores * threads;
  return [
    count(vcpus, 'vCPU') + (vcpus === 1 ? '' : ` (${parts.join(', ')})`),
    `${formatMemorySize(memoryBytes)} of ${isWired ? 'wired ' : ''}memory`,
    `${arch}, FreeBSD ${release}`,
  ];
}

/** `0:4:0 virtio-blk disk0`: a device in one line. */
export const deviceWords = ({ address, model, id, label }: MachineDevice): readonly string[] => [
  formatAddress(address),
  model,
  ...(id === undefined ? [] : [id]),
  ...(label === undefined ? [] : [label]),
];

/** `disk.img (disk, read-only)`: the other end in one line. */
export function connectionWords({ kind, name, notes }: Connection): string {
  const about = [...(kind === undefined ? [] : [kind]), ...notes];
  return about.length === 0 ? name : `${name} (${about.join(', ')})`;
}
