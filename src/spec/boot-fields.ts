import { file, text, type JsonSchema } from '../devices/json-schema.js';
import { duration, files, object, words } from './field-schemas.js';

const defaultBootrom = '/usr/local/share/uefi-firmware/BHYVE_UEFI.fd';

const loaderSchema: JsonSchema = {
  ...object({
    properties: {
      kind: {
        type: 'string',
        enum: ['bhyveload', 'grub-bhyve'],
        description: 'bhyveload for FreeBSD guests, grub-bhyve (package grub2-bhyve) for others.',
      },
      args: words('More words for the program, put before the VM name.', ['-h', '/export/guest']),
      disk: files(
        'bhyveload: what to load from, at most 32 images; []: none, for a folder in args. Default: the first disk of the guest.',
        32,
      ),
      env: {
        type: 'object',
        description: 'bhyveload: variables of the loader, as in loader.conf.',
        additionalProperties: text('Value of the variable.', { takesDigits: true }),
        examples: [{ autoboot_delay: '3' }],
      },
      root: text('grub-bhyve: the device that holds grub.cfg.', { examples: ['hd0,msdos1', 'cd0'] }),
      device_map: {
        ...file('grub-bhyve: a device map file, or images by drive. Default: the disks and CDs of the guest.'),
        type: ['string', 'object'],
        additionalProperties: file('The image behind the drive.'),
        examples: [{ hd0: 'disk.img' }],
      },
      commands: {
        ...text('grub-bhyve: what to type at its prompt, line by line, instead of a grub.cfg.'),
        type: ['string', 'array'],
        minItems: 1,
        items: text('One command of GRUB.'),
        examples: [['linux (hd0,msdos1)/vmlinuz root=/dev/vda1', 'initrd (hd0,msdos1)/initrd.img', 'boot']],
      },
    },
    required: ['kind'],
  }),
  type: ['string', 'object'],
  description:
    'A program that loads the guest before each boot, instead of a boot ROM; or "none": somebody else has loaded it, and a reboot of it ends the run.',
  pattern: '^none$',
  patternErrorMessage: '"none", or an object with the kind "bhyveload" or "grub-bhyve"',
  examples: [{ kind: 'bhyveload', disk: 'disk.img' }],
};

/** Root fields that say what the guest starts from, and what its firmware hands on. */
export const bootFields: Readonly<Record<string, JsonSchema>> = {
  bootrom: file('Boot ROM (firmware) image. Default: the firmware of the package edk2-bhyve, on arm64 U-Boot.', {
    examples: [defaultBootrom],
  }),
  varfile: file('Variables of the firmware, written by the guest: a copy for each VM.'),
  loader: loaderSchema,
  loader_timeout: duration('How long a loader may take.', 60),
  tpm: object({
    description: 'A TPM: one of the host, or a running swtpm.',
    properties: {
      type: {
        type: 'string',
        enum: ['passthru', 'swtpm'],
        description: 'passthru: a TPM device of the host; swtpm: a socket that swtpm listens on.',
      },
      path: file('The device, or the socket.', { examples: ['/dev/tpm0', '/var/run/swtpm.sock'] }),
      version: { type: 'string', enum: ['2.0'], description: 'TPM version; bhyve knows 2.0.', default: '2.0' },
    },
    required: ['type', 'path'],
    examples: [{ type: 'swtpm', path: '/var/run/swtpm.sock' }],
  }),
  fwcfg: {
    type: 'string',
    enum: ['bhyve', 'qemu'],
    description:
      'How the firmware asks bhyve about the machine. Boot order, fw_cfg_files and, with current firmware, the TPM need qemu; bhyve uses its own unless told.',
  },
  fw_cfg_files: {
    type: 'array',
    description: 'What the guest reads by the QEMU firmware configuration interface; needs fwcfg: qemu.',
    minItems: 1,
    maxItems: 64,
    items: object({
      properties: {
        name: {
          type: 'string',
          description: 'Name of the item, at most 55 bytes.',
          pattern: '^[^\\s,\\u0000-\\u001f\\u007f]+$',
          patternErrorMessage: 'a name without blanks and commas, e.g. "opt/com.example/key"',
          examples: ['opt/com.example/key'],
        },
        string: text('Its content.', { takesDigits: true }),
        file: file('A file with its content.'),
      },
      required: ['name'],
    }),
    examples: [[{ name: 'opt/com.example/key', string: 'value' }]],
  },
};
