// What a run costs in memory, without a console and with one whose guest has written more than is kept. Run as a process
// of its own, with --expose-gc; prints JSON. Arguments: how many, and a folder.
import path from 'node:path';
import { specOf } from './spec.mjs';

const { run } = await import('../../dist/index.js');

const [count, scratch] = [Number(process.argv[2]), process.argv[3]];
const kept = 64 * 1024;
const guest = `head -c 100000 /dev/zero; exec sleep 3600`;

/** What is in use; how much of it the system has taken back already says little of so few runs. */
const memory = () => {
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

async function start(name, fields) {
  const spec = await specOf({ name, cpu: 1, mem: '64M', ...fields });
  const vm = run(spec, { bhyve: ['/bin/sh', '-c', guest], runBase: path.join(scratch, 'memory'), check: false });
  for await (const { kind } of vm.events) if (kind === 'boot') break;
  if (fields.com1 === undefined) return vm;
  let length = 0;
  for await (const part of vm.console.subscribe()) {
    length += part.kind === 'output' ? part.bytes.length : part.count;
    if (length >= kept) break;
  }
  return vm;
}

const runs = [];
const sizes = [];
// One after the other, so that what is read at once is no part of it; the first ones make the heap what it is.
for (const [kind, fields] of [
  ['first', {}],
  ['plain', {}],
  ['console', { com1: 'console' }],
]) {
  for (let index = 0; index < count; index += 1) runs.push(await start(`${kind}-${index}`, fields));
  sizes.push(memory());
}
for (const vm of runs) vm.stop();
await Promise.all(runs.map(({ result }) => result));
process.stdout.write(
  JSON.stringify({ plain: (sizes[1] - sizes[0]) / count, withConsole: (sizes[2] - sizes[1]) / count }),
);
