import { once } from 'node:events';
import { Option } from 'commander';
import { codeOf } from '../../base/error-code.js';
import { connectPeer, type Peer } from '../../host/peer-socket.js';
import { consoleSocketFile } from '../../host/run-files.js';
import { isSameFile } from '../../host/terminal.js';
import { knownNames } from '../../host/who-runs.js';
import { consoleFrames, type ConsoleHello } from '../../supervisor/console-server.js';
import type { Writer } from '../../supervisor/console.js';
import { makeCommand } from '../command-line.js';
import type { MakeSubcommand } from '../subcommand.js';
import type { Context } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { keyHelp } from '../console-keys.js';
import { keyboard, type Keyboard } from '../keyboard.js';
import { asLines, own } from '../paint.js';
import { runBasesOf } from '../run-base.js';

interface ConsoleOptions {
  readonly watch?: true;
  readonly take?: true;
  readonly runDir?: string;
  /** Absent: one that is not, else one that is. */
  readonly simulate?: boolean;
  readonly quiet?: true;
  readonly color?: boolean;
}

const examples = `
For a VM whose spec has "com1": "console". At a terminal the guest gets all that
is typed; at the beginning of a line ~. leaves, ~t takes the keyboard from who
has it, ~~ types a tilde. The last 64 KiB are shown first. Exit status: 0 left,
or the run is over; 69 no VM of that name runs, or it has no such console.

Examples:
  vmrun console web
  vmrun console web --watch | tee boot.log   only look
  echo reboot | vmrun console web            type that, and leave`;

/** `vmrun console`: the console of a VM that another vmrun runs. */
export const consoleCommand: MakeSubcommand = (context, output) => {
  let code: number = exitCodes.ok;
  const command = makeCommand('vmrun console', output)
    .description('Connects to the console of a VM that vmrun runs.')
    .usage('NAME [options]')
    .argument('<name>')
    .option('--watch', 'only look, type nothing')
    .option('--take', 'take the keyboard from who has it')
    .option('--run-dir <dir>', 'folder of the run directories')
    .option('--simulate', 'only one that is simulated; --no-simulate: only one that is not')
    .addOption(new Option('--no-simulate').hideHelp())
    .option('-q, --quiet', 'print problems only')
    .option('--color', 'colours, also without a terminal')
    .option('--no-color', 'no colours')
    .addHelpText('after', examples)
    .action(async (name: string, options: ConsoleOptions) => {
      if (options.watch === true && options.take === true) {
        command.error('error: --watch and --take exclude one another');
      }
      code = await connect(context, name, options);
    });
  return {
    run: async (words) => {
      await command.parseAsync([...words], { from: 'user' });
      return code;
    },
    color: () => command.opts<ConsoleOptions>().color,
  };
};

async function connect(context: Context, name: string, options: ConsoleOptions): Promise<number> {
  const bases = runBasesOf(options, context)
    .map(({ runBase }) => runBase)
    .filter((folder) => knownNames(folder).includes(name));
  let found = bases.length === 0 ? undefined : noConsole;
  for (const folder of bases) {
    try {
      const peer = await connectPeer(`${folder}/${name}/${consoleSocketFile}`);
      return await talk(context, name, peer, options);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ECONNREFUSED') found = supervisorGone;
      else if (code !== 'ENOENT') throw error;
    }
  }
  context.err(asLines([`vmrun: ${name}: ${found ?? 'no VM of this name runs here; vmrun ps lists those that do'}`]));
  return exitCodes.host;
}

const noConsole = 'it has no console that vmrun serves: that takes "com1": "console" in its spec, from its next run on';
const supervisorGone = 'its vmrun was killed; vmrun -c FILE --adopt takes it over, with its console';

/** How the conversation went on until it ended. */
type Outcome = 'left' | 'over' | 'gone' | 'taken';

const exitOf: Readonly<Record<Outcome, number>> = {
  left: exitCodes.ok,
  over: exitCodes.ok,
  gone: exitCodes.host,
  taken: exitCodes['in-use'],
};

/** From the first word to the last. @returns the exit code */
async function talk(context: Context, name: string, peer: Peer, options: ConsoleOptions): Promise<number> {
  const screen = screenOf(context, name, options.quiet === true);
  const wants = options.watch === true ? 'watch' : options.take === true ? 'take' : 'write';
  const hello: ConsoleHello = { who: `process ${process.pid}`, wants };
  await peer.send(consoleFrames.hello, JSON.stringify(hello));
  const isTerminal = process.stdin.isTTY;
  let leave: (outcome: Outcome) => void = () => undefined;
  const left = new Promise<Outcome>((resolve) => (leave = resolve));
  let keys: Keyboard | undefined;
  let hasAnswer = false;
  const onWriter = (writer: Writer | null): void => {
    if (writer !== null && !writer.isMine) {
      if (wants === 'watch') return;
      screen.tell(
        `${writer.who} has the keyboard, you watch${isTerminal ? '; ~t takes it, ~. leaves' : '; --take takes it'}`,
      );
      if (!isTerminal) leave('taken');
    } else if (hasAnswer && wants !== 'watch') {
      screen.tell(writer === null ? 'nobody has the keyboard: type to take it' : 'you have the keyboard');
    } else if (isTerminal && wants !== 'watch') {
      screen.tell('you are at its console; ~. leaves, ~? tells what else');
    }
    if (!hasAnswer && !isTerminal && wants !== 'watch' && writer?.isMine === true) void typeAll(peer);
    hasAnswer = true;
  };
  if (isTerminal && wants !== 'watch') {
    keys = keyboard({
      onTyped: (bytes) => void peer.send(consoleFrames.input, bytes),
      onAction: (action) => {
        if (action === 'leave') leave('left');
        else if (action === 'take') void peer.send(consoleFrames.take);
        else screen.tell(keyHelp);
      },
    });
    screen.isRaw = true;
  }
  try {
    return exitOf[await Promise.race([left, follow(peer, screen, onWriter)])];
  } finally {
    keys?.release();
    screen.end();
    peer.end();
    process.stdin.destroy();
  }
}

/** Shows what comes until there is no more. */
async function follow(peer: Peer, screen: Screen, onWriter: (writer: Writer | null) => void): Promise<Outcome> {
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
        return 'left';
      case consoleFrames.end:
        screen.tell('the run is over');
        return 'over';
    }
  }
  screen.tell('its vmrun is gone; vmrun ps tells whether the guest goes on');
  return 'gone';
}

/** What comes from a pipe or a file, to its end. */
async function typeAll(peer: Peer): Promise<void> {
  process.stdin.on('error', () => undefined);
  try {
    for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) await peer.send(consoleFrames.input, chunk);
    await peer.send(consoleFrames.done);
  } catch {
    // It was left.
  }
}

/** Where the guest writes, and we do. */
interface Screen {
  /** The guest's terminal is ours: a line end wants a carriage return. */
  isRaw: boolean;
  /** @returns false where nobody reads it any more */
  readonly show: (bytes: Uint8Array) => Promise<boolean>;
  readonly tell: (text: string) => void;
  readonly end: () => void;
}

const newlineByte = 0x0a;

function screenOf({ err }: Pick<Context, 'err'>, name: string, isQuiet: boolean): Screen {
  const { stdout } = process;
  const sharesLine = isSameFile(1, 2);
  let isMidLine = false;
  const gone = new Promise<false>((resolve) => {
    stdout.once('error', () => {
      resolve(false);
    });
  });
  const screen: Screen = {
    isRaw: false,
    show(bytes) {
      isMidLine = bytes.at(-1) !== newlineByte;
      if (stdout.write(bytes)) return Promise.resolve(true);
      return Promise.race([once(stdout, 'drain').then(() => true), gone]);
    },
    tell(text) {
      if (isQuiet) return;
      const begin = isMidLine && sharesLine ? '\n' : '';
      const lines = own(begin + asLines([`vmrun: ${name}: ${text}`]));
      err(screen.isRaw ? own(lines.replaceAll('\n', '\r\n')) : lines);
      isMidLine = false;
    },
    end() {
      if (isMidLine && sharesLine) err(own(screen.isRaw ? '\r\n' : '\n'));
      screen.isRaw = false;
    },
  };
  return screen;
}
