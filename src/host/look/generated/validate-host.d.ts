import type { Validate } from '../../../spec/violations.js';

/** Compiled from `factsSchema` by the build. */
declare const validate: Validate;
export default validate;
