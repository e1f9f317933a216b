import { defineDevice, optional } from './device.js';
import { integer } from './json-schema.js';
import {
  checkNetwork,
  networkFields,
  networkLabel,
  networkRequirements,
  networkTraits,
  networkVariables,
  networkWords,
  type NetworkFields,
} from './network.js';

interface VirtioNet extends NetworkFields {
  readonly mtu?: number;
}

const variables = (fields: VirtioNet) => [...networkVariables(fields), ...optional('mtu', fields.mtu)];

/** A virtio network card: bhyve(8), "Network device backends". */
export const virtioNet = defineDevice<VirtioNet>({
  model: 'virtio-net',
  description: 'A virtio network card.',
  schema: {
    properties: { ...networkFields, mtu: integer('Largest packet in bytes that the card announces.', 46, 65535) },
  },
  example: { name: 'tap0', mac: '58:9c:fc:00:00:01' },
  isNetworkCard: true,
  driver: 'vtnet',
  label: networkLabel,
  check: checkNetwork,
  variables,
  words: (fields) => networkWords(variables(fields)),
  traits: networkTraits,
  requirements: networkRequirements,
});
