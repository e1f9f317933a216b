import { byteLength } from '../base/text.js';
import { asWords, defineDevice, whenSet } from './device.js';
import { file, flag, text } from './json-schema.js';

interface Virtio9p {
  readonly sharename: string;
  readonly path: string;
  readonly ro?: boolean;
}

const maxTagBytes = 256;

/** A folder of the host, shared with the guest: bhyve(8), "9P device backends". */
export const virtio9p = defineDevice<Virtio9p>({
  model: 'virtio-9p',
  description: 'A folder of the host that the guest can mount.',
  schema: {
    required: ['sharename', 'path'],
    properties: {
      sharename: text('Name that the guest mounts it by, at most 256 bytes.', {
        takesDigits: true,
        examples: ['home'],
      }),
      path: file('The folder.', { examples: ['/export/home'] }),
      ro: flag('The guest may read only.'),
    },
  },
  example: { sharename: 'home', path: '/export/home', ro: true },
  label: ({ sharename, path }) => `${sharename} ${path}`,
  check: ({ sharename }) =>
    byteLength(sharename) <= maxTagBytes
      ? []
      : [{ code: 'too-long', pointer: '/sharename', message: `a share name has at most ${maxTagBytes} bytes` }],
  variables: ({ sharename, path, ro }) => [
    { key: 'sharename', value: sharename },
    { key: 'path', value: path },
    ...whenSet('ro', ro),
  ],
  // The first "=" ends the name.
  words: ({ sharename, path, ro }) =>
    sharename.includes('=') ? undefined : [`${sharename}=${path}`, ...asWords(whenSet('ro', ro))],
  requirements: ({ path, ro }) => [
    { kind: 'file', path, types: ['directory'], access: ro === true ? 'read' : 'write', pointer: '/path' },
  ],
});
