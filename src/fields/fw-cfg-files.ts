import { child } from '../base/json-pointer.js';
import type { Finding } from '../base/problem.js';
import { byteLength, shown } from '../base/text.js';
import { regularFile } from '../devices/device.js';
import { file, text } from '../devices/json-schema.js';
import { defineField, type FieldContext } from './field.js';
import type { FirmwareFields } from './firmware.js';
import { object } from './schemas.js';

export interface FwCfgFilesFields {
  readonly fw_cfg_files?: readonly { readonly name: string; readonly string?: string; readonly file?: string }[];
}

/** The name is kept in 56 bytes, one of which ends it: qemu_fwcfg.c. */
const maxItemName = 55;

function check({ vm: { fwcfg, fw_cfg_files: items = [] } }: FieldContext<FwCfgFilesFields & FirmwareFields>) {
  const findings: Finding[] = [];
  const find = (code: string, pointer: string, message: string, fix: string): void => {
    findings.push({ code, pointer, message, fix });
  };
  if (items.length > 0 && fwcfg !== 'qemu') {
    find(
      'fwcfg',
      '/fw_cfg_files',
      'the guest would not see these files: bhyve shows them with fwcfg qemu only',
      'add "fwcfg": "qemu"',
    );
  }
  const seen = new Map<string, number>();
  items.forEach(({ name, string, file }, index) => {
    const at = child('/fw_cfg_files', index);
    const twin = seen.get(name);
    seen.set(name, twin ?? index);
    if (byteLength(name) > maxItemName) {
      find(
        'too-long',
        `${at}/name`,
        `a name has at most ${maxItemName} bytes, this has ${byteLength(name)}`,
        'use e.g. "opt/com.example/key"',
      );
    }
    if (twin !== undefined) {
      find(
        'fw-cfg-twice',
        `${at}/name`,
        `${shown(name)} is fw_cfg_files[${twin}] already`,
        'give each a name of its own',
      );
    }
    if ((string === undefined) === (file === undefined)) {
      const message = string === undefined ? 'its content is missing' : 'string and file both say its content';
      find('fw-cfg-content', at, message, string === undefined ? 'add "string" or "file"' : 'keep one of them');
    }
  });
  return findings;
}

export const fwCfgFiles = defineField<FwCfgFilesFields & FirmwareFields>({
  name: 'fw_cfg_files',
  chapter: 'How the guest starts',
  pcOnly: 'it has no option -f',
  isBehindLpc: true,
  schema: {
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
  check,
  stage: 'board',
  /** `-f`: what the guest reads by the firmware's own interface. It is no variable, and nothing in it is expanded. */
  settings: ({ vm }) =>
    (vm.fw_cfg_files ?? []).map(({ name, string, file }, index) => ({
      variables: [],
      pointers: [child('/fw_cfg_files', index)],
      option: ['-f', `name=${name},${file === undefined ? `string=${string ?? ''}` : `file=${file}`}`],
      isLiteral: true,
    })),
  requirements: ({ vm }) =>
    (vm.fw_cfg_files ?? []).flatMap(({ file }, index) =>
      file === undefined ? [] : [regularFile(file, `/fw_cfg_files/${index}/file`)],
    ),
});
