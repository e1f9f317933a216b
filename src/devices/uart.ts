import { defineDevice } from './device.js';
import { text } from './json-schema.js';
import { bhyveBackend, checkSerialBackend, serialBackends, serialRequirements } from './serial.js';

interface Uart {
  readonly path: string;
}

const port = { name: 'uart', pointer: '/path' };

/** A serial port on the PCI bus: bhyve(8), `uart`. */
export const uart = defineDevice<Uart>({
  model: 'uart',
  description: 'A serial port on the PCI bus.',
  schema: {
    required: ['path'],
    properties: {
      path: text(`What it is connected to: ${serialBackends}.`, {
        examples: ['/dev/nmdm0A', 'console', 'stdio', 'tcp=127.0.0.1:1234'],
      }),
    },
  },
  example: { path: '/dev/nmdm0A' },
  label: ({ path }) => path,
  check: ({ path }, platform) => checkSerialBackend(path, port, platform),
  variables: ({ path }) => [{ key: 'path', value: bhyveBackend(path) }],
  words: ({ path }) => [bhyveBackend(path)],
  requirements: ({ path }) => serialRequirements(path, port),
  serialBackend: ({ path }) => path,
});
