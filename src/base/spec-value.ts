/** A spec as it is written into a file. */
export type SpecValue = string | number | boolean | readonly SpecValue[] | SpecObject;
/** A spec, or an object in one, as it is written into a file. */
export interface SpecObject {
  readonly [key: string]: SpecValue;
}
