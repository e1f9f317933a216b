import { abort } from '../host/abort.js';
import type { Clock } from '../host/clock.js';
import type { Peer } from '../host/sinks/peer-socket.js';
import type { RunConsole, ConsoleSeat, Writer } from './console.js';

/** What a client of the socket says first. */
export interface ConsoleHello {
  readonly who: string;
  readonly wants: 'watch' | 'write' | 'take';
}

/**
 * What is said over the socket. The client: `h` hello, `i` what is typed, `t` take the keyboard, `d` nothing more follows. The
 * server: `o` output, `l` so many bytes were lost, `w` who has the keyboard (JSON, `null` for nobody), `d` all that was
 * typed is where the guest reads it, `e` the run is over, `r` it is refused, since so many are there already, `s` it is sent
 * away, since it has not said hello in time, or too many others have come meanwhile. Who says anything else is not listened
 * to any more.
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

/** Who has said hello; each has a queue of its own. */
export const mostClients = 20;

/** Who has not said hello yet, or is on the way out. They take no place of a client. */
export const mostOthers = 32;

/** A client says what it wants as soon as it has come. */
export const helloMs = 5000;

/** How long a client has to read the rest when the run is over: vmrun does not wait for one that is stopped. */
const lingerMs = 2000;

interface ConsoleServer {
  /** Takes one client, or refuses it where as many as may be are there. */
  readonly onClient: (peer: Peer) => void;
  /** Nobody comes any more, and who is there is to go soon. */
  readonly close: () => void;
}

export function consoleServer(console: RunConsole, clock: Pick<Clock, 'sleep'>): ConsoleServer {
  const clients = new Set<Peer>();
  /** The oldest first. */
  const others = new Set<Peer>();
  const silent = new Set<Peer>();
  const allGone = new AbortController();
  let isClosed = false;

  function endIfAlone(): void {
    if (isClosed && clients.size === 0 && others.size === 0) abort(allGone);
  }

  function sendAway(peer: Peer, kind: string, content?: string): void {
    silent.delete(peer);
    void peer.send(kind, content);
    peer.end();
  }

  /** @returns false where it is not to be served */
  function admit(peer: Peer): boolean {
    if (!silent.delete(peer)) return false;
    if (clients.size >= mostClients) {
      sendAway(peer, consoleFrames.refused, String(mostClients));
      return false;
    }
    others.delete(peer);
    clients.add(peer);
    return true;
  }

  /** The oldest of those who say nothing make room: who has just come is about to say hello. */
  function makeRoom(): void {
    for (const oldest of others) {
      if (others.size <= mostOthers) return;
      others.delete(oldest);
      if (silent.has(oldest)) sendAway(oldest, consoleFrames.silent);
      oldest.drop();
    }
  }

  return {
    onClient(peer) {
      others.add(peer);
      silent.add(peer);
      makeRoom();
      const known = new AbortController();
      void peer.gone.then(() => {
        for (const set of [clients, others, silent]) set.delete(peer);
        abort(known);
        endIfAlone();
      });
      void clock.sleep(helloMs, known.signal).then(() => {
        if (!known.signal.aborted) sendAway(peer, consoleFrames.silent);
      });
      void listen(console, peer, () => {
        abort(known);
        return admit(peer);
      });
    },
    close() {
      isClosed = true;
      for (const peer of silent) sendAway(peer, consoleFrames.end);
      endIfAlone();
      void clock.sleep(lingerMs, allGone.signal).then(() => {
        for (const peer of [...clients, ...others]) peer.end();
      });
    },
  };
}

/** Sends a client what the guest writes, until it has gone or the run is over. */
async function sendAll(console: RunConsole, peer: Peer): Promise<void> {
  const output = console.subscribe();
  void peer.gone.then(() => output.return?.());
  for await (const part of output) {
    const isThere =
      part.kind === 'output'
        ? await sendOutput(peer, part.bytes)
        : await peer.send(consoleFrames.lost, String(part.count));
    if (!isThere) break;
  }
  await peer.send(consoleFrames.end);
  peer.end();
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

/** Hears one client to its end. @param onHello says whether it is served from then on; what it says before goes nowhere */
async function listen(console: RunConsole, peer: Peer, onHello: () => boolean): Promise<void> {
  let seat: ConsoleSeat | undefined;
  void peer.gone.then(() => seat?.leave());
  for await (const { kind, content } of peer.frames) {
    switch (kind) {
      case consoleFrames.hello:
        if (seat !== undefined || !onHello()) break;
        seat = console.attach({ ...helloOf(content.toString()), onWriter: writerSender(peer) });
        void sendAll(console, peer);
        break;
      case consoleFrames.input:
        await seat?.write(content);
        break;
      case consoleFrames.take:
        seat?.take();
        break;
      case consoleFrames.done:
        if (seat !== undefined) await peer.send(consoleFrames.done);
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
