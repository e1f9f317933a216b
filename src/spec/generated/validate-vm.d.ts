/** Compiled from `vmSchema` by the build. One violation as ajv tells it. */
export interface Violation {
  readonly keyword: string;
  /** JSON Pointer into the data. */
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
}

declare const validate: {
  (data: unknown): boolean;
  errors?: readonly Violation[] | null;
};
export default validate;
