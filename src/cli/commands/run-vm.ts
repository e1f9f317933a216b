import { ProblemsError, type Problem } from '../../base/problem.js';
import { systemClock } from '../../host/clock.js';
import { noBhyve } from '../../host/look/no-bhyve.js';
import { signalProcess } from '../../host/process/signal-process.js';
import {
  dropDeadTerminals,
  hasControllingTerminal,
  isTerminal,
  takeTerminalAsInput,
} from '../../host/process/terminal.js';
import { takeStopNote } from '../../host/run-directory/stop-note.js';
import type { Identity } from '../../machine/identity.js';
import type { Machine } from '../../machine/machine.js';
import type { PlanOptions } from '../../machine/plan.js';
import { forecastSpec } from '../../report/forecast-spec.js';
import { changedByOthers } from '../../report/spec-files.js';
import { twinsOfRun } from '../../report/twins-of-run.js';
import { parseScript } from '../../simulator/script.js';
import type { Spec } from '../../spec/parse-spec.js';
import { standardInput } from '../../spec/read.js';
import { run } from '../../supervisor/run.js';
import type { Run } from '../../supervisor/run-options.js';
import type { Colours } from '../colours.js';
import { asker, type Ask } from '../consent.js';
import type { Context } from '../context.js';
import { endExitCode, exitCodes, serviceExitCode } from '../exit-codes.js';
import type { CliOptions } from '../options.js';
import { refuseRunOutputs } from '../output-files.js';
import { asLines } from '../paint.js';
import { mayHaveBhyve } from '../programs.js';
import type { Programs } from '../../machine/loader.js';
import { runOutput, type RunOutput } from '../run-output.js';
import { formatProblem } from '../show-problems.js';
import { simulation } from '../simulation.js';
import { stopSignals } from '../stop-signals.js';

export interface RunRequest {
  readonly spec: Spec;
  /** The machine of the first boot. */
  readonly machine: Machine;
  /** What a lock file keeps. */
  readonly identity: Identity | undefined;
  readonly programs: Programs;
  readonly runBase: string;
  readonly options: CliOptions;
  readonly colour: Colours;
}

/** Runs the VM and tells what happens. @returns the exit code */
export async function runVm(context: Context, request: RunRequest): Promise<number> {
  const { spec, machine, identity, programs, runBase, options, colour } = request;
  const isSimulated = options.simulate !== undefined;
  refuseWhatCannotRun(context, options);
  if (options.consoleLog !== undefined) refuseConsoleElsewhere(request);
  refuseRunOutputs(options, request, context);
  takeInput(options, machine);
  const isChecked = options.requirementCheck && !isSimulated;
  const twins = twinsOfRun(spec, machine, planBasis(context, request), isChecked);
  tellOthers(context, request);
  if (!options.quiet) await tellForecast(context, request, await twins(machine.target));
  const output = runOutput(context, machine, options, colour);
  const vm = run(spec, {
    planned: machine,
    ...programs,
    runBase,
    platform: context.hostBhyve,
    identity,
    extraArguments: options.bhyveArguments,
    check: isChecked,
    mayFix: consent(context, options, machine, output.hasTerminal),
    force: options.force,
    adopt: options.adopt,
    limits: {
      noReboot: !options.reboot,
      rebootCount: options.rebootCount,
      rebootOn: options.rebootOn,
    },
    panicOnFailedCleanup: options.panicOnFailedCleanup,
    onStderr: output.words,
    onHookOutput: output.words,
    onConsole: output.console,
    target: options.target,
    pidFile: options.pidFile,
    supervisorPidFile: options.supervisorPidFile,
    ...(isSimulated ? simulation(() => options.simulate) : {}),
  });
  listen(context, { machine, runDirectory: `${runBase}/${spec.name}`, vm, output });
  output.begin(vm);
  try {
    let { target } = machine;
    for await (const event of vm.events) {
      output.event(event);
      const warn = (problem: Problem): void => {
        output.event({ kind: 'warning', problem, time: event.time, monotonicMs: event.monotonicMs });
      };
      if (event.kind === 'boot' || event.kind === 'adopted') target = event.target;
      const isUnloaded = event.kind === 'exit' && event.reason === 'reboot' && isLoadedByOthers(spec, target);
      if (isUnloaded) warn(loadAgain);
      if (event.kind === 'reboot' && !options.quiet) for (const problem of await twins(event.target)) warn(problem);
    }
    const result = await vm.result;
    if (options.panicOnFailedCleanup && result.leftBehind.length > 0) return exitCodes.system;
    if (options.exitStatus === 'service') return serviceExitCode(result);
    return result.end === undefined ? exitCodes.ok : endExitCode(result.end);
  } catch (error) {
    output.failed(error);
    throw error;
  } finally {
    await output.end();
  }
}

const isLoadedByOthers = (spec: Spec, target: string): boolean => spec.effective(target).vm.loader === 'none';

/** The run ends with the guest's reboot, which nobody expects. */
const loadAgain: Problem = {
  code: 'load-again',
  severity: 'warning',
  message: 'the guest wants to boot again, and "loader": "none" says that somebody else loads it: the run ends here',
  fix: 'load the guest and run vmrun again, or let vmrun do both with "loader": {"kind": "bhyveload"} or "grub-bhyve"',
};

const planBasis = ({ hostBhyve }: Context, { identity, options }: RunRequest): PlanOptions => ({
  ...hostBhyve,
  identity,
  extraArguments: options.bhyveArguments,
});

/** @throws ProblemsError `host` where the command line says that nothing may be run that others can change */
function tellOthers(context: Context, { spec, machine, identity, programs, options, colour }: RunRequest): void {
  const bhyve = options.simulate === undefined ? programs.bhyve[0] : undefined;
  const judged = {
    spec,
    machine,
    identity,
    bhyve,
    extraArguments: options.bhyveArguments,
    searchPath: context.env.PATH,
  };
  const problems = changedByOthers(options, { ...judged, isStrict: options.strict }, context);
  if (problems.length === 0) return;
  if (options.strict) throw new ProblemsError('host', spec.source, problems);
  if (options.quiet) return;
  context.err(asLines(problems.flatMap((problem) => formatProblem(problem, colour))));
}

/** Devices that are alike, and what bhyve will say to its own words: warnings, since it may be another bhyve. */
async function tellForecast(context: Context, request: RunRequest, twins: readonly Problem[]): Promise<void> {
  const { spec, colour } = request;
  const foretold = await forecastSpec(spec, spec.targets, { ...planBasis(context, request), severity: 'warning' });
  context.err(asLines([...twins, ...foretold].flatMap((problem) => formatProblem(problem, colour))));
}

function refuseWhatCannotRun(context: Context, options: CliOptions): void {
  if (options.simulate !== undefined) {
    const script = parseScript(options.simulate === '' ? 'run' : options.simulate);
    if (script.kind === 'error') throw usageError(`--simulate: ${script.message}`, script.fix);
    return;
  }
  if (!mayHaveBhyve(options, context)) throw noBhyve(context.platform);
}

/** bhyve itself talks to a tty or to a socket: only what it writes to its standard output can be copied. */
function refuseConsoleElsewhere({ spec, machine }: RunRequest): void {
  if (machine.usesStdio || machine.servesConsole) return;
  const { com1, com2, com3, com4 } = spec.effective(machine.target).vm;
  const ports = Object.entries({ com1, com2, com3, com4 }).flatMap(([name, backend]) =>
    backend === undefined ? [] : [`${name} is ${backend}`],
  );
  const found = ports.length === 0 ? 'the VM has no serial console' : ports.join(', ');
  throw usageError(
    `--console-log: ${found}, and only a console that vmrun serves, or one on stdio, goes through it`,
    `set "com1": "console", or leave --console-log out`,
  );
}

const usageError = (message: string, fix: string): ProblemsError =>
  new ProblemsError('usage', 'vmrun', [{ code: 'usage', severity: 'error', message, fix }]);

/** A guest's console on stdio needs a terminal when standard input has carried the spec. */
function takeInput({ config, simulate }: CliOptions, { usesStdio }: Machine): void {
  if (config !== standardInput || !usesStdio) return;
  if (takeTerminalAsInput() || simulate !== undefined) return;
  const problem: Problem = {
    code: 'console-without-input',
    severity: 'error',
    message: "the guest's console is stdio, but standard input carried the spec and there is no terminal",
    fix: 'give the spec as a file, or use e.g. "com1": "/dev/nmdm0A"',
  };
  throw new ProblemsError('host', '<stdin>', [problem]);
}

/** Who may say that the host may be fixed: the command line, or a person at a terminal that nobody else uses. */
function consent(
  context: Context,
  { force, recover, config }: CliOptions,
  { usesStdio }: Machine,
  isGuestAt: () => boolean,
): Ask {
  if (force || recover) return () => Promise.resolve(true);
  const canAsk = isTerminal(0) && isTerminal(2) && config !== standardInput && !usesStdio;
  if (!canAsk) return () => Promise.resolve(false);
  const ask = asker(context, process.stdin);
  return (finding, signal) => (isGuestAt() ? Promise.resolve(false) : ask(finding, signal));
}

interface Listening {
  readonly machine: Machine;
  readonly runDirectory: string;
  readonly vm: Pick<Run, 'stop' | 'request'>;
  readonly output: RunOutput;
}

/**
 * Lets signals stop the VM, so vmrun outlives a terminal that is closed. SIGUSR1 tells that the log was renamed; it
 * would start Node's debugger if we did not listen, and end us once we had. So all of them are listened to until the
 * process ends.
 */
function listen({ onSignals, onExit }: Context, { machine, runDirectory, vm, output }: Listening): void {
  const { usesStdio } = machine;
  const { note, suspend, resume, reopen } = output;
  onExit(dropDeadTerminals);
  const hadTerminal = hasControllingTerminal();
  const hasLostTerminal = (): boolean => hadTerminal && !hasControllingTerminal();
  const isStop = stopSignals({
    clock: systemClock,
    needsTerminal: usesStdio && (isTerminal(0) || isTerminal(1)),
    hasLostTerminal,
  });
  let isTold = false;
  onSignals(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'], (signal) => {
    const isClosed = signal === 'SIGHUP' && hasLostTerminal();
    // One with a note is no echo, and no "now": somebody waits for the end of the stop.
    const asked = signal === 'SIGTERM' ? takeStopNote(runDirectory) : undefined;
    if (isStop(signal) || asked !== undefined) {
      note(isClosed ? 'the terminal was closed (SIGHUP), which stops the VM' : `${signal} stops the VM`, false);
      isTold = true;
      if (asked === undefined) vm.stop();
      else void vm.request({ kind: 'stop', ...asked, now: asked.timeoutMs === 0 });
    } else if (isClosed && !isTold) {
      note('the terminal was closed (SIGHUP), and the VM goes on', false);
      isTold = true;
    }
  });
  onSignals(['SIGUSR1'], reopen);
  let forget = onSignals(['SIGTSTP'], beStopped);
  onSignals(['SIGCONT'], resume);
  /** Ctrl-Z. Nobody but us can say what that means for the VM. */
  function beStopped(): void {
    suspend();
    note(
      `suspended: until vmrun goes on (fg, bg, or kill -CONT ${process.pid}), nobody boots the guest again, stops it or answers at its console`,
      true,
    );
    // As if nobody had listened: the kernel does not stop a process that no shell could continue.
    forget();
    signalProcess(process.pid, 'SIGTSTP');
    forget = onSignals(['SIGTSTP'], beStopped);
    note('goes on', false);
    resume();
  }
}
