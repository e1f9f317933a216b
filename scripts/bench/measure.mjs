// What the measurements share: medians, alternating runs, the table.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const peakMemory = path.join(root, 'scripts/bench/peak-memory.cjs');

/** @param share 0.5 for the median */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export const median = (values) => quantile(values, 0.5);

/** @throws Error with its stderr where it fails */
export const spawnNode = (args, { node = process.execPath, ...options } = {}) => {
  const result = spawnSync(node, args, { cwd: root, encoding: 'utf8', ...options });
  if (result.status !== 0) throw new Error(`node ${args.join(' ')}: ${result.status} ${result.stderr}`);
  return result;
};

const usageIn = (text) => {
  const [peakKib, cpuMs] = text.split(' ').map(Number);
  return { peakKib, cpuMs };
};

/** What a node command costs, however it ends. */
export function usageOf(args) {
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'ignore', 'ignore', 'pipe'] };
  const { output, status } = spawnSync(process.execPath, ['-r', peakMemory, ...args], options);
  if (status === null || status === 70) throw new Error(`node ${args.join(' ')}: ${status}`);
  return usageIn(output[3]);
}

/** Runs two node commands in turn. @returns the median peak memory of each, in KiB */
export function peakMemories(a, b, runs, node) {
  const options = { node, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] };
  const once = (args) => usageIn(spawnNode(['-r', peakMemory, ...args], options).output[3]).peakKib;
  const peaks = [[], []];
  for (let run = 0; run < runs; run += 1) [a, b].forEach((args, index) => peaks[index].push(once(args)));
  return peaks.map(median);
}

const rows = [];

/** One line of the table. `isWithin` undefined: for information. */
export function report(what, figure, budget, isWithin) {
  rows.push({ what, figure, budget, isWithin });
  const verdict = isWithin === undefined ? '' : isWithin ? 'ok' : 'OVER';
  console.log(`${what.padEnd(58)} ${figure.padStart(26)}  ${budget.padEnd(16)} ${verdict}`);
}

export const isAllWithin = () => rows.every(({ isWithin }) => isWithin !== false);
