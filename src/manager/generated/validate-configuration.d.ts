import type { Validate } from '../../spec/violations.js';

/** Compiled from `configurationSchema` by the build. */
declare const validate: Validate;
export default validate;
