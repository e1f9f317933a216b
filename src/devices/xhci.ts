import { defineDevice } from './device.js';

interface Xhci {
  readonly devices?: readonly 'tablet'[];
}

const devicesOf = ({ devices = ['tablet'] }: Xhci): readonly string[] => devices;

/** A USB controller with its devices: bhyve(8), "USB device backends". */
export const xhci = defineDevice<Xhci>({
  model: 'xhci',
  description: "A USB 3 controller. A tablet gives VNC a pointer that follows the client's.",
  schema: {
    properties: {
      devices: {
        type: 'array',
        description: 'USB devices; bhyve has a tablet.',
        minItems: 1,
        maxItems: 4,
        items: { type: 'string', enum: ['tablet'] },
        default: ['tablet'],
      },
    },
  },
  example: { devices: ['tablet'] },
  isSingle: true,
  label: (fields) => devicesOf(fields).join(', '),
  // bhyve counts USB slots from 1.
  variables: (fields) => devicesOf(fields).map((device, index) => ({ key: `slot.${index + 1}.device`, value: device })),
  words: devicesOf,
});
