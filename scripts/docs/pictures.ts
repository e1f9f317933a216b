import rescue from '../../examples/rescue.json' with { type: 'json' };
import { bootGraph } from '../../src/graph/boot-graph.js';
import { drawGraph } from '../../src/graph/draw.js';
import { machineGraph } from '../../src/graph/machine-graph.js';
import { loadSpecText } from '../../src/machine/load-spec.js';
import { plan } from '../../src/machine/plan.js';

/** What `vmrun graph -c rescue.json --format svg` draws in the folder of the examples. */
export async function rescuePicture(): Promise<string> {
  const text = JSON.stringify(rescue);
  const loaded = await loadSpecText({ name: 'rescue.json', text, format: 'json', resolveFile: (path) => path });
  if (!loaded.ok) throw new Error('examples/rescue.json is not a valid spec');
  const machine = plan(loaded.value, 'default');
  if (!machine.ok) throw new Error('examples/rescue.json has no plan');
  return drawGraph({ boots: bootGraph(loaded.value), machine: machineGraph(machine.value) }, 'svg');
}
