import type { AnyDeviceModel } from './device.js';

/** The LPC bridge that carries com ports, TPM and the boot ROM's variables: said by `lpc_slot`, not among the devices. */
export const lpc: AnyDeviceModel = {
  model: 'lpc',
  description: 'The bridge to com ports, TPM and boot ROM variables.',
  schema: { properties: {} },
  example: {},
  isSingle: true,
  isAmd64Only: true,
  variables: () => [],
  words: () => [],
};
