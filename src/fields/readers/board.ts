import { serialConnection } from '../../devices/readers/small.js';
import { smbios } from '../guest-identity.js';
import { plain, type FieldConnections, type ReadField, type SpecObject } from './reader.js';

export const readSmbios: ReadField = ({ variables }) => {
  const structures = Object.entries(smbios.schema.properties ?? {}).flatMap(([structure, { properties }]) => {
    const strings = Object.keys(properties ?? {}).flatMap((name) => {
      const value = variables.get(`${structure}.${name}`);
      return value === undefined ? [] : [[name, value] as const];
    });
    return strings.length === 0 ? [] : [[structure, Object.fromEntries(strings)] as const];
  });
  if (structures.length === 0) return undefined;
  return {
    value: Object.fromEntries(structures),
    variables: structures.flatMap(([structure, strings]) => Object.keys(strings).map((name) => `${structure}.${name}`)),
  };
};

/** arm64 has one console, which is a variable of its own. */
export const readCom =
  (name: string): ReadField =>
  (configured) => {
    if (configured.platform.arch === 'amd64') return plain(`lpc.${name}.path`)(configured);
    return name === 'com1' ? plain('console')(configured) : undefined;
  };

export const readGdb: ReadField = ({ variables, readBoolean }) => {
  const [port, address, wait] = ['port', 'address', 'wait'].map((key) => variables.get(`gdb.${key}`));
  if (port === undefined || !/^[1-9]\d{0,4}$/.test(port)) return undefined;
  const waits = wait === undefined ? false : readBoolean(wait);
  if (waits === undefined) return undefined;
  const isPlain = !waits && address === undefined;
  const server: SpecObject = {
    ...(address === undefined ? {} : { address }),
    port: Number(port),
    ...(waits ? { wait: true } : {}),
  };
  return {
    value: isPlain ? Number(port) : server,
    variables: [...variables.keys()].filter((key) => key.startsWith('gdb.')),
  };
};

export const comConnections: FieldConnections = ({ variables, servesConsole }) =>
  [...variables].flatMap(([key, backend]) => {
    const com = key === 'console' ? key : /^lpc\.(com\d)\.path$/.exec(key)?.[1];
    return com === undefined ? [] : [serialConnection(backend, servesConsole, com)];
  });

export const gdbConnections: FieldConnections = ({ variables }) => {
  const [port, address = 'localhost', wait] = ['port', 'address', 'wait'].map((key) => variables.get(`gdb.${key}`));
  const notes = wait === 'true' ? ['waits for a debugger'] : [];
  return port === undefined ? [] : [{ port: 'gdb', kind: 'TCP', name: `${address}:${port}`, notes }];
};
