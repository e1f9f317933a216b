import { parseDurationMs } from '../base/duration.js';
import { listWords, shown } from '../base/text.js';
import type { Release } from '../bhyve/releases.js';

/** The ways in which a guest ends by itself. */
export const guestEnds = ['reboot', 'power_off', 'halt', 'triple_fault', 'error', 'suspend'] as const;
export type GuestEnd = (typeof guestEnds)[number];

/** Signals that end a process and that Node.js does not keep for itself. */
const signals = [
  'ABRT',
  'ALRM',
  'BUS',
  'FPE',
  'HUP',
  'ILL',
  'INT',
  'KILL',
  'QUIT',
  'SEGV',
  'SYS',
  'TERM',
  'TRAP',
] as const;
type ScriptSignal = `SIG${(typeof signals)[number]}`;

/** What one boot does. */
export type Step =
  /** Runs until SIGTERM, then takes this long to power off. */
  | { readonly kind: 'run'; readonly shutdownMs: number }
  /** Never answers SIGTERM. */
  | { readonly kind: 'deaf' }
  /** Ends by itself after this long; SIGTERM before that powers it off. */
  | { readonly kind: 'end'; readonly end: GuestEnd; readonly delayMs: number }
  /** bhyve itself dies, after this long. */
  | { readonly kind: 'signal'; readonly signal: ScriptSignal; readonly delayMs: number };

type Script =
  | { readonly kind: 'script'; readonly steps: readonly Step[] }
  | { readonly kind: 'error'; readonly message: string; readonly fix: string };

/** What setTimeout takes. */
const maxDelayMs = 2 ** 31 - 1;

/**
 * Reads what the boots of a simulated VM do: steps separated by commas, the first for boot 1. A step is `run`, `deaf`,
 * `reboot`, `power_off`, `halt`, `triple_fault`, `error`, `suspend` or `signal:SEGV`; all but `deaf` take a duration
 * behind a colon, e.g. `reboot:500ms`. Blanks around a step do not matter.
 */
export function parseScript(text: string): Script {
  const steps: Step[] = [];
  for (const word of text.split(',')) {
    const step = parseStep(word.trim());
    if ('fix' in step) return { kind: 'error', message: step.message, fix: step.fix };
    steps.push(step);
  }
  return { kind: 'script', steps };
}

/** The step of a boot, which counts from 1; the last step repeats. */
export const stepOfBoot = (steps: readonly Step[], boot: number): Step =>
  steps[Math.min(boot, steps.length) - 1] ?? { kind: 'run', shutdownMs: 0 };

/** bhyve(8), EXIT STATUS. */
export function exitStatusOf(end: GuestEnd, release: Release): number {
  if (end === 'suspend') return release === 16 ? 5 : 0;
  return { reboot: 0, power_off: 1, halt: 2, triple_fault: 3, error: 4 }[end];
}

interface StepError {
  readonly message: string;
  readonly fix: string;
}

function parseStep(word: string): Step | StepError {
  const [name = '', ...parts] = word.split(':');
  if (name === 'deaf') {
    return parts.length === 0
      ? { kind: 'deaf' }
      : { message: `${shown(word)}: deaf takes no duration`, fix: 'use "deaf"' };
  }
  if (name === 'signal') return parseSignal(word, parts);
  const end = guestEnds.find((known) => known === name);
  if (name !== 'run' && end === undefined) {
    const words = ['run', 'deaf', ...guestEnds, 'signal:SEGV'];
    return { message: `${shown(word)} is not a step of a script`, fix: `use ${listWords(words, 'or')}` };
  }
  const delayMs = parseDelay(word, parts);
  if (typeof delayMs !== 'number') return delayMs;
  return end === undefined ? { kind: 'run', shutdownMs: delayMs } : { kind: 'end', end, delayMs };
}

function parseSignal(word: string, [name = '', ...parts]: readonly string[]): Step | StepError {
  const signal = signals.find((known) => known === name.replace(/^SIG/, ''));
  if (signal === undefined) {
    return { message: `${shown(word)}: ${shown(name)} is not a signal`, fix: `use ${listWords(signals, 'or')}` };
  }
  const delayMs = parseDelay(word, parts);
  return typeof delayMs === 'number' ? { kind: 'signal', signal: `SIG${signal}`, delayMs } : delayMs;
}

function parseDelay(word: string, parts: readonly string[]): number | StepError {
  const [text] = parts;
  if (text === undefined) return 0;
  const delayMs = parts.length === 1 ? parseDurationMs(text) : undefined;
  if (delayMs !== undefined && delayMs <= maxDelayMs) return delayMs;
  return {
    message: `${shown(word)}: ${shown(parts.join(':'))} is not a duration`,
    fix: 'use a number and ms, s, min, h or d, at most 24 days, e.g. "500ms"',
  };
}
