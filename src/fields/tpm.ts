import type { Finding } from '../base/problem.js';
import { file } from '../devices/json-schema.js';
import { defineField, type FieldContext } from './field.js';
import type { FirmwareFields } from './firmware.js';
import { object } from './schemas.js';

export interface TpmFields {
  readonly tpm?: { readonly type: 'passthru' | 'swtpm'; readonly path: string; readonly version: string };
}

function check({ vm: { tpm, fwcfg }, release, arch }: FieldContext<TpmFields & FirmwareFields>): readonly Finding[] {
  if (tpm === undefined) return [];
  const unseen: Finding = {
    code: 'fwcfg',
    severity: 'warning',
    pointer: '/tpm',
    message: 'current firmware finds the TPM with fwcfg qemu only',
    fix: 'add "fwcfg": "qemu"',
  };
  const tooNew: Finding = {
    code: 'release',
    severity: 'warning',
    pointer: '/tpm/type',
    message: 'swtpm came with FreeBSD 14.3; bhyve of 14.2 and before does not start with it',
    fix: 'make sure that the host is 14.3 or later',
  };
  return [
    ...(tpm.type === 'swtpm' && release === 14 && arch === 'amd64' ? [tooNew] : []),
    ...(fwcfg === 'qemu' ? [] : [unseen]),
  ];
}

export const tpm = defineField<TpmFields & FirmwareFields>({
  name: 'tpm',
  chapter: 'Devices',
  after: { written: 'fw_cfg_files', document: 'keyboard' },
  pcOnly: 'the TPM is behind the LPC bridge',
  isBehindLpc: true,
  schema: object({
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
  check,
  stage: 'board',
  /** `-l tpm,TYPE,PATH,version=2.0`. */
  settings({ vm: { tpm } }) {
    if (tpm === undefined) return [];
    const { type, path, version } = tpm;
    const setting = {
      pointers: ['/tpm'],
      variables: [
        { key: 'tpm.type', value: type },
        { key: 'tpm.path', value: path },
        { key: 'tpm.version', value: version },
      ],
    };
    return /[,%]/.test(path) ? [setting] : [{ ...setting, option: ['-l', `tpm,${type},${path},version=${version}`] }];
  },
  /** swtpm must listen before bhyve starts; it may serve one connection only, so nobody tries it out. */
  requirements: ({ vm: { tpm } }) =>
    tpm === undefined
      ? []
      : [
          {
            kind: 'file',
            path: tpm.path,
            types: [tpm.type === 'swtpm' ? 'socket' : 'character device'],
            access: 'write',
            pointer: '/tpm/path',
          },
        ],
});
