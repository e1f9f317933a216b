import type { Platform } from '../../base/platform.js';
import { type DeviceReader, type DeviceSettings, type SpecObject } from './reader.js';

export const bridgeIdVariables = (release: Platform['release']): readonly [vendor: string, device: string] =>
  release === 14 ? ['vendor', 'devid'] : ['pcireg.vendor', 'pcireg.device'];

function bridgeIds(settings: DeviceSettings, { release }: Platform): SpecObject {
  const [vendor, devid] = bridgeIdVariables(release).map((key) => settings.get(key));
  if (vendor === '0x1022' && devid === '0x7432') return { model: 'amd_hostbridge' };
  return { ...(vendor === undefined ? {} : { vendor }), ...(devid === undefined ? {} : { devid }) };
}

export const hostbridgeReader: DeviceReader = { more: bridgeIds, fields: {}, connections: () => [] };
