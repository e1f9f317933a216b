import { constants, createWriteStream, openSync } from 'node:fs';
import type { ChalkInstance } from 'chalk';
import { codeOf } from '../../base/error-code.js';
import { ProblemsError, type Problem } from '../../base/problem.js';
import { readSecret, type ReadSecret } from '../../host/secret.js';
import { hasControllingTerminal, isTerminal, takeTerminalAsInput } from '../../host/terminal.js';
import type { HostFinding } from '../../host/findings.js';
import { systemHost } from '../../host/host.js';
import { noVmm } from '../../host/vmm.js';
import type { Machine } from '../../machine/machine.js';
import { parseScript } from '../../simulator/script.js';
import type { Spec } from '../../spec/parse-spec.js';
import { standardInput } from '../../spec/read.js';
import type { RunEvent } from '../../supervisor/events.js';
import { run, type RunOptions } from '../../supervisor/run.js';
import { asker } from '../consent.js';
import type { Context } from '../context.js';
import { endExitCode, exitCodes } from '../exit-codes.js';
import type { CliOptions } from '../options.js';
import type { Programs } from '../programs.js';
import { eventLines, isProblem } from '../show-events.js';

export interface RunRequest {
  readonly spec: Spec;
  /** The machine of the first boot. */
  readonly machine: Machine;
  readonly programs: Programs;
  readonly runBase: string;
  readonly options: CliOptions;
  readonly colour: ChalkInstance;
}

/** Runs the VM and tells what happens. @returns the exit code */
export async function runVm(context: Context, request: RunRequest): Promise<number> {
  const { spec, machine, programs, runBase, options, colour } = request;
  const isSimulated = options.simulate !== undefined;
  refuseWhatCannotRun(context, options);
  takeInput(options, machine);
  const say = speaker(context, machine);
  const sink = eventSink(context, options.events);
  const vm = run(spec, {
    ...programs,
    runBase,
    platform: context.hostBhyve,
    extraArguments: options.bhyveArguments,
    check: options.requirementCheck && !isSimulated,
    mayFix: consent(context, options, machine),
    force: options.force,
    limits: {
      noReboot: !options.reboot,
      ...(options.rebootCount === undefined ? {} : { rebootCount: options.rebootCount }),
      ...(options.rebootOn === undefined ? {} : { rebootOn: options.rebootOn }),
    },
    panicOnFailedCleanup: options.panicOnFailedCleanup,
    onStderr: say.passOn,
    onHookOutput: say.passOn,
    ...(options.target === undefined ? {} : { target: options.target }),
    ...(options.pidFile === undefined ? {} : { pidFile: options.pidFile }),
    ...(options.supervisorPidFile === undefined ? {} : { supervisorPidFile: options.supervisorPidFile }),
    ...(isSimulated ? simulation(options.simulate) : {}),
  });
  const stopListening = listen(context, vm.stop);
  try {
    for await (const event of vm.events) {
      sink.write(event);
      if (!options.quiet || isProblem(event)) say.lines(eventLines(event, colour, options.verbose));
    }
    const result = await vm.result;
    if (options.panicOnFailedCleanup && result.leftBehind.length > 0) return exitCodes.system;
    return result.end === undefined ? exitCodes.ok : endExitCode(result.end);
  } finally {
    stopListening();
    await sink.end();
  }
}

function refuseWhatCannotRun({ platform, env }: Context, options: CliOptions): void {
  if (options.simulate !== undefined) {
    const script = parseScript(options.simulate === '' ? 'run' : options.simulate);
    if (script.kind === 'error') throw usageError(`--simulate: ${script.message}`, script.fix);
    return;
  }
  const namesBhyve = options.bhyve !== undefined || (env.BHYVE_EXEC ?? '') !== '';
  if (platform === 'freebsd' || namesBhyve) return;
  throw new ProblemsError('host', 'this system', [
    {
      code: 'no-bhyve',
      severity: 'error',
      message: `bhyve runs on FreeBSD, this is ${platform}`,
      fix: 'try the spec with --simulate, or look at the command with --dry-run',
    },
  ]);
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
    message: 'the guest’s console is stdio, but standard input carried the spec and there is no terminal',
    fix: 'give the spec as a file, or use e.g. "com1": "/dev/nmdm0A"',
  };
  throw new ProblemsError('host', '<stdin>', [problem]);
}

/** Who may say that the host is to be mended: the command line, or a person at a terminal that nobody else uses. */
function consent(
  context: Context,
  { force, recover, config }: CliOptions,
  { usesStdio }: Machine,
): (finding: HostFinding) => boolean | Promise<boolean> {
  if (force || recover) return () => true;
  const canAsk = isTerminal(0) && isTerminal(2) && config !== standardInput && !usesStdio;
  if (!canAsk) return () => false;
  return asker(context, process.stdin);
}

/** What the simulator is told of each boot; it makes no VM in the kernel, and leaves alone those that are there. */
const simulation = (script: string | undefined): Pick<RunOptions, 'env' | 'host'> => ({
  host: { ...systemHost(), vmm: noVmm, readSecret: simulatedSecret },
  env: ({ release, arch, loader, isLoadedByOthers }) => ({
    VMRUN_SIM_RELEASE: String(release),
    VMRUN_SIM_ARCH: arch,
    ...(loader !== undefined || isLoadedByOthers ? { VMRUN_SIM_LOADED: 'yes' } : {}),
    ...(script === undefined || script === '' ? {} : { VMRUN_SIM_SCRIPT: script }),
  }),
});

/** A spec is simulated wherever it is, so a password file that is not there is one with some password. */
const simulatedSecret: ReadSecret = (path) =>
  readSecret(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return 'simulate';
    throw error;
  });

/** Writes whole lines for people; on a terminal that the guest has made raw, each needs a carriage return. */
function speaker({ err }: Context, { name, usesStdio }: Machine) {
  const lineEnd = usesStdio && isTerminal(0) ? '\r\n' : '\n';
  const write = (lines: readonly string[]): void => {
    if (lines.length > 0) err(lines.map((line) => line + lineEnd).join(''));
  };
  return {
    lines: (lines: readonly string[]): void => {
      write(lines.map((line) => `vmrun: ${name}: ${line}`));
    },
    passOn: (text: string): void => {
      write(text.replace(/\n$/, '').split('\n'));
    },
  };
}

/** Never waits: a FIFO that nobody reads is an error, not a run that hangs. */
function openEvents(target: string, onError: (error: unknown) => void): number | undefined {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
  try {
    return openSync(target, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o644);
  } catch (error) {
    onError(error);
    return undefined;
  }
}

/** Events as JSON lines. A file that cannot be written is told, and never stops the VM. */
function eventSink({ err }: Context, target: string | undefined) {
  if (target === undefined) return { write: () => undefined, end: () => Promise.resolve() };
  if (target === '-') {
    return {
      write: (event: RunEvent): void => {
        err(`${JSON.stringify(event)}\n`);
      },
      end: () => Promise.resolve(),
    };
  }
  let isBroken = false;
  const giveUp = (error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error);
    if (!isBroken) err(`vmrun: ${target}: events are not written: ${reason}\n`);
    isBroken = true;
  };
  const descriptor = openEvents(target, giveUp);
  if (descriptor === undefined) return { write: () => undefined, end: () => Promise.resolve() };
  const stream = createWriteStream(target, { fd: descriptor });
  stream.on('error', giveUp);
  return {
    write: (event: RunEvent): void => {
      if (!isBroken) stream.write(`${JSON.stringify(event)}\n`);
    },
    end: (): Promise<void> =>
      new Promise((resolve) => {
        if (isBroken) {
          resolve();
          return;
        }
        stream.once('error', () => {
          resolve();
        });
        stream.end(() => {
          resolve();
        });
      }),
  };
}

/** SIGTERM and SIGINT stop the VM. So does SIGHUP, unless it says that the terminal we were started on has gone. */
function listen({ onSignals }: Context, stop: () => void): () => void {
  const hadTerminal = hasControllingTerminal();
  return onSignals(['SIGTERM', 'SIGINT', 'SIGHUP'], (signal) => {
    if (signal === 'SIGHUP' && hadTerminal && !hasControllingTerminal()) return;
    stop();
  });
}
