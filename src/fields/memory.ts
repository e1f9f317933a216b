import { formatMemorySize, parseMemorySize } from '../base/memory-size.js';
import type { Finding } from '../base/problem.js';
import { defineField, settingOf } from './field.js';
import type { Part } from './part.js';
import { memory } from './schemas.js';

export interface MemoryFields {
  readonly mem: string | number;
}

export interface WiringFields {
  /** Absent: as the devices need it. */
  readonly wire_guest_mem?: boolean;
}

/** Undefined: the size is none, which its check says. */
export function memoryBytesOf({ mem }: MemoryFields): number | undefined {
  const bytes = parseMemorySize(mem);
  return typeof bytes === 'number' ? bytes : undefined;
}

/** A PC has its first kernel or firmware in the first MiB, or above. */
const leastMemory = 2 ** 20;

/** bhyve takes any size, but no guest starts without room; and bhyve itself would read a small number as MiB. */
function checkSmall(mem: MemoryFields['mem'], bytes: number): readonly Finding[] {
  if (bytes >= leastMemory) return [];
  const isCount = typeof mem === 'number';
  const little = `no guest starts with ${bytes / 1024}K of memory`;
  return [
    {
      code: 'memory-small',
      severity: 'warning',
      pointer: '/mem',
      message: isCount ? `${mem} is a number of bytes, and ${little}` : little,
      fix: isCount ? `use "${mem}M" if it is to be MiB` : 'use e.g. "512M"',
    },
  ];
}

export const mem = defineField<MemoryFields>({
  name: 'mem',
  chapter: 'The machine',
  isRequired: true,
  schema: memory(
    'Guest memory: digits and a unit K, M, G or T (powers of 1024), or an integer number of bytes. A multiple of 4096 bytes.',
  ),
  check({ vm }) {
    const bytes = parseMemorySize(vm.mem);
    return typeof bytes === 'number'
      ? checkSmall(vm.mem, bytes)
      : [{ code: 'memory-size', pointer: '/mem', message: bytes.error, fix: bytes.fix }];
  },
  stage: 'machine',
  settings({ vm }) {
    const size = formatMemorySize(memoryBytesOf(vm) ?? 0);
    return [settingOf('mem', ['-m', size], 'memory.size', size)];
  },
});

/** The first device that needs wired memory. */
export const neededWiring = (parts: readonly Part[]): Part | undefined =>
  parts.find(({ model }) => model.wiresMemory === true);

export const isWired = ({ wire_guest_mem: said }: WiringFields, parts: readonly Part[]): boolean =>
  said ?? neededWiring(parts) !== undefined;

export const wireGuestMem = defineField<WiringFields, 'wire_guest_mem'>({
  name: 'wire_guest_mem',
  chapter: 'The machine',
  schema: {
    type: 'boolean',
    description: 'Wire guest memory (-S). Default: true where a passthru device needs it, else false.',
  },
  /** bhyve refuses a passthru device unless guest memory is wired. */
  check({ vm, parts }) {
    const needy = neededWiring(parts);
    if (vm.wire_guest_mem !== false || needy === undefined) return [];
    return [
      {
        code: 'memory-not-wired',
        pointer: '/wire_guest_mem',
        message: `a ${needy.model.model} device needs wired guest memory`,
        fix: 'leave "wire_guest_mem" out',
      },
    ];
  },
  stage: 'flags',
  settings({ vm, parts }) {
    if (!isWired(vm, parts)) return [];
    const setting = settingOf('wire_guest_mem', ['-S'], 'memory.wired', 'true');
    const needy = vm.wire_guest_mem === undefined ? neededWiring(parts) : undefined;
    if (needy === undefined) return [setting];
    return [{ ...setting, because: { why: `${needy.model.model} needs wired memory`, pointer: needy.pointer } }];
  },
});
