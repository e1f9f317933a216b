import { withoutGivenSecrets } from '../base/secrets.js';
import { defineDevice } from './device.js';
import { text } from './json-schema.js';
import { secretInView } from './secret-in-view.js';

interface Raw {
  readonly value: string;
}

/** Whatever bhyve takes after `-s slot,`, for models that vmrun does not know. Nothing in it is checked or escaped. */
export const raw = defineDevice<Raw>({
  model: 'raw',
  description: 'Text that is passed to bhyve after the slot as it is. Nothing in it is checked.',
  schema: {
    required: ['value'],
    properties: { value: text("What follows the slot in bhyve's -s option.", { examples: ['virtio-rnd'] }) },
  },
  example: { value: 'virtio-rnd' },
  isOpaque: true,
  label: ({ value }) => withoutGivenSecrets(value),
  check: ({ value }) =>
    secretInView([value], '/value', 'use an fbuf device, or "config", which keep it in a private file'),
  variables: () => [],
  words: ({ value }) => [value],
});
