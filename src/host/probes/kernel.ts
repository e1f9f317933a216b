import { formatMemorySize } from '../../base/memory-size.js';
import { unreachable } from '../../base/unreachable.js';
import { finding, toolFinding, type Asked, type ProbeAnswer, type Said } from '../findings.js';
import type { HostView } from '../view.js';

type AskedKernel = Asked<'memory' | 'vcpus' | 'iommu'>;
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
  return { findings: asked.flatMap((one) => judge(one.need, answer.value).map((said) => finding(one, said))) };
}

const names: Readonly<Record<AskedKernel['need']['kind'], string>> = {
  memory: 'guest memory',
  vcpus: 'number of vCPUs',
  iommu: 'IOMMU',
};

function judge(need: AskedKernel['need'], values: Values): readonly Said[] {
  switch (need.kind) {
    case 'memory':
      return judgeMemory(need, numberOf(values, 'hw.physmem'));
    case 'vcpus':
      return judgeVcpus(need, numberOf(values, 'hw.vmm.maxcpu'));
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
