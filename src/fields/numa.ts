import { child } from '../base/json-pointer.js';
import { formatMemorySize, parseMemorySize } from '../base/memory-size.js';
import type { Finding } from '../base/problem.js';
import { listWords } from '../base/text.js';
import { type Release, optional } from '../devices/device.js';
import { integer } from '../devices/json-schema.js';
import { vcpusOf, type CpuFields } from './cpu.js';
import { cpusetError, cpusOf } from './cpuset.js';
import { defineField, type FieldContext } from './field.js';
import { memoryBytesOf, type MemoryFields } from './memory.js';
import { cpuset, memory, object } from './schemas.js';

export interface NumaFields {
  readonly numa?: readonly {
    readonly id?: number;
    readonly mem: string | number;
    readonly cpus: string;
    readonly policy?: string;
  }[];
}

type Vm = NumaFields & CpuFields & MemoryFields & { readonly generate_acpi: boolean };

/** domainset_parselist of libutil; domains of the host by number. */
const domainPolicyPattern =
  '^(all|(round-robin|rr|first-touch|ft|prefer|interleave|il)(:\\d{1,3}(-\\d{1,3})?(,\\d{1,3}(-\\d{1,3})?)*)?|\\d{1,3}(-\\d{1,3})?(,\\d{1,3}(-\\d{1,3})?)*)$';

/**
 * bhyve uses the domains 0, 1, 2 … without a gap, below 8; with a size for each it ignores the memory size of the
 * machine, so the two must agree: bhyve(8), `-n`.
 */
function check({ vm, release }: FieldContext<Vm>): readonly Finding[] {
  const { numa } = vm;
  if (numa === undefined) return [];
  const [vcpus, memoryBytes] = [vcpusOf(vm), memoryBytesOf(vm)];
  const findings: Finding[] = [];
  const find = (code: string, pointer: string, message: string, fix: string): void => {
    findings.push({ code, pointer, message, fix });
  };
  const owner = new Map<number, number>();
  let sum = 0;
  numa.forEach(({ id, mem, cpus, policy }, index) => {
    const at = `/numa/${index}`;
    const [list] = /\d.*$/s.exec(policy ?? '') ?? [];
    const listError = list === undefined ? undefined : cpusetError(list, 255);
    if (listError !== undefined) {
      find(
        'numa-policy',
        `${at}/policy`,
        listError.replace('CPU', 'domain'),
        'use numbers and ascending ranges, e.g. "prefer:0-1"',
      );
    }
    if (id !== undefined && id !== index) {
      find(
        'numa-id',
        `${at}/id`,
        `this is domain ${index}, got ${id}: bhyve counts them from 0 without a gap`,
        'list the domains in order, or leave "id" out',
      );
    }
    const size = parseMemorySize(mem);
    if (typeof size === 'number') sum += size;
    else find('memory-size', `${at}/mem`, size.error, size.fix);
    const error = cpusetError(cpus, vcpus - 1);
    if (error !== undefined) {
      find('cpuset', `${at}/cpus`, `${error}; the guest has ${vcpus} vCPUs, counted from 0`, 'use e.g. "0-1"');
      return;
    }
    for (const cpu of cpusOf(cpus)) {
      const other = owner.get(cpu);
      if (other === index || other === undefined) owner.set(cpu, index);
      else find('numa-cpu', `${at}/cpus`, `vCPU ${cpu} is in domain ${other} already`, 'put each vCPU into one domain');
    }
  });
  const acpi = checkAcpi(vm, release);
  if (findings.length > 0) return [...acpi, ...findings];
  if (memoryBytes !== undefined && sum !== memoryBytes) {
    find(
      'numa-memory',
      '/numa',
      `the domains have ${formatMemorySize(sum)} together, "mem" is ${formatMemorySize(memoryBytes)}`,
      'make the two equal: bhyve would take the domains alone',
    );
  }
  const missing = Array.from({ length: vcpus }, (_, cpu) => cpu).filter((cpu) => !owner.has(cpu));
  if (missing.length > 0) {
    const some =
      missing.length > 4 ? [...missing.slice(0, 3).map(String), `${missing.length - 3} more`] : missing.map(String);
    find('numa-cpu', '/numa', `these vCPUs are in no domain: ${listWords(some)}`, 'put each vCPU into one domain');
  }
  return [...acpi, ...findings];
}

/** The guest learns of its domains from an ACPI table. 15 places the memory all the same, 16 does not start. */
function checkAcpi(vm: Vm, release: Release): readonly Finding[] {
  if (vm.generate_acpi || release === 14) return [];
  const place = { code: 'numa-acpi', pointer: '/generate_acpi', fix: 'leave "generate_acpi" out' };
  return release === 15
    ? [
        {
          ...place,
          severity: 'warning',
          message: 'without ACPI tables the guest does not see its NUMA domains; bhyve only places its memory by them',
        },
      ]
    : [{ ...place, message: `bhyve of FreeBSD ${release} refuses NUMA domains without ACPI tables` }];
}

export const numa = defineField<Vm>({
  name: 'numa',
  chapter: 'The machine',
  after: { document: 'guest_mem_in_core' },
  since: { release: 15, what: 'NUMA domains (-n)' },
  pcOnly: 'it has no option -n',
  schema: {
    type: 'array',
    description: 'NUMA domains of the guest, in order; their memory adds up to mem. From FreeBSD 15 on.',
    minItems: 1,
    maxItems: 8,
    items: object({
      properties: {
        id: integer('Its place in the list, from 0.', 0, 7),
        mem: memory('Memory of the domain.'),
        cpus: cpuset('vCPUs of the domain.', '0-1'),
        policy: {
          type: 'string',
          description: 'Where the memory comes from, by domains of the host: domainset(9).',
          pattern: domainPolicyPattern,
          patternErrorMessage: 'a domain policy such as "prefer:0", "interleave:0-1" or "first-touch"',
          examples: ['prefer:0'],
        },
      },
      required: ['mem', 'cpus'],
    }),
    examples: [
      [
        { mem: '2G', cpus: '0-1' },
        { mem: '2G', cpus: '2-3', policy: 'prefer:1' },
      ],
    ],
  },
  check,
  stage: 'machine',
  /** `-n`; a list of CPUs with a comma would lose what follows it there. */
  settings: ({ vm }) =>
    (vm.numa ?? []).map(({ mem, cpus, policy }, id) => {
      const bytes = parseMemorySize(mem);
      const fields = [
        { key: 'size', value: typeof bytes === 'number' ? formatMemorySize(bytes) : String(mem) },
        { key: 'cpus', value: cpus },
        ...optional('domain_policy', policy),
      ];
      const variables = fields.map(({ key, value }) => ({ key: `domains.${id}.${key}`, value }));
      const pointers = [child('/numa', id)];
      if (fields.some(({ value }) => value.includes(','))) return { variables, pointers };
      const words = [`id=${id}`, ...fields.map(({ key, value }) => `${key}=${value}`)];
      return { variables, pointers, option: ['-n', words.join(',')] };
    }),
});
