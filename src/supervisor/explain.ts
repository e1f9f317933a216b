/** Why bhyve or a loader ended as it did: the cause, what shows it, and what to do. */
export interface Explanation {
  readonly cause: string;
  /** The last lines of what it wrote. */
  readonly evidence: readonly string[];
  readonly next: string;
}

export interface Rule {
  readonly when: RegExp;
  readonly cause: (found: readonly string[]) => string;
  readonly next: string;
}

/** What the kernel says to whoever makes a VM. */
export const kernelRules: readonly Rule[] = [
  {
    when: /vm_(?:create|open|reinit)[^\n]*: (?:Operation not permitted|Permission denied)/,
    cause: () => 'you may not make virtual machines',
    next: 'run vmrun as root',
  },
  {
    when: /vm_(?:create|open)[^\n]*|\/dev\/vmm[^\n]*/,
    cause: ([line]) => `the kernel did not make the VM: ${line ?? ''}`,
    next: 'load the module with kldload vmm, and look whether the CPU has virtualization switched on',
  },
];

/** What bhyve's messages mean, the most telling first: reference of bhyve(8) and its sources. */
const rules: readonly Rule[] = [
  {
    when: /illegal option -- (\S)/,
    cause: ([, option]) => `this bhyve does not know the option -${option ?? ''}`,
    next: 'look at the command with --dry-run; the option may need a newer FreeBSD',
  },
  {
    when: /^Usage: bhyve/m,
    cause: () => 'bhyve did not take its command line',
    next: 'look at the command with --dry-run, above all at extra_options and what follows "--"',
  },
  {
    when: /gdb (?:address|socket) [^\n]*/,
    cause: ([line]) => `the GDB stub cannot listen: ${line ?? ''}`,
    next: 'look at gdb: is the address one of this host, and the port free?',
  },
  {
    when: /pci slot (\S+) already occupied/,
    cause: ([, slot]) => `two devices are on PCI slot ${slot ?? ''}`,
    next: 'look for a -s of that slot in extra_options and raw devices',
  },
  {
    when: /no bootrom was configured|virtual machine cannot be booted|no bootrom specified/,
    cause: () => 'there is nothing to boot from: no boot ROM',
    next: 'set bootrom to a firmware file, e.g. of the package edk2-bhyve',
  },
  {
    when: /[Ee]rror opening bootrom "?([^":\n]+)|ROM ([^:\n]+): (?:No such file|cannot)/,
    cause: ([, first, second]) => `the boot ROM ${(first ?? second ?? '').trim()} cannot be opened`,
    next: 'install the package edk2-bhyve, or set bootrom',
  },
  {
    when: /Unable to setup memory \((\d+)\)/,
    cause: ([, errno]) =>
      errno === '22' ? 'a leftover VM of this name has another memory size' : 'the host has not enough free memory',
    next: 'destroy the leftover with bhyvectl --vm=NAME --destroy, or give the guest less memory',
  },
  {
    when: /passthru requires guest memory to be wired/,
    cause: () => 'a passthru device needs wired memory',
    next: 'set wire_guest_mem to true',
  },
  {
    when: /PCI device at (\S+) is not using the ppt driver/,
    cause: ([, card]) => `the host card ${card ?? ''} is not reserved for guests`,
    next: 'devctl set driver -f pci0:BUS:SLOT:FUNCTION ppt, or let vmrun do it with "fix": true',
  },
  {
    when: /cannot create port \d+: ([^\n]+)/,
    cause: ([, why]) => `a virtio-console socket could not be made: ${why ?? ''}`,
    next: 'remove a leftover socket, or make its folder',
  },
  {
    when: /Could not open backing file: ([^\n]+)|Missing "path" for block device/,
    cause: ([, why]) => `a disk image cannot be opened${why === undefined ? '' : `: ${why}`}`,
    next: 'look at the paths of the disks, and whether you may read and write them',
  },
  {
    when: /(\d+) vCPUs requested but only (\d+) available/,
    cause: ([, wanted, there]) => `the guest wants ${wanted ?? ''} vCPUs, this host allows ${there ?? ''}`,
    next: 'lower cpu, or raise the tunable hw.vmm.maxcpu',
  },
  ...kernelRules,
  {
    when: /[Dd]evice emulation initialization error: ([^\n]+)/,
    cause: ([, why]) => `a device could not be started: ${why ?? ''}`,
    next: 'look at the interfaces, disks and ports of the devices: is one missing, or in use?',
  },
];

const evidenceLines = 3;

/** The last lines that say something. */
export const evidenceOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-evidenceLines);

/** What the first rule that fits makes of a program's last words. */
export function ruled(rules: readonly Rule[], text: string): Explanation | undefined {
  for (const { when, cause, next } of rules) {
    const found = when.exec(text);
    if (found !== null) return { cause: cause(found), evidence: evidenceOf(text), next };
  }
  return undefined;
}

/** Reads bhyve's last words. Without a rule that fits, the words themselves are all that is known. */
export function explain(stderrTail: string): Explanation {
  const evidence = evidenceOf(stderrTail);
  return (
    ruled(rules, stderrTail) ?? {
      cause: evidence.length === 0 ? 'bhyve gave no reason' : 'bhyve gave the reason below',
      evidence,
      next: 'look at the command with --dry-run and run it by hand',
    }
  );
}
