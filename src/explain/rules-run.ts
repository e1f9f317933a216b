import { about, byOption, look, unchecked } from './advice.js';
import { whenAsked, type Rule } from './rule.js';

const report = 'report it to FreeBSD with these lines; a newer FreeBSD may know more';

/** What bhyve prints while the guest runs, before it ends or aborts itself: amd64/vmexit.c, bhyverun.c. */
export const runRules = whenAsked((): readonly Rule[] => [
  {
    when: /^Unhandled ((?:in|out)[bwl] 0x[0-9a-f]+)/,
    cause: 'the guest touched an I/O port that nothing emulates ($1), and this bhyve stops then (-e)',
    next: [about('set strict_io to false', 'strict_io'), look(byOption('-e'))],
  },
  {
    when: /^Unhandled memory access to (0x[0-9a-f]+)/,
    cause: 'the guest touched memory at $1 where there is neither memory nor a device',
    next: `check whether the guest is made for this architecture and firmware; ${report}`,
  },
  {
    when: /^Failed to emulate instruction(?: sequence)? ?\[ ?([^\]]*)/,
    cause: 'the guest used a CPU instruction that bhyve cannot emulate: $1',
    next: report,
  },
  {
    when: /^ ?exit_reason (33\b.*)/,
    cause: 'the CPU refused to run the guest in the state that it was in: $1',
    next:
      'check whether the CPU has unrestricted guest (sysctl hw.vmm.vmx.cap.unrestricted_guest is 1), which a boot ROM ' +
      'needs, and whether this host is a VM itself: bhyve inside of other hypervisors often ends like this',
  },
  {
    when: /^ ?exit_reason (.+)/,
    cause: 'the CPU left the guest for a reason that bhyve does not handle: $1',
    next: report,
  },
  {
    when: /^ ?exitcode (.+)/,
    cause: 'the CPU left the guest for a reason that bhyve does not handle: $1',
    next: report,
  },
  {
    when: /^vm_loop: unexpected exitcode (\S+)/,
    cause: 'the kernel hands bhyve an exit that it does not know ($1)',
    next: 'bhyve and the kernel are of different releases: update both, and boot the new kernel',
  },
  {
    when: /^vmexit_suspend: invalid reason (\d+)/,
    cause: 'the VM was destroyed from outside while it ran, or ended in a way that bhyve does not know ($1)',
    next: 'find out who ran bhyvectl --destroy',
  },
  {
    when: /^vm_run error \S+, errno 6\b/,
    cause: 'the VM was destroyed from outside while it ran',
    next: 'find out who ran bhyvectl --destroy',
  },
  {
    when: /^vm_run error \S+, errno (\d+)/,
    cause: 'the kernel refused to run the guest any further (errno $1)',
    next: 'look at dmesg for what vmm says',
  },
  {
    when: /^Attempting to delete unknown cpu (\d+)|^could not activate CPU (\d+)/,
    cause: 'bhyve and the kernel disagree about vCPU $1$2',
    next: report,
  },
  {
    when: /^Assertion failed: (.+pci_(?:passthru|emul)\.c.*)/,
    needs: 'passthru',
    cause: 'bhyve cannot handle a host card, or what the guest does with it: $1',
    next:
      'start the VM without the passthru devices, one after the other, to see which it is; graphics cards above all ' +
      `want all their functions in the guest, and a firmware with room for them; ${report}`,
  },
  {
    when: /^Assertion failed: (.+)/,
    cause: 'bhyve met a state that it considers impossible: $1',
    next: [look('cpu_pin', unchecked), report],
  },
  {
    when: /^tpm_swtpm_execute_cmd: (.+)/,
    isWarning: true,
    cause: 'swtpm went away while the guest ran: $1',
    next: 'look at the log of swtpm; start it again before the VM',
  },
]);
