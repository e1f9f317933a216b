import { formatDuration } from '../base/duration.js';
import { quoteCommand } from '../base/shell.js';
import { listWords, shortened, shown } from '../base/text.js';
import type { Autostart, ReadySign } from '../fields/autostart.js';

/** When a VM is ready: `when 10.0.0.5:22 takes connections`. */
export function readyWords(sign: ReadySign): string {
  switch (sign.kind) {
    case 'alive':
      return `when bhyve has run for ${formatDuration(sign.ms)}`;
    case 'tcp':
      return `when ${sign.host.includes(':') ? `[${sign.host}]` : sign.host}:${sign.port} takes connections`;
    case 'console':
      return `when its console says ${shown(sign.text)}`;
    case 'command':
      return `when ${shortened(quoteCommand(sign.argv), 400)} ends with 0`;
  }
}

/** What a VM waits for: `at once`, `after db and cache`, `5 s after db`. */
export function waitWords(waitsFor: readonly string[], { delayMs }: Pick<Autostart, 'delayMs'>): string {
  const delay = delayMs === 0 ? [] : [formatDuration(delayMs)];
  if (waitsFor.length === 0) return delay[0] === undefined ? 'at once' : `after ${delay[0]}`;
  return [...delay, 'after', listWords(waitsFor)].join(' ');
}

/** When it is started at the earliest and at the latest, if all before it get ready: `0 ms`, `1 s to 2 min`. */
export function timeWords({
  earliestMs,
  latestMs,
}: {
  readonly earliestMs: number;
  readonly latestMs: number;
}): string {
  const [earliest, latest] = [earliestMs, latestMs].map((ms) => (ms === 0 ? '0 s' : formatDuration(ms)));
  return earliest === latest ? `${earliest}` : `${earliest} to ${latest}`;
}
