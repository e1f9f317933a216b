// What a process takes, by proc(5): for Linux alone.
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

export const canLook = process.platform === 'linux';

/** Resident memory in KiB, that of it which nobody shares, and processor time in ticks, of 10 ms. */
export function usage(pid) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kibOf = (what) => Number(new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(rollup)[1]);
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return {
    kib: kibOf('Rss'),
    privateKib: kibOf('Private_Clean') + kibOf('Private_Dirty'),
    ticks: Number(stat[11]) + Number(stat[12]),
  };
}

/** Processor time of all threads so far, in milliseconds, finer than in ticks. */
export function processorMs(pid) {
  const threads = readdirSync(`/proc/${pid}/task`).map((id) =>
    readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8'),
  );
  return threads.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1e6;
}

/** V8 tidies its heap once, some seconds after the start; what counts is what comes after. @param most ticks between two looks */
export async function settled(pid, most = 0) {
  for (let last = usage(pid), rounds = 0; ; rounds += 1) {
    await wait(4000);
    const now = usage(pid);
    if (now.ticks - last.ticks <= most && rounds > 1) return now;
    last = now;
  }
}
