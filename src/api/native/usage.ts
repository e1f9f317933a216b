import type { Clock } from '../../host/clock.js';
import type { RunTool } from '../../host/process/tools.js';
import type { UsageDocument } from './documents.js';

/** After so long it is looked again, and what was found is told meanwhile; after so long it is not told any more. */
const [goodMs, oldMs] = [5000, 10_000];

/** What processes take, by pid. */
export type Usage = ReadonlyMap<number, UsageDocument>;

export interface UsageWatch {
  /** Of these processes, one ps(1) for all; a look of the last seconds serves. Absent are those that are gone, or came just now. */
  readonly of: (pids: readonly number[]) => Promise<Usage>;
}

export function usageWatch(run: RunTool, clock: Pick<Clock, 'monotonicMs'>): UsageWatch {
  const found = new Map<number, { readonly at: number; readonly usage: UsageDocument | undefined }>();
  const looks = new Map<number, Promise<void>>();

  async function lookAt(pids: readonly number[], at: number): Promise<void> {
    try {
      const usage = await look(run, pids);
      for (const [pid, known] of found) if (at - known.at > oldMs) found.delete(pid);
      for (const pid of pids) found.set(pid, { at, usage: usage.get(pid) });
    } finally {
      for (const pid of pids) looks.delete(pid);
    }
  }

  function begin(pids: readonly number[], at: number): void {
    const looking = lookAt(pids, at);
    // Who waits for it is told.
    looking.catch(() => undefined);
    for (const pid of pids) looks.set(pid, looking);
  }

  return {
    async of(pids) {
      const now = clock.monotonicMs();
      const ageOf = (pid: number): number => now - (found.get(pid)?.at ?? -Infinity);
      const isOld = pids.some((pid) => found.has(pid) && ageOf(pid) > goodMs);
      // Where bhyves come and go, one that is new is no reason to look at all of them, nor to let anybody wait.
      const due = pids.filter((pid) => !looks.has(pid) && (isOld || !found.has(pid)));
      if (due.length > 0) begin(due, now);
      const known = pids.filter((pid) => ageOf(pid) <= oldMs).length;
      if (2 * known < pids.length) await Promise.all(new Set(pids.flatMap((pid) => looks.get(pid) ?? [])));
      const usage = new Map<number, UsageDocument>();
      for (const pid of pids) {
        const one = found.get(pid);
        if (one?.usage !== undefined && now - one.at <= oldMs) usage.set(pid, one.usage);
      }
      return usage;
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
