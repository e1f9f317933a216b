// Small scripts for the tools of a FreeBSD host, so that the checks before a boot have something to ask.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './measure.mjs';

const tap = (name) => `${name}: flags=8802<BROADCAST,SIMPLEX,MULTICAST> metric 0 mtu 1500\n\tgroups: tap\n`;

/** Tools that say what a FreeBSD host with two taps would say, in one process each. @returns the folder to look in */
export function makeTools(scratch) {
  const folder = path.join(scratch, 'tools');
  mkdirSync(folder, { recursive: true });
  const fixture = (name) => readFileSync(path.join(root, 'test/fixtures/host', name), 'utf8');
  const says = {
    ifconfig: tap('tap0') + tap('tap1'),
    kldstat: fixture('kldstat.txt'),
    pciconf: fixture('pciconf.txt'),
    sysctl: fixture('sysctl.txt'),
  };
  for (const [tool, text] of Object.entries(says)) {
    writeFileSync(path.join(folder, tool), `#!/bin/sh\nprintf %s '${text.replaceAll("'", "'\\''")}'\n`, {
      mode: 0o755,
    });
  }
  return folder;
}
