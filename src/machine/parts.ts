import { child } from '../base/json-pointer.js';
import { modelNamed } from '../devices/registry.js';
import type { Part } from '../fields/part.js';
import { fields } from '../fields/registry.js';
import type { VmSpec } from '../fields/vm-spec.js';

/** The devices of a spec, then those that stand behind its other fields; the bridges are not among them. */
export const partsOf = (vm: VmSpec): readonly Part[] => [
  ...specParts(vm),
  ...fields.flatMap((field) => field.parts?.(vm) ?? []),
];

const specParts = (vm: VmSpec): readonly Part[] =>
  vm.emulations.map((device, index) => ({
    model: modelNamed(device.device),
    fields: device,
    pointer: child('/emulations', index),
    ...(device.id === undefined ? {} : { id: device.id }),
    ...(device.slot === undefined ? {} : { slot: device.slot }),
    mayFix: device.fix === true,
  }));
