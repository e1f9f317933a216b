import { backendType } from '../network.js';
import {
  readBoolean,
  texts,
  text,
  type Connection,
  type DeviceReader,
  type DeviceSettings,
  type SpecObject,
  type DeviceSurroundings,
} from './reader.js';

/** net_backends.c: what the backend is, is told by how its name begins. */
function backendFields(settings: DeviceSettings): SpecObject {
  const backend = settings.get('backend');
  const type = settings.get('type');
  if (backend === 'netgraph') {
    return { type: 'netgraph', ...texts(settings, ['path', 'peerhook', 'socket', 'hook']) };
  }
  if (backend === 'slirp') {
    const rules = settings.get('hostfwd');
    return {
      type: 'slirp',
      ...(readBoolean(settings.get('open') ?? '') === true ? { open: true } : {}),
      ...(rules === undefined ? {} : { hostfwd: rules.split(';') }),
    };
  }
  return { ...(backend === undefined ? {} : { name: backend }), ...(type === undefined ? {} : { type }) };
}

function connection(settings: DeviceSettings, around: DeviceSurroundings): Connection {
  const backend = settings.get('backend') ?? '';
  const kind = settings.get('type') ?? backendType({ name: backend });
  if (kind === 'netgraph') {
    return { kind, name: `${settings.get('path') ?? ''} ${settings.get('peerhook') ?? ''}`, notes: [] };
  }
  if (kind === 'slirp') {
    const forwards = settings.get('hostfwd')?.split(';') ?? [];
    return { kind, name: forwards.length === 0 ? 'user network' : forwards.join(' '), notes: [] };
  }
  return { ...(kind === undefined ? {} : { kind }), name: backend, notes: around.bridgesOf(backend) };
}

export const networkReader: DeviceReader = {
  more: backendFields,
  fields: { mac: text('mac') },
  connections: (settings, around) => (settings.has('backend') ? [connection(settings, around)] : []),
};
