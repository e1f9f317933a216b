import { slotSchema } from '../devices/json-schema.js';
import { defineField } from './field.js';

export interface BridgeFields {
  readonly hostbridge: 'hostbridge' | 'amd_hostbridge' | 'none';
  readonly lpc_slot?: string | number;
}

export const hostbridge = defineField<BridgeFields>({
  name: 'hostbridge',
  chapter: 'Devices',
  schema: {
    type: 'string',
    enum: ['hostbridge', 'amd_hostbridge', 'none'],
    description: 'Model of the host bridge.',
    default: 'hostbridge',
  },
  check: ({ vm, arch, release }) =>
    vm.hostbridge !== 'amd_hostbridge' || arch === 'amd64' || release === 14
      ? []
      : [
          {
            code: 'arch',
            pointer: '/hostbridge',
            message: 'amd_hostbridge is the bridge of a PC',
            fix: 'leave "hostbridge" out',
          },
        ],
});

export const lpcSlot = defineField<BridgeFields>({
  name: 'lpc_slot',
  chapter: 'Devices',
  pcOnly: 'there is no LPC bridge',
  schema: {
    ...slotSchema,
    description:
      'Slot of the LPC bridge on bus 0, or "none" for no bridge. Default: 0:31:0, which Windows needs. Serial ports, TPM and the firmware\'s variables are behind it.',
    pattern: '^(\\d{1,3}(:\\d{1,3}){0,2}|none)$',
    patternErrorMessage: 'a slot, slot:function or bus:slot:function in decimal, e.g. "31" or "0:31:0", or "none"',
    examples: ['0:31:0', 'none'],
  },
});
