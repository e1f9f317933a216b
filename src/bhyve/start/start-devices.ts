import { formatAddress, maxBus, maxFunction, maxSlot, type PciAddress } from '../../base/pci-address.js';
import type { ConfigNode } from '../config-node.js';
import { BhyveExit, errnoText, exitError } from '../outcome.js';
import { findModel, pciVariable } from '../pci.js';
import { traitsOf } from '../releases.js';
import { checkDevice } from './device-checks.js';
import type { StartContext } from './start-context.js';

/** Starts every PCI device, by its address; ends bhyve at the first that refuses. */
export function startDevices(context: StartContext): void {
  const { config, output, platform } = context;
  for (let bus = 0; bus <= maxBus; bus += 1) {
    if (config.find(`pci.${bus}`) === undefined) continue;
    if (bus > 0) context.hasFurtherBus = true;
    for (let slot = 0; slot <= maxSlot; slot += 1) {
      for (let func = 0; func <= maxFunction; func += 1) {
        const address = { bus, slot, func };
        const node = config.find(pciVariable(address));
        if (node !== undefined && !startDevice(address, node, context)) {
          output.stderr.push(`${traitsOf(platform).deviceErrorLine}: ${errnoText.invalid}`);
          throw new BhyveExit(exitError);
        }
      }
    }
    // Read when the first BAR of the bus gets its address.
    config.bool('pci.enable_bars', true);
  }
}

function startDevice(address: PciAddress, node: ConfigNode, context: StartContext): boolean {
  const { config, output, platform } = context;
  const refuse = (message: string): false => {
    output.stderr.push(`pci slot ${formatAddress(address)}: ${message}`);
    return false;
  };
  const name = config.getFrom(node, 'device');
  if (name === undefined) return refuse('missing "device" value');
  const model = findModel(name, platform.arch);
  if (model === undefined) return refuse(`unknown device "${name}"`);
  if (model.alias !== undefined) return refuse(`legacy device "${name}", use "${model.alias}" instead`);
  if (!checkDevice(model.name, address, node, context)) return false;
  context.devices.push({ address, model: model.name });
  return true;
}
