// From the end of one bhyve to the start of the next, with a shell script as bhyve, and with small scripts for the tools
// of the host where that is looked at before each boot.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeTools } from './host-tools.mjs';
import { quantile, report } from './measure.mjs';
import { specOf } from './spec.mjs';

const { run, runTool, systemHost } = await import('../../dist/index.js');

/** @returns milliseconds between bhyves, one for each reboot */
async function gapsOf(spec, options, reboots) {
  const vm = run(await specOf(spec), { ...options, limits: { rebootCount: reboots } });
  const gaps = [];
  let exited;
  for await (const event of vm.events) {
    if (event.kind === 'exit') exited = event.monotonicMs;
    if (event.kind === 'boot' && exited !== undefined) gaps.push(event.monotonicMs - exited);
  }
  await vm.result;
  return gaps;
}

export async function rebootLatency(scratch) {
  const reboots = 200;
  const bhyve = path.join(scratch, 'bhyve.sh');
  writeFileSync(bhyve, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  const disk = path.join(scratch, 'disk.img');
  const rom = path.join(scratch, 'rom.fd');
  for (const file of [disk, rom]) writeFileSync(file, Buffer.alloc(4096));
  const spec = {
    name: 'bench-reboot',
    cpu: 1,
    mem: '64M',
    restart: { delay: 0 },
    bootrom: rom,
    emulations: [
      { device: 'virtio-net', name: 'tap0' },
      { device: 'virtio-net', name: 'tap1' },
      { device: 'virtio-blk', path: disk },
      { device: 'virtio-console', ports: [path.join(scratch, 'console.sock')] },
    ],
  };
  const env = { PATH: `${makeTools(scratch)}:${process.env.PATH}` };
  const host = { ...systemHost(), run: (argv, options) => runTool(argv, { ...options, env }) };
  const options = { bhyve: [bhyve], runBase: scratch, host };
  for (const [how, check] of [
    ['checks off', false],
    ['checks on', true],
  ]) {
    const gaps = await gapsOf(spec, { ...options, check }, reboots);
    const [p50, p95] = [quantile(gaps, 0.5), quantile(gaps, 0.95)];
    report(
      `exit of bhyve -> next bhyve, ${how}, ${reboots} reboots, p50`,
      `${p50.toFixed(1)} ms`,
      '<= 15 ms',
      p50 <= 15,
    );
    report('the same, p95', `${p95.toFixed(1)} ms`, '<= 30 ms', p95 <= 30);
  }
}
