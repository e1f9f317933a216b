import { defineDevice } from './device.js';
import { file } from './json-schema.js';

interface VirtioInput {
  readonly path: string;
}

/** An input device of the host, given to the guest: bhyve(8), "Virtio input device backends". */
export const virtioInput = defineDevice<VirtioInput>({
  model: 'virtio-input',
  description: 'An input device of the host: a keyboard, a mouse, a touch screen.',
  schema: {
    required: ['path'],
    properties: { path: file('The evdev node of the device.', { examples: ['/dev/input/event0'] }) },
  },
  example: { path: '/dev/input/event0' },
  label: ({ path }) => path,
  variables: ({ path }) => [{ key: 'path', value: path }],
  words: ({ path }) => [path],
  requirements: ({ path }) => [{ kind: 'file', path, types: ['character device'], access: 'write', pointer: '/path' }],
});
