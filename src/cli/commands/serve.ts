import { isThere } from '../../host/files/new-file.js';
import { readConfiguration, usualConfiguration, type Configuration } from '../../manager/configuration.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { asLines } from '../paint.js';
import { mayHaveBhyve } from '../programs.js';
import { foreseen } from '../serve/foreseen.js';
import { scriptOf } from '../serve/simulated-scripts.js';
import { serve } from '../serve/serve.js';
import { formatProblem } from '../show-problems.js';
import { noBhyve } from '../../host/look/no-bhyve.js';

const notes = `
SIGTERM and SIGINT stop all VMs, those first that wait for others; the second
one at once. SIGUSR2 ends the manager and leaves the VMs running: the next one
takes them over. SIGHUP reads specs and configuration again.
Users and tokens say who may use it over TCP; its socket needs none.

Examples:
  vmrun serve                           as root: specs of /usr/local/etc/vmrun
  vmrun serve -c manager.conf --simulate
  vmrun serve --simulate --script web=reboot:5s,run
  vmrun serve user add anna --role operate`;

/** `vmrun serve`: the manager of many VMs. */
export const serveCommand = defineCommand({
  name: 'serve',
  description: 'Runs the VMs of a folder of specs, and serves an API to those who manage them.',
  usage: '[options]',
  notes,
  declare: (command) =>
    command
      .option('-c, --config <file>', 'its configuration; default: vmrun-manager.conf in /usr/local/etc, if it is there')
      .option('--simulate', 'VMs are played by the built-in simulator')
      .option('--script <vm=steps>', 'what a simulated VM does; may be given for each', scriptOf, {})
      .option('--bhyve <path>', 'another bhyve; default: that of the configuration, $BHYVE_EXEC or bhyve')
      .option('-P, --pid-file <file>', 'file for the pid, written when it listens')
      .option('--dry-run', 'check the configuration, and start nothing')
      .option('-q, --quiet', 'say problems only')
      .option('-v, --verbose', 'say more of what happens'),
  run: async ({ context, options, colours, refuse }) => {
    const isSimulated = options.simulate === true;
    if (!isSimulated && Object.keys(options.script).length > 0) refuse('--script is for --simulate');
    if (options.quiet === true && options.verbose === true) refuse('-q and -v exclude one another');
    const read = (): Promise<Configuration> => {
      const usual = usualConfiguration(context);
      const file = options.config ?? (isThere(usual) ? usual : undefined);
      return readConfiguration(file, { ...context, isSimulated });
    };
    const configuration = await read();
    const hasBhyve = isSimulated || mayHaveBhyve({ bhyve: options.bhyve ?? configuration.bhyve }, context);
    const fix = 'try it with --simulate, or name a program with --bhyve';
    if (options.dryRun === true) {
      const { file, listen } = configuration;
      const problems = [...foreseen(configuration), ...(hasBhyve ? [] : noBhyve(context.platform, fix).problems)];
      context.err(
        asLines([
          `vmrun: ${file ?? 'there is no configuration, and none is needed'}: good; it would listen at ${listen.join(' and ')}`,
          ...problems.flatMap((problem) => formatProblem({ ...problem, severity: 'warning' }, colours())),
        ]),
      );
      return exitCodes.ok;
    }
    if (!hasBhyve) throw noBhyve(context.platform, fix);
    return serve(context, {
      configuration,
      read,
      isSimulated,
      scripts: options.script,
      bhyve: options.bhyve,
      pidFile: options.pidFile,
      says: options.quiet === true ? 'problems' : options.verbose === true ? 'all' : 'usual',
      colours: colours(),
    });
  },
});
