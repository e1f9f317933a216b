import { abort } from '../host/abort.js';
import type { Clock } from '../host/clock.js';
import type { Peer } from '../host/sinks/peer-socket.js';
import type { RunConsole, Seat, Writer } from './console.js';

/** What a client of the socket says first. */
export interface ConsoleHello {
  readonly who: string;
  readonly wants: 'watch' | 'write' | 'take';
}

/**
 * What is said over the socket. The client: `h` hello, `i` what is typed, `t` take the keyboard, `d` nothing more follows. The
 * server: `o` output, `l` so many bytes were lost, `w` who has the keyboard (JSON, `null` for nobody), `d` all that was
 * typed is where the guest reads it, `e` the run is over, `r` it is refused, since so many are there already, `s` it is sent
 * away, since it has not said hello in time. Who says anything else is not listened to any more.
 */
export const consoleFrames = {
  hello: 'h',
  input: 'i',
  take: 't',
  done: 'd',
  output: 'o',
  lost: 'l',
  writer: 'w',
  end: 'e',
  refused: 'r',
  silent: 's',
} as const;

/** Each has a queue of its own. */
export const mostClients = 20;

/** A client says what it wants as soon as it has come: one that does not must not keep others out. */
export const helloMs = 5000;

/** How long a client has to read the rest when the run is over: vmrun does not wait for one that is stopped. */
const lingerMs = 2000;

export interface ConsoleServer {
  /** Takes one client, or refuses it where as many as may be are there. */
  readonly onClient: (peer: Peer) => void;
  /** Nobody comes any more, and who is there is to go soon. */
  readonly close: () => void;
}

export function consoleServer(console: RunConsole, clock: Pick<Clock, 'sleep'>): ConsoleServer {
  const clients = new Set<Peer>();
  const allGone = new AbortController();
  let isClosed = false;

  function endIfAlone(): void {
    if (isClosed && clients.size === 0) abort(allGone);
  }

  return {
    onClient(peer) {
      if (clients.size >= mostClients) {
        void peer.send(consoleFrames.refused, String(mostClients));
        peer.end();
        return;
      }
      clients.add(peer);
      const known = new AbortController();
      void peer.gone.then(() => {
        clients.delete(peer);
        abort(known);
        endIfAlone();
      });
      void clock.sleep(helloMs, known.signal).then(() => {
        if (known.signal.aborted) return;
        void peer.send(consoleFrames.silent);
        peer.end();
      });
      const onHello = (): void => {
        abort(known);
      };
      void serveConsole(console, peer, onHello);
    },
    close() {
      isClosed = true;
      endIfAlone();
      void clock.sleep(lingerMs, allGone.signal).then(() => {
        for (const peer of clients) peer.end();
      });
    },
  };
}

/** Sees to one client until it has gone or the run is over. */
async function serveConsole(console: RunConsole, peer: Peer, onHello: () => void): Promise<void> {
  const output = console.subscribe();
  const stop = peer.gone.then(() => output.return?.());
  const listening = listen(console, peer, onHello);
  for await (const part of output) {
    const isThere =
      part.kind === 'output'
        ? await sendOutput(peer, part.bytes)
        : await peer.send(consoleFrames.lost, String(part.count));
    if (!isThere) break;
  }
  await peer.send(consoleFrames.end);
  peer.end();
  await peer.gone;
  await Promise.all([stop, listening]);
}

const pieceBytes = 64 * 1024;

async function sendOutput(peer: Peer, bytes: Uint8Array): Promise<boolean> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    if (!(await peer.send(consoleFrames.output, bytes.subarray(at, at + pieceBytes)))) return false;
  }
  return true;
}

/** Who has the keyboard, for a client: one that reads too slowly gets only the last of those whom it missed. */
function writerSender(peer: Peer): (writer: Writer | undefined) => void {
  let waiting: string | undefined;
  let isSending = false;
  async function send(): Promise<void> {
    isSending = true;
    while (waiting !== undefined) {
      const content = waiting;
      waiting = undefined;
      await peer.send(consoleFrames.writer, content);
    }
    isSending = false;
  }
  return (writer) => {
    waiting = JSON.stringify(writer ?? null);
    if (!isSending) void send();
  };
}

async function listen(console: RunConsole, peer: Peer, onHello: () => void): Promise<void> {
  let seat: Seat | undefined;
  void peer.gone.then(() => seat?.leave());
  for await (const { kind, content } of peer.frames) {
    switch (kind) {
      case consoleFrames.hello:
        onHello();
        seat ??= console.attach({ ...helloOf(content.toString()), onWriter: writerSender(peer) });
        break;
      case consoleFrames.input:
        await seat?.write(content);
        break;
      case consoleFrames.take:
        seat?.take();
        break;
      case consoleFrames.done:
        await peer.send(consoleFrames.done);
        break;
      default:
        // Who says what we do not understand is no client of this server, and may say it without end.
        peer.end();
        return seat?.leave();
    }
  }
  seat?.leave();
}

const longestName = 200;

/** Another version of vmrun may say it otherwise. */
function helloOf(text: string): ConsoleHello {
  try {
    const { who, wants } = JSON.parse(text) as Partial<Record<keyof ConsoleHello, unknown>>;
    return {
      who: typeof who === 'string' ? who.slice(0, longestName) : 'somebody',
      wants: wants === 'write' || wants === 'take' ? wants : 'watch',
    };
  } catch {
    return { who: 'somebody', wants: 'watch' };
  }
}
