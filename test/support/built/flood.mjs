// A bhyve, or a hook, that writes without an end: the argument says where, the second how many MiB.
import { statSync } from 'node:fs';
import { run } from '../../../dist/index.js';
import { answer, sh, specOf } from './vm.mjs';

const [where, mebibytes] = process.argv.slice(2);
/** No line ends, and no UTF-8. */
const flood = `head -c ${mebibytes}M /dev/zero | tr '\\0' '\\377'`;
const commands = {
  stderr: { bhyve: sh(`{ ${flood}; echo; echo "the end"; } >&2; exit 4`) },
  stdout: { bhyve: sh(`${flood}; echo; echo "the end"; exit 4`) },
  hook: { bhyve: sh('exit 1'), fields: { hooks: { pre_start: ['/bin/sh', '-c', `${flood}; exit 0`], timeout: 300 } } },
};
const { bhyve, fields } = commands[where];
const spec = await specOf('flood', fields);
const before = process.memoryUsage().rss;
let peak = before;
let length = 0;
let largest = 0;
const outputs = ['vm.err', 'vm.out'].map((name) => `${process.cwd()}/run/flood/${name}`);
const sizeOf = (file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
const take = (text) => {
  length += text.length;
  largest = Math.max(largest, ...outputs.map(sizeOf));
  peak = Math.max(peak, process.memoryUsage.rss());
};
const vm = run(spec, { bhyve, runBase: `${process.cwd()}/run`, check: false, onStderr: take, onHookOutput: take });
const kinds = [];
const gaps = [];
for await (const event of vm.events) {
  if (event.problem?.code === 'output-gap') gaps.push(event.problem.message);
  else kinds.push(event.kind);
}
answer({ grownBytes: peak - before, length, gaps, largest, result: await vm.result, kinds });
