import path from 'node:path';
import { hostName } from '../../host/files/identity-file.js';
import { liveView } from '../../host/look/live-view.js';
import { nodeVersion, systemNames } from '../../host/look/system-names.js';
import { simulatedBase } from '../../host/run-directory/run-base.js';
import { runTool } from '../../host/process/tools.js';
import { doctorDocument, type DoctorDocument } from '../../report/doctor-document.js';
import { doctorReport, type DoctorReport } from '../../report/doctor-report.js';
import type { SpecChoice } from '../../report/load-with-lock.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { asLines, asText, type OwnText } from '../paint.js';
import { programsOf } from '../programs.js';
import { runBaseOf, runBasesOf } from '../run-base.js';
import { bhyveOption, loadingOptions, runDirOption, targetOption } from '../shared-options.js';

declare const VMRUN_VERSION: string;

interface DoctorChoice extends Partial<SpecChoice> {
  readonly target?: string | undefined;
  readonly log?: string | undefined;
  readonly bhyve?: string | undefined;
  readonly runDir?: string | undefined;
}

/** Where rc.d/vmrun has the logs of its VMs. */
const logFolder = '/var/log/vmrun';

const notes = `
Versions, what vmrun facts prints, and of a VM its spec, plan, state and the end
of its log. Secrets, the environment, arguments of hooks, x- keys and the name
of the host are taken out; read it all the same before you send it.

Examples:
  vmrun doctor -c web.json > report.md
  vmrun doctor web --log /var/log/web.log   a VM that runs, by its name`;

/** `vmrun doctor`: what a bug report needs, for its author to read and send. Changes nothing. */
export const doctorCommand = defineCommand({
  name: 'doctor',
  description: 'Prints what a bug report needs, without secrets. Changes nothing.',
  usage: '[NAME] [options]',
  notes,
  declare: (command) =>
    loadingOptions(
      command
        .argument('[name]')
        .option('-c, --config <file>', 'the spec of the VM; - is standard input')
        .addOption(targetOption)
        .option('--log <file>', `log of the run; default: ${logFolder}/NAME.log`),
    )
      .addOption(bhyveOption)
      .addOption(runDirOption),
  run: async ({ context, operands: [name], options, refuse }) => {
    if (name !== undefined && options.config !== undefined) refuse('give the name of one VM, or its spec with -c');
    const report = await gather(context, name, options);
    context.out(asReport(doctorDocument(report, { hostName: hostName(), env: context.env })));
    if (name !== undefined && report.run?.runs.length === 0 && report.run.unknown.length === 0) {
      const looked = runBasesOf(options, context).map(({ runBase }) => runBase);
      context.err(
        asLines([`vmrun: ${name}: no run of this name is in ${looked.join(' or ')}; vmrun ps lists those that are`]),
      );
    }
    return exitCodes.ok;
  },
});

async function gather(context: Context, name: string | undefined, options: DoctorChoice): Promise<DoctorReport> {
  const { workingDirectory, hostBhyve } = context;
  const { config, target, inputFormat, lock, log } = options;
  const real = runBaseOf(options, context);
  const { system, release, arch } = systemNames();
  return doctorReport({
    versions: { vmrun: VMRUN_VERSION, node: nodeVersion(), system, release, arch },
    view: liveView({ run: runTool }),
    loading: { workingDirectory, hostBhyve },
    planning: {
      programs: programsOf({ simulate: undefined, bhyve: options.bhyve }, context),
      hostBhyve,
      runBase: real,
    },
    runBases: { real, simulated: simulatedBase(real) },
    spec: config === undefined ? undefined : { config, target, inputFormat, lock },
    name,
    logOf: (vm) => path.resolve(workingDirectory, log ?? path.join(logFolder, `${vm}.log`)),
  });
}

const head = [
  'Read this before you send it: it was made by `vmrun doctor` and is about your host.',
  '',
  'Taken out: passwords and other secrets, the environment, arguments of hooks, `x-` keys, what fw_cfg tells the guest, and',
  'the names of this host and of others in its domain. Still there: names of VMs, files, users, interfaces, cards, other',
  'hosts, IP and MAC addresses, serial numbers, and in the log whatever bhyve and hooks have written.',
];

/** Markdown, as it goes into an issue. */
function asReport(sections: DoctorDocument): OwnText {
  const parts = sections.flatMap(({ title, language, lines }) => {
    const fence = fenceFor(lines);
    return ['', `## ${title}`, '', `${fence}${language}`, ...lines, fence];
  });
  return asText(`${[...head, ...parts].join('\n')}\n`);
}

/** Longer than any in the text. */
function fenceFor(lines: readonly string[]): string {
  let fence = '```';
  while (lines.some((line) => line.startsWith(fence))) fence += '`';
  return fence;
}
