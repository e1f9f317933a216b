import { Option } from '@commander-js/extra-typings';
import { drawGraph, graphFormats } from '../../graph/draw.js';
import { startGraph } from '../../graph/start-graph.js';
import type { Look } from '../../graph/text.js';
import { graphReport, pictures } from '../../report/graph-report.js';
import { loadWithLock } from '../../report/load-with-lock.js';
import { refuseUnknownTarget } from '../../report/targets.js';
import { defaultTarget } from '../../spec/targets.js';
import type { Colours } from '../colours.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { drawsUnicode } from '../letters.js';
import { asText } from '../paint.js';
import { givenSpec, loadingOptions, specOperand } from '../shared-options.js';
import { allWords, readFolder, refuseBesideFolder, tellFolder } from '../whole-folder.js';

const notes = `
"boots": the targets, and for what reason of the exit which of them is booted
next. "machine": slots, devices and what they are connected to on the host.
No password is in either. --all: the VMs of a folder, and who waits for whom.

Examples:
  vmrun graph vm.json
  vmrun graph vm.json --format svg > vm.svg
  vmrun graph vm.json -t install --what machine --format mermaid
  vmrun graph --all /usr/local/etc/vmrun --format svg > vms.svg`;

/** `vmrun graph`: pictures of a spec. Reads the spec and its lock file, and nothing else. */
export const graphCommand = defineCommand({
  name: 'graph',
  description: 'Draws what a spec says: the sequence of boots, and the machine of a target.',
  usage: 'SPEC [options]\n       vmrun graph --all DIR [options]',
  notes,
  declare: (command) =>
    loadingOptions(
      specOperand(command)
        .option('-t, --target <name>', "this target's machine, and the first boot", defaultTarget)
        .option('--all <dir>', allWords)
        .addOption(new Option('--format <format>', 'what to draw it as').choices(graphFormats).default('text' as const))
        .addOption(new Option('--what <picture>', 'what to draw').choices(pictures).default('both' as const)),
    ),
  run: async (call) => {
    const { context, colours } = call;
    if (call.options.all !== undefined) {
      refuseBesideFolder(call, { '-c': call.options.config });
      const plan = await readFolder(call.options.all, context);
      const starts = startGraph(plan.folder, plan.specs, plan.order);
      context.out(asText(drawGraph({ starts }, call.options.format, lookFor(context, colours(1)))));
      return tellFolder(plan, context, colours());
    }
    const { target, format, what, ...choice } = { ...call.options, config: givenSpec(call) };
    const loaded = await loadWithLock(choice, context);
    refuseUnknownTarget(loaded.spec, target);
    const picture = graphReport(loaded, target, what, context.hostBhyve);
    context.out(asText(drawGraph(picture, format, lookFor(context, colours(1)))));
    return exitCodes.ok;
  },
});

function lookFor(context: Context, colour: Colours): Look {
  return {
    isUnicode: drawsUnicode(context, 1),
    bold: (text) => colour.bold(text),
    dim: (text) => colour.dim(text),
  };
}
