import type { Platform } from '../../base/platform.js';
import { integer, pathConnections, type DeviceReader, type DeviceSettings, type SpecObject } from './reader.js';

/** By id, in order. */
const targetsIn = (settings: DeviceSettings): readonly { readonly id: number; readonly path: string }[] =>
  [...settings]
    .flatMap(([key, path]) => {
      const [, id] = /^target\.(0|[1-9]\d{0,2})$/.exec(key) ?? [];
      return id === undefined ? [] : [{ id: Number(id), path }];
    })
    .sort((a, b) => a.id - b.id);

function scsiTargets(settings: DeviceSettings, { release }: Platform): SpecObject {
  if (release !== 16) {
    const device = settings.get('dev');
    return device === undefined ? {} : { path: device };
  }
  const targets = targetsIn(settings);
  const [first, ...more] = targets;
  if (first === undefined) return {};
  if (first.id === 0 && more.length === 0) return { path: first.path };
  // A target without an id has the highest one so far, plus 1.
  return { targets: targets.map(({ id, path }, index) => (id === index ? path : { id, path })) };
}

const numbers = ['iid', 'bootindex', 'seg_max', 'num_queues', 'ctl_ringsz', 'evt_ringsz', 'req_ringsz', 'thr_per_q'];

export const virtioScsiReader: DeviceReader = {
  more: scsiTargets,
  fields: Object.fromEntries(numbers.map((key) => [key, integer(key)])),
  connections: (settings, around) => [
    ...pathConnections(settings, around),
    ...targetsIn(settings).map(({ id, path }) => ({
      port: `target ${id}`,
      kind: around.kindOf(path),
      name: path,
      notes: [],
    })),
  ],
};
