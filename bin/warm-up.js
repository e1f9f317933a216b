'use strict';
// Runs a program of dist/bin as people do, and writes what V8 has compiled by then. Started by compile-cache.js, in an
// empty folder: node warm-up.js PROGRAM FILE
const fs = require('node:fs');
const path = require('node:path');
const v8 = require('node:v8');
const { makeLoader, programFile } = require('./load.js');

/** A spec with the devices that most have, and a target. */
const spec = {
  name: 'warm-up',
  cpu: { sockets: 1, cores: 2, threads: 1 },
  mem: '2G',
  com1: '/dev/nmdm0A',
  graphic: { host: '127.0.0.1', port: 5900 },
  emulations: [
    { device: 'virtio-net', name: 'tap0' },
    { device: 'virtio-blk', path: 'disk.img' },
    { device: 'nvme', path: 'fast.img' },
    { device: 'virtio-rnd' },
  ],
  next_target: { reboot: 'default' },
  targets: { install: { emulations: [{ device: 'ahci-cd', path: 'disc.iso' }] } },
};

const script = `#!/bin/sh
bhyveload -m 1G -d disk.img vm0
bhyve -c 2 -m 1G -H -s 0,hostbridge -s 31,lpc -s 2,virtio-net,tap0 -s 3,virtio-blk,disk.img -l com1,stdio vm0
`;

/** The same in other formats; what is wrong in one is to be reported. */
const files = {
  'vm.json': JSON.stringify(spec, undefined, 2),
  'vm.yaml': `name: vm0\ncpu: 1\nmem: 1G\nemulations:\n  - device: virtio-net\n    name: tap0\n`,
  'vm.conf': `name = vm0;\ncpu = 1;\nmem = 1G;\nemulations [ { device = virtio-net, name = tap0 } ]\n`,
  'wrong.json': '{ "name": "vm", "cpu": 0 }',
  'vm.sh': script,
};

const run = ['--run-dir', 'run'];

/** Of the first, a dry run, all is kept that has run; of the others what is loaded for them. */
const vmrunLines = [
  ['-c', 'vm.json', '-t', 'install', '--dry-run'],
  ['-c', 'vm.json', '-t', 'install', '--no-requirement-check', '--simulate=reboot,power_off', ...run],
  ['-c', 'vm.yaml', '--dry-run'],
  ['-c', 'vm.conf', '--dry-run'],
  ['-c', 'vm.json', '--debug'],
  ['-c', 'wrong.json'],
  ['check', '-c', 'vm.json', ...run],
  ['plan', '-c', 'vm.json'],
  ['plan', '-c', 'vm.json', '--explain'],
  ['graph', '-c', 'vm.json'],
  ['lock', '-c', 'vm.json'],
  ['import', 'vm.sh'],
  ['init', '--yes', '--name', 'first'],
  ['schema'],
  ['completion', 'sh'],
  ['completion', 'bash', '--answer', '--', ' ', 'vmrun -c vm.json -t i', ''],
  ['help'],
  ['help', 'plan'],
  ['ps', ...run],
  ['stop', 'vm0', ...run],
  // There is no manager: what these load for asking one is loaded.
  ['ls', ...run],
  ['start', 'vm0', ...run],
  ['serve', '--dry-run'],
];

const simulatorLine = [
  '-c',
  '2',
  '-m',
  '1G',
  '-s',
  '0,hostbridge',
  '-s',
  '2,virtio-blk,disk.img',
  '-s',
  '31,lpc',
  'vm0',
];

const [program, target] = process.argv.slice(2);
const scripts = new Map();
const load = makeLoader((file, loaded, bytes) => scripts.set(file, { script: loaded, bytes }));
const compiled = new Map();

/** What a script has compiled so far; what it compiles later is not in it. */
function keep(file) {
  if (!compiled.has(file)) compiled.set(file, scripts.get(file).script.createCachedData());
}

function write() {
  for (const file of scripts.keys()) keep(file);
  const made = [...compiled].map(([file, code]) => ({ file, bytes: scripts.get(file).bytes, compiled: code }));
  fs.writeFileSync(target, v8.serialize(made));
}

async function runVmrun() {
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(name, text);
  const { main } = load(programFile('vmrun'));
  for (const words of vmrunLines) {
    process.argv = [process.argv[0], 'vmrun', ...words];
    await main(path.join(__dirname, 'bhyve-sim.js'));
    keep(programFile('vmrun'));
  }
  process.exitCode = 0;
  write();
}

/** It ends the process by itself. */
function runSimulator() {
  process.on('exit', () => {
    write();
    process.exitCode = 0;
  });
  process.env.VMRUN_SIM_SCRIPT = 'power_off';
  process.argv = [process.argv[0], 'bhyve-sim', ...simulatorLine];
  load(programFile('bhyve-sim')).main();
}

if (program === 'vmrun') void runVmrun();
else runSimulator();
