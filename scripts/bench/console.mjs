// A console that vmrun serves, beside a pipe from the guest: throughput, the echo of a key, memory.
import path from 'node:path';
import { quantile, report, root, spawnNode } from './measure.mjs';

const rounds = 7;
const runs = 40;

const ratio = (ours, pipe) => `${ours.toFixed(0)} / ${pipe.toFixed(0)} ms = ${(ours / pipe).toFixed(2)}`;
const script = (name) => path.join(root, 'scripts/bench', name);

/** @param most of the ratio; undefined: for information */
function reportRatio(what, ours, pipe, most) {
  if (most === undefined) report(what, ratio(ours, pipe), '', undefined);
  else report(what, ratio(ours, pipe), `<= ${most}`, ours / pipe <= most);
}

export function consoleLoad(scratch) {
  const { bytes, blocks, echoes } = JSON.parse(spawnNode([script('console-load.mjs'), scratch, String(rounds)]).stdout);
  // As bhyve writes: half of what a pipe lets through is the least, and no more work than a pipe is.
  reportRatio('a console byte by byte to a subscriber / a pipe, CPU', bytes.subscriber.cpuMs, bytes.pipe.cpuMs, 1);
  reportRatio('the same, time', bytes.subscriber.ms, bytes.pipe.ms, 2);
  reportRatio('a console byte by byte to vmrun console / a pipe, CPU', bytes.client.cpuMs, bytes.pipe.cpuMs, 1);
  reportRatio('the same, time', bytes.client.ms, bytes.pipe.ms, 2);
  // More than any guest writes: a reader that is too slow for it misses some.
  reportRatio(
    'a console in blocks of 4 KiB to a subscriber / a pipe, CPU',
    blocks.subscriber.cpuMs,
    blocks.pipe.cpuMs,
    2,
  );
  reportRatio('the same, time', blocks.subscriber.ms, blocks.pipe.ms);
  reportRatio('the same to vmrun console, CPU', blocks.client.cpuMs, blocks.pipe.cpuMs);
  reportRatio('the same, time', blocks.client.ms, blocks.pipe.ms);
  report('the same, of that arrived', `${(blocks.client.share * 100).toFixed(0)} %`, '', undefined);
  for (const [name, share] of [
    ['p50', 0.5],
    ['p95', 0.95],
  ]) {
    const [ours, pipe] = [quantile(echoes.typist, share), quantile(echoes.pipe, share)];
    const figure = `${ours.toFixed(1)} - ${pipe.toFixed(1)} ms`;
    report(`echo of a key through vmrun console - a pipe, ${name}`, figure, '<= 5 ms', ours - pipe <= 5);
  }
}

export function consoleMemory(scratch) {
  const args = ['--expose-gc', script('console-memory.mjs'), String(runs), scratch];
  const { plain, withConsole } = JSON.parse(spawnNode(args).stdout);
  const kib = (bytes) => (bytes / 1024).toFixed(0);
  const more = withConsole - plain;
  const figure = `${kib(withConsole)} - ${kib(plain)} KiB = ${kib(more)}`;
  report('memory of a run with a console - one without', figure, '<= 160 KiB', more <= 160 * 1024);
}
