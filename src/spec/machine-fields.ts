import { defaultVncPort, frameBufferFields } from '../devices/fbuf.js';
import {
  flag,
  integer,
  printable,
  printableMessage,
  slotSchema,
  text,
  type JsonSchema,
} from '../devices/json-schema.js';
import { serialBackends } from '../devices/serial.js';
import { bootFields } from './boot-fields.js';
import { cpuset, memory, object } from './field-schemas.js';
import { policyFields } from './policy-fields.js';

/** domainset_parselist of libutil; domains of the host by number. */
const domainPolicyPattern =
  '^(all|(round-robin|rr|first-touch|ft|prefer|interleave|il)(:\\d{1,3}(-\\d{1,3})?(,\\d{1,3}(-\\d{1,3})?)*)?|\\d{1,3}(-\\d{1,3})?(,\\d{1,3}(-\\d{1,3})?)*)$';

const console = (number: number): JsonSchema =>
  text(`Serial port ${number}: ${serialBackends}.`, {
    examples: ['console', 'stdio', '/dev/nmdm0A'],
  });

const uuidSchema: JsonSchema = {
  type: 'string',
  description: 'UUID of the guest; by default bhyve makes one from host and VM name.',
  // uuid_from_string(3) knows three variants; bhyve ends without a word at another.
  pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){2}-[0-9a-dA-D][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$',
  patternErrorMessage: 'a UUID such as "5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01"',
};

/** Names as bhyve_config(5) has them. */
const smbiosStrings = {
  bios: ['vendor', 'version', 'release_date'],
  system: ['family_name', 'manufacturer', 'product_name', 'serial_number', 'sku', 'version'],
  board: ['manufacturer', 'product_name', 'version', 'serial_number', 'asset_tag', 'location'],
  chassis: ['manufacturer', 'version', 'serial_number', 'asset_tag', 'sku'],
} as const;

const smbiosSchema: JsonSchema = object({
  description: 'Texts of the SMBIOS tables that the guest sees.',
  properties: Object.fromEntries(
    Object.entries(smbiosStrings).map(([structure, names]) => [
      structure,
      object({
        description: `Texts about the ${structure === 'bios' ? 'firmware' : structure}.`,
        properties: Object.fromEntries(
          names.map((name) => [
            name,
            text(`The ${name.replace('_', ' ')} of the ${structure === 'bios' ? 'firmware' : structure}.`, {
              takesDigits: true,
            }),
          ]),
        ),
      }),
    ]),
  ),
  examples: [{ system: { serial_number: '42' } }],
});

const configSchema: JsonSchema = object({
  description:
    'Variables of bhyve_config(5) by their names, for what has no field of its own. One whose name ends in "password" never stands on a command line.',
  additionalProperties: {
    ...text('Value of the variable.'),
    type: ['string', 'integer', 'boolean'],
    takesDigits: true,
  },
  patternProperties: {
    '[Pp][Aa][Ss][Ss][Ww][Oo][Rr][Dd]$': text('A secret.', { takesDigits: true, isSecret: true }),
  },
  examples: [{ 'x86.verbosemsr': true }],
});

/** Root fields that a target may say too. */
export const machineFields: Readonly<Record<string, JsonSchema>> = {
  cpu: {
    ...object({
      properties: {
        sockets: integer('CPU packages.', 1, 65535, { default: 1 }),
        cores: integer('Cores in each package.', 1, 65535, { default: 1 }),
        threads: integer('Threads of each core.', 1, 65535, { default: 1 }),
      },
    }),
    type: ['integer', 'object'],
    description: 'Virtual CPUs: a number n is one socket with one core of n threads; or the whole topology.',
    minimum: 1,
    maximum: 65535,
    examples: [2, { sockets: 1, cores: 4, threads: 2 }],
  },
  cpu_pin: {
    type: 'object',
    description: 'Host CPUs that a vCPU may run on, by the number of the vCPU: numbers and ranges.',
    additionalProperties: cpuset('Host CPUs, 0 to 1023.', '4-5,7'),
    examples: [{ '0': '2', '1': '4-5,7' }],
  },
  mem: memory(
    'Guest memory: digits and a unit K, M, G or T (powers of 1024), or an integer number of bytes. A multiple of 4096 bytes.',
  ),
  numa: {
    type: 'array',
    description: 'NUMA domains of the guest, in order; their memory adds up to mem. From FreeBSD 15 on.',
    minItems: 1,
    maxItems: 8,
    items: object({
      properties: {
        id: integer('Its place in the list, from 0.', 0, 7),
        mem: memory('Memory of the domain.'),
        cpus: cpuset('vCPUs of the domain.', '0-1'),
        policy: {
          type: 'string',
          description: 'Where the memory comes from, by domains of the host: domainset(9).',
          pattern: domainPolicyPattern,
          patternErrorMessage: 'a domain policy such as "prefer:0", "interleave:0-1" or "first-touch"',
          examples: ['prefer:0'],
        },
      },
      required: ['mem', 'cpus'],
    }),
    examples: [
      [
        { mem: '2G', cpus: '0-1' },
        { mem: '2G', cpus: '2-3', policy: 'prefer:1' },
      ],
    ],
  },
  ...bootFields,
  hostbridge: {
    type: 'string',
    enum: ['hostbridge', 'amd_hostbridge', 'none'],
    description: 'Model of the host bridge.',
    default: 'hostbridge',
  },
  lpc_slot: {
    ...slotSchema,
    description:
      'Slot of the LPC bridge on bus 0, or "none" for no bridge. Default: 0:31:0, which Windows wants. Serial ports, TPM and the firmware\'s variables are behind it.',
    pattern: '^(\\d{1,3}(:\\d{1,3}){0,2}|none)$',
    patternErrorMessage: 'a slot, slot:function or bus:slot:function in decimal, e.g. "31" or "0:31:0", or "none"',
    examples: ['0:31:0', 'none'],
  },
  com1: console(1),
  com2: console(2),
  com3: console(3),
  com4: console(4),
  gdb: {
    ...object({
      properties: {
        address: text('Address to listen on. Default: localhost.', { examples: ['127.0.0.1'] }),
        port: integer('TCP port.', 1, 65535),
        wait: flag('Start the guest only when a debugger has connected.'),
      },
      required: ['port'],
    }),
    type: ['string', 'integer', 'object'],
    description: 'GDB stub: a port, "address:port", the same after a "w" to wait for the debugger, or an object.',
    pattern: '^w?([^\\s,\\u0000-\\u001f\\u007f]{1,200}:)?\\d{1,5}$',
    patternErrorMessage: 'a port, "address:port", or the same after a "w", e.g. "w127.0.0.1:1234"',
    minimum: 1,
    maximum: 65535,
    examples: ['w127.0.0.1:1234', 1234, { address: '127.0.0.1', port: 1234, wait: true }],
  },
  uuid: uuidSchema,
  graphic: object({
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
  utc_clock: flag('The RTC keeps UTC (-u); false: local time.', true),
  yield_on_hlt: flag('Give up the host CPU while the guest is idle (-H).', true),
  generate_acpi: flag('Generate ACPI tables (-A).', true),
  wire_guest_mem: {
    type: 'boolean',
    description: 'Wire guest memory (-S). Default: true where a passthru device needs it, else false.',
  },
  force_msi: flag('Make virtio devices use MSI instead of MSI-X interrupts (-W).'),
  disable_mptable_gen: flag('Do not generate an MP table (-Y).'),
  monitor: flag(
    'bhyve restarts the guest by itself (-M), from FreeBSD 16 on. Without next_target, reboot_on and on_give_up, which need a new bhyve.',
  ),
  power_off_destroy_vm: flag('Destroy the VM when the guest powers off (-D).'),
  yield_on_pause: flag('Give up the host CPU when the guest executes PAUSE (-P).'),
  x2apic: flag("Put the guest's local APIC into x2APIC mode (-x)."),
  strict_io: flag('End the VM when the guest touches an I/O port that nothing emulates (-e).'),
  ignore_unknown_msrs: flag('Ignore model specific registers that bhyve does not emulate (-w); many guests need it.'),
  guest_mem_in_core: flag('Put guest memory into core dumps of bhyve (-C).'),
  keyboard: {
    type: 'string',
    description: 'Keyboard layout for VNC clients: a file name in /usr/share/bhyve/kbdlayout (-K).',
    pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
    patternErrorMessage: 'the name of a keyboard layout, e.g. "de_noacc"',
    examples: ['de_noacc'],
  },
  smbios: smbiosSchema,
  config: configSchema,
  extra_options: {
    type: ['string', 'array'],
    description:
      'More options for bhyve, put before the VM name: a list of words, or one text that is split as a shell splits it, ' +
      "by blanks outside '…', \"…\" and $'…'.",
    pattern: printable,
    patternErrorMessage: printableMessage,
    minItems: 1,
    items: text('One word of the command.', { takesDigits: true }),
    examples: ['-o system.serial_number=42', ['-o', 'system.serial_number=42']],
  },
  ...policyFields,
};
