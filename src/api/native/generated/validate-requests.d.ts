import type { Validate } from '../../../server/route.js';

/** By the names of `requestSchemas`. */
declare const validators: Readonly<Record<string, Validate>>;
export default validators;
