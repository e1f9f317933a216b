import { flagVariable, type Flag } from '../field.js';
import { present, type ReadField } from './reader.js';

/** What is the field's default is not written. */
export const readFlag =
  (flag: Flag, byDefault: unknown): ReadField =>
  (configured) => {
    const { variables, platform, readBoolean, whenUnset } = configured;
    if (flag.isPcOnly && platform.arch === 'arm64') return undefined;
    const key = flagVariable(flag, platform);
    const text = variables.get(key);
    const value = text === undefined ? whenUnset(key) : readBoolean(text);
    if (value === undefined) return undefined;
    const isSet = value === flag.value;
    return {
      ...(isSet === (byDefault === true) ? {} : { value: isSet }),
      variables: present(configured, [key]),
    };
  };

const deviceKey = /^pci\.(\d+)\.\d+\.\d+\.device$/;

/** A machine that reaches past bus 0 has no MP table anyway. */
export const readNoMpTable: ReadField = (configured) => {
  const { variables, platform, readBoolean } = configured;
  const hasTable = readBoolean(variables.get('x86.mptable') ?? 'true');
  if (platform.arch === 'arm64' || hasTable === undefined) return undefined;
  const isAutomatic = [...variables.keys()].some((key) => Number(deviceKey.exec(key)?.[1] ?? 0) > 0);
  return { ...(hasTable || isAutomatic ? {} : { value: true }), variables: present(configured, ['x86.mptable']) };
};
