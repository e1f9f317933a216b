import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import type { RunEvent } from '../../../src/supervisor/events.js';
import { vmrunCommand, type Place } from './place.js';

/** What a command said. */
export interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How its process ended. `events` are those on stderr, which is without them. */
export interface Ended extends Said {
  readonly signal: NodeJS.Signals | null;
  readonly events: readonly RunEvent[];
  readonly durationMs: number;
}

type EventOf<Kind extends RunEvent['kind']> = Extract<RunEvent, { readonly kind: Kind }>;

/** A vmrun that runs. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves once a stream contains the text; rejects where vmrun ends before. */
  readonly said: (text: string, stream?: 'stdout' | 'stderr') => Promise<unknown>;
  /** The nth event of a kind, with `--events -`. */
  readonly event: <Kind extends RunEvent['kind']>(kind: Kind, nth?: number) => Promise<EventOf<Kind>>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

export interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Text for standard input, which is at its end otherwise. */
  readonly input?: string | Uint8Array;
  readonly stdio?: StdioOptions;
  /** What is started; default: vmrun itself. */
  readonly command?: readonly string[];
}

/** Starts the built launcher in a place, without the variables that the test's own surroundings may have. */
export function startVmrun(place: Place, words: readonly string[], about: Surroundings = {}): Running {
  const [program = '', ...before] = about.command ?? vmrunCommand;
  const startedMs = performance.now();
  const child = spawn(program, [...before, ...words], {
    cwd: about.cwd ?? place.folder,
    env: { PATH: process.env.PATH, ...about.env },
    stdio: about.stdio ?? [about.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const printed = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => (printed[stream] += text));
  }
  child.stdin?.on('error', () => undefined);
  if (about.input !== undefined) child.stdin?.end(about.input);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      const durationMs = performance.now() - startedMs;
      const { events, rest } = splitEvents(printed.stderr);
      resolve({ status, signal, stdout: printed.stdout, stderr: rest, events, durationMs });
    });
  });
  const wait = <T>(what: string, stream: 'stdout' | 'stderr', look: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const lookAgain = (): void => {
        const found = look();
        if (found !== undefined) resolve(found);
      };
      lookAgain();
      child[stream]?.on('data', lookAgain);
      ended.then((end) => {
        lookAgain();
        reject(new Error(`vmrun ended before ${what}: ${JSON.stringify(end, undefined, 1)}`));
      }, reject);
    });
  return {
    child,
    ended,
    said: (text, stream = 'stderr') =>
      wait(`it said ${JSON.stringify(text)}`, stream, () => (printed[stream].includes(text) ? true : undefined)),
    event: <Kind extends RunEvent['kind']>(kind: Kind, nth = 1) =>
      wait(`its event ${nth} of kind ${kind}`, 'stderr', () => eventsOfKind(printed.stderr, kind)[nth - 1]),
    kill: (signal) => child.kill(signal),
  };
}

/** Runs it to its end, in a process of its own. */
export const runVmrun = (place: Place, words: readonly string[], surroundings?: Surroundings): Promise<Ended> =>
  startVmrun(place, words, surroundings).ended;

const eventsOfKind = <Kind extends RunEvent['kind']>(text: string, kind: Kind): readonly EventOf<Kind>[] =>
  splitEvents(text.slice(0, text.lastIndexOf('\n') + 1)).events.filter((event) => isOfKind(event, kind));

const isOfKind = <Kind extends RunEvent['kind']>(event: RunEvent, kind: Kind): event is EventOf<Kind> =>
  event.kind === kind;

function splitEvents(stderr: string): { readonly events: readonly RunEvent[]; readonly rest: string } {
  const isEvent = (line: string): boolean => line.startsWith('{"time":');
  const lines = stderr.split('\n');
  return {
    events: lines.filter(isEvent).map((line) => JSON.parse(line) as RunEvent),
    rest: lines.filter((line) => !isEvent(line)).join('\n'),
  };
}

/** Words of a simulated run in a place, with its events on stderr. */
export const simulated = (place: Place, script: string, ...more: readonly string[]): readonly string[] => [
  '-c',
  place.path('vm.json'),
  `--simulate=${script}`,
  '--run-dir',
  place.runBase,
  '--events',
  '-',
  ...more,
];
