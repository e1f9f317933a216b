import { codeOf } from '../../base/error-code.js';
import { quoteWord } from '../../base/shell.js';
import { connectPeer, type Peer } from '../../host/sinks/peer-socket.js';
import { consoleSocketFile } from '../../host/run-directory/run-files.js';
import { isForeground } from '../../host/process/terminal.js';
import { knownNames } from '../../host/run-directory/who-runs.js';
import { consoleFrames, type ConsoleHello } from '../../supervisor/console-server.js';
import type { Writer } from '../../supervisor/console.js';
import { listRuns } from '../../supervisor/runs.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { consoleScreen, type ConsoleScreen } from '../console-screen.js';
import { consoleSeat, type ConsoleSeat } from '../console-seat.js';
import { asLines } from '../paint.js';
import { runBasesOf, toRun, type RunPlace } from '../run-base.js';
import { placeOptions, quietOption } from '../shared-options.js';
import { supervisorPatience, type Patience } from '../supervisor-patience.js';

interface ConsoleChoice {
  readonly watch?: true | undefined;
  readonly take?: true | undefined;
  readonly runDir?: string | undefined;
  /** Absent: one that is not, else one that is. */
  readonly simulate?: boolean | undefined;
  readonly quiet?: true | undefined;
}

const notes = `
For a VM whose spec has "com1": "console". At a terminal the guest gets all that
is typed; at the beginning of a line ~. leaves, ~t takes the keyboard from
whoever has it, ~^Z suspends, ~~ types a tilde. The last 64 KiB that the run
has seen are shown first.
Exit status: 0 left, or the run is over; 69 no VM of that name runs, or it has
no such console; 75 somebody else has the keyboard, 20 are at the console
already, or vmrun does not answer.

Examples:
  vmrun console web
  vmrun console web --watch | tee boot.log   only watch
  echo reboot | vmrun console web --take     type that, whoever has the keyboard`;

/** `vmrun console`: the console of a VM that another vmrun runs. */
export const consoleCommand = defineCommand({
  name: 'console',
  description: 'Connects to the console of a VM that vmrun runs.',
  usage: 'NAME [options]',
  notes,
  declare: (command) =>
    placeOptions(
      command
        .argument('<name>')
        .option('--watch', 'only watch, type nothing; ~. or Ctrl-C leaves')
        .option('--take', 'take the keyboard from whoever has it'),
    ).addOption(quietOption),
  run: ({ context, operands: [name], options, refuse }) => {
    if (options.watch === true && options.take === true) refuse('give either --watch or --take');
    return connect(context, name, options);
  },
});

async function connect(context: Context, name: string, options: ConsoleChoice): Promise<number> {
  const places = runBasesOf(options, context).filter(({ runBase }) => knownNames(runBase).includes(name));
  let found = places.length === 0 ? undefined : noConsole;
  for (const { runBase: base, isSimulated } of places) {
    try {
      const peer = await connectPeer(`${base}/${name}/${consoleSocketFile}`);
      return exitOf[await talk(context, peer, { name, base, options })];
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ECONNREFUSED') found = await withoutSupervisor(base, name, { runDir: options.runDir, isSimulated });
      else if (code !== 'ENOENT') throw error;
    }
  }
  context.err(asLines([`vmrun: ${name}: ${found ?? noRun(name, options.runDir)}`]));
  return exitCodes.host;
}

const noRun = (name: string, runDir: string | undefined): string =>
  `no VM of this name runs here; vmrun ps lists those that do, and vmrun start ${quoteWord(name)}${toRun({ runDir, isSimulated: undefined })} starts one of a manager`;

const noConsole = 'it has no console that vmrun serves: that takes "com1": "console" in its spec, from its next run on';

/** What became of a run that does not answer any more, and what can be done. */
async function withoutSupervisor(runBase: string, name: string, place: RunPlace): Promise<string> {
  const runs = await listRuns({ runBase, onUnknown: () => undefined });
  const run = runs.find((each) => each.name === name);
  if (run?.status !== 'left') {
    return `its supervisor is gone; vmrun -c FILE --adopt${toRun(place)} takes the guest over, with its console`;
  }
  const ended = run.ended === undefined ? '' : ` (boot ${run.ended.boot} ${run.ended.words})`;
  return `nothing runs${ended}; vmrun stop ${quoteWord(name)}${toRun(place)} removes what is left`;
}

/** How the conversation went on until it ended. */
type Outcome = 'left' | 'over' | 'gone' | 'taken' | 'refused' | 'unanswered';

const exitOf: Readonly<Record<Outcome, number>> = {
  left: exitCodes.ok,
  over: exitCodes.ok,
  gone: exitCodes.host,
  taken: exitCodes['in-use'],
  refused: exitCodes['in-use'],
  unanswered: exitCodes['in-use'],
};

interface Place {
  readonly name: string;
  /** Folder of the run directories. */
  readonly base: string;
  readonly options: ConsoleChoice;
}

/** From the first word to the last. */
async function talk(context: Context, peer: Peer, { name, base, options }: Place): Promise<Outcome> {
  const screen = consoleScreen(context, name, options.quiet === true);
  const wants = options.watch === true ? 'watch' : options.take === true ? 'take' : 'write';
  let leave: (outcome: Outcome) => void = () => undefined;
  const left = new Promise<Outcome>((resolve) => (leave = resolve));
  const patience = supervisorPatience(base, name, (text, isFinal) => {
    screen.tell(text);
    if (isFinal) leave('unanswered');
  });
  const isTerminal = process.stdin.isTTY;
  // Who watches in the background, or pages through what comes, has not sat down to type.
  const sits = isTerminal && (wants !== 'watch' || (process.stdout.isTTY && isForeground()));
  let seat: ConsoleSeat | undefined;
  let hasAnswer = false;
  const onWriter = (writer: Writer | null): void => {
    patience.answered();
    const isFirst = !hasAnswer;
    hasAnswer = true;
    seat?.onWriter(writer, isFirst);
    if (isTerminal || wants === 'watch') return;
    if (writer !== null && !writer.isMine) {
      screen.tell(
        `${isFirst ? 'nothing was typed' : 'not all was typed'}: ${writer.who} has the keyboard; --take takes it`,
      );
      leave('taken');
    } else if (isFirst) void typeAll(peer, patience);
  };
  const hello: ConsoleHello = { who: `process ${process.pid}`, wants };
  await peer.send(consoleFrames.hello, JSON.stringify(hello));
  patience.asked('greeting');
  if (sits) seat = consoleSeat({ context, peer, screen, patience, leave, isWatching: wants === 'watch' });
  try {
    return await Promise.race([left, follow(peer, screen, { onWriter, onDone: seat?.onDone })]);
  } finally {
    patience.end();
    seat?.leave();
    screen.end();
    peer.end();
    process.stdin.destroy();
  }
}

interface Heard {
  readonly onWriter: (writer: Writer | null) => void;
  /** Absent: nothing more is typed then. */
  readonly onDone: (() => void) | undefined;
}

/** Shows what comes until there is no more. */
async function follow(peer: Peer, screen: ConsoleScreen, { onWriter, onDone }: Heard): Promise<Outcome> {
  for await (const { kind, content } of peer.frames) {
    switch (kind) {
      case consoleFrames.output:
        if (!(await screen.show(content))) return 'left';
        break;
      case consoleFrames.lost:
        screen.tell(`${content.toString()} bytes are missing here: they came faster than they were read`);
        break;
      case consoleFrames.writer:
        onWriter(JSON.parse(content.toString()) as Writer | null);
        break;
      case consoleFrames.done:
        if (onDone === undefined) return 'left';
        onDone();
        break;
      case consoleFrames.end:
        screen.tell('the run is over');
        return 'over';
      case consoleFrames.refused:
        screen.tell(`${content.toString()} are at its console already, and there is no room for more`);
        return 'refused';
      case consoleFrames.silent:
        screen.tell('its vmrun was not told in time who has come: it waits 5 seconds for that');
        return 'refused';
    }
  }
  screen.tell('its supervisor is gone; vmrun ps shows whether the guest goes on');
  return 'gone';
}

/** What comes from a pipe or a file, to its end. */
async function typeAll(peer: Peer, patience: Patience): Promise<void> {
  process.stdin.on('error', () => undefined);
  try {
    for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) await peer.send(consoleFrames.input, chunk);
    await peer.send(consoleFrames.done);
    patience.asked('piped');
  } catch {
    // It was left.
  }
}
