import { numbered, texts, type DeviceReader, type DeviceSettings, type SpecObject, type SpecValue } from './reader.js';

/** A port without a name of its own is named by its number: `port1`. */
function consolePorts(settings: DeviceSettings): SpecObject {
  const ports = numbered(settings, 'port').map((port, index): SpecValue => {
    const { name, path } = { name: port.get('name'), path: port.get('path') };
    return name === `port${index + 1}` && path !== undefined ? path : texts(port, ['name', 'path']);
  });
  return ports.length === 0 ? {} : { ports };
}

export const virtioConsoleReader: DeviceReader = {
  more: consolePorts,
  connections: (settings, { kindOf }) =>
    numbered(settings, 'port').flatMap((port, number) => {
      const path = port.get('path');
      if (path === undefined) return [];
      return [{ port: port.get('name') ?? `port ${number}`, kind: kindOf(path), name: path, notes: [] }];
    }),
};
