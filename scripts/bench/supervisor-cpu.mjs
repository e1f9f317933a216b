// What a supervisor costs beside its bhyve: the CPU time of a reboot, beside a loop of node that starts the same
// program; and of passing on what bhyve writes, beside cat.
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { alternately, cpuMs } from './cpu.mjs';
import { report } from './measure.mjs';

const rounds = 7;

/** Words that run a small VM with a shell script for its bhyve. */
function supervisorOf(scratch, bhyve, more) {
  const spec = path.join(scratch, 'vm.json');
  writeFileSync(spec, JSON.stringify({ name: 'bench', cpu: 1, mem: '64M', restart: { delay: 0 } }));
  const where = ['--run-dir', path.join(scratch, 'cpu'), '--no-requirement-check', '--bhyve', bhyve];
  return [process.execPath, 'bin/vmrun.js', '-q', '-c', spec, ...where, ...more];
}

function script(scratch, name, line) {
  const file = path.join(scratch, name);
  writeFileSync(file, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  return file;
}

export function rebootCpu(scratch) {
  const bhyve = script(scratch, 'quick.sh', 'exit 0');
  const [few, many] = [20, 220];
  /** The start of the process is the same in both. */
  const each = (commandFor) => () => (cpuMs(commandFor(many)) - cpuMs(commandFor(few))) / (many - few);
  const loop = path.join(import.meta.dirname, 'bare-loop.cjs');
  const [bare, ours] = alternately(
    [
      each((times) => [process.execPath, loop, bhyve, String(times)]),
      each((times) => supervisorOf(scratch, bhyve, ['--reboot-count', String(times)])),
    ],
    rounds,
  );
  const figure = `${ours.toFixed(2)} / ${bare.toFixed(2)} ms = ${(ours / bare).toFixed(2)}`;
  report('a reboot / a loop of node that starts it, CPU', figure, '<= 2.5', ours / bare <= 2.5);
}

export function passingOn(scratch) {
  const text = path.join(scratch, 'noise.txt');
  const log = path.join(scratch, 'noise.log');
  const line = (index) => `${String(index).padStart(7, '0')} virtio-blk: a request took longer than it should have\n`;
  writeFileSync(text, Array.from({ length: 500_000 }, (_, index) => line(index)).join(''));
  const [quiet, noisy] = [script(scratch, 'quiet.sh', 'exit 0'), script(scratch, 'noisy.sh', `exec cat '${text}' >&2`)];
  /** What the text itself costs, read from bhyve and written. */
  const passed = (more) => () => {
    rmSync(log, { force: true });
    const once = (bhyve) => cpuMs(supervisorOf(scratch, bhyve, ['--no-reboot', ...more]));
    return once(noisy) - once(quiet);
  };
  const [cat, plain, logged] = alternately(
    [() => cpuMs(['sh', '-c', 'cat "$1" | cat', 'sh', text]), passed([]), passed(['--log', log])],
    rounds,
  );
  const row = (ms) => `${ms.toFixed(0)} / ${cat.toFixed(0)} ms = ${(ms / cat).toFixed(1)}`;
  report("bhyve's stderr passed on / cat, CPU", row(plain), '<= 9.5', plain / cat <= 9.5);
  report('the same with --log', row(logged), '<= 16.5', logged / cat <= 16.5);
}
