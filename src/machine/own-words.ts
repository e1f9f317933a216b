import { raw } from '../devices/raw.js';
import type { VmSpec } from '../fields/vm-spec.js';

/** Whether a spec says something in bhyve's own words, which vmrun passes on as they are. */
export const hasOwnWords = ({ config, extra_options: extra = [], emulations }: VmSpec): boolean =>
  config !== undefined || extra.length > 0 || emulations.some(({ device }) => device === raw.model);
