import { child } from '../base/json-pointer.js';
import { formatMemorySize, parseMemorySize } from '../base/memory-size.js';
import type { Finding } from '../base/problem.js';
import { listWords } from '../base/text.js';
import { type Release, optional } from '../devices/device.js';
import type { VmSpec } from '../spec/vm-spec.js';
import type { Setting } from './argv.js';
import { cpusetError, cpusOf } from './cpu-pin.js';

interface Guest {
  readonly vcpus: number;
  /** Undefined: the size is wrong, and told elsewhere. */
  readonly memoryBytes: number | undefined;
  readonly release: Release;
}

/**
 * bhyve uses the domains 0, 1, 2 … without a gap, below 8; with a size for each it ignores the memory size of the
 * machine, so the two must agree: bhyve(8), `-n`.
 */
export function checkNuma(vm: VmSpec, { vcpus, memoryBytes, release }: Guest): readonly Finding[] {
  const { numa } = vm;
  if (numa === undefined) return [];
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
function checkAcpi(vm: VmSpec, release: Release): readonly Finding[] {
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

/** `-n`; a list of CPUs with a comma would lose what follows it there. */
export const numaSettings = ({ numa = [] }: VmSpec): readonly Setting[] =>
  numa.map(({ mem, cpus, policy }, id) => {
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
  });
