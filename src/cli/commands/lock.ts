import { quoteCommand } from '../../base/shell.js';
import { ProblemsError, type Problem } from '../../base/problem.js';
import { count } from '../../base/text.js';
import type { Platform } from '../../devices/device.js';
import { hostName, loadIdentity, writeIdentityFile } from '../../host/files/identity-file.js';
import { changeWords } from '../../machine/guest-changes.js';
import { formatIdentity } from '../../machine/identity-text.js';
import type { Identity } from '../../machine/identity.js';
import { twinWarnings } from '../../machine/twins.js';
import { compareWithLock, lockIdentity } from '../../machine/lock-identity.js';
import { loadSpec } from '../../report/load-spec.js';
import { lockPathOf } from '../../report/lock-file.js';
import { refuseSharedLock } from '../../report/lock-sharers.js';
import type { Spec, SpecFormat } from '../../spec/parse-spec.js';
import { readSpec, standardInput } from '../../spec/read.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { refuseLockFile } from '../output-files.js';
import { asLines } from '../paint.js';
import { givenSpec, inputFormatOption, quietOption, specOperand } from '../shared-options.js';

interface LockChoices {
  readonly config: string;
  readonly lock?: string | undefined;
  readonly check?: true | undefined;
  readonly prune?: true | undefined;
  readonly inputFormat?: SpecFormat | undefined;
  readonly quiet?: true | undefined;
}

const notes = `
The lock file keeps, for every target, the PCI slots, MACs and serial numbers
that the guest sees now, and a UUID. Then no edit of the spec moves a device
that is still there: it is known by its id, else by its model and path or
interface, else by its kind and order. What the spec itself says comes first.
Every command of vmrun honours the file. Lock again after an edit, to keep
what is new.

Examples:
  vmrun lock vm.json            write vm.lock.json
  vmrun lock vm.json --check    for CI: 65 where that would change the file
  vmrun plan vm.json            what is kept, and what has changed`;

/** `vmrun lock`: writes down what the guest of each target knows its machine by. */
export const lockCommand = defineCommand({
  name: 'lock',
  description: 'Keeps what guests know their machine by, in a file beside the spec.',
  usage: 'SPEC [options]',
  notes,
  declare: (command) =>
    specOperand(command, ', and needs --lock')
      .option('--lock <file>', 'the lock file; default: NAME.lock.json beside the spec')
      .option('--check', 'write nothing; exit status 65 where the file would change')
      .option('--prune', 'forget devices and targets that the spec has no more')
      .addOption(inputFormatOption)
      .addOption(quietOption),
  run: (call) => {
    const options = { ...call.options, config: givenSpec(call) };
    const file = lockPathOf(options) ?? call.refuse('a spec on standard input needs --lock FILE');
    return lock(call.context, options, file);
  },
});

async function lock(context: Context, options: LockChoices, file: string): Promise<number> {
  const { workingDirectory, hostBhyve } = context;
  if (options.lock === undefined) await refuseSharedLock(options.config, file, context);
  const input = readSpec(options.config, { workingDirectory, format: options.inputFormat });
  if (options.config !== standardInput) refuseLockFile(file, options, context);
  const before = loadIdentity(file, workingDirectory);
  const loaded = await loadSpec(input, { ...hostBhyve, identity: before });
  const { spec } = loaded;
  const prune = options.prune === true;
  const locked = lockIdentity(spec, { ...hostBhyve, identity: before, hostName: hostName(), prune });
  if (!locked.ok) throw new ProblemsError('spec', input.name, locked.problems);
  const text = formatIdentity(locked.value.identity);
  const isSame = before !== undefined && formatIdentity(before) === text;
  const say = (line: string): void => {
    if (options.quiet !== true) context.err(asLines([`vmrun: ${file}: ${line}`]));
  };
  const renamed = loaded.warnings.filter(({ code }) => code === 'lock-name');
  for (const line of [
    ...renamed.map(problemWords),
    ...(before === undefined ? [] : news(spec, before, file, hostBhyve)),
  ]) {
    say(line);
  }
  if (options.check === true && !isSame) throw outdated(file, before, options);
  if (isSame) {
    say('up to date');
    return exitCodes.ok;
  }
  // A lock file that could be read is one.
  if (before === undefined) refuseLockFile(file, { ...options, spec }, context);
  writeIdentityFile(file, text, workingDirectory);
  if (locked.value.isNewUuid) say(newUuid);
  say(`written: ${summary(locked.value.identity)}`);
  return exitCodes.ok;
}

/** What is different from what was locked, a line each. */
function news(spec: Spec, identity: Identity, file: string, host: Partial<Platform>): readonly string[] {
  const compared = compareWithLock(spec, spec.targets, { ...host, identity, file });
  if (!compared.ok) return [];
  const { changes, warnings } = compared.value;
  const doubts = [
    ...warnings.filter(({ code }) => code === 'lock-doubt'),
    ...twinWarnings(spec, spec.targets, { ...host, identity }),
  ];
  return [
    // Most devices are in several targets, and change in each of them.
    ...new Set(changes.map(changeWords)),
    ...doubts.map(problemWords),
  ];
}

const problemWords = ({ subject, message, fix }: Problem): string =>
  [subject, message, fix].filter((words) => words !== undefined).join(': ');

const newUuid =
  'the UUID is new: a guest that has run before had another one, made by bhyve. To keep that, give it as "uuid" in the ' +
  'spec and lock again; a guest tells it with kenv smbios.system.uuid, or dmidecode -s system-uuid';

function summary({ targets }: Identity): string {
  const all = [...targets.values()];
  const stale = all.flatMap(({ devices, isStale }) =>
    devices.filter((device) => isStale === true || device.isStale === true),
  ).length;
  const devices = all.flatMap((target) => target.devices).length - stale;
  const rest = stale === 0 ? '' : `; ${stale} not in the spec any more, --prune forgets them`;
  return `${count(all.filter(({ isStale }) => isStale !== true).length, 'target')}, ${count(devices, 'device')}${rest}`;
}

const outdated = (file: string, before: Identity | undefined, { config, lock }: LockChoices): ProblemsError =>
  new ProblemsError('spec', file, [
    {
      code: before === undefined ? 'lock-missing' : 'lock-outdated',
      severity: 'error',
      message: before === undefined ? 'there is no lock file' : 'it does not say what the spec comes to now',
      fix: quoteCommand(['vmrun', 'lock', config, ...(lock === undefined ? [] : ['--lock', lock])]),
    },
  ]);
