import type { Problem } from '../../base/problem.js';
import { shown } from '../../base/text.js';
import { refusalAt } from '../original.js';
import type { SpecObject, SpecValue } from '../spec-object.js';
import { childOf, childrenOf, elementAt, pass, set, tell, textOf, type Domain } from './domain.js';

/** In any case, and with a power of 1000 only where it is spelt out: virScaleInteger of libvirt. */
const prefixes = 'kmgtpe';

/** @returns bytes; undefined: libvirt knows no such unit. Nothing is KiB. */
function factorOf(unit: string): number | undefined {
  if (unit === '') return 1024;
  if (/^(b|bytes?)$/i.test(unit)) return 1;
  const [, prefix = '', rest = ''] = /^([kmgtpe])(|b|ib)$/i.exec(unit) ?? [];
  if (prefix === '') return undefined;
  const base = rest.toLowerCase() === 'b' ? 1000 : 1024;
  return base ** (prefixes.indexOf(prefix.toLowerCase()) + 1);
}

const mebibyte = 2 ** 20;

/** Whole MiB, as libvirt hands them to bhyve. @returns undefined where it is no size */
function mebibytesOf(size: string | undefined, unit = ''): number | undefined {
  const factor = factorOf(unit);
  if (factor === undefined || size === undefined || !/^\d{1,15}$/.test(size.trim())) return undefined;
  return Math.ceil((Number(size) * factor) / mebibyte);
}

export function memoryOf(domain: Domain): number | Problem {
  const element = elementAt(domain, 'memory');
  const size = mebibytesOf(element?.text, element?.attributes.unit);
  const now = elementAt(domain, 'currentMemory');
  if (now !== undefined && mebibytesOf(now.text, now.attributes.unit) !== size) {
    tell(
      domain,
      now,
      'memory',
      'currentMemory is not carried over: bhyve has no balloon, the guest gets all of its memory',
    );
  }
  if (size !== undefined && size > 0) return size;
  const line = (element ?? domain.root).line;
  const what = element === undefined ? 'memory is missing' : `${shown(element.text)} is not a size of memory`;
  return refusalAt(domain.source, line, 'memory', what, 'write e.g. <memory unit="MiB">1024</memory>');
}

export function cpusOf(domain: Domain): readonly string[] {
  const count = textOf(domain, 'vcpu') ?? '1';
  const topology = elementAt(domain, 'cpu', 'topology');
  const { sockets, cores, threads } = topology?.attributes ?? {};
  const parts =
    topology === undefined ? [] : [`sockets=${sockets ?? '1'}`, `cores=${cores ?? '1'}`, `threads=${threads ?? '1'}`];
  const pins = childrenOf(domain, elementAt(domain, 'cputune'), 'vcpupin').flatMap((pin) => {
    const cpus = cpuList(pin.attributes.cpuset ?? '');
    if (cpus !== '' && pin.attributes.vcpu !== undefined) return set(`vcpu.${pin.attributes.vcpu}.cpuset`, cpus);
    tell(domain, pin, 'vcpupin', `vcpupin is not carried over: ${shown(pin.attributes.cpuset ?? '')} names no CPU`);
    return [];
  });
  const cells = childrenOf(domain, elementAt(domain, 'cpu', 'numa'), 'cell').flatMap((cell, index) => {
    const { id = String(index), cpus = '', memory, unit } = cell.attributes;
    const size = mebibytesOf(memory, unit);
    if (size === undefined) {
      const said = `${memory ?? 'nothing'} ${unit ?? ''}`.trim();
      tell(
        domain,
        cell,
        'cell',
        `the memory of the cell ${id} is not carried over: ${shown(said)} is not a size of memory`,
        'set "numa" in the spec',
      );
    }
    return [
      ...(size === undefined ? [] : set(`domains.${id}.size`, `${size}M`)),
      ...(cpus === '' ? [] : set(`domains.${id}.cpus`, cpuList(cpus))),
    ];
  });
  return ['-c', [count, ...parts].join(','), ...pins, ...cells];
}

/** `1-4,^2` → `1,3,4`. */
function cpuList(text: string): string {
  const cpus = new Set<number>();
  for (const part of text.split(',')) {
    const [, not, first, last = first] = /^\s*(\^?)(\d{1,4})(?:-(\d{1,4}))?\s*$/.exec(part) ?? [];
    if (first === undefined) continue;
    for (let cpu = Number(first); cpu <= Number(last); cpu += 1) {
      if (not === '^') cpus.delete(cpu);
      else cpus.add(cpu);
    }
  }
  return rangesOf([...cpus].sort((a, b) => a - b));
}

/** Ascending numbers, three and more in a row as a range. */
function rangesOf(numbers: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const number of numbers) {
    const range = ranges.at(-1);
    if (range?.[1] === number - 1) range[1] = number;
    else ranges.push([number, number]);
  }
  return ranges
    .flatMap(([first, last]) => (last - first > 1 ? [`${first}-${last}`] : [...new Set([first, last])].map(String)))
    .join(',');
}

export function machineOptionsOf(domain: Domain): readonly string[] {
  const features = elementAt(domain, 'features');
  const msrs = childOf(domain, features, 'msrs')?.attributes.unknown === 'ignore';
  const hasAcpi = childOf(domain, features, 'acpi') !== undefined;
  // bhyve always shows one.
  childrenOf(domain, features, 'apic');
  const clock = elementAt(domain, 'clock')?.attributes.offset ?? 'utc';
  if (!/^(utc|localtime)$/.test(clock)) {
    const message = `the clock is not carried over: libvirt takes utc and localtime for bhyve, this is ${shown(clock)}`;
    tell(domain, elementAt(domain, 'clock') ?? domain.root, 'clock', message, 'check "utc_clock" of the spec');
  }
  const isLocked = elementAt(domain, 'memoryBacking', 'locked') !== undefined;
  if (domain.isArm) return isLocked ? ['-S'] : [];
  return [
    ...(hasAcpi ? ['-A'] : []),
    ...(msrs ? ['-w'] : []),
    ...(isLocked ? ['-S'] : []),
    ...(clock === 'localtime' ? [] : ['-u']),
    '-HP',
  ];
}

/** Names of libvirt and of bhyve, where they differ. */
const smbiosNames: Readonly<Record<string, string>> = {
  date: 'release_date',
  product: 'product_name',
  serial: 'serial_number',
  family: 'family_name',
  asset: 'asset_tag',
};

const smbiosStructures = [
  ['bios', 'bios'],
  ['system', 'system'],
  ['baseBoard', 'board'],
  ['chassis', 'chassis'],
] as const;

export function sysinfoOf(domain: Domain): readonly string[] {
  const sysinfo = elementAt(domain, 'sysinfo');
  childrenOf(domain, elementAt(domain, 'os'), 'smbios');
  return smbiosStructures.flatMap(([structure, own]) =>
    childrenOf(domain, childOf(domain, sysinfo, structure), 'entry').flatMap(({ attributes, text }) => {
      const { name = '' } = attributes;
      const value = text.trim();
      return value === ''
        ? []
        : set(`${own}.${Object.hasOwn(smbiosNames, name) ? (smbiosNames[name] ?? name) : name}`, value);
    }),
  );
}

/** `<bhyve:arg value="…"/>`: words that libvirt puts before the name, each with its line. */
export function ownArguments(domain: Domain): readonly { readonly word: string; readonly line: number }[] {
  const line = domain.root.children.find(({ name }) => /(^|:)commandline$/.test(name));
  if (line === undefined) return [];
  pass(domain, line);
  return line.children.flatMap(({ attributes: { value }, line: at }) =>
    value === undefined ? [] : [{ word: value, line: at }],
  );
}

/** What libvirt does when the guest ends, and what it says of the domain. */
export function fieldsOf(domain: Domain): SpecObject {
  const action = (name: string, usual: string): string => {
    const said = textOf(domain, name) ?? usual;
    if (!/^(restart|destroy)$/.test(said)) {
      const message = `${name} ${shown(said)} is not carried over: vmrun starts the guest again or not`;
      tell(domain, elementAt(domain, name) ?? domain.root, name, message, 'check "reboot_on" of the spec');
    }
    return said;
  };
  const reasons = [
    ...(action('on_reboot', 'restart') === 'restart' ? ['reboot'] : []),
    ...(action('on_poweroff', 'destroy') === 'restart' ? ['power_off', 'halt'] : []),
    ...(action('on_crash', 'destroy') === 'restart' ? ['triple_fault', 'error'] : []),
  ];
  const fields: Record<string, SpecValue> = {};
  const words = [textOf(domain, 'title'), textOf(domain, 'description')].filter((text) => text !== undefined);
  if (words.length > 0) fields['x-description'] = words.join(': ');
  if (reasons.join() !== 'reboot') fields.reboot_on = reasons;
  return fields;
}
