// A VM boots again while its supervisor lacks something, which comes back later; another runs on beside it. Arguments:
// what is lacking, and RunOptions as JSON, with the fields of the spec in `fields`.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { clearInterval, setInterval, setTimeout } from 'node:timers';
import { run } from '../../../dist/index.js';
import { answer, sh, specOf } from './vm.mjs';

const [lacking, optionsText] = process.argv.slice(2);
const { fields, ...options } = JSON.parse(optionsText);
const folder = process.cwd();

/** Each uses up what there is, and what the run itself lets go of when `again` is called; `giveBack` gives all back. */
const shortages = {
  descriptors() {
    const held = [];
    const fill = () => {
      try {
        for (;;) held.push(openSync('/dev/null'));
      } catch {
        // All are in use.
      }
    };
    return { again: fill, giveBack: () => held.splice(0).forEach((descriptor) => closeSync(descriptor)) };
  },
  processes() {
    const held = [];
    const fill = () => {
      for (;;) {
        const child = spawn('/bin/sleep', ['600'], { stdio: 'ignore' });
        child.on('error', () => undefined);
        if (child.pid === undefined) return;
        held.push(child);
      }
    };
    return { again: fill, giveBack: () => held.splice(0).forEach((child) => child.kill('SIGKILL')) };
  },
};

const base = { runBase: `${folder}/run`, check: false };
const other = run(await specOf('other'), { ...base, bhyve: sh('exec sleep 600') });
const otherSeen = [];
const otherBooted = new Promise((resolve) => {
  void (async () => {
    for await (const event of other.events) {
      otherSeen.push(event.kind);
      if (event.kind === 'boot') resolve();
    }
  })();
});
await otherBooted;

// It can be ended, and end, without a descriptor and without a process.
const bhyve = sh('case $VMRUN_BOOT in 1) exec sleep 600 ;; *) exit 1 ;; esac');
const vm = run(await specOf('vm', { reboot_on: ['signal'], ...fields }), { ...base, bhyve, ...options });
const seen = [];
let shortage;
let timer;
function begin() {
  shortage = shortages[lacking]();
  shortage.again();
  timer = setInterval(shortage.again, 1);
}
function end() {
  clearInterval(timer);
  shortage?.giveBack();
  shortage = undefined;
}
for await (const event of vm.events) {
  seen.push(event);
  shortage?.again();
  if (event.kind === 'boot' && event.boot === 1) {
    // Its hooks have ended by then, and what the supervisor does after a start is done.
    await new Promise((resolve) => setTimeout(resolve, 300));
    begin();
    process.kill(event.pid, 'SIGKILL');
  }
  if (event.kind === 'degraded' && event.part === 'start') setTimeout(end, 700);
}
end();
const result = await vm.result.catch((error) => ({ error: String(error), problems: error.problems }));
const isOtherAlive = otherSeen.join() === 'boot';
other.stop();
await other.result;
answer({ result, isOtherAlive, seen });
