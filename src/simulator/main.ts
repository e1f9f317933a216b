// bhyve-sim: bhyve as far as one can see it from outside. Here, in effects.ts and in play-loader.ts are its effects;
// all else in this room is pure.

import { basename, dirname } from 'node:path';
import { consoleWriter, dropDeadTerminals, errorText, openFile, stayAlive, writeLines } from './effects.js';
import { type Settings, readSettings } from './environment.js';
import { bootBanner, guestConsole, newline } from './guest-console.js';
import { obeyKernel } from './kernel.js';
import { followMonitor, monitor, monitoredVariable } from './monitor.js';
import { parseCommandLine } from '../bhyve/parse.js';
import { playLoader } from './play-loader.js';
import { traitsOf } from '../bhyve/releases.js';
import { type GuestEnd, type Step, exitStatusOf, stepOfBoot } from './script.js';
import { type Machine, checkStart } from '../bhyve/start/start-checks.js';
import type { ConsoleSocket } from '../bhyve/start/start-context.js';

/** This is the child of a monitor. */
const isMonitored = process.env[monitoredVariable] !== undefined;

const exitPoweredOff = 1;
const exitError = 4;
const exitBadEnvironment = 64;

/**
 * Runs bhyve-sim: process.argv is bhyve's command line, the environment says what the guest does, or that the program
 * is a loader and the command line that one's. It never returns to an empty event loop: every way out is process.exit
 * or a signal, neither of which lets Node.js unlink the sockets that bhyve too leaves behind.
 */
export function main(): void {
  process.once('exit', dropDeadTerminals);
  // vmrun starts what it starts with SIGHUP ignored, and bhyve leaves it at that; Node.js undoes it before we could look.
  if (process.env.VMRUN_NAME !== undefined) process.on('SIGHUP', () => undefined);
  const settings = readSettings(process.env);
  if ('error' in settings) {
    writeLines(2, [`bhyve-sim: ${settings.error}`]);
    process.exit(exitBadEnvironment);
  }
  if (settings.program !== 'bhyve') {
    playLoader(settings.program, process.argv.slice(2), settings);
    return;
  }
  const parsed = parseCommandLine(process.argv.slice(2), { ...settings, readFile: openFile });
  switch (parsed.kind) {
    case 'help':
    case 'failed':
      leave(parsed);
      break;
    case 'parsed':
      if (!isMonitored) writeLines(2, parsed.warnings);
      if (parsed.isDumpAsked) {
        writeLines(
          1,
          [...parsed.config].map(([name, value]) => `${name}=${value}`),
        );
        process.exit(exitPoweredOff);
      }
      startMachine(parsed.tree, settings);
      break;
  }
}

function startMachine(tree: Parameters<typeof checkStart>[0], settings: Settings): void {
  const started = checkStart(tree, settings);
  switch (started.kind) {
    case 'failed':
      leave(started);
      break;
    case 'started':
      // The child of a monitor is the same command again: what is to be said has been said.
      if (!isMonitored) writeLines(1, started.stdout);
      if (!isMonitored) writeLines(2, started.warnings);
      void run(started.machine, settings);
      break;
  }
}

/** Says what bhyve says and ends as it ends. */
function leave({
  messages,
  stdout,
  status,
  signal,
}: {
  readonly messages: readonly string[];
  readonly stdout: readonly string[];
  readonly status: number;
  readonly signal?: NodeJS.Signals;
}): void {
  writeLines(1, stdout);
  writeLines(2, messages);
  if (signal === undefined) process.exit(status);
  dieOf(signal);
}

async function run(machine: Machine, settings: Settings): Promise<void> {
  for (const socket of isMonitored ? [] : machine.sockets) {
    const error = await bindSocket(socket);
    if (error !== undefined) {
      writeLines(2, [`cannot create port ${socket.port}: ${error}`, `${traitsOf(settings).deviceErrorLine}: ${error}`]);
      process.exit(exitError);
    }
  }
  process.title = `bhyve: ${machine.name}`; // as setproctitle(3) does
  if (machine.monitor.isEnabled && !isMonitored) {
    monitor(settings.boot, machine.monitor.restarts);
    return;
  }
  if (isMonitored) followMonitor();
  stayAlive();
  boot(machine, settings, settings.boot);
}

function boot(machine: Machine, settings: Settings, number: number): void {
  const step = stepOfBoot(settings.steps, number);
  // What the guest is asked to do comes once: by the power button, or at its console.
  let isEnding = false;
  const endOnce = (afterMs: number, end: GuestEnd): void => {
    if (isEnding) return;
    isEnding = true;
    after(afterMs, () => {
      endGuest(end, machine, settings);
    });
  };
  // The banner tells that the guest hears all of this.
  obeyKernel({
    reset: () => {
      endGuest('reboot', machine, settings);
    },
    powerOff: () => {
      endGuest('power_off', machine, settings);
    },
    interrupt: () => {
      if (machine.hasStdioConsole) say(`NMI${newline}`);
    },
  });
  if (machine.hasPowerButton) process.on('SIGTERM', powerButton(step, endOnce));
  if (machine.hasStdioConsole) {
    writeConsole = consoleWriter();
    const readsTerminal = !endsAtOnce(step);
    if (readsTerminal) {
      readTerminal(machine.name, (end) => {
        endOnce(step.kind === 'run' ? step.shutdownMs : 0, end);
      });
    }
    say(bootBanner(machine, settings, number, readsTerminal && process.stdin.isTTY));
  }
  switch (step.kind) {
    case 'run':
    case 'deaf':
      break;
    case 'end':
      after(step.delayMs, () => {
        endGuest(step.end, machine, settings);
      });
      break;
    case 'signal':
      after(step.delayMs, () => {
        dieOf(step.signal);
      });
      break;
  }
}

function endGuest(end: GuestEnd, machine: Machine, settings: Settings): void {
  if (end === 'power_off') {
    powerOff(machine);
    return;
  }
  leaveConsole(machine);
  if (end === 'error') writeLines(2, ['vm_run error -1, errno 6']);
  process.exit(exitStatusOf(end, settings.release));
}

let isMidLine = false;
let writeConsole: (text: string) => void = () => undefined;

/** Writes to the guest's console. */
function say(text: string): void {
  if (text === '') return;
  isMidLine = !text.endsWith(newline);
  writeConsole(text);
}

/** Whoever prints next starts on a line of his own. */
function leaveConsole({ hasStdioConsole }: Machine): void {
  if (hasStdioConsole && isMidLine) say(newline);
}

/** The guest is off; a variable that bhyve reads only now may be wrong. */
function powerOff(machine: Machine): void {
  leaveConsole(machine);
  if (machine.failsAtPowerOff !== undefined) leave(machine.failsAtPowerOff);
  else process.exit(exitPoweredOff);
}

/** What SIGTERM does to a guest that has ACPI: a second press is dropped while the first is being answered. */
function powerButton(step: Step, endOnce: (afterMs: number, end: GuestEnd) => void): () => void {
  return () => {
    if (step.kind !== 'deaf') endOnce(step.kind === 'run' ? step.shutdownMs : 0, 'power_off');
  };
}

const endsAtOnce = (step: Step): boolean => 'delayMs' in step && step.delayMs === 0;

function after(delayMs: number, act: () => void): void {
  if (delayMs === 0) act();
  else setTimeout(act, delayMs);
}

/** Ends the process by a signal, as a crash does: no exit handlers, no exit status. */
function dieOf(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  stayAlive();
  process.kill(process.pid, signal);
}

/**
 * What somebody types is shown, and may end the guest; a terminal is put into raw mode, so Ctrl-C goes to the guest.
 * @param onEnd told how, once
 */
function readTerminal(name: string, onEnd: (end: GuestEnd) => void): void {
  const { stdin } = process;
  if (stdin.isTTY) stdin.setRawMode(true); // Node.js undoes that on every way out but SIGKILL
  const type = guestConsole(name, stdin.isTTY);
  stdin.setEncoding('utf8');
  stdin.on('error', () => undefined);
  stdin.on('data', (typed: string) => {
    const { shown, end } = type(typed);
    say(shown);
    if (end === undefined) return;
    stdin.removeAllListeners('data').resume();
    onEnd(end);
  });
}

/**
 * Binds and listens where a virtio-console port wants it. Only the base name has to fit into a socket's address, so
 * this is done from inside the folder, as bhyve does with bindat(2).
 * @returns why it cannot be done
 */
async function bindSocket({ path }: ConsoleSocket): Promise<string | undefined> {
  const { createServer } = await import('node:net');
  let isConnected = false;
  const server = createServer((connection) => {
    connection.on('error', () => undefined);
    if (isConnected) {
      connection.destroy();
      return;
    }
    isConnected = true;
    connection.on('close', () => {
      isConnected = false;
    });
    connection.resume(); // the guest reads, and never answers
  });
  const bound = new Promise<string | undefined>((resolve) => {
    server.once('listening', () => {
      resolve(undefined);
    });
    server.once('error', (error) => {
      resolve(errorText(error));
    });
  });
  const workingFolder = process.cwd();
  try {
    process.chdir(dirname(path));
    server.listen({ path: socketName(path) }); // binds before it returns, and tells later
  } catch (error) {
    return errorText(error);
  } finally {
    process.chdir(workingFolder);
  }
  return await bound;
}

/** An empty name is the folder itself: basename(3). Node.js would take one that is a number for a TCP port. */
function socketName(path: string): string {
  const name = basename(path) || '.';
  return Number(name) >= 0 ? `./${name}` : name;
}
