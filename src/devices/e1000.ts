import { defineDevice } from './device.js';
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

/** An Intel 82545 network card, for guests without virtio: bhyve(8), "Network device backends". */
export const e1000 = defineDevice<NetworkFields>({
  model: 'e1000',
  description: 'An emulated Intel network card, for guests without virtio drivers.',
  schema: { properties: networkFields },
  example: { name: 'tap0' },
  isNetworkCard: true,
  driver: 'em',
  label: networkLabel,
  check: checkNetwork,
  variables: networkVariables,
  words: (fields) => networkWords(networkVariables(fields)),
  traits: networkTraits,
  requirements: networkRequirements,
});
