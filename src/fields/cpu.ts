import { integer } from '../devices/json-schema.js';
import { defineField } from './field.js';
import { object } from './schemas.js';

export interface Topology {
  readonly sockets: number;
  readonly cores: number;
  readonly threads: number;
}

export interface CpuFields {
  readonly cpu: number | Topology;
}

/** A plain number is one socket with one core of n threads; bhyve by itself would make n sockets of it. */
export const topologyOf = ({ cpu }: CpuFields): Topology =>
  typeof cpu === 'number'
    ? { sockets: 1, cores: 1, threads: cpu }
    : { sockets: cpu.sockets, cores: cpu.cores, threads: cpu.threads };

const countOf = ({ sockets, cores, threads }: Topology): number => sockets * cores * threads;

export const vcpusOf = (vm: CpuFields): number => countOf(topologyOf(vm));

const maxVcpus = 65535;

export const cpu = defineField<CpuFields>({
  name: 'cpu',
  chapter: 'The machine',
  isRequired: true,
  schema: {
    ...object({
      properties: {
        sockets: integer('CPU packages.', 1, 65535, { default: 1 }),
        cores: integer('Cores in each package.', 1, 65535, { default: 1 }),
        threads: integer('Threads of each core.', 1, 65535, { default: 1 }),
      },
    }),
    type: ['integer', 'object'],
    description: 'Virtual CPUs: a number n is one socket with one core of n threads; or the whole topology.',
    minimum: 1,
    maximum: 65535,
    examples: [2, { sockets: 1, cores: 4, threads: 2 }],
  },
  /** bhyverun.c, calc_topology: the product has 16 bits. What the host allows is the host's to say. */
  check({ vm }) {
    const count = vcpusOf(vm);
    if (count <= maxVcpus) return [];
    return [
      {
        code: 'too-many-vcpus',
        pointer: '/cpu',
        message: `sockets x cores x threads is ${count}, bhyve counts to ${maxVcpus}`,
        fix: 'use fewer; a host usually allows as many as it has CPUs (sysctl hw.vmm.maxcpu)',
      },
    ];
  },
  stage: 'machine',
  /** `-c`, always whole, so that bhyve has nothing to guess. */
  settings({ vm }) {
    const words = Object.entries({ cpus: vcpusOf(vm), ...topologyOf(vm) });
    return [
      {
        pointers: ['/cpu'],
        variables: words.map(([key, value]) => ({ key, value: String(value) })),
        option: ['-c', words.map(([key, value]) => `${key}=${value}`).join(',')],
      },
    ];
  },
});
