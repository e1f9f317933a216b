import { child } from '../base/json-pointer.js';
import type { Finding } from '../base/problem.js';
import type { Platform, Requirement } from '../devices/device.js';
import { bhyveBackend, checkSerialBackend, serialRequirements } from '../devices/serial.js';
import type { EffectiveSpec } from '../spec/parse-spec.js';
import type { VmSpec } from '../spec/vm-spec.js';
import type { Setting } from './argv.js';
import type { Part } from './parts.js';

const ports = ['com1', 'com2', 'com3', 'com4'] as const;

/** A serial port that has a backend. */
interface Console {
  readonly pointer: string;
  readonly backend: string;
}

interface ComPort extends Console {
  readonly name: (typeof ports)[number];
}

const comPortsOf = (vm: VmSpec): readonly ComPort[] =>
  ports.flatMap((name) => {
    const backend = vm[name];
    return backend === undefined ? [] : [{ name, pointer: child('', name), backend }];
  });

/** Every serial port of a machine that has a backend: the com ports, then those among its devices. */
export const consolesOf = (vm: VmSpec, parts: readonly Part[]): readonly (Console | ComPort)[] => [
  ...comPortsOf(vm),
  ...parts.flatMap(({ model, fields, pointer }) => {
    const backend = model.serialBackend?.(fields);
    return backend === undefined ? [] : [{ pointer, backend }];
  }),
];

/** The backends of the com ports; and that no two serial ports share one, whatever they are. */
export function checkConsoles(
  effective: EffectiveSpec,
  parts: readonly Part[],
  platform: Platform,
): readonly Finding[] {
  const consoles = consolesOf(effective.vm, parts);
  const named = (console: Console | ComPort): string =>
    'name' in console ? console.name : (effective.subject(console.pointer) ?? console.pointer.slice(1));
  return consoles.flatMap((console, index): readonly Finding[] => {
    const { pointer, backend } = console;
    // A device checks its own.
    const found = 'name' in console ? checkSerialBackend(backend, console, platform) : [];
    const told = bhyveBackend(backend);
    const twin = consoles.slice(0, index).find((other) => bhyveBackend(other.backend) === told);
    if (twin === undefined) return found;
    return [
      ...found,
      {
        code: 'console-twice',
        pointer,
        message:
          twin.backend === backend
            ? `${named(console)} and ${named(twin)} are both ${backend}`
            : `${named(console)} is ${backend} and ${named(twin)} is ${twin.backend}, and bhyve has one standard input`,
        fix:
          told === 'stdio'
            ? `one of them can be ${backend}; use e.g. "/dev/nmdm0A" for the other`
            : 'use another backend',
      },
    ];
  });
}

/** arm64 has no LPC bridge: its one console is a variable of its own, which no option sets. */
export const consoleSettings = (vm: VmSpec, { arch }: Platform): readonly Setting[] =>
  comPortsOf(vm).map(({ name, pointer, backend }) => {
    const value = bhyveBackend(backend);
    if (arch === 'arm64') return { variables: [{ key: 'console', value }], pointers: [pointer] };
    // The whole rest of the option is the path: a comma does not split it.
    return {
      variables: [{ key: `lpc.${name}.path`, value }],
      option: ['-l', `${name},${value}`],
      pointers: [pointer],
    };
  });

export const consoleRequirements = (vm: VmSpec): readonly Requirement[] =>
  comPortsOf(vm).flatMap((port) => serialRequirements(port.backend, port));
