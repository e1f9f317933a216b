import { formatDuration } from '../base/duration.js';
import { quoteCommand } from '../base/shell.js';
import { count } from '../base/text.js';
import { unreachable } from '../base/unreachable.js';
import type { HookEnd } from '../host/process/hook.js';
import type { MachineChange } from '../machine/difference.js';
import type { HookName, RunEvent } from '../supervisor/events.js';
import type { Explanation } from '../explain/rule.js';
import type { StopReason } from '../supervisor/policy.js';
import { describeEnd, describeLoadFailure, type RunEnd } from '../explain/run-end.js';
import type { Colours } from './colours.js';
import { formatProblem } from './show-problems.js';

/** Something went wrong: told even to those who want to hear of nothing else. */
export function isProblem(event: RunEvent): boolean {
  switch (event.kind) {
    case 'loader':
      return event.state === 'ended' && event.why !== undefined;
    case 'exit':
      return event.why !== undefined || event.end.kind === 'triple-fault' || event.end.kind === 'unknown';
    case 'hook':
      // One that is still at work when the VM ends is stopped with it.
      return event.state === 'ended' && !hasWorked(event.end) && event.end.kind !== 'aborted';
    case 'cleanup':
      return event.error !== undefined;
    case 'warning':
    case 'lost':
      return true;
    case 'stop':
      return problematicStops.includes(event.because);
    case 'degraded':
      return true;
    case 'reboot':
      return event.gaveUp === true;
    case 'boot':
    case 'adopted':
    case 'recovered':
    case 'console':
    case 'request':
    case 'stopping':
      return false;
    default:
      return unreachable(event);
  }
}

const problematicStops: readonly (StopReason | 'error')[] = ['restart-limit', 'left-behind', 'status-unknown'];

/**
 * The lines that tell people what happened; none for what only matters when it goes wrong, unless verbose.
 * @param times how often in a row its reason has come; from the second time on it is not told again
 */
export function eventLines(event: RunEvent, colour: Colours, isVerbose: boolean, times = 1): readonly string[] {
  switch (event.kind) {
    case 'loader':
      return loaderLines(event, colour, isVerbose, times);
    case 'boot':
      return [
        `${colour.bold(`boot ${event.boot}`)}, target ${event.target} (pid ${event.pid})`,
        ...event.changes.map((change) => `  ${describeChange(change, colour)}`),
        ...(isVerbose ? [`  ${quoteCommand(event.command)}`] : []),
      ];
    case 'adopted':
      return [
        `${colour.bold(`boot ${event.boot}`)}, target ${event.target}: took over bhyve, which had no supervisor (pid ${event.pid})`,
      ];
    case 'exit':
      return [
        `boot ${event.boot} ${colouredEnd(event.end, colour)}${event.aliveMs === undefined ? '' : ` after ${formatDuration(event.aliveMs)}`}`,
        ...(event.why === undefined ? [] : explanationLines('bhyve', event.why, colour, times)),
      ];
    case 'reboot':
      return [
        ...(event.gaveUp === true ? [colour.yellow('too many reboots within restart.window: giving up')] : []),
        `next: boot ${event.boot}, target ${event.target}${event.delayMs > 0 ? `, in ${formatDuration(event.delayMs)}` : ''}`,
      ];
    case 'hook':
      if (event.state === 'started') return isVerbose ? [`hook ${event.hook} started`] : [];
      return isVerbose || !hasWorked(event.end) ? [describeHook(event.hook, event.end)] : [];
    case 'cleanup':
      if (event.error !== undefined) return [colour.yellow(`left behind: ${event.what} ${event.name}: ${event.error}`)];
      return isVerbose ? [`removed ${event.what} ${event.name}`] : [];
    case 'warning':
      return formatProblem(event.problem, colour).map((line) => line.slice(2));
    case 'degraded':
      return [colour.yellow(`degraded: ${event.part}: ${event.error}`)];
    case 'recovered':
      return [`recovered: ${event.part}`];
    case 'lost':
      return [colour.yellow(`${count(event.count, 'event')} lost here: they came faster than they could be written`)];
    case 'console':
      return isVerbose ? [describeAttendance(event)] : [];
    case 'request':
      return [`asked for: ${event.what}`];
    case 'stopping':
      return [describeStopping(event.how, event.timeoutMs)];
    case 'stop':
      return isVerbose || event.because !== 'guest' ? describeStop(event.because) : [];
    default:
      return unreachable(event);
  }
}

type LoaderEvent = Extract<RunEvent, { readonly kind: 'loader' }>;

function loaderLines(event: LoaderEvent, colour: Colours, isVerbose: boolean, times: number): readonly string[] {
  const { boot, program } = event;
  if (event.state === 'started') {
    return [
      `${colour.bold(`boot ${boot}`)}, loading with ${program} (pid ${event.pid})`,
      ...(isVerbose ? [`  ${quoteCommand(event.command)}`] : []),
    ];
  }
  const { end, aliveMs, why } = event;
  const after = `after ${formatDuration(aliveMs)}`;
  switch (end.kind) {
    case 'loaded':
      return isVerbose ? [`boot ${boot}, loaded ${after}`] : [];
    case 'stopped':
      return isVerbose ? [`boot ${boot}, ${program} was killed ${after}`] : [];
    case 'rebooted':
      return [`boot ${boot}, ${program} was told to reboot ${after}`];
    case 'exited':
    case 'signalled':
    case 'timed-out':
    case 'not-started':
    case 'unknown':
      return [
        `boot ${boot}, ${colour.red(`${program} ${describeLoadFailure(end)}`)}${end.kind === 'exited' ? ` ${after}` : ''}`,
        ...(why === undefined ? [] : explanationLines(program, why, colour, times)),
      ];
    default:
      return unreachable(end);
  }
}

function colouredEnd(end: RunEnd, colour: Colours): string {
  const text = describeEnd(end);
  const isBad = end.kind === 'failed' || end.kind === 'killed' || end.kind === 'triple-fault' || end.kind === 'unknown';
  return isBad ? colour.red(text) : text;
}

const explanationLines = (
  program: string,
  { cause, evidence, next }: Explanation,
  colour: Colours,
  times: number,
): readonly string[] =>
  times > 1
    ? [`  as before, ${times} times in a row`]
    : [`  ${cause}`, ...evidence.map((line) => `    ${program}: ${line}`), `    ${colour.green('fix:')} ${next}`];

function describeChange(change: MachineChange, colour: Colours): string {
  switch (change.kind) {
    case 'device-added':
      return colour.green(`+ ${change.device} at ${change.address}`);
    case 'device-removed':
      return colour.red(`- ${change.device} at ${change.address}`);
    case 'device-moved':
      return colour.yellow(`~ ${change.device}: ${change.from} -> ${change.to}`);
    case 'device-changed':
      return colour.yellow(`~ ${change.device} at ${change.address}: other settings`);
    case 'setting':
      return colour.yellow(`~ ${change.key}: ${change.from ?? 'unset'} -> ${change.to ?? 'unset'}`);
    default:
      return unreachable(change);
  }
}

const hasWorked = (end: HookEnd): boolean => end.kind === 'exited' && end.status === 0;

/** bhyve is not started where the host could not be prepared for it. */
const describeHook = (hook: HookName, end: HookEnd): string =>
  `hook ${hook} ${describeHookEnd(end)}${end.kind === 'not-started' ? ` (hooks.${hook})` : ''}${hook === 'pre_start' && !hasWorked(end) && end.kind !== 'aborted' ? ': bhyve is not started' : ''}`;

function describeHookEnd(end: HookEnd): string {
  switch (end.kind) {
    case 'exited':
      return end.status === 0 ? 'done' : `failed with status ${end.status}`;
    case 'signalled':
      return `was killed by ${end.signal}`;
    case 'timed-out':
      return `was killed after ${formatDuration(end.timeoutMs)}: hooks.timeout says how long it may take`;
    case 'aborted':
      return 'was killed, since the run is over';
    case 'not-started':
      return `could not be started: ${end.error}`;
    default:
      return unreachable(end);
  }
}

function describeAttendance({ who, what, untold }: Extract<RunEvent, { kind: 'console' }>): string {
  const more = untold === undefined ? '' : `; before that, ${untold} more came or left`;
  switch (what) {
    case 'came':
      return `console: ${who} has come${more}`;
    case 'left':
      return `console: ${who} has left${more}`;
    case 'keyboard':
      return `console: ${who} has the keyboard`;
    default:
      return unreachable(what);
  }
}

function describeStopping(how: Extract<RunEvent, { kind: 'stopping' }>['how'], timeoutMs: number): string {
  switch (how) {
    case 'power button':
      if (timeoutMs === 0) return 'stopping: asked the guest to power off, without waiting for it';
      return `stopping: asked the guest to power off, it has ${formatDuration(timeoutMs)}; a second signal or vmrun stop --now ends it now`;
    case 'power button again':
      return `stopping: the guest did not follow, asked it again, it has ${formatDuration(timeoutMs)}`;
    case 'forced power-off':
      return 'stopping: the guest did not follow, forcing it off';
    case 'kill':
      return 'stopping: the guest did not follow, killing bhyve';
    default:
      return unreachable(how);
  }
}

function describeStop(because: StopReason | 'error'): readonly string[] {
  switch (because) {
    case 'asked':
      return ['stopped'];
    case 'guest':
      return ['done'];
    case 'no-reboot':
      return ['not booted again: --no-reboot'];
    case 'reboot-count':
      return ['not booted again: --reboot-count is reached'];
    case 'restart-limit':
      return ['gave up, not booted again: too many reboots within restart.window, see restart.max'];
    case 'left-behind':
      return ['not booted again: something was left behind, see --panic-on-failed-cleanup'];
    case 'status-unknown':
      return ['not booted again: how bhyve ended is not known'];
    case 'error':
      return [];
    default:
      return unreachable(because);
  }
}
