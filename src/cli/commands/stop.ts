import path from 'node:path';
import { ProblemsError } from '../../base/problem.js';
import { quoteWord } from '../../base/shell.js';
import { isThere } from '../../host/files/new-file.js';
import { systemHost } from '../../host/host.js';
import { knownNames } from '../../host/run-directory/who-runs.js';
import { noVmm } from '../../host/look/vmm.js';
import { loadSpec } from '../../report/load-spec.js';
import { lockFileFor } from '../../report/lock-file.js';
import type { SpecFormat } from '../../spec/parse-spec.js';
import { readSpec } from '../../spec/read.js';
import type { Force } from '../../host/run-directory/run-state.js';
import { stopRun, type KnownRun, type StopRunOptions, type StopWait } from '../../supervisor/runs.js';
import { askOperation, vmPath } from '../ask-operation.js';
import type { Context } from '../context.js';
import { formatWhen } from '../clock-time.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { managerOptions, managersOf, type ManagerChoice, type ManagerClient } from '../manager-client.js';
import { duration } from '../option-values.js';
import { asLines } from '../paint.js';
import { runBasesOf } from '../run-base.js';
import { inputFormatOption, quietOption } from '../shared-options.js';

interface StopChoice extends ManagerChoice {
  readonly config?: string | undefined;
  readonly inputFormat?: SpecFormat | undefined;
  readonly timeout?: number | undefined;
  readonly now?: true | undefined;
  readonly quiet?: true | undefined;
}

const notes = `
The guest is asked to power off, and vmrun waits until nothing is left of the
run; it says so where that takes longer, and where the guest did not power off
and was ended by force. Of several stops the one whose time is over first holds:
a second one without options joins the first, and shortens nothing. A VM of a
manager (vmrun serve) is stopped by that, and stays stopped.
Exit status: 0 stopped, by force too, 69 no VM of that name runs, 75 it did not
end.

Examples:
  vmrun stop web                 as long as the spec's stop_timeout allows
  vmrun stop web --timeout 30s   end it by force after 30 seconds
  vmrun stop -c web.json --now   the VM that this spec names, without waiting`;

/** `vmrun stop`: ends a VM that another vmrun runs, or that it has left. */
export const stopCommand = defineCommand({
  name: 'stop',
  description: 'Stops a VM that vmrun runs, and waits until it has ended.',
  usage: 'NAME [options]\n       vmrun stop -c FILE [options]',
  notes,
  declare: (command) =>
    managerOptions(
      command
        .argument('[name]')
        .option('-c, --config <file>', 'the spec that names the VM')
        .addOption(inputFormatOption)
        .option('--timeout <time>', 'how long the guest has, e.g. 90s; then it is ended by force', duration)
        .option('--now', 'do not wait for the guest'),
    ).addOption(quietOption),
  run: async ({ context, command, operands: [name], options: own, refuse }) => {
    const options: StopChoice = { ...own, ...command.opts() };
    if ((name === undefined) === (options.config === undefined)) {
      refuse('give the name of one VM, or its spec with -c');
    }
    if (options.now === true && options.timeout !== undefined) refuse('--now and --timeout exclude one another');
    return stop(context, name ?? (await nameIn(context, options)), options);
  },
});

async function stop(context: Context, name: string, options: StopChoice): Promise<number> {
  const places = runBasesOf(options, context).map(({ runBase, isSimulated }) => ({
    runBase,
    ...(isSimulated ? { host: { ...systemHost(), vmm: noVmm } } : {}),
  }));
  const say = (text: string): void => {
    if (options.quiet !== true) context.err(asLines([`vmrun: ${name}: ${text}`]));
  };
  /** Managers that may not be asked: the VM may be one of theirs. */
  const closed: string[] = [];
  const byManager = await stopByManager(context, name, options, { say, closed });
  if (byManager !== undefined) return byManager;
  const left: KnownRun[] = [];
  /** Their manager is gone. */
  const managed: KnownRun[] = [];
  let forced: Force | undefined;
  const how: StopRunOptions = {
    timeoutMs: options.timeout,
    now: options.now === true,
    onStopping: (run) => {
      if (run.status === 'left') left.push(run);
      if (run.status !== 'supervised' && run.state?.managedBy !== undefined) managed.push(run);
      say(describe(run));
    },
    onWaiting: (wait) => {
      say(describeWait(wait));
    },
    onForced: (by) => {
      forced = by;
    },
    onWarning: (problem) => {
      const fix = problem.fix === undefined ? [] : [`    fix: ${problem.fix}`];
      context.err(asLines([`vmrun: ${name}: warning: ${problem.message}`, ...fix]));
    },
  };
  for (const [index, place] of places.entries()) {
    if ((await stopRun(name, { ...how, ...place })) === 'not-running') continue;
    say(forced === undefined ? 'stopped' : `stopped by force: the guest had not powered off, ${forceWords[forced]}`);
    if (managed.length > 0) say(stillWanted);
    const [other] = places.slice(index + 1);
    if (other !== undefined && knownNames(other.runBase).includes(name)) {
      say(`one of this name is simulated, and goes on: vmrun stop ${quoteWord(name)} --simulate`);
    }
    return exitCodes.ok;
  }
  if (left.length > 0) {
    say('that is removed; there was nothing to stop');
    return exitCodes.host;
  }
  const hint = isSpecFile(name, context) ? `; to stop the VM of a spec: vmrun stop -c ${quoteWord(name)}` : '';
  if (closed.length > 0) {
    const where = closed.join(' and ');
    context.err(
      asLines([
        `vmrun: ${name}: none of your VMs has this name; a manager listens at ${where}, which you may not use`,
        '    fix: be root or in the group of its socket, or use --manager and --token-file',
      ]),
    );
    return exitCodes.host;
  }
  const looked = places.map(({ runBase }) => runBase).join(' and ');
  context.err(
    asLines([`vmrun: ${name}: no VM of this name runs (looked in ${looked}); vmrun ps lists those that do${hint}`]),
  );
  return exitCodes.host;
}

/**
 * Asks the manager that has a VM of this name: it alone knows that the VM is to stay stopped, and never has to end for it.
 * @returns the exit code; undefined: no manager has it
 */
async function stopByManager(
  context: Context,
  name: string,
  options: StopChoice,
  { say, closed }: { readonly say: (text: string) => void; readonly closed: string[] },
): Promise<number | undefined> {
  for (const client of managersOf(options, context)) {
    if (!(await hasVm(client, name, { isNamed: options.manager !== undefined, closed }))) continue;
    const { timeout, now } = options;
    const body = {
      ...(timeout === undefined ? {} : { timeout: timeout / 1000 }),
      ...(now === undefined ? {} : { now }),
    };
    const operation = await askOperation(client, name, 'stop', body, {
      isWaiting: true,
      say,
      onLong: () => {
        say('asking its manager to stop it');
      },
    });
    say(operation.hadEffect ? 'stopped' : 'it does not run');
    return operation.hadEffect ? exitCodes.ok : exitCodes.host;
  }
  return undefined;
}

/** @throws ProblemsError where a manager that was named cannot be asked */
async function hasVm(
  client: ManagerClient,
  name: string,
  { isNamed, closed }: { readonly isNamed: boolean; readonly closed: string[] },
): Promise<boolean> {
  try {
    const { document } = await client.ask('GET', vmPath(name));
    // Another vmrun runs it: that one is asked.
    return typeof document === 'object' && document !== null && !('supervisor' in document);
  } catch (error) {
    if (error instanceof ProblemsError && !isNamed) {
      const code = error.problems[0]?.code ?? '';
      // Nobody listens there any more, or whoever asks may not: what runs is found by its run directory.
      if (code === 'no-right') closed.push(client.where);
      if (['unknown-vm', 'no-manager', 'no-right'].includes(code)) return false;
    }
    throw error;
  }
}

/** The operand is a VM's name; somebody who has given the spec itself is told. */
const isSpecFile = (name: string, { workingDirectory }: Context): boolean =>
  /[./]/.test(name) && isThere(path.resolve(workingDirectory, name));

function describe({ status, supervisor, pid, ended }: KnownRun): string {
  switch (status) {
    case 'supervised':
      return supervisor === undefined
        ? 'waiting for the vmrun that is only starting or stopping it'
        : `asking process ${supervisor} to stop it`;
    case 'orphaned':
      return `its supervisor is gone, stopping ${pid === undefined ? 'it' : `process ${pid}`}`;
    case 'left':
      return `nothing runs${ended === undefined ? '' : ` (boot ${ended.boot} ${ended.words})`}, removing what a run that was killed has left`;
  }
}

/** It keeps what is wanted in its own folder, and is not there to be told. */
const stillWanted =
  'warning: its manager is gone and does not know of this: the next vmrun serve starts it again, unless it is stopped there';

const forceWords: Readonly<Record<Force, string>> = {
  'power-off': 'bhyvectl --force-poweroff ended it',
  kill: 'bhyve was killed',
};

function describeWait({ for: what, until }: StopWait): string {
  const when = formatWhen(new Date(until), new Date());
  return what === 'guest'
    ? `waiting for the guest to power off, until ${when}; then it is ended by force`
    : `waiting for the run to end, until ${when}; then vmrun stop gives up`;
}

/** @throws ProblemsError where the spec cannot be read; what else is wrong with it does not matter here */
async function nameIn(context: Context, { config = '', inputFormat }: StopChoice): Promise<string> {
  const { workingDirectory, hostBhyve } = context;
  const input = readSpec(config, { workingDirectory, format: inputFormat });
  // Slots may depend on it, and so what is wrong with the spec; what is wrong with itself must not keep a VM running.
  const locked = await lockFileFor({ config }, context).catch(() => undefined);
  return (await loadSpec(input, { ...hostBhyve, identity: locked?.identity })).spec.name;
}
