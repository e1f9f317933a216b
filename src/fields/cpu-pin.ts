import { child } from '../base/json-pointer.js';
import type { Finding } from '../base/problem.js';
import { vcpusOf, type CpuFields } from './cpu.js';
import { cpusetError } from './cpuset.js';
import { defineField } from './field.js';
import { cpuset } from './schemas.js';

export interface CpuPinFields {
  /** Host CPUs by vCPU. */
  readonly cpu_pin?: Readonly<Record<string, string>>;
}

/** The highest host CPU that a vCPU is pinned to; undefined: none is. */
export function highestPinOf({ cpu_pin: pins = {} }: CpuPinFields): number | undefined {
  const all = Object.values(pins).flatMap((set) => set.split(/[,-]/).map(Number));
  return all.length === 0 ? undefined : all.reduce((highest, pin) => Math.max(highest, pin));
}

export const cpuPin = defineField<CpuPinFields & CpuFields>({
  name: 'cpu_pin',
  chapter: 'The machine',
  schema: {
    type: 'object',
    description: 'Host CPUs that a vCPU may run on, by the number of the vCPU: numbers and ranges.',
    additionalProperties: cpuset('Host CPUs, 0 to 1023.', '4-5,7'),
    examples: [{ '0': '2', '1': '4-5,7' }],
  },
  check({ vm }) {
    const vcpus = vcpusOf(vm);
    return Object.entries(vm.cpu_pin ?? {}).flatMap(([vcpu, hostCpus]): readonly Finding[] => {
      const pointer = child('/cpu_pin', vcpu);
      if (!/^(0|[1-9]\d{0,4})$/.test(vcpu)) {
        const message = `${JSON.stringify(vcpu)} is not the number of a vCPU`;
        return [{ code: 'vcpu-missing', pointer, message, fix: 'use e.g. "0": "2", counted from 0' }];
      }
      if (Number(vcpu) >= vcpus) {
        const message = `there is no vCPU ${vcpu}: the machine has ${vcpus}, counted from 0`;
        return [{ code: 'vcpu-missing', pointer, message, fix: 'take it out, or raise "cpu"' }];
      }
      const error = cpusetError(hostCpus);
      if (error === undefined) return [];
      return [{ code: 'cpuset', pointer, message: error, fix: 'use numbers and ascending ranges, e.g. "4-5,7"' }];
    });
  },
  stage: 'machine',
  /** Said by -o: the option -p takes one CPU and throws the rest away. */
  settings: ({ vm }) =>
    Object.entries(vm.cpu_pin ?? {}).map(([vcpu, hostCpus]) => ({
      pointers: [child('/cpu_pin', vcpu)],
      variables: [{ key: `vcpu.${vcpu}.cpuset`, value: hostCpus }],
    })),
});
