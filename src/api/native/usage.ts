import type { Clock } from '../../host/clock.js';
import type { RunTool } from '../../host/process/tools.js';
import type { UsageDocument } from './documents.js';

/** How long one look is good for. */
const goodMs = 5000;

/** What processes take, by pid. */
export type Usage = ReadonlyMap<number, UsageDocument>;

export interface UsageWatch {
  /** Of these processes, one ps(1) for all; a look of the last seconds serves. Those that are gone are absent. */
  readonly of: (pids: readonly number[]) => Promise<Usage>;
}

export function usageWatch(run: RunTool, clock: Pick<Clock, 'monotonicMs'>): UsageWatch {
  let last: { readonly at: number; readonly pids: ReadonlySet<number>; readonly usage: Promise<Usage> } | undefined;
  return {
    of(pids) {
      if (pids.length === 0) return Promise.resolve(new Map());
      const now = clock.monotonicMs();
      if (last === undefined || now - last.at > goodMs || !pids.every((pid) => last?.pids.has(pid)))
        last = { at: now, pids: new Set(pids), usage: look(run, pids) };
      return last.usage;
    },
  };
}

async function look(run: RunTool, pids: readonly number[]): Promise<Usage> {
  const { stdout } = await run(['ps', '-o', 'pid=,rss=,time=', '-p', pids.join()], { env: { LC_ALL: 'C' } });
  return readUsage(stdout);
}

/** What ps(1) prints for `pid=,rss=,time=`: FreeBSD has `12:34.56`, Linux `1-02:03:04`. */
export function readUsage(text: string): Usage {
  const usage = new Map<number, UsageDocument>();
  for (const line of text.split('\n')) {
    const [, pid, rss, days = '0', clock = ''] = /^\s*(\d+)\s+(\d+)\s+(?:(\d+)-)?([\d:.]+)\s*$/.exec(line) ?? [];
    if (pid === undefined || rss === undefined) continue;
    const seconds = clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
    if (Number.isFinite(seconds))
      usage.set(Number(pid), { cpuSeconds: Number(days) * 86_400 + seconds, memoryBytes: Number(rss) * 1024 });
  }
  return usage;
}
