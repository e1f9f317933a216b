// A dry run beside a node that does nothing, on each version of Node.js that vmrun is for: with the caches that
// bin/compile-cache.js makes on this host, and without.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { alternately, cpuMs } from './cpu.mjs';
import { peakMemories, report, root, spawnNode } from './measure.mjs';

/** Of the CPU time of a bare node; 22 and 24 start in less than half the time of 20. */
const budgets = { 20: 1.25, 22: 1.6, 24: 1.6 };
const memoryBudget = 1.2;

/** @returns the program, or undefined where this version cannot be had */
function nodeOf(major) {
  if (process.version.startsWith(`v${major}.`)) return process.execPath;
  const args = ['--yes', '--package', `node@${major}`, 'node', '-p', 'process.execPath'];
  const { status, stdout } = spawnSync('npx', args, { encoding: 'utf8', timeout: 120_000 });
  return status === 0 ? stdout.trim().split('\n').at(-1) : undefined;
}

/** The programs alone, so that they have no caches. */
function withoutCaches(scratch) {
  const folder = path.join(scratch, 'plain');
  mkdirSync(path.join(folder, 'dist'), { recursive: true });
  const filter = (name) => !name.endsWith('.cache');
  for (const name of ['bin', 'dist/bin']) {
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true, filter });
  }
  return path.join(folder, 'bin/vmrun.js');
}

export function startUp(scratch, runs) {
  const plain = withoutCaches(scratch);
  const about = ['--dry-run', '-c', 'examples/freebsd.json'];
  for (const [major, budget] of Object.entries(budgets)) {
    const node = nodeOf(major);
    if (node === undefined) {
      report(`dry run, Node.js ${major}`, 'this version cannot be had here', '', undefined);
      continue;
    }
    spawnNode(['bin/compile-cache.js'], { node });
    const [bare, cached, uncached] = alternately(
      [
        ['-e', '0'],
        ['bin/vmrun.js', ...about],
        [plain, ...about],
      ].map((args) => () => cpuMs([node, ...args])),
      runs,
    );
    const row = (ms) => `${ms.toFixed(1)} / ${bare.toFixed(1)} ms = ${(ms / bare).toFixed(3)}`;
    report(`dry run / node -e 0, CPU, Node.js ${major}`, row(cached), `<= ${budget}`, cached / bare <= budget);
    report('the same without caches', row(uncached), '', undefined);
    const [bareKib, dryRunKib] = peakMemories(['-e', '0'], ['bin/vmrun.js', ...about], Math.ceil(runs / 2), node);
    const share = dryRunKib / bareKib;
    const memory = `${(dryRunKib / 1024).toFixed(1)} / ${(bareKib / 1024).toFixed(1)} MiB = ${share.toFixed(3)}`;
    report('the same, peak memory', memory, `<= ${memoryBudget}`, share <= memoryBudget);
  }
}
