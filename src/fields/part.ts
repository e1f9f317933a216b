import type { AnyDeviceModel } from '../devices/device.js';

/** A device of the machine before it has an address. */
export interface Part {
  readonly model: AnyDeviceModel;
  readonly fields: object;
  readonly pointer: string;
  readonly id?: string;
  readonly slot?: string | number;
  readonly mayFix: boolean;
  /** The root field that brings it; absent: it is one of the spec's `emulations`. */
  readonly broughtBy?: {
    readonly field: string;
    /** Where the field has one that it brings besides its own. */
    readonly extra?: { readonly why: string; readonly howToDrop: string };
  };
}
