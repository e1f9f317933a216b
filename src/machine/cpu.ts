import type { Finding } from '../base/problem.js';
import type { VmSpec } from '../spec/vm-spec.js';
import type { Setting } from './argv.js';

export interface Topology {
  readonly sockets: number;
  readonly cores: number;
  readonly threads: number;
}

/** A plain number is one socket with one core of n threads; bhyve by itself would make n sockets of it. */
export const topologyOf = (cpu: VmSpec['cpu']): Topology =>
  typeof cpu === 'number'
    ? { sockets: 1, cores: 1, threads: cpu }
    : { sockets: cpu.sockets, cores: cpu.cores, threads: cpu.threads };

const maxVcpus = 65535;

export const vcpusOf = ({ sockets, cores, threads }: Topology): number => sockets * cores * threads;

/** bhyverun.c, calc_topology: the product has 16 bits. What the host allows is the host's to say. */
export function checkTopology(topology: Topology): readonly Finding[] {
  if (vcpusOf(topology) <= maxVcpus) return [];
  return [
    {
      code: 'too-many-vcpus',
      pointer: '/cpu',
      message: `sockets x cores x threads is ${vcpusOf(topology)}, bhyve counts to ${maxVcpus}`,
      fix: 'use fewer; a host usually allows as many as it has CPUs (sysctl hw.vmm.maxcpu)',
    },
  ];
}

/** `-c`, always whole, so that bhyve has nothing to guess. */
export function cpuSetting(topology: Topology): Setting {
  const { sockets, cores, threads } = topology;
  const words = Object.entries({ cpus: vcpusOf(topology), sockets, cores, threads });
  return {
    pointers: ['/cpu'],
    variables: words.map(([key, value]) => ({ key, value: String(value) })),
    option: ['-c', words.map(([key, value]) => `${key}=${value}`).join(',')],
  };
}
