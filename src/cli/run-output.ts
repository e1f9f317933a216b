import { quoteCommand } from '../base/shell.js';
import { systemClock } from '../host/clock.js';
import {
  descriptorByteSink,
  describeLoss,
  fileByteSink,
  fileSink,
  type FileSink,
  type FileSinkOptions,
} from '../host/sinks/line-sink.js';
import { hasPipedInput, isForeground, isSameFile, isTerminal } from '../host/process/terminal.js';
import type { Machine } from '../machine/machine.js';
import type { RunEvent } from '../supervisor/events.js';
import type { Run } from '../supervisor/run-options.js';
import type { Colours } from './colours.js';
import type { Context } from './context.js';
import { guestTerminal, hasGuestTerminal } from './guest-terminal.js';
import { dropTyped } from './keyboard.js';
import { logLines, logOfError, logOfEvent } from './log.js';
import type { CliOptions } from './options.js';
import { standardError } from './output-files.js';
import { asJson } from './paint.js';
import { repeatCounter } from './repeats.js';
import { eventLines, isProblem } from './show-events.js';
import { speaker } from './speaker.js';

type RunBehind = Pick<Run, 'degraded' | 'console'>;

/** Where all goes that a run says: to people, to the terminal of the guest, and to the files that were asked for. */
export interface RunOutput {
  /** Opens the log, and tells the run of a file that cannot be written, then and later. */
  readonly begin: (vm: RunBehind) => void;
  /** The terminal is the guest's. */
  readonly hasTerminal: () => boolean;
  readonly event: (event: RunEvent) => void;
  /** Whole lines of bhyve, a loader or a hook. */
  readonly words: (text: string, who: string) => void;
  /** What the guest writes to its console; undefined where that does not go through us. */
  readonly console: ((bytes: Uint8Array) => void) | undefined;
  /** A line of vmrun's own: for the log, and for people where they are there. */
  readonly note: (line: string, isForPeople: boolean) => void;
  /** The shell takes the terminal, for as long as we are stopped. */
  readonly suspend: () => void;
  /** We go on, or are in the foreground by now. */
  readonly resume: () => void;
  /** The run ends with an error, which `vmrun` prints. */
  readonly failed: (error: unknown) => void;
  /** Opens the files anew: they have been renamed. */
  readonly reopen: () => void;
  /** Writes what is left, as far as there are readers. */
  readonly end: () => Promise<void>;
}

/** How long a reader that does not read is waited for at the end. */
const graceMs = 1000;

export function runOutput(
  context: Pick<Context, 'err' | 'divertErr' | 'columns'>,
  machine: Pick<Machine, 'name' | 'target' | 'usesStdio' | 'servesConsole'>,
  options: Pick<CliOptions, 'events' | 'log' | 'consoleLog' | 'quiet' | 'verbose' | 'simulate' | 'runDir'>,
  colour: Colours,
  isAtTerminal = hasGuestTerminal(machine),
): RunOutput {
  const terminal = isAtTerminal
    ? guestTerminal(
        (line) => {
          if (!options.quiet) people.lines([line]);
        },
        consoleCommand(machine.name, options),
      )
    : undefined;
  const seesConsole = options.consoleLog !== undefined || terminal !== undefined;
  const people =
    terminal === undefined
      ? speaker(context, machine, seesConsole)
      : speaker(context, machine, seesConsole, isSameFile(1, 2), terminal.isAttached);
  const troubles = troubleTeller(people.lines);
  const events = eventFile(options.events, troubles);
  const writeEvent = options.events === standardError ? people.plain : events?.write;
  const log = logSink(options.log, troubles);
  // There the log takes the place of the lines for people, which say the same.
  const isLogForPeople = options.log === standardError;
  const writeLog = isLogForPeople ? people.plain : log?.write;
  const console = seesConsole ? consoleSinks(options.consoleLog, troubles) : undefined;
  // Said once, when somebody may begin to wonder.
  let hint = consoleHint(machine, options, terminal !== undefined && isForeground());
  let vm: RunBehind | undefined;
  const show = (bytes: Uint8Array): void => {
    console?.terminal.write(bytes);
    people.guestWrote(bytes);
  };
  const [repeats, logRepeats] = [repeatCounter(), repeatCounter()];
  const files = [events, log, console?.file].filter((sink) => sink !== undefined);
  return {
    hasTerminal: () => terminal?.isAttached() === true,
    begin(run) {
      vm = run;
      troubles.tell(run);
      writeLog?.(logLines('vmrun', `${machine.name}: begins with target ${machine.target}`));
      // What cannot be written is told now, not when the guest says its first word.
      console?.file?.reopen();
    },
    event(event) {
      troubles.seen(event);
      writeEvent?.(asJson(event));
      writeLog?.(logOfEvent(event, logRepeats.count(event)));
      const isAtConsole = consoleTakenBy(event);
      if (isAtConsole === false) people.guestEnds();
      const times = repeats.count(event);
      const isHeard = !isLogForPeople && (!options.quiet || isProblem(event));
      if (isHeard) people.lines(eventLines(event, colour, options.verbose, times));
      if (isAtConsole !== true && event.kind !== 'adopted') return;
      if (!options.quiet) people.lines(hint);
      hint = [];
      if (vm !== undefined) terminal?.attach(vm.console, show);
      if (isAtConsole === true) people.guestBegins();
    },
    words(text, who) {
      if (!isLogForPeople) people.passOn(who, text);
      writeLog?.(logLines(who, text));
    },
    console:
      console &&
      ((bytes) => {
        if (machine.usesStdio || terminal?.isAttached() === true) show(bytes);
        console.file?.write(bytes);
      }),
    note(line, isForPeople) {
      if (isForPeople && !isLogForPeople && !options.quiet) people.lines([line]);
      writeLog?.(logLines('vmrun', line));
    },
    suspend: () => terminal?.suspend(),
    resume: () => terminal?.resume(),
    failed(error) {
      log?.write(logOfError(error));
    },
    reopen() {
      // The file that begins here has what it says in full.
      logRepeats.forget();
      for (const file of files) file.reopen();
    },
    async end() {
      terminal?.release();
      if (machine.usesStdio || terminal !== undefined) dropTyped();
      const sinks = console?.terminal === undefined ? files : [...files, console.terminal];
      await Promise.all(sinks.map((sink) => sink.end(graceMs)));
      troubles.end();
    },
  };
}

/** Whether the guest or its loader has the console after an event; undefined where that changes nothing. */
function consoleTakenBy(event: RunEvent): boolean | undefined {
  if (event.kind === 'loader') return event.state === 'started';
  if (event.kind === 'boot') return true;
  return event.kind === 'exit' ? false : undefined;
}

const commandFor = (word: string, name: string, { runDir }: Pick<CliOptions, 'runDir'>): string =>
  quoteCommand(['vmrun', word, name, ...(runDir === undefined ? [] : ['--run-dir', runDir])]);

const consoleCommand = (name: string, options: Pick<CliOptions, 'runDir'>): string =>
  commandFor('console', name, options);

/** A guest's console takes the whole terminal, Ctrl-C too; or it is elsewhere. */
function consoleHint(
  { name, usesStdio, servesConsole }: Pick<Machine, 'name' | 'usesStdio' | 'servesConsole'>,
  options: Pick<CliOptions, 'simulate' | 'runDir'>,
  isAtTerminal: boolean,
): readonly string[] {
  const isSimulated = options.simulate !== undefined;
  const stopCommand = commandFor('stop', name, options);
  if (isAtTerminal) {
    const end = isSimulated ? '; poweroff ends it' : '';
    return [`this terminal is its console: ~. at the beginning of a line leaves${end}`];
  }
  if (servesConsole) return [`console: ${consoleCommand(name, options)}`];
  if (!usesStdio) return [];
  if (hasPipedInput())
    return [`standard input is its console, and its end does not end the guest: ${stopCommand} does`];
  if (!isTerminal(0) || !isTerminal(2)) return [];
  const here = isSimulated ? 'type poweroff' : 'shut the guest down';
  return [`to leave: ${here}, or ${stopCommand} in another terminal`];
}

type Troubles = ReturnType<typeof troubleTeller>;

/**
 * Hands on what cannot be written, as events of the run. Those that come to nobody, since the run is over or never
 * began, are told to people in the same words.
 */
function troubleTeller(say: (lines: readonly string[]) => void) {
  const untold = new Map<string, string>();
  let vm: Pick<Run, 'degraded'> | undefined;
  return {
    tell(run: Pick<Run, 'degraded'>): void {
      vm = run;
    },
    of:
      (part: string, describe: (error: string) => string) =>
      (error: string | undefined): void => {
        const text = error === undefined ? undefined : describe(error);
        if (text === undefined) untold.delete(part);
        else untold.set(part, text);
        vm?.degraded(part, text);
      },
    seen(event: RunEvent): void {
      if (event.kind === 'degraded') untold.delete(event.part);
    },
    end(): void {
      say([...untold].map(([part, error]) => `degraded: ${part}: ${error}`));
      untold.clear();
    },
  };
}

/** Events as JSON lines. */
function eventFile(target: string | undefined, troubles: Troubles): FileSink | undefined {
  if (target === undefined || target === standardError) return undefined;
  return fileSink(target, {
    notice: (lines, why) => asJson(lossEvent(describeLoss(lines, why))),
    onTrouble: troubles.of('events', (error) => `${target}: events are not written: ${error}`),
  });
}

/** A reader of JSON lines gets nothing else. */
const lossEvent = (error: string): RunEvent => ({
  time: systemClock.now().toISOString(),
  monotonicMs: systemClock.monotonicMs(),
  kind: 'degraded',
  part: 'events',
  error,
});

const aboutFile = (path: string, part: string, troubles: Troubles): Pick<FileSinkOptions, 'onTrouble'> => ({
  onTrouble: troubles.of(part, (error) => `${path}: ${error}`),
});

const logSink = (path: string | undefined, troubles: Troubles): FileSink | undefined =>
  path === undefined || path === standardError
    ? undefined
    : fileSink(path, {
        ...aboutFile(path, 'log', troubles),
        notice: (lines, why) => logLines('vmrun', describeLoss(lines, why)),
      });

/** A guest's console may show what only its owner should see. */
const consoleMode = 0o600;

const consoleSinks = (path: string | undefined, troubles: Troubles) => ({
  terminal: descriptorByteSink(1),
  file:
    path === undefined
      ? undefined
      : fileByteSink(path, { ...aboutFile(path, 'console log', troubles), mode: consoleMode }),
});
