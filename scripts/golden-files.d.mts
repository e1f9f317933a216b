import type { loadSpecText } from '../src/machine/load-spec.js';
import type { plan } from '../src/machine/plan.js';
import type { readSpec } from '../src/spec/read.js';

export function goldenFiles(
  root: string,
  vmrun: {
    readonly readSpec: typeof readSpec;
    readonly loadSpecText: typeof loadSpecText;
    readonly plan: typeof plan;
  },
): Promise<Map<string, string>>;
