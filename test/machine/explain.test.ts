import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Platform } from '../../src/devices/device.js';
import { explain, type ExplainedArgument, type Source } from '../../src/machine/explain.js';
import { lockIdentity } from '../../src/machine/lock-identity.js';
import type { PlanOptions } from '../../src/machine/plan.js';
import type { Spec } from '../../src/spec/parse-spec.js';
import { validSpec, validTargets } from '../support/arbitraries.js';
import { machineOf, minimal, specOf, told, withDevices, type SpecObject } from '../support/specs.js';
import { wholeMachine } from '../support/whole-machines.js';
import { runs } from '../support/runs.js';

const amd64: Platform = { release: 15, arch: 'amd64' };

function explained(spec: Spec, target = 'default', options: PlanOptions = {}): readonly ExplainedArgument[] {
  const result = explain(spec, target, options);
  if (!result.ok) throw new Error(result.problems.map(told).join('\n'));
  return result.value;
}

const words = (source: Source): string => {
  switch (source.kind) {
    case 'spec':
      return `${source.place.line}:${source.place.column} ${source.place.pointer}`;
    case 'default':
      return `default of ${source.field}`;
    case 'because':
      return `because ${source.why}${source.place === undefined ? '' : ` ${source.place.line}:${source.place.column} ${source.place.pointer}`}`;
    case 'lock':
    case 'command-line':
      return source.kind;
  }
};

/** `-m 1G < 4:10 /mem`, a line for each argument. */
const lines = (list: readonly ExplainedArgument[]): readonly string[] =>
  list.map(({ words: own, sources, details }) =>
    [
      `${own.join(' ')} < ${sources.map(words).join(' + ')}`,
      ...details.map(({ what, source }) => `${what} < ${words(source)}`),
    ].join('; '),
  );

const linesOf = async (spec: SpecObject, options?: PlanOptions): Promise<readonly string[]> =>
  lines(explained(await specOf(spec), 'default', options));

test('every argument of the example for Windows has its line', async () => {
  const text = readFileSync(new URL('../../examples/windows.json', import.meta.url), 'utf8');
  const spec = await specOf(text);
  expect(lines(explained(spec, 'install', { ...amd64, runDirectory: '/run/windows' }))).toEqual([
    '-A < default of generate_acpi',
    '-H < default of yield_on_hlt',
    '-c cpus=4,sockets=1,cores=4,threads=1 < 4:10 /cpu',
    '-m 8G < 5:10 /mem',
    '-s 0:0:0,hostbridge < 9:17 /hostbridge; slot < because the first free one',
    '-s 0:3:0,ahci-hd,windows.img,sectorsize=512/4096 < 12:5 /emulations/0; slot < 12:50 /emulations/0/slot',
    '-s 0:5:0,e1000,tap2 < 13:5 /emulations/1; slot < 13:47 /emulations/1/slot',
    '-s 0:4:0,ahci-cd,windows.iso < 19:9 /targets/install/emulations/0; slot < 19:55 /targets/install/emulations/0/slot',
    '-s 0:6:0,ahci-cd,virtio-win.iso < 20:9 /targets/install/emulations/1; slot < 20:57 /targets/install/emulations/1/slot',
    '-s 0:1:0,fbuf,tcp=127.0.0.1:5902,w=1600,h=900 < 15:14 /graphic; slot < because the lowest free one',
    '-s 0:2:0,xhci,tablet < because graphic brings a tablet (xhci_table) 15:14 /graphic; slot < because the lowest free one',
    '-s 0:31:0,lpc < 10:15 /lpc_slot; slot < 10:15 /lpc_slot',
    '-l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,windows-vars.fd < 7:14 /bootrom + 8:14 /varfile',
    '-k /run/windows/bhyve.conf < because a password, kept off the command line 15:93 /graphic/password',
    'windows < 3:11 /name',
  ]);
});

describe('what no field says has a reason', () => {
  test.each<[what: string, spec: SpecObject, expected: string]>([
    [
      'wired memory',
      withDevices({ device: 'passthru', src: '3:0:0' }),
      '-S < because passthru needs wired memory 6:5 /emulations/0',
    ],
    ['or somebody asks for it', { ...minimal, wire_guest_mem: true }, '-S < 5:21 /wire_guest_mem'],
    [
      'no MP table',
      withDevices({ device: 'virtio-rnd', slot: '1:0:0' }),
      '-Y < because a bus past 0 is used 6:5 /emulations/0',
    ],
    [
      'though the file says that nobody asks for it',
      { ...withDevices({ device: 'virtio-rnd', slot: '1:0:0' }), disable_mptable_gen: false },
      '-Y < because a bus past 0 is used 6:5 /emulations/0',
    ],
    ['or somebody does', { ...minimal, disable_mptable_gen: true }, '-Y < 5:26 /disable_mptable_gen'],
    ['a flag that is said', { ...minimal, generate_acpi: true }, '-A < 5:20 /generate_acpi'],
    [
      'the firmware',
      { ...minimal, fwcfg: 'qemu' },
      '-l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI.fd,fwcfg=qemu < default of bootrom + 5:12 /fwcfg',
    ],
    ['the bridge to the com ports', minimal, "-s 0:31:0,lpc < default of lpc_slot; slot < because the bridge's own"],
    ['a pin, by -o', { ...minimal, cpu_pin: { 0: '1-2' } }, '-o vcpu.0.cpuset=1-2 < 6:10 /cpu_pin/0'],
    [
      'a string of the BIOS',
      { ...minimal, smbios: { bios: { vendor: 'me' } } },
      '-o bios.vendor=me < 7:17 /smbios/bios/vendor',
    ],
    [
      'a file for the guest',
      { ...minimal, fwcfg: 'qemu', fw_cfg_files: [{ name: 'opt/a', string: 'b' }] },
      '-f name=opt/a,string=b < 7:5 /fw_cfg_files/0',
    ],
    [
      "a variable of the user's",
      { ...minimal, config: { 'x86.verbosemsr': true } },
      '-o x86.verbosemsr=true < 6:23 /config/x86.verbosemsr',
    ],
    [
      'a password among the variables',
      { ...minimal, config: { 'my.password': 'x' } },
      '-k bhyve.conf < because a password, kept off the command line 6:20 /config/my.password',
    ],
    ["words of the user's, as text", { ...minimal, extra_options: '-x -o a=b' }, 'a=b < 5:20 /extra_options'],
    ['or as a list', { ...minimal, extra_options: ['-x', '-o', 'a=b'] }, 'a=b < 8:5 /extra_options/2'],
    [
      'options that -s cannot say',
      withDevices({ device: 'virtio-blk', path: 'a,b' }),
      '-o pci.0.1.0.path=a,b < 6:5 /emulations/0; slot < because the lowest free one',
    ],
  ])('%s', async (_what, spec, expected) => {
    expect(await linesOf(spec)).toContain(expected);
  });

  test('words from the command line', async () => {
    expect(await linesOf(minimal, { extraArguments: ['-o', 'a=b'] })).toContain('a=b < command-line');
  });

  test('what a lock file keeps', async () => {
    const spec = await specOf(
      withDevices({ device: 'virtio-net', name: 'tap0' }, { device: 'nvme', path: 'n', ser: 'S' }),
    );
    const locked = lockIdentity(spec);
    const identity = locked.ok ? locked.value.identity : undefined;
    const all = lines(explained(spec, 'default', { identity }));
    expect(all).toContain(`-U ${identity?.uuid ?? ''} < lock`);
    expect(all).toContain('-s 0:0:0,hostbridge < default of hostbridge; slot < lock');
    expect(all).toContain(
      '-s 0:1:0,virtio-net,tap0,mac=00:a0:98:27:8d:55 < 6:5 /emulations/0; slot < lock; mac < lock',
    );
    expect(all).toContain('-s 0:2:0,nvme,n,ser=S < 10:5 /emulations/1; slot < lock');
  });
});

describe('of any spec', () => {
  const check = (spec: Spec, target: string, options: PlanOptions): void => {
    const list = explained(spec, target, options);
    expect(list.flatMap((argument) => argument.words)).toEqual(machineOf(spec, target, options).argv);
    for (const { sources, words: own } of list) {
      expect(own.length).toBeGreaterThan(0);
      expect(sources.length).toBeGreaterThan(0);
    }
    // A default is that of a field which the spec does not say.
    const effective = spec.effective(target);
    const defaults = list.flatMap(({ sources }) =>
      sources.flatMap((each) => (each.kind === 'default' ? [each.field] : [])),
    );
    expect(defaults.filter((field) => effective.isGiven(field))).toEqual([]);
  };

  test('the words of the explanation are those of the command, each with a source', async () => {
    const extra = fc.constantFrom<readonly string[]>([], ['-x'], ['-o', 'a=b']);
    await fc.assert(
      fc.asyncProperty(validSpec, fc.constantFrom(...validTargets), extra, async (object, target, extraArguments) => {
        const spec = await specOf(object);
        const locked = lockIdentity(spec);
        check(spec, target, { extraArguments });
        check(spec, target, { extraArguments, identity: locked.ok ? locked.value.identity : undefined });
      }),
      { numRuns: runs(60) },
    );
  });

  test('for every release and architecture', async () => {
    await fc.assert(
      fc.asyncProperty(wholeMachine, async (object) => {
        check(await specOf(object), 'default', {});
      }),
      { numRuns: runs(200) },
    );
  });
});
