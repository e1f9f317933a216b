import { formatDuration } from '../base/duration.js';
import { shown } from '../base/text.js';
import { abort } from '../host/abort.js';
import type { Host } from '../host/host.js';
import { reachPort } from '../host/look/reach-port.js';
import type { RunEvent } from '../supervisor/events.js';
import type { Run } from '../supervisor/run-options.js';
import type { ReadySign } from '../fields/autostart.js';
import { autostartOf } from './autostart-of.js';
import type { Life } from './vm-life.js';

/** Watches whether the VMs that run are ready for those that wait for them. */
export interface ReadyWatch {
  /** A bhyve of that VM runs, or was taken over. */
  readonly watch: (name: string, life: Life, event: Extract<RunEvent, { kind: 'boot' | 'adopted' }>) => void;
  /** It has ended. */
  readonly forget: (name: string) => void;
  readonly end: () => void;
}

export interface ReadyOptions {
  readonly host: Pick<Host, 'clock' | 'run'>;
  readonly onReady: (name: string, isReady: boolean, why: string | undefined) => void;
}

export function readyWatch({ host, onReady }: ReadyOptions): ReadyWatch {
  const watched = new Map<string, AbortController>();

  function forget(name: string): void {
    const over = watched.get(name);
    watched.delete(name);
    if (over !== undefined) abort(over);
  }

  return {
    watch(name, life, { kind }) {
      forget(name);
      const over = new AbortController();
      watched.set(name, over);
      const spec = life.booted()?.spec;
      const ready = spec === undefined ? undefined : autostartOf(spec).ready;
      const { sign, timeoutMs } = ready ?? { sign: { kind: 'alive', ms: 1000 } as const, timeoutMs: 0 };
      // What a guest wrote before is not written again.
      const isSeen = kind === 'adopted' && (sign.kind === 'alive' || sign.kind === 'console');
      void (async () => {
        const isReady = isSeen || (await comesTrue(sign, timeoutMs, { run: life.run, host, signal: over.signal }));
        if (watched.get(name) !== over) return;
        watched.delete(name);
        onReady(name, isReady, isReady ? undefined : notInTime(sign, timeoutMs));
      })();
    },
    forget,
    end: () => {
      for (const name of [...watched.keys()]) forget(name);
    },
  };
}

interface Watching {
  readonly run: Run;
  readonly host: Pick<Host, 'clock' | 'run'>;
  readonly signal: AbortSignal;
}

/** @returns whether a sign came true in time, and before the signal was aborted */
async function comesTrue(sign: ReadySign, timeoutMs: number, watching: Watching): Promise<boolean> {
  const { host, signal } = watching;
  if (sign.kind === 'alive') {
    await host.clock.sleep(sign.ms, signal);
    return !signal.aborted;
  }
  const over = new AbortController();
  const stop = (): void => {
    abort(over);
  };
  signal.addEventListener('abort', stop);
  void host.clock.sleep(timeoutMs, over.signal).then(stop);
  try {
    return await seen(sign, { ...watching, signal: over.signal });
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

const pauseMs = 1000;
const connectMs = 5000;

function seen(sign: Exclude<ReadySign, { kind: 'alive' }>, { run, host, signal }: Watching): Promise<boolean> {
  switch (sign.kind) {
    case 'console':
      return writes(run, sign.text, signal);
    case 'tcp':
      return again(() => reachPort(sign.host, sign.port, connectMs, signal), host, signal);
    case 'command':
      return again(async () => (await host.run(sign.argv, { timeoutMs: 0, signal })).exitCode === 0, host, signal);
  }
}

async function again(look: () => Promise<boolean>, { clock }: Watching['host'], signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if (await look()) return true;
    await clock.sleep(pauseMs, signal);
  }
  return false;
}

/** The guest writes a text to its console, on one line. */
async function writes(run: Run, text: string, signal: AbortSignal): Promise<boolean> {
  const output = run.console.subscribe();
  const leave = (): void => {
    void output.return?.();
  };
  signal.addEventListener('abort', leave);
  const decoder = new TextDecoder();
  let line = '';
  try {
    for await (const piece of output) {
      line = piece.kind === 'lost' ? '' : line + decoder.decode(piece.bytes, { stream: true });
      if (line.includes(text)) return !signal.aborted;
      line = line.slice(line.lastIndexOf('\n') + 1).slice(-longestLine);
    }
    return false;
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

const longestLine = 64 * 1024;

function notInTime(sign: ReadySign, timeoutMs: number): string {
  const within = `within ${formatDuration(timeoutMs)}`;
  switch (sign.kind) {
    case 'alive':
      return `bhyve did not run for ${formatDuration(sign.ms)}`;
    case 'tcp':
      return `nothing took a connection at ${sign.host} port ${sign.port} ${within}`;
    case 'console':
      return `the guest did not write ${shown(sign.text)} to its console ${within}`;
    case 'command':
      return `${shown(sign.argv.join(' '))} did not end with 0 ${within}`;
  }
}
