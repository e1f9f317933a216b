import { child } from '../base/json-pointer.js';
import type { AnyDeviceModel } from '../devices/device.js';
import { fbuf } from '../devices/fbuf.js';
import { modelNamed } from '../devices/registry.js';
import { xhci } from '../devices/xhci.js';
import type { VmSpec } from '../spec/vm-spec.js';

/** A device of the machine before it has an address. */
export interface Part {
  readonly model: AnyDeviceModel;
  readonly fields: object;
  readonly pointer: string;
  readonly id?: string;
  readonly slot?: string | number;
  readonly mayFix: boolean;
}

/** The devices of a spec, then those that stand behind its other fields; the bridges are not among them. */
export const partsOf = (vm: VmSpec): readonly Part[] => [...specParts(vm), ...graphicParts(vm)];

const specParts = (vm: VmSpec): readonly Part[] =>
  vm.emulations.map((device, index) => ({
    model: modelNamed(device.device),
    fields: device,
    pointer: child('/emulations', index),
    ...(device.id === undefined ? {} : { id: device.id }),
    ...(device.slot === undefined ? {} : { slot: device.slot }),
    mayFix: device.fix === true,
  }));

/** `graphic` stands for a frame buffer and, unless told otherwise, a tablet; they come after the devices. */
function graphicParts({ graphic }: VmSpec): readonly Part[] {
  if (graphic === undefined) return [];
  const part = (model: AnyDeviceModel, fields: object): Part => ({ model, fields, pointer: '/graphic', mayFix: false });
  const { slot } = graphic;
  return [
    { ...part(fbuf, graphic), ...(slot === undefined ? {} : { slot }) },
    ...(graphic.xhci_table ? [part(xhci, {})] : []),
  ];
}
