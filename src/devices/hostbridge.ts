import type { AnyDeviceModel, Release, Variable } from './device.js';

/** Ids of the host bridge that `amd_hostbridge` shows: bhyve(8). */
const amdIds = { vendor: '0x1022', device: '0x7432' };

const idVariables = (release: Release): readonly Variable[] =>
  release === 14
    ? [
        { key: 'vendor', value: amdIds.vendor },
        { key: 'devid', value: amdIds.device },
      ]
    : [
        { key: 'pcireg.vendor', value: amdIds.vendor },
        { key: 'pcireg.device', value: amdIds.device },
      ];

const bridge = (model: string): AnyDeviceModel => ({
  model,
  emulation: 'hostbridge',
  description: 'The bridge between the CPU and the PCI bus, which most guests expect at 0:0:0.',
  schema: { properties: {} },
  example: {},
  variables: (_fields: object, { release }) => (model === 'amd_hostbridge' ? idVariables(release) : []),
  words: () => [],
});

/** The bridge of a machine: said by the root field `hostbridge`, not among the devices. */
export const hostbridges = { hostbridge: bridge('hostbridge'), amd_hostbridge: bridge('amd_hostbridge') } as const;
