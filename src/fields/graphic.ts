import { defaultVncPort, fbuf, frameBufferFields, type FrameBuffer } from '../devices/fbuf.js';
import { flag, slotSchema } from '../devices/json-schema.js';
import { xhci } from '../devices/xhci.js';
import { defineField, settingOf } from './field.js';
import type { Part } from './part.js';
import { object } from './schemas.js';

export interface GraphicFields {
  readonly graphic?: FrameBuffer & { readonly slot?: string | number; readonly xhci_table: boolean };
  readonly keyboard?: string;
}

/** Why a tablet is there that nobody has asked for, and how it goes. */
const tablet = { why: 'graphic brings a tablet (xhci_table)', howToDrop: 'set "xhci_table": false' };

export const graphic = defineField<GraphicFields>({
  name: 'graphic',
  chapter: 'Devices',
  pcOnly: 'it has no frame buffer',
  schema: object({
    description: 'A screen for VNC clients, and an xhci controller with a tablet.',
    properties: {
      slot: {
        ...slotSchema,
        description: 'Slot of the frame buffer. Default: the lowest free slot after the devices.',
      },
      ...frameBufferFields,
      xhci_table: flag("Add an xhci controller with a tablet, for a pointer that follows the client's.", true),
    },
    examples: [{ host: '127.0.0.1', port: defaultVncPort, width: 1024, height: 768 }],
  }),
  parts({ graphic }): readonly Part[] {
    if (graphic === undefined) return [];
    const { slot } = graphic;
    const common = { pointer: '/graphic', mayFix: false };
    const screen = { ...common, model: fbuf, fields: graphic, broughtBy: { field: 'graphic' } };
    return [
      slot === undefined ? screen : { ...screen, slot },
      ...(graphic.xhci_table
        ? [{ ...common, model: xhci, fields: {}, broughtBy: { field: 'graphic', extra: tablet } }]
        : []),
    ];
  },
});

export const keyboard = defineField<GraphicFields>({
  name: 'keyboard',
  chapter: 'Devices',
  after: { written: 'graphic' },
  pcOnly: 'it has no frame buffer',
  schema: {
    type: 'string',
    description: 'Keyboard layout for VNC clients: a file name in /usr/share/bhyve/kbdlayout (-K).',
    pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
    patternErrorMessage: 'the name of a keyboard layout, e.g. "de_noacc"',
    examples: ['de_noacc'],
  },
  stage: 'machine',
  settings: ({ vm: { keyboard } }) =>
    keyboard === undefined ? [] : [settingOf('keyboard', ['-K', keyboard], 'keyboard.layout', keyboard)],
});
