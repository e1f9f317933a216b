import { servedConsole } from '../serial.js';
import { sectorsize } from './block.js';
import {
  numbered,
  pathConnections,
  portConnections,
  text,
  type Connection,
  type DeviceReader,
  type DeviceSettings,
  type SpecObject,
} from './reader.js';

export const virtioBlkReader: DeviceReader = { special: { sectorsize } };

export const nvmeReader: DeviceReader = {
  special: { sectorsize, eui64: text('eui64') },
  connections(settings, around) {
    const ram = settings.get('ram');
    return ram === undefined ? pathConnections(settings, around) : [{ kind: 'memory', name: `${ram} MiB`, notes: [] }];
  },
};

/** What a serial port is connected to: the backends of uart_backend.c. */
export function serialConnection(backend: string, isServed: boolean, port?: string): Connection {
  const at = { ...(port === undefined ? {} : { port }), notes: [] };
  if (backend === 'stdio' && isServed) return { ...at, kind: 'served by vmrun', name: servedConsole };
  if (backend === 'stdio') return { ...at, kind: 'terminal', name: 'stdio' };
  if (backend.startsWith('tcp=')) return { ...at, kind: 'TCP', name: backend.slice('tcp='.length) };
  return { ...at, kind: backend.startsWith('/dev/nmdm') ? 'null modem' : 'device', name: backend };
}

export const uartReader: DeviceReader = {
  connections(settings, around) {
    const path = settings.get('path') ?? '';
    // A serial port asks for no file where its backend is none.
    return !around.isFile(path) && /^(stdio$|tcp=|\/dev\/nmdm)/.test(path)
      ? [serialConnection(path, around.label === servedConsole)]
      : pathConnections(settings, around);
  },
};

/** USB devices, counted from 1; a tablet is what a controller has by default. */
function usbDevices(settings: DeviceSettings): SpecObject {
  const devices = numbered(settings, 'slot', 1).flatMap((slot) => slot.get('device') ?? []);
  return devices.length === 1 && devices[0] === 'tablet' ? {} : { devices };
}

export const xhciReader: DeviceReader = {
  more: usbDevices,
  connections: (settings) =>
    numbered(settings, 'slot', 1).map((slot) => ({ kind: 'USB', name: slot.get('device') ?? '', notes: [] })),
};

export const hdaReader: DeviceReader = {
  connections: (settings, around) => portConnections(settings, ['play', 'rec'], around),
};
