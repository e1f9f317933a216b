import { bootromOf, firmwareVariables } from '../firmware.js';
import { plain, type FieldConnections, type ReadField, type SpecObject } from './reader.js';

export const readBootrom: ReadField = ({ variables, platform }) => {
  const key = firmwareVariables(platform).bootrom;
  const value = variables.get(key);
  if (value === undefined) return undefined;
  return { ...(value === bootromOf({}, platform.arch) ? {} : { value }), variables: [key] };
};

export const readVarfile: ReadField = (configured) =>
  configured.platform.arch === 'arm64' ? undefined : plain(firmwareVariables(configured.platform).bootvars)(configured);

/** `bhyve` is what it is anyway. */
export const readFwcfg: ReadField = ({ variables }) => {
  const value = variables.get('lpc.fwcfg');
  if (value === undefined) return undefined;
  return { ...(value === 'bhyve' ? {} : { value }), variables: ['lpc.fwcfg'] };
};

export const readFwCfgFiles: ReadField = ({ items }) =>
  items.length === 0
    ? undefined
    : {
        value: items.map(({ name, string, file }): SpecObject => ({
          name,
          ...(string === undefined ? {} : { string }),
          ...(file === undefined ? {} : { file }),
        })),
        variables: [],
      };

export const readTpm: ReadField = ({ variables }) => {
  const [type, path, version] = ['type', 'path', 'version'].map((key) => variables.get(`tpm.${key}`));
  if (type === undefined || path === undefined || version === undefined) return undefined;
  return {
    value: { type, path, ...(version === '2.0' ? {} : { version }) },
    variables: ['tpm.type', 'tpm.path', 'tpm.version'],
  };
};

const imageConnections =
  (port: string, kind: string): FieldConnections =>
  ({ variables }) => {
    const name = variables.get(port) ?? variables.get(`lpc.${port}`);
    return name === undefined ? [] : [{ port, kind, name, notes: [] }];
  };

export const bootromConnections = imageConnections('bootrom', 'firmware');
export const varfileConnections = imageConnections('bootvars', 'variables');

export const fwCfgFilesConnections: FieldConnections = ({ needs }) =>
  needs.flatMap((need) =>
    need.kind === 'file' && need.pointer.startsWith('/fw_cfg_files/')
      ? [{ port: 'fw_cfg', kind: 'file', name: need.path, notes: [] }]
      : [],
  );

export const tpmConnections: FieldConnections = ({ variables }) => {
  const name = variables.get('tpm.path');
  const kind = variables.get('tpm.type') === 'swtpm' ? 'swtpm' : 'host TPM';
  return name === undefined ? [] : [{ port: 'tpm', kind, name, notes: [] }];
};
