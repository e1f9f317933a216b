import type { Finding } from '../base/problem.js';
import { byteLength } from '../base/text.js';
import { asWords, defineDevice, optional, type Requirement } from './device.js';
import { file } from './json-schema.js';

interface Hda {
  readonly play?: string;
  readonly rec?: string;
}

const options = ({ play, rec }: Hda) => [...optional('play', play), ...optional('rec', rec)];

const sound = (path: string | undefined, pointer: string): readonly Requirement[] =>
  path === undefined ? [] : [{ kind: 'file', path, types: ['character device'], access: 'write', pointer }];

/** bhyve keeps the path in 64 bytes, one of which ends it, and aborts where it does not fit: audio.c */
const maxPathBytes = 63;

const checkLength = (path: string | undefined, pointer: string): readonly Finding[] =>
  path === undefined || byteLength(path) <= maxPathBytes
    ? []
    : [
        {
          code: 'too-long',
          pointer,
          message: `the path of a sound device has at most ${maxPathBytes} bytes, got ${byteLength(path)}`,
          fix: 'use the device itself, e.g. "/dev/dsp0"',
        },
      ];

/** A sound card: bhyve(8), "High Definition Audio device backends". */
export const hda = defineDevice<Hda>({
  model: 'hda',
  description: 'A sound card. Without play it is silent, without rec it is deaf.',
  schema: {
    properties: {
      play: file('Sound device of the host to play on.', { examples: ['/dev/dsp0'] }),
      rec: file('Sound device of the host to record from.', { examples: ['/dev/dsp0'] }),
    },
  },
  example: { play: '/dev/dsp0', rec: '/dev/dsp0' },
  label: ({ play, rec }) => play ?? rec,
  check: ({ play, rec }) => [...checkLength(play, '/play'), ...checkLength(rec, '/rec')],
  variables: options,
  words: (fields) => asWords(options(fields)),
  requirements: ({ play, rec }) => [...sound(play, '/play'), ...sound(rec, '/rec')],
});
