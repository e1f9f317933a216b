import { child } from '../base/json-pointer.js';
import type { Finding } from '../base/problem.js';
import { shown } from '../base/text.js';
import { text } from '../devices/json-schema.js';
import {
  bhyveBackend,
  checkSerialBackend,
  servedConsole,
  serialBackends,
  serialRequirements,
} from '../devices/serial.js';
import type { AutostartFields } from './autostart.js';
import { defineField, type FieldContext } from './field.js';
import type { Part } from './part.js';

const ports = ['com1', 'com2', 'com3', 'com4'] as const;
type Port = (typeof ports)[number];

export type ConsoleFields = Readonly<Partial<Record<Port, string>>>;

/** A serial port that has a backend. */
interface Console {
  readonly pointer: string;
  readonly backend: string;
}

interface ComPort extends Console {
  readonly name: Port;
}

/** Every serial port of a machine that has a backend: the com ports, then those among its devices. */
export const consolesOf = (vm: ConsoleFields, parts: readonly Part[]): readonly (Console | ComPort)[] => [
  ...ports.flatMap((name) => {
    const backend = vm[name];
    return backend === undefined ? [] : [{ name, pointer: child('', name), backend }];
  }),
  ...parts.flatMap(({ model, fields, pointer }) => {
    const backend = model.serialBackend?.(fields);
    return backend === undefined ? [] : [{ pointer, backend }];
  }),
];

/** No two serial ports share a backend, whatever they are. */
function twinFindings(
  isMeant: (console: Console | ComPort) => boolean,
  { vm, parts, subject }: FieldContext<ConsoleFields>,
): readonly Finding[] {
  const consoles = consolesOf(vm, parts);
  const named = (console: Console | ComPort): string =>
    'name' in console ? console.name : (subject(console.pointer) ?? console.pointer.slice(1));
  return consoles.flatMap((console, index): readonly Finding[] => {
    const { pointer, backend } = console;
    if (!isMeant(console)) return [];
    const told = bhyveBackend(backend);
    const twin = consoles.slice(0, index).find((other) => bhyveBackend(other.backend) === told);
    if (twin === undefined) return [];
    const message =
      twin.backend === backend
        ? `${named(console)} and ${named(twin)} are both ${backend}`
        : `${named(console)} is ${backend} and ${named(twin)} is ${twin.backend}, and bhyve has one standard input`;
    const fix =
      told === 'stdio' ? `one of them can be ${backend}; use e.g. "/dev/nmdm0A" for the other` : 'use another backend';
    return [{ code: 'console-twice', pointer, message, fix }];
  });
}

/** Serial ports among the devices that share a backend with another port. */
export const checkDeviceConsoles = (context: FieldContext<ConsoleFields>): readonly Finding[] =>
  twinFindings((console) => !('name' in console), context);

/** A text that a manager awaits on the console that vmrun serves has to be written there. */
export function checkAwaitedConsole(vm: AutostartFields & ConsoleFields, parts: readonly Part[]): readonly Finding[] {
  const isAwaited = typeof vm.autostart === 'object' && vm.autostart.ready?.console !== undefined;
  if (!isAwaited || consolesOf(vm, parts).some(({ backend }) => backend === servedConsole)) return [];
  return [
    {
      code: 'ready-console',
      pointer: '/autostart/ready/console',
      message: `no serial port is ${shown(servedConsole)}, so vmrun never sees what the guest writes`,
      fix: `say "com1": ${shown(servedConsole)}, or use tcp or command instead`,
    },
  ];
}

const comPort = (name: Port) =>
  defineField<ConsoleFields>({
    name,
    chapter: 'Devices',
    isBehindLpc: true,
    ...(name === 'com1' ? {} : { pcOnly: 'there is no LPC bridge; com1 is its one console' }),
    schema: text(`Serial port ${name.slice(-1)}: ${serialBackends}.`, {
      examples: ['console', 'stdio', '/dev/nmdm0A'],
    }),
    check(context) {
      const { [name]: backend } = context.vm;
      if (backend === undefined) return [];
      const pointer = child('', name);
      return [
        ...checkSerialBackend(backend, { name, pointer }, context),
        ...twinFindings((console) => console.pointer === pointer, context),
      ];
    },
    stage: 'board',
    /** arm64 has no LPC bridge: its one console is a variable of its own, which no option sets. */
    settings({ vm: { [name]: backend }, arch }) {
      if (backend === undefined) return [];
      const [value, pointers] = [bhyveBackend(backend), [child('', name)]];
      if (arch === 'arm64') return [{ variables: [{ key: 'console', value }], pointers }];
      // The whole rest of the option is the path: a comma does not split it.
      const variables = [{ key: `lpc.${name}.path`, value }];
      return [{ variables, option: ['-l', `${name},${value}`], pointers }];
    },
    requirements: ({ vm: { [name]: backend } }) =>
      backend === undefined ? [] : serialRequirements(backend, { name, pointer: child('', name) }),
  });

export const comPorts = ports.map(comPort);
