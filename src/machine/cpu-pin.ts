import { child } from '../base/json-pointer.js';
import type { Finding } from '../base/problem.js';
import type { VmSpec } from '../spec/vm-spec.js';
import type { Setting } from './argv.js';

const maxHostCpu = 1023;

const rangesOf = (set: string): readonly (readonly [first: number, last: number])[] =>
  set.split(',').map((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return [first, last];
  });

/** Why a set of CPUs is none that bhyve takes, or undefined; the schema has checked its form: parse_cpuset. */
export function cpusetError(set: string, max = maxHostCpu): string | undefined {
  for (const [first, last] of rangesOf(set)) {
    if (Math.max(first, last) > max) return `CPU ${Math.max(first, last)} is above ${max}`;
    if (last < first) return `the range ${first}-${last} does not ascend`;
  }
  return undefined;
}

/** The numbers of a set without error. */
export const cpusOf = (set: string): readonly number[] =>
  rangesOf(set).flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index));

export function checkPinning({ cpu_pin: pins = {} }: VmSpec, vcpus: number): readonly Finding[] {
  return Object.entries(pins).flatMap(([vcpu, hostCpus]): readonly Finding[] => {
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
}

/** Said by -o: the option -p takes one CPU and throws the rest away. */
export const pinningSettings = ({ cpu_pin: pins = {} }: VmSpec): readonly Setting[] =>
  Object.entries(pins).map(([vcpu, hostCpus]) => ({
    pointers: [child('/cpu_pin', vcpu)],
    variables: [{ key: `vcpu.${vcpu}.cpuset`, value: hostCpus }],
  }));
