/** A spec as it is written into a file. */
export type SpecValue = string | number | boolean | readonly SpecValue[] | SpecObject;
export interface SpecObject {
  readonly [key: string]: SpecValue;
}
