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
  const looks = new Map<number, { readonly at: number; readonly usage: Promise<Usage> }>();
  return {
    async of(pids) {
      const now = clock.monotonicMs();
      const unknown = pids.filter((pid) => !looks.has(pid));
      const isOld = pids.some((pid) => now - (looks.get(pid)?.at ?? now) > goodMs);
      // Where bhyves come and go, one that is new is no reason to look at all of them.
      const due = isOld ? pids : unknown;
      if (isOld) looks.clear();
      if (due.length > 0) {
        const found = { at: now, usage: look(run, due) };
        for (const pid of due) looks.set(pid, found);
      }
      const found = await Promise.all(new Set(pids.flatMap((pid) => looks.get(pid)?.usage ?? [])));
      return found.length === 1 && found[0] !== undefined ? found[0] : new Map(found.flatMap((usage) => [...usage]));
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
