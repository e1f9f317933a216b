// What a reboot cannot cost less than: a program that ends at once, started again and again. Arguments: it, how often.
'use strict';
const { spawn } = require('node:child_process');

const [program, times] = process.argv.slice(2);

function start(left) {
  if (left === 0) return;
  const child = spawn(program, ['-c', '1'], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  child.stdout.resume();
  child.stderr.resume();
  child.once('close', () => start(left - 1));
}

start(Number(times));
