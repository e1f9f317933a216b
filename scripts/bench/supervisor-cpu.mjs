// What a supervisor costs beside its bhyve: the CPU time of a reboot, beside a loop of node that starts the same
// program, by itself and by the shells of vmrun; and of passing on what bhyve writes, beside cat.
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { alternately, cpuMs } from './cpu.mjs';
import { loadSource } from '../load-source.mjs';
import { report, root } from './measure.mjs';

const { stayingShell } = await loadSource(root, 'src/host/process/staying-shell.ts');

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

/** A loop of node that starts a program, by itself or by the shells that vmrun starts bhyve with. */
function bareLoops(scratch, program) {
  const command = [program, '-c', '1'];
  const tag = 'bhyve 1';
  const staying = stayingShell(command, { noteFile: path.join(scratch, 'vm.pid'), note: 'bhyve % 1 default', tag });
  const becoming = staying.toSpliced(1, 1);
  const loop = (descriptors, words) => (times) => [
    ...[process.execPath, path.join(import.meta.dirname, 'bare-loop.cjs'), String(times), descriptors.join(',')],
    ...words,
  ];
  const [ignored, pipes] = ['ignore', ['pipe', 'pipe']];
  return {
    bare: loop([ignored, ...pipes], command),
    // As `shellDescriptors` has them; the outputs of the program are where the shell that stays would have put them.
    byBecoming: loop([ignored, ignored, ignored, ignored, 'pipe', ignored, ...pipes], ['/bin/sh', ...becoming]),
    byStaying: loop([ignored, ...pipes, ignored, 'pipe', ignored], ['/bin/sh', ...staying]),
  };
}

/**
 * What vmrun itself adds to a reboot. The shell that stays beside bhyve is not its work, but the price of an end that is
 * known: what that costs is measured beside it, and taken off.
 */
export function rebootCpu(scratch) {
  const bhyve = script(scratch, 'quick.sh', 'exit 0');
  const [few, many] = [20, 220];
  /** The start of the process is the same in both. */
  const each = (commandFor) => () => (cpuMs(commandFor(many)) - cpuMs(commandFor(few))) / (many - few);
  const { bare, byBecoming, byStaying } = bareLoops(scratch, bhyve);
  const reboots = (times) => supervisorOf(scratch, bhyve, ['--reboot-count', String(times)]);
  const [once, becoming, staying, ours] = alternately([bare, byBecoming, byStaying, reboots].map(each), rounds);
  const shell = staying - becoming;
  const own = (ours - shell) / once;
  const ms = (...figures) => figures.map((figure) => figure.toFixed(2)).join(' / ');
  report('a loop of node that starts a program, CPU', `${ms(once)} ms`, '', undefined);
  report('by a shell that becomes it / with one that stays', `${ms(becoming, staying)} ms`, '', undefined);
  report('a reboot / what the shell that stays costs of it', `${ms(ours, shell)} ms`, '', undefined);
  report(
    'a reboot without that shell / the loop',
    `${ms(ours - shell, once)} ms = ${own.toFixed(2)}`,
    '<= 2.5',
    own <= 2.5,
  );
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
