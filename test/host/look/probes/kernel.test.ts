import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Need } from '../../../../src/devices/device.js';
import { checkHost } from '../../../../src/host/look/check.js';
import { liveView } from '../../../../src/host/look/live-view.js';
import { checkBoth } from '../../both-views.js';
import { makeFakeHost, requirement, type FakeHost } from '../../fake-host.js';

const gibibyte = 2 ** 30;
const memory = (gibibytes: number, isWired = false): Need => ({
  kind: 'memory',
  bytes: gibibytes * gibibyte,
  isWired,
});
const vcpus = (count: number): Need => ({ kind: 'vcpus', count });
const cpu = (isFirmware: boolean): Need => ({ kind: 'virtualization', arch: 'amd64', isFirmware });
const pinned = { kind: 'vcpus', count: 1 } as const;
const iommu: Need = { kind: 'iommu' };

describe('what the kernel has', () => {
  let host: FakeHost;
  beforeEach(() => {
    host = makeFakeHost();
  });
  afterEach(() => {
    host.remove();
  });

  const physical = `hw.physmem: ${32 * gibibyte}`;
  const amd = 'hw.vmm.svm.features: 2013266943';

  test.each<[what: string, values: readonly string[], need: Need, said: string | undefined, fix: string | undefined]>([
    ['memory that is there is enough', [physical], memory(32, true), undefined, undefined],
    [
      'wired memory must be there',
      [physical],
      memory(33, true),
      'error memory-too-large: the guest has 33G of wired memory, this host 32G',
      'give the guest less memory',
    ],
    [
      'memory that is not wired may be in swap',
      ['hw.physmem: 34235027456'],
      memory(64),
      'warning memory-too-large: the guest has 64G of memory, this host 32649M',
      'give the guest less memory, or much of it will be in swap',
    ],
    ['memory of an unknown host is enough', ['hw.ncpu: 1'], memory(64), undefined, undefined],
    ['memory that is not a number is unknown', ['hw.physmem: much'], memory(64), undefined, undefined],
    ['as many vCPUs as are allowed will do', ['hw.vmm.maxcpu: 16'], vcpus(16), undefined, undefined],
    [
      'more vCPUs need a tunable',
      ['hw.vmm.maxcpu: 16'],
      vcpus(17),
      'error vcpus-too-many: the guest has 17 vCPUs, this host allows 16',
      'lower "cpu", or put hw.vmm.maxcpu=17 into /boot/loader.conf and reboot the host',
    ],
    ['nobody knows how many vCPUs a vmm allows that is not loaded', ['hw.ncpu: 1'], vcpus(99), undefined, undefined],
    ['an IOMMU that works is enough', ['hw.vmm.iommu.initialized: 1'], iommu, undefined, undefined],
    ['nobody knows the IOMMU of a vmm that is not loaded', ['hw.ncpu: 1'], iommu, undefined, undefined],
    [
      'an IOMMU that no VM has used yet may be fine',
      ['hw.vmm.iommu.initialized: 0', 'hw.vmm.iommu.enable: 1', 'hw.vmm.amdvi.enable: 0', 'hw.vmm.svm.features: 0'],
      iommu,
      'warning iommu-not-initialized: the IOMMU is not in use (hw.vmm.iommu.initialized is 0): ' +
        'it is switched off, or no VM with a passthru device has run yet',
      'if bhyve fails, switch on VT-d/AMD-Vi in the firmware; ' +
        'on AMD set hw.vmm.amdvi.enable=1 in /boot/loader.conf',
    ],
    [
      'an IOMMU of AMD has a switch',
      ['hw.vmm.iommu.initialized: 0', 'hw.vmm.iommu.enable: 1', 'hw.vmm.amdvi.enable: 0', amd],
      iommu,
      'error iommu-off: the IOMMU is switched off, passthru devices need it: hw.vmm.amdvi.enable is 0',
      'switch on VT-d/AMD-Vi in the firmware, put hw.vmm.amdvi.enable=1 into /boot/loader.conf, and reboot the host',
    ],
    [
      'any IOMMU has another',
      ['hw.vmm.iommu.initialized: 0', 'hw.vmm.iommu.enable: 0'],
      iommu,
      'error iommu-off: the IOMMU is switched off, passthru devices need it: hw.vmm.iommu.enable is 0',
      'switch on VT-d/AMD-Vi in the firmware, put hw.vmm.iommu.enable=1 into /boot/loader.conf, and reboot the host',
    ],
    [
      'no card is passed through from a jail',
      ['hw.vmm.iommu.initialized: 1', 'security.jail.jailed: 1'],
      iommu,
      'error passthru-jail: this is a jail, and PCI cards cannot be passed through from one: bhyve writes to /dev/pci',
      'run vmrun outside of the jail, or leave the passthru devices out',
    ],
    [
      'a CPU with neither VT-x nor AMD-V runs no guest',
      ['hw.vmm.vmx.initialized: 0', 'hw.vmm.svm.features: 0'],
      cpu(false),
      'error no-virtualization: the CPU runs no guests: neither VT-x (hw.vmm.vmx.initialized is 0) nor AMD-V is in use',
      'switch on virtualization (VT-x, SVM) in the firmware of the host; in a VM, switch on nesting for it',
    ],
    [
      'AMD-V is enough',
      ['hw.vmm.vmx.initialized: 0', 'hw.vmm.vmx.cap.unrestricted_guest: 0', amd],
      cpu(true),
      undefined,
      undefined,
    ],
    [
      'a boot ROM needs an unrestricted guest',
      ['hw.vmm.vmx.initialized: 1', 'hw.vmm.vmx.cap.unrestricted_guest: 0'],
      cpu(true),
      'error no-unrestricted-guest: the CPU has no unrestricted guest (hw.vmm.vmx.cap.unrestricted_guest is 0): ' +
        'it runs neither a boot ROM nor GRUB, and one vCPU only',
      'use a FreeBSD guest with loader bhyveload and "cpu": 1, or another host',
    ],
    ['bhyveload needs none', ['hw.vmm.vmx.cap.unrestricted_guest: 0'], cpu(false), undefined, undefined],
    [
      'a jail needs allow.vmm',
      ['security.jail.jailed: 1', 'security.jail.vmm_allowed: 0'],
      cpu(true),
      'error vmm-jail: this jail may not make virtual machines: security.jail.vmm_allowed is 0',
      'on the host, add allow.vmm to the jail in jail.conf(5) and start it again',
    ],
    [
      'a jail that has it will do',
      ['security.jail.jailed: 1', 'security.jail.vmm_allowed: 1'],
      cpu(true),
      undefined,
      undefined,
    ],
    [
      'another architecture is refused',
      ['hw.ncpu: 8'],
      { kind: 'virtualization', arch: 'arm64', isFirmware: true },
      'error host-arch: the VM is of arm64, this host of amd64',
      'leave "arch" out, or run it on a host of arm64',
    ],
    ['the last host CPU may be pinned to', ['hw.ncpu: 8'], { ...pinned, highestPin: 7 }, undefined, undefined],
    [
      'one after it may not',
      ['hw.ncpu: 8'],
      { ...pinned, highestPin: 8 },
      'error host-cpu-missing: a vCPU is pinned to host CPU 8, this host has 0 to 7',
      'lower the numbers in "cpu_pin"',
    ],
  ])('%s', async (_what, values, need, said, fix) => {
    host.setSysctls(`${values.join('\n')}\n`);
    const { findings } = await checkBoth([requirement(need)], host);
    expect(findings.map(({ problem: { severity, code, message } }) => `${severity} ${code}: ${message}`)).toEqual(
      said === undefined ? [] : [said],
    );
    expect(findings[0]?.problem.fix).toBe(fix);
  });

  const all = [memory(64, true), vcpus(99), iommu].map((need) => requirement(need));

  test('is asked for once', async () => {
    await checkHost(all, { view: liveView(host) });
    expect(host.calls()).toEqual([expect.stringMatching(/^sysctl -i /)]);
  });

  test('is told once where sysctl is broken', async () => {
    host.breakTool('sysctl', 'sysctl: no luck\n', 1);
    const { findings } = await checkBoth(all, host);
    expect(findings.map(({ problem }) => problem.message)).toEqual([
      expect.stringMatching(/no luck; not checked: guest memory, number of vCPUs and IOMMU$/),
    ]);
  });

  test('is not asked for on a system that is no FreeBSD', async () => {
    const { findings } = await checkBoth(all, { ...host, system: 'linux', platform: {} });
    expect(findings).toEqual([]);
    expect(host.calls().filter((call) => call.startsWith('sysctl'))).toHaveLength(1); // the capture of all there is
  });
});
