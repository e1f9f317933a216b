import type { bootGraph } from '../src/graph/boot-graph.js';
import type { drawGraph, graphFormats } from '../src/graph/draw.js';
import type { machineGraph } from '../src/graph/machine-graph.js';
import type { loadSpecText } from '../src/machine/load-spec.js';
import type { plan } from '../src/machine/plan.js';
import type { readSpec } from '../src/spec/read.js';

export function goldenFiles(
  root: string,
  vmrun: {
    readonly readSpec: typeof readSpec;
    readonly loadSpecText: typeof loadSpecText;
    readonly plan: typeof plan;
    readonly bootGraph: typeof bootGraph;
    readonly machineGraph: typeof machineGraph;
    readonly drawGraph: typeof drawGraph;
    readonly graphFormats: typeof graphFormats;
  },
): Promise<Map<string, string>>;
