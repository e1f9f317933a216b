// What a reboot cannot cost less than: a program that ends at once, started again and again. Arguments: how often, what
// it gets for descriptors, the program and its own.
'use strict';
const { spawn } = require('node:child_process');

const [times, descriptors, program, ...args] = process.argv.slice(2);
const stdio = descriptors.split(',');

function start(left) {
  if (left === 0) return;
  const child = spawn(program, args, { stdio, detached: true });
  for (const stream of child.stdio) stream?.resume();
  child.once('close', () => start(left - 1));
}

start(Number(times));
