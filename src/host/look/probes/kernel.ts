import { formatMemorySize } from '../../../base/memory-size.js';
import type { Arch } from '../../../base/platform.js';
import { unreachable } from '../../../base/unreachable.js';
import { finding, toolFinding, type Asked, type ProbeAnswer, type Said } from '../findings.js';
import type { HostView } from '../view.js';

type AskedKernel = Asked<'memory' | 'vcpus' | 'iommu' | 'virtualization'>;
type Values = ReadonlyMap<string, string>;

/**
 * What the kernel has or allows: memory, vCPUs, the IOMMU. A value that is not there says nothing, since vmm brings its
 * own when it is loaded; nor does a system that is no FreeBSD.
 */
export async function checkKernel(asked: readonly AskedKernel[], view: HostView): Promise<ProbeAnswer> {
  if (asked.length === 0 || view.system !== 'freebsd') return { findings: [] };
  const answer = await view.sysctls();
  if (!answer.ok) {
    const unchecked = asked.map(({ need }) => names[need.kind]);
    return { findings: [toolFinding(answer.error, unchecked)] };
  }
  const { arch } = view.platform;
  return { findings: asked.flatMap((one) => judge(one.need, answer.value, arch).map((said) => finding(one, said))) };
}

const names: Readonly<Record<AskedKernel['need']['kind'], string>> = {
  memory: 'guest memory',
  vcpus: 'number of vCPUs',
  iommu: 'IOMMU',
  virtualization: 'virtualization',
};

function judge(need: AskedKernel['need'], values: Values, arch: Arch | undefined): readonly Said[] {
  switch (need.kind) {
    case 'memory':
      return judgeMemory(need, numberOf(values, 'hw.physmem'));
    case 'vcpus':
      return [...judgeVcpus(need, numberOf(values, 'hw.vmm.maxcpu')), ...judgePins(need, numberOf(values, 'hw.ncpu'))];
    case 'virtualization':
      return [...judgeArch(need, arch), ...judgeCpu(need, values), ...judgeVmmInJail(values)];
    case 'iommu':
      return [...judgeJail(values), ...judgeIommu(values)];
    default:
      return unreachable(need);
  }
}

/** Undefined where there is no such value, or it is no number. */
function numberOf(values: Values, name: string): number | undefined {
  const text = values.get(name) ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

const mebibyte = 2 ** 20;

function judgeMemory({ bytes, isWired }: Extract<AskedKernel['need'], { readonly kind: 'memory' }>, physical?: number) {
  if (physical === undefined || bytes <= physical) return [];
  const there = formatMemorySize(Math.max(mebibyte, physical - (physical % mebibyte)));
  const said: Said = {
    code: 'memory-too-large',
    severity: isWired ? 'error' : 'warning',
    message: `the guest has ${formatMemorySize(bytes)} of ${isWired ? 'wired ' : ''}memory, this host ${there}`,
    fix: isWired ? 'give the guest less memory' : 'give the guest less memory, or much of it will be in swap',
  };
  return [said];
}

function judgeVcpus({ count }: Extract<AskedKernel['need'], { readonly kind: 'vcpus' }>, most?: number) {
  if (most === undefined || count <= most) return [];
  const said: Said = {
    code: 'vcpus-too-many',
    message: `the guest has ${count} vCPUs, this host allows ${most}`,
    fix: `lower "cpu", or put hw.vmm.maxcpu=${count} into /boot/loader.conf and reboot the host`,
  };
  return [said];
}

/** bhyve does not survive a pin to a CPU that is not there: it aborts. */
function judgePins({ highestPin }: Extract<AskedKernel['need'], { readonly kind: 'vcpus' }>, there?: number) {
  if (there === undefined || highestPin === undefined || highestPin < there) return [];
  const said: Said = {
    code: 'host-cpu-missing',
    message: `a vCPU is pinned to host CPU ${highestPin}, this host has 0 to ${there - 1}`,
    fix: 'lower the numbers in "cpu_pin"',
  };
  return [said];
}

type Virtualization = Extract<AskedKernel['need'], { readonly kind: 'virtualization' }>;

function judgeArch({ arch: wanted }: Virtualization, arch: Arch | undefined): readonly Said[] {
  if (arch === undefined || arch === wanted) return [];
  const message = `the VM is of ${wanted}, this host of ${arch}`;
  return [{ code: 'host-arch', message, fix: `leave "arch" out, or run it on a host of ${wanted}` }];
}

/** Both drivers of vmm(4) say what they are able to do, each on any CPU: intel/vmx.c, amd/svm.c. */
function judgeCpu({ isFirmware }: Virtualization, values: Values): readonly Said[] {
  const isAmd = (numberOf(values, 'hw.vmm.svm.features') ?? 0) !== 0;
  if (isAmd) return [];
  if (values.get('hw.vmm.vmx.initialized') === '0') {
    return [
      {
        code: 'no-virtualization',
        message: 'the CPU runs no guests: neither VT-x (hw.vmm.vmx.initialized is 0) nor AMD-V is in use',
        fix: 'switch on virtualization (VT-x, SVM) in the firmware of the host; in a VM, switch on nesting for it',
      },
    ];
  }
  if (!isFirmware || values.get('hw.vmm.vmx.cap.unrestricted_guest') !== '0') return [];
  return [
    {
      code: 'no-unrestricted-guest',
      message:
        'the CPU has no unrestricted guest (hw.vmm.vmx.cap.unrestricted_guest is 0): ' +
        'it runs neither a boot ROM nor GRUB, and one vCPU only',
      fix: 'use a FreeBSD guest with loader bhyveload and "cpu": 1, or another host',
    },
  ];
}

function judgeVmmInJail(values: Values): readonly Said[] {
  if (values.get('security.jail.jailed') !== '1' || values.get('security.jail.vmm_allowed') !== '0') return [];
  return [
    {
      code: 'vmm-jail',
      message: 'this jail may not make virtual machines: security.jail.vmm_allowed is 0',
      fix: 'on the host, add allow.vmm to the jail in jail.conf(5) and start it again',
    },
  ];
}

function judgeJail(values: Values): readonly Said[] {
  if (values.get('security.jail.jailed') !== '1') return [];
  return [
    {
      code: 'passthru-jail',
      message: 'this is a jail, and PCI cards cannot be passed through from one: bhyve writes to /dev/pci',
      fix: 'run vmrun outside of the jail, or leave the passthru devices out',
    },
  ];
}

/** The kernel starts the IOMMU for the first VM with a card, so 0 alone may only mean that there was none yet. */
function judgeIommu(values: Values): readonly Said[] {
  if (values.get('hw.vmm.iommu.initialized') !== '0') return [];
  if (values.get('hw.vmm.iommu.enable') === '0') return [switchedOff('hw.vmm.iommu.enable')];
  const isAmd = (numberOf(values, 'hw.vmm.svm.features') ?? 0) !== 0;
  if (isAmd && values.get('hw.vmm.amdvi.enable') === '0') return [switchedOff('hw.vmm.amdvi.enable')];
  return [
    {
      code: 'iommu-not-initialized',
      severity: 'warning',
      message:
        'the IOMMU is not in use (hw.vmm.iommu.initialized is 0): it is switched off, ' +
        'or no VM with a passthru device has run yet',
      fix: 'if bhyve fails, switch on VT-d/AMD-Vi in the firmware; on AMD set hw.vmm.amdvi.enable=1 in /boot/loader.conf',
    },
  ];
}

const switchedOff = (name: string): Said => ({
  code: 'iommu-off',
  message: `the IOMMU is switched off, passthru devices need it: ${name} is 0`,
  fix: `switch on VT-d/AMD-Vi in the firmware, put ${name}=1 into /boot/loader.conf, and reboot the host`,
});
