import type { AnyDeviceModel } from './device.js';

/** A source of random numbers: bhyve(8). */
export const virtioRnd: AnyDeviceModel = {
  model: 'virtio-rnd',
  description: 'A source of random numbers for the guest.',
  schema: { properties: {} },
  example: {},
  variables: () => [],
  words: () => [],
};
