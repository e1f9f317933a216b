import { Option } from 'commander';
import { drawGraph, graphFormats, type GraphFormat } from '../../graph/draw.js';
import type { Picture } from '../../graph/picture.js';
import type { Look } from '../../graph/text.js';
import { graphReport, pictures } from '../../report/graph-report.js';
import { loadWithLock } from '../../report/load-with-lock.js';
import { refuseUnknownTarget } from '../../report/targets.js';
import type { SpecFormat } from '../../spec/parse-spec.js';
import { defaultTarget } from '../../spec/targets.js';
import { coloursFor } from '../colours.js';
import { inputFormatOption, lockOptions, makeCommand, takeSpec } from '../command-line.js';
import type { MakeSubcommand } from '../subcommand.js';
import type { Context } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { drawsUnicode } from '../letters.js';
import { asText } from '../paint.js';

interface GraphOptions {
  readonly config: string;
  readonly target?: string;
  readonly format: GraphFormat;
  readonly what: (typeof pictures)[number];
  readonly inputFormat?: SpecFormat;
  readonly lock?: string | boolean;
  readonly color?: boolean;
}

const examples = `
"boots": the targets, and for what reason of the exit which of them is booted
next. "machine": slots, devices and what they are connected to on the host.
No password is in either.

Examples:
  vmrun graph vm.json
  vmrun graph vm.json --format svg > vm.svg
  vmrun graph vm.json -t install --what machine --format mermaid`;

/** `vmrun graph`: pictures of a spec. Reads the spec and its lock file, and nothing else. */
export const graphCommand: MakeSubcommand = (context, output) => {
  const [lockFile, noLock] = lockOptions();
  const command = makeCommand('vmrun graph', output)
    .description('Draws what a spec says: the sequence of boots, and the machine of a target.')
    .usage('SPEC [options]');
  const specOf = takeSpec(command);
  command
    .option('-t, --target <name>', "this target's machine, and the first boot", defaultTarget)
    .addOption(new Option('--format <format>', 'what to draw it as').choices(graphFormats).default('text'))
    .addOption(new Option('--what <picture>', 'what to draw').choices(pictures).default('both'))
    .addOption(inputFormatOption())
    .addOption(lockFile)
    .addOption(noLock)
    .option('--color', 'colours, also without a terminal')
    .option('--no-color', 'no colours')
    .addHelpText('after', examples);
  return {
    run: async (words) => {
      command.parse([...words], { from: 'user' });
      const options = { ...command.opts<GraphOptions>(), config: specOf() };
      const picture = await pictureOf(options, context);
      context.out(asText(drawGraph(picture, options.format, lookFor(context, options.color))));
      return exitCodes.ok;
    },
    color: () => command.opts<GraphOptions>().color,
  };
};

/** @throws ProblemsError where the spec is not good, or has no such target */
async function pictureOf(options: GraphOptions, context: Context): Promise<Picture> {
  const { target = defaultTarget, what } = options;
  const loaded = await loadWithLock(options, context);
  refuseUnknownTarget(loaded.spec, target);
  return graphReport(loaded, target, what, context.hostBhyve);
}

function lookFor(context: Context, color: boolean | undefined): Look {
  const colour = coloursFor(context, color, 1);
  return {
    isUnicode: drawsUnicode(context, 1),
    bold: (text) => colour.bold(text),
    dim: (text) => colour.dim(text),
  };
}
