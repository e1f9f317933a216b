import { about, byOption, byVariable, look, rawDevices, unchecked } from './advice.js';
import { whenAsked, type Rule } from './rule.js';

const dryRun = '--dry-run prints the command';

/** What bhyve says of its command line, and of the variables that it makes of it. */
export const commandRules = whenAsked((): readonly Rule[] => [
  {
    when: /^illegal option -- (\S)/,
    cause: 'this bhyve does not know the option -$1',
    next: ['set release to that of this host', look(byOption('-$1')), 'it may need a newer FreeBSD'],
  },
  {
    when: /^option requires an argument -- (\S)/,
    cause: 'the option -$1 needs an argument',
    next: [look(byOption('-$1'))],
  },
  {
    when: /^config\.dump=/,
    cause: 'config.dump is set: bhyve printed its configuration and ran nothing',
    next: [look(byVariable('config.dump')), 'take config.dump out'],
  },
  {
    when: /^Usage: \S+ \[-/,
    cause: 'bhyve did not accept its command line',
    next: [
      look('extra_options', about('what follows "--"', '--')),
      `only options are allowed there, no second name, no -h; ${dryRun}`,
    ],
  },
  {
    when: /^Failed to open configuration file (.+): (.+)/,
    cause: 'the configuration file $1 cannot be opened: $2',
    next: [look(byOption('-k')), "if the file is vmrun's own, find out who empties the run directory"],
  },
  {
    when: /^(.+): invalid config option '(.*)/,
    cause: '$1 sets no variable: $2',
    next: 'write variable=value without blanks around "=" and without an empty value; a comment begins with # at once',
  },
  {
    when: /^invalid configuration option '(.*)'/,
    cause: '-o $1 sets no variable',
    next: [look(unchecked), 'write variable=value, and give it a value'],
  },
  {
    when: /^Attempting to add value .* to existing node (\S+)/,
    cause: 'the variable $1 is a group of variables and takes no value',
    next: [look(byVariable('$1'), rawDevices)],
  },
  {
    when: /^Attemping to add value .* to existing node (\S+)/,
    cause: 'the variable $1 is a group of variables in this release and takes no value',
    next: [about('for "dev" of virtio-scsi write target', 'virtio-scsi'), look('config', 'extra_options')],
  },
  {
    when: /^Configuration node (\S+) is a child of existing variable (\S+)/,
    cause: 'the variable $2 has a value and cannot be a group of variables too',
    next: [look(byVariable('$2'), rawDevices), 'a variable may have another name in this release'],
  },
  {
    when: /^(?:Invalid configuration node|Invalid config node name|Failed to create configuration node):? (.+)/,
    cause: 'no variable can be named $1',
    next: [look(unchecked), 'is there an empty part in a name, or a dot too many?'],
  },
  {
    when: /^Invalid value (.*) for boolean variable ([\w.-]+)/,
    cause: 'the variable $2 must be true or false, not "$1"',
    next: [look(byVariable('$2'), rawDevices)],
  },

  {
    when: /^invalid cpu topology '(.*)'/,
    cause: 'bhyve cannot read the CPU topology "$1"',
    next: ['set cpu to a number or to sockets, cores and threads', look(byOption('-c'))],
  },
  {
    when: /^Invalid value for (cpus|sockets|cores|threads): '(.*)'/,
    cause: 'the number of $1 is not 1 to 65535: "$2"',
    next: [look('cpu', byOption('-c'))],
  },
  {
    when: /^Computed number of vCPUs too high: (\d+)/,
    cause: 'sockets, cores and threads make $1 vCPUs; bhyve counts to 65535',
    next: 'lower cpu',
  },
  {
    when: /^Topology \((.+)\) does not match (\d+) vCPUs/,
    cause: '$1 do not make $2 vCPUs',
    next: ['say only cpu', look(byOption('-c'), byVariable('cpus')), 'they must agree'],
  },
  {
    when: /^hostcpu '(.*)' outside valid range/,
    cause: 'host CPU $1 is not 0 to 1023',
    next: [look('cpu_pin', byOption('-p'))],
  },
  {
    when: /^Missing NUMA domain ID in '(.*)'|^Invalid value for id: '(.*)'/,
    cause: 'a NUMA domain has no id from 0 to 255: $1$2',
    next: [look('numa', byOption('-n'))],
  },
  {
    when: /^Missing CPU set for domain (\d+)/,
    cause: 'NUMA domain $1 has no vCPUs',
    next: [about('give it cpus in numa', 'numa'), look(byOption('-n'))],
  },
  {
    when: /^invalid memsize for domain (\d+): '(.*)'/,
    cause: 'NUMA domain $1 has a memory size that bhyve cannot read: "$2"',
    next: [look(about('mem in numa', 'numa'), byOption('-n')), 'write digits and one of K, M, G, T'],
  },
  {
    when: /^failed to parse domain policy '(.*)'/,
    cause: 'bhyve does not know the memory policy "$1"',
    next: [
      look(about('policy in numa', 'numa'), byOption('-n')),
      'policies are e.g. prefer:0, interleave:0-1 or first-touch',
    ],
  },
  {
    when: /^NUMA emulation requires ACPI/,
    cause: 'a guest with NUMA domains needs ACPI tables',
    next: ['set generate_acpi to true', about('or leave numa out', 'numa'), look(byOption('-n'))],
  },
  {
    when: /^invalid NUMA configuration '(.*)'/,
    cause: 'bhyve cannot read the NUMA domain $1',
    next: [look('numa', byOption('-n'))],
  },
  {
    when: /^invalid cpuset for vcpu (\d+): '(.*)'/,
    cause: 'the host CPUs of vCPU $1, or the vCPUs of NUMA domain $1, are not a list of numbers and ranges: $2',
    next: [look('cpu_pin', 'numa', byOption('-p'), byOption('-n')), 'such a list is e.g. 0-3,8'],
  },
  {
    when: /^Invalid hostcpu range (\S+)/,
    cause: 'a range of CPUs goes down: $1',
    next: [look('cpu_pin', 'numa', byOption('-p'), byOption('-n')), 'the smaller number comes first'],
  },
  {
    when: /^(?:invalid range \(must be ascending\)|range sizes do not match|invalid format): (.+)/,
    cause: 'bhyve cannot read the pinning $1',
    next: [look('cpu_pin', byOption('-p')), 'write VCPU:HOSTCPU, one -p for each'],
  },
  {
    when: /^invalid vcpu (?:pinning configuration )?'(.*)'/,
    cause: 'bhyve cannot read the pinning $1',
    next: [look('cpu_pin', byOption('-p')), 'write VCPU:HOSTCPU, one -p for each'],
  },
  {
    when: /^invalid memsize '(.*)'/,
    cause: 'bhyve cannot read the memory size "$1"',
    next: [look('mem', byOption('-m')), 'write digits and one of K, M, G, T, without a fraction'],
  },

  {
    when: /^Can't open fw_cfg_user_file file "(.*)": (.+)/,
    cause: 'the file $1, which the firmware is to read (fw_cfg), cannot be opened: $2',
    next: [look(about('file in fw_cfg_files', 'fw_cfg_files'), byOption('-f')), 'is it there, and may you read it?'],
  },
  {
    when: /^fw_cfg name too long: "(.*)"/,
    cause: 'the name of an item for the firmware (fw_cfg) is longer than 55 bytes: $1',
    next: 'choose a shorter name',
  },
  {
    when: /^(?:Invalid fw_cfg option|invalid fwcfg item) ["'](.*)["']/,
    cause: 'bhyve cannot read the item $1',
    next: [look('fw_cfg_files', byOption('-f')), 'write NAME,string=TEXT or NAME,file=PATH'],
  },
  {
    when: /^invalid lpc device configuration '(.*)'/,
    cause: 'bhyve knows no LPC device $1',
    next: [look(byOption('-l')), 'bhyve -l help lists what it has; write no blank in front'],
  },
  {
    when: /^invalid bootrom option "(.*)"/,
    cause: 'a boot ROM is named without its file: -l $1',
    next: ['set bootrom', look(byOption('-l bootrom'))],
  },
  {
    when: /^invalid tpm (type|path) "(.*)"/,
    cause: 'a TPM is named without its $1: -l $2',
    next: [about('set type and path of tpm', 'tpm'), look(byOption('-l tpm'))],
  },

  {
    when: /^Invalid PCI slot info field "(.*)"/,
    cause: 'bhyve cannot read the PCI slot and device $1',
    next: [
      look(byOption('-s'), rawDevices),
      'write SLOT,DEVICE with a slot 0 to 31, SLOT:FUNCTION or BUS:SLOT:FUNCTION',
    ],
  },
  {
    when: /^pci slot (\S+) already occupied/,
    cause: 'two devices are on PCI slot $1',
    next: [look(byOption('the -s of that slot'), rawDevices, about('variables of that slot in config', 'config'))],
  },
  {
    when: /^pci slot (\S+): unknown device "(.*)"/,
    cause: 'this bhyve has no device "$2" (PCI slot $1)',
    next: [look(rawDevices, byOption('-s')), 'bhyve -s help lists what it has; on arm64 that is less'],
  },
  {
    when: /^pci slot (\S+): missing "device" value/,
    cause: 'variables are set for PCI slot $1, but no device',
    next: [look(about('variables of that slot in config', 'config'), byOption('-o')), 'is its number right?'],
  },
  {
    when: /^pci slot ([\d:]{1,9}): legacy device "(.*)", use "(.*)" instead/,
    cause: 'the device $2 of PCI slot $1 is called $3 in a variable',
    next: [look(byVariable('device')), 'write $3, and its disks as port.0.type and port.0.path'],
  },
]);

/** What bhyve says when it makes the VM, before its devices. */
export const startRules = whenAsked((): readonly Rule[] => [
  {
    when: /^(?:no bootrom was configured|virtual machine cannot be booted|no bootrom specified)/,
    cause: 'there is nothing to boot from: no boot ROM',
    next: 'set bootrom to a firmware file, e.g. of the package edk2-bhyve, or set loader',
  },
  {
    when: /^Error opening bootrom variable file "(.*)": (.+)/,
    cause: 'the variables of the firmware, $1, cannot be opened: $2',
    next: 'set varfile to a copy that this VM may write, e.g. of BHYVE_UEFI_VARS.fd',
  },
  {
    when: /^(?:Error opening bootrom|Could not fstat bootrom(?: variable)? file) "(.*)": (.+)/,
    cause: 'the boot ROM $1 cannot be opened: $2',
    next: 'install the package edk2-bhyve, or set bootrom',
  },
  {
    // arm64
    when: /^(?:open|fstat|mmap|munmap)\((.+)\): (.+)/,
    cause: 'the boot ROM $1 cannot be read: $2',
    next: 'set bootrom to a U-Boot, e.g. of the package u-boot-bhyve-arm64',
  },
  {
    when: /^Invalid bootrom (?:variable|and variable aggregate) size (\d+)/,
    cause: 'the boot ROM and its variables have a size that bhyve does not accept: $1 bytes',
    next: [
      look('bootrom', 'varfile', byOption('-l bootrom')),
      'variables are at least 4096 bytes, both together at most 16 MiB',
    ],
  },
  {
    when: /^ROM size (\d+) is (?:invalid|not a multiple)|^No room for (\d+) ROM in bootrom region/,
    cause: 'a boot ROM of $1$2 bytes does not fit',
    next: [look('bootrom', byOption('-l bootrom')), 'it is a firmware image, a multiple of 4096 bytes, at most 16 MiB'],
  },
  {
    when: /^Incomplete read of page \d{1,9} of bootrom file (.+): -?\d{1,9} bytes/,
    cause: 'the boot ROM $1 could not be read to its end',
    next: [look('bootrom', byOption('-l bootrom')), 'was the file cut?'],
  },
  {
    when: /^ROM boot failed: unrestricted guest/,
    cause: 'the CPU of this host cannot run a firmware: it has no unrestricted guest',
    next: 'use a FreeBSD guest with bhyveload and one vCPU, or another host',
  },
  {
    when: /^Failed to (?:read checkpoint info from file|(?:pause|restore|resume) [\w ]+)|^Invalid guest vCPUs \(/,
    cause: 'the snapshot that -r names cannot be restored',
    next: 'restore it with the bhyve, the devices and the vCPUs that it was made with',
  },

  {
    when: /^(\d+) vCPUs requested but only 1 available/,
    cause: 'the guest wants $1 vCPUs, this host allows 1',
    next: 'lower cpu; the CPU of this host may have no unrestricted guest, or the tunable hw.vmm.maxcpu is 1',
  },
  {
    when: /^(\d+) vCPUs requested but only (\d+) available/,
    cause: 'the guest wants $1 vCPUs, this host allows $2',
    next: 'lower cpu, or raise the tunable hw.vmm.maxcpu',
  },
  {
    when: /^Unable to setup memory \(22\)/,
    cause: 'a leftover VM of this name has another memory size',
    next: 'destroy the leftover with bhyvectl --vm=NAME --destroy',
  },
  {
    when: /^Unable to setup memory \(12\)/,
    cause: 'the host has not enough free memory',
    next: [
      'lower mem, or free memory on the host',
      about('memory that is wired for the guest cannot be swapped out', 'wire_guest_mem', 'passthru'),
    ],
  },
  {
    when: /^Unable to setup memory \(17\)/,
    needs: 'loader',
    cause: 'the loader made the memory of the VM differently from what bhyve expects: another size, or not wired (-S)',
    next: [
      about('leave the memory size and -S out of loader.args, or make them agree with the spec', 'loader.args'),
      'bhyvectl --vm=NAME --destroy removes a leftover',
    ],
  },
  {
    when: /^Unable to setup memory \(17\)/,
    cause: 'a VM of this name is there already, and its memory has another size or is not wired (-S)',
    next: 'bhyvectl --vm=NAME --destroy removes a leftover; one that is loaded beforehand must have the memory that mem says',
  },
  {
    when: /^Unable to setup memory \((\d+)\)/,
    cause: 'the kernel did not give the guest its memory (errno $1)',
    next: [
      look('mem', 'numa', 'guest_mem_in_core'),
      'look at dmesg',
      'destroy a leftover with bhyvectl --vm=NAME --destroy',
    ],
  },
  {
    when: /^vm_set_topology/,
    cause: 'the kernel refuses the CPU topology',
    next: 'look at cpu: fewer threads or cores; a plain number of vCPUs always works',
  },
  {
    when: /^VM exit on HLT not supported/,
    cause: 'the CPU of this host cannot tell when the guest is idle',
    next: 'set yield_on_hlt to false',
  },
  {
    when: /^SMP mux requested, no pause support/,
    cause: 'the CPU of this host cannot tell when the guest waits',
    next: 'set yield_on_pause to false',
  },
  {
    when: /^Unable to set x2apic state \((-?\d+)\)/,
    cause: 'the kernel does not set the interrupt controller (x2apic) as asked: $1',
    next: [look('x2apic', byOption('-x'), byOption('-a'))],
  },
  {
    when: /^MPtable is incompatible with multiple PCI hierarchies/,
    cause: 'a guest with devices on another bus than 0 cannot have an MP table',
    next: 'set disable_mptable_gen to true, or use bus 0',
  },
  {
    when: /^qemu fwcfg initialization error|^Could not add qemu fwcfg/,
    cause: 'what the firmware is to read (fw_cfg) could not be made ready: $0',
    next: [look('fw_cfg_files', 'fwcfg', byOption('-f'))],
  },
  {
    when: /^(?:Failed to .*)?(gdb .+)/,
    cause: 'the GDB stub cannot listen: $1',
    next: [look('gdb', byOption('-G')), 'is the address one of this host, and the port free?'],
  },
  {
    when: /^(?:\w+: )?error setting socket path/,
    cause: 'the control socket\'s path is too long: rundir, "/" and the name of the VM have 103 bytes',
    next: 'choose a shorter name, or set config.rundir to a shorter folder',
  },
  {
    when: /^Failed to start IPC thread/,
    cause: 'the control socket could not be made',
    next: [
      'check whether the folder /var/run/bhyve is there and yours to write',
      about('config may name another (rundir)', 'config'),
    ],
  },
  {
    when: /^(?:Unable to apply (?:rights|ioctls|fcntls) for sandbox|cap_enter\(\) failed|vm_limit_rights\b)/,
    cause: 'bhyve could not lock itself in (Capsicum): $0',
    next: 'check whether this kernel has CAPABILITY_MODE, and what its standard input and the serial ports are connected to',
  },

  {
    when: /^tpm_device_create: unsupported tpm version (.+)/,
    cause: 'bhyve has no TPM of version $1',
    next: [about('set version of tpm to 2.0', 'tpm'), look(byOption('-l tpm'), about('config'))],
  },
  {
    when: /^(?:.*: )?(TPM (?:emulation|interface|PPI) ".*") not found/,
    cause: 'this bhyve does not know the $1',
    next: [
      look('tpm', byOption('-l tpm'), about('config')),
      'bhyve hands on a TPM of the host (/dev/tpm0), or from FreeBSD 14.3 on that of swtpm; intf is crb and ppi qemu',
    ],
  },
  {
    when: /^tpm_\w+_init: unable to connect to tpm socket "(.*)"/,
    cause: 'swtpm does not listen on $1',
    next: 'start swtpm before the VM, with --server type=unixio,path=$1',
  },
  {
    when: /^tpm_\w+_init: unable to open tpm device "(.*)"/,
    cause: 'the TPM $1 cannot be opened',
    next: 'check whether $1 is there (kldload tpm), yours to open, and not in use',
  },
  {
    when: /^tpm_\w+_init: no socket or device path specified|^tpm_\w+_init: no socket path specified/,
    cause: 'the TPM has no path',
    next: [about('set path of tpm', 'tpm'), look(byOption('-l tpm'), about('config'))],
  },
  {
    when: /^init_tpm: unable to create a TPM device|^Failed to init TPM device/,
    cause: 'the TPM could not be started',
    next: [look('tpm', byOption('-l tpm'), about('config'))],
  },
]);
