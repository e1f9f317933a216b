import type { Validate } from '../violations.js';

/** Compiled from `vmSchema` by the build. */
declare const validate: Validate;
export default validate;
