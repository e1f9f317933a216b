import type { Platform, Release } from '../base/platform.js';
import type { CSyntax } from './c-numbers.js';

export { architectures, releases, type Arch, type Platform, type Release } from '../base/platform.js';

/** How one bhyve differs from another. There is no arm64 host before 15; one that is asked for is played as 15's. */
interface Traits {
  /** As getopt(3) takes it. */
  readonly optionLetters: string;
  /** What stands in brackets in the first line of the usage text. */
  readonly usageFlags: string;
  /** Set before any option is read. */
  readonly defaults: readonly (readonly [variable: string, value: string])[];
  readonly bootromVariable: string;
  readonly bootvarsVariable: string;
  readonly msixVariable: string;
  readonly framebufferMax: { readonly width: number; readonly height: number };
  /** The line that follows every refusal of a device. */
  readonly deviceErrorLine: string;
}

export function traitsOf({ release, arch }: Platform): Traits {
  const bootromBelowLpc = arch === 'amd64' && release === 14;
  return {
    optionLetters: arch === 'amd64' ? amd64Letters[release] : arm64Letters[release],
    usageFlags: arch === 'arm64' ? 'CDHhSW' : release === 14 ? 'AaCDeHhPSuWwxY' : 'aCDeHhPSuWwxY',
    defaults: arch === 'amd64' ? amd64Defaults(release) : arm64Defaults(release),
    bootromVariable: bootromBelowLpc ? 'lpc.bootrom' : 'bootrom',
    bootvarsVariable: bootromBelowLpc ? 'lpc.bootvars' : 'bootvars',
    msixVariable: release === 16 ? 'virtio.msix' : 'virtio_msix',
    framebufferMax: release === 14 ? { width: 1920, height: 1200 } : { width: 3840, height: 2160 },
    deviceErrorLine: `${release === 14 ? 'device' : 'Device'} emulation initialization error`,
  };
}

const amd64Letters: Readonly<Record<Release, string>> = {
  14: 'aehuwxACDHIPSWYk:f:o:p:G:c:s:m:l:K:U:',
  15: 'aehuwxACDHIPSWYk:f:o:p:G:c:s:m:n:l:K:U:',
  16: 'aehuwxACDHIMNPSWYk:f:o:p:G:c:s:m:n:l:K:U:',
};

// `f` is in the list and has no code behind it, so `-f x` ends in the usage text.
const arm64Letters: Readonly<Record<Release, string>> = {
  14: 'hCDSWk:f:o:p:G:c:s:m:U:',
  15: 'hCDSWk:f:o:p:G:c:s:m:U:',
  16: 'hCDMSWk:f:o:p:G:c:s:m:U:',
};

/** The C library reads binary numbers since August 2023, too late for 14. */
export const cSyntaxOf = (release: Release): CSyntax => (release === 14 ? 'c99' : 'c23');

const rundir = ['rundir', '/var/run/bhyve/'] as const;

const amd64Defaults = (release: Release): Traits['defaults'] => [
  ['acpi_tables', release === 14 ? 'false' : 'true'],
  ['acpi_tables_in_memory', 'true'],
  ['memory.size', '256M'],
  ['x86.strictmsr', 'true'],
  ...(release === 14 ? [] : [['x86.verbosemsr', 'false'] as const]),
  ['lpc.fwcfg', 'bhyve'],
  ...(release === 16 ? [rundir] : []),
];

const arm64Defaults = (release: Release): Traits['defaults'] => [
  ['acpi_tables', 'false'],
  ['acpi_tables_in_memory', 'false'],
  ['memory.size', '256M'],
  ...(release === 16 ? [rundir] : []),
];
