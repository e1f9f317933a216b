import { statSync } from 'node:fs';
import { errorWords } from '../../base/error-words.js';
import { runsDocument } from '../../report/runs-document.js';
import { listRuns, type KnownRun } from '../../supervisor/runs.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { runBasesOf } from '../run-base.js';
import { asJson, asLines } from '../paint.js';
import { formatOf, listOptions, placeOptions } from '../shared-options.js';
import { formatRuns, runLines } from '../show-runs.js';

const notes = `
STATE is what the run does: starting, loading, running, stopping, waiting,
ending. "orphaned": bhyve goes on, its supervisor was killed. "left": nothing
runs, but a run that was killed has not cleaned up. For scripts, --format lines:
no heading and no notes, and simulated VMs with --simulate only.

Examples:
  vmrun ps
  vmrun ps --json | jq -r '.[].name'`;

/** `vmrun ps`: the VMs that vmrun runs here. */
export const psCommand = defineCommand({
  name: 'ps',
  description: 'Lists the VMs that vmrun runs on this host, for this user. Changes nothing.',
  usage: '[options]',
  notes,
  declare: (command) => placeOptions(listOptions(command), ['only those that are simulated', 'only the others']),
  run: async ({ context, options }) => {
    const places = runBasesOf(options, context);
    const format = formatOf(options);
    const unknown: string[] = [];
    const onUnknown = (name: string, error: unknown): void => {
      unknown.push(name);
      const why = errorWords(error);
      context.err(asLines([`vmrun: ${name}: it is not known who runs it: ${why}`]));
    };
    const runsIn = async (isSimulated: boolean): Promise<readonly KnownRun[]> => {
      const place = places.find((each) => each.isSimulated === isSimulated);
      return place === undefined ? [] : await listRuns({ runBase: place.runBase, onUnknown });
    };
    const [real, simulated] = [await runsIn(false), await runsIn(true)];
    // A program that asks knows what it has asked for.
    if (options.runDir !== undefined && format === 'table' && !places.some(({ runBase }) => isFolder(runBase))) {
      const looked = places.map(({ runBase }) => runBase).join(' or ');
      context.err(asLines([`vmrun: there is no folder ${looked}, so nothing runs there`]));
    }
    if (format === 'lines' && options.simulate === undefined && simulated.length > 0) {
      const are = simulated.length === 1 ? 'simulated VM is' : 'simulated VMs are';
      context.err(
        asLines([`vmrun: ${simulated.length} ${are} not listed; --simulate lists them, --no-simulate silences this`]),
      );
    }
    const now = new Date();
    const runs = runsDocument(real, simulated, now);
    // Where all are simulated because nobody wants others, that need not be said.
    const listed = options.simulate === true ? simulated : runs;
    if (format === 'json') context.out(asJson(runs, 2));
    else if (format === 'lines') context.out(runLines(options.simulate === true ? simulated : real, now));
    else {
      const place = { runDir: options.runDir, isSimulated: options.simulate };
      context.out(formatRuns(listed, now, context.columns?.(1), place));
    }
    return unknown.length === 0 ? exitCodes.ok : exitCodes.system;
  },
});

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
