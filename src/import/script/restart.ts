import { listWords } from '../../base/text.js';
import type { SpecObject } from '../spec-object.js';
import type { Lost, Ran, Run, Started } from './run.js';
import { hasSymbol } from './symbols.js';

/** A loop around bhyve, followed with one reason for every end of bhyve. */
export interface Turns {
  readonly reason: string;
  readonly run: Run;
  readonly starts: readonly Started[];
  /** How often bhyve is started; undefined: there is no limit. */
  readonly boots: number | undefined;
}

interface Restart {
  readonly fields: SpecObject;
  readonly lost: readonly Lost[];
  /** Lines of the pauses. */
  readonly pauses: ReadonlySet<number>;
}

/** A year, the longest time of a spec: what a loop counts it never forgets. */
const always = 31_536_000;

/**
 * How often, and how fast, a loop starts bhyve again.
 * @param mixed how often it does where each end of bhyve has another reason
 */
export function restartOf(chosen: Started, turns: readonly Turns[], mixed: number | undefined): Restart {
  const [first] = turns;
  const isSame = turns.every(({ boots }) => boots === first?.boots) && mixed === first?.boots;
  const max = isSame && first?.boots !== undefined ? first.boots - 1 : undefined;
  const gaps = turns.flatMap(gapsOf);
  const pauses = new Set(gaps.flatMap((gap) => gap.map(({ line }) => line)));
  const seconds = gaps.map((gap) => secondsOf(gap));
  const [pause] = seconds;
  const delay = pause !== undefined && seconds.every((each) => each === pause) && pause <= always ? pause : undefined;
  const lost = [
    ...(isSame ? [] : limitNotes(chosen, turns)),
    ...(pauses.size === 0 ? [] : [pauseNote([...pauses], delay)]),
  ];
  const limits: SpecObject = max === undefined ? {} : { max, window: always, stable: always };
  // A loop that pauses nowhere starts bhyve again at once.
  const pausing: SpecObject =
    delay !== undefined && delay > 0 ? { delay, max_delay: delay } : max === undefined ? {} : { delay: 0 };
  const restart = { ...limits, ...pausing };
  return { fields: Object.keys(restart).length === 0 ? {} : { restart }, lost, pauses };
}

/** What waits between two boots, boot after boot. */
function gapsOf({ run, starts }: Turns): readonly (readonly Ran[])[] {
  const places = starts.map((start) => run.started.indexOf(start));
  const waits = run.ran.filter(({ fields, isAside, isBeside }) => fields[0]?.text === 'sleep' && !isAside && !isBeside);
  return places.slice(1).map((place, at) => {
    const before = places[at] ?? 0;
    return waits.filter(({ after }) => after > before && after <= place);
  });
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** @returns undefined: nobody knows */
function secondsOf(waits: readonly Ran[]): number | undefined {
  let seconds = 0;
  for (const text of waits.flatMap(({ fields }) => fields.slice(1).map((field) => field.text))) {
    const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text) ?? [];
    if (hasSymbol(text) || number === undefined) return undefined;
    seconds += Number(number) * (units[unit === '' ? 's' : unit] ?? 1);
  }
  return seconds;
}

function pauseNote(lines: readonly number[], delay: number | undefined): Lost {
  const [line = 1] = lines;
  const common = { line, code: 'pause' };
  if (delay === undefined) {
    return {
      ...common,
      message: `the pauses before bhyve is started again (sleep on ${lines.length === 1 ? 'line' : 'lines'} ${listWords(lines.map(String))}) are not carried over: they are not always the same, or known only when the script runs`,
      fix: 'set "delay" and "max_delay" in "restart" of the spec',
    };
  }
  return {
    ...common,
    message: `the script always waits ${delay} s before it starts bhyve again; "restart" of the spec has this pause, but vmrun makes none after a long run, nor after the first short one`,
    fix: `put "sleep ${delay}" into "pre_reboot" of "hooks" to wait every time`,
  };
}

function limitNotes({ line }: Started, turns: readonly Turns[]): readonly Lost[] {
  const byBoots = new Map<number, string[]>();
  for (const { reason, boots } of turns) {
    if (boots !== undefined) byBoots.set(boots, [...(byBoots.get(boots) ?? []), reason]);
  }
  const limited = [...byBoots].map(([boots, reasons]) => `${boots} times for ${listWords(reasons)}`);
  if (limited.length === 0) return [];
  const message = `the script counts its boots by reason, which "restart" of the spec cannot: it starts bhyve at most ${limited.join('; ')}`;
  return [{ line, code: 'restart', message, fix: 'set "max" and "window" in "restart" of the spec' }];
}
