import { whenAsked, type Rule } from './explain-rule.js';

/** What vmrun passes on without a look inside. */
const unchecked = 'extra_options, config, raw devices and what follows "--"';
const dryRun = '--dry-run prints the command';

/** What bhyve says of its command line, and of the variables that it makes of it. */
export const commandRules = whenAsked((): readonly Rule[] => [
  {
    when: /^illegal option -- (\S)/,
    cause: 'this bhyve does not know the option -$1',
    next: 'set release to that of this host, and look for -$1 in extra_options; it may need a newer FreeBSD',
  },
  {
    when: /^option requires an argument -- (\S)/,
    cause: 'the option -$1 wants an argument',
    next: 'look at extra_options and at what follows "--"',
  },
  {
    when: /^config\.dump=/,
    cause: 'config.dump is set: bhyve printed its configuration and ran nothing',
    next: 'take config.dump out of config and extra_options',
  },
  {
    when: /^Usage: \S+ \[-/,
    cause: 'bhyve did not take its command line',
    next: `look at extra_options and what follows "--": only options, no second name, no -h; ${dryRun}`,
  },
  {
    when: /^Failed to open configuration file (.+): (.+)/,
    cause: 'the configuration file $1 cannot be opened: $2',
    next: "look at -k in extra_options; if the file is vmrun's own, at who empties the run directory",
  },
  {
    when: /^(.+): invalid config option '(.*)/,
    cause: 'no variable is set by $1 of a configuration file: $2',
    next: 'write variable=value without blanks around "=" and without an empty value; a comment begins with # at once',
  },
  {
    when: /^invalid configuration option '(.*)'/,
    cause: 'no variable is set by -o $1',
    next: `write variable=value, and give it a value: look at ${unchecked}`,
  },
  {
    when: /^Attempting to add value .* to existing node (\S+)/,
    cause: 'the variable $1 is a group of variables and takes no value',
    next: `look for $1 in ${unchecked}`,
  },
  {
    when: /^Attemping to add value .* to existing node (\S+)/,
    cause: 'the variable $1 is a group of variables in this release and takes no value',
    next: 'for "dev" of virtio-scsi write target; look at config and extra_options',
  },
  {
    when: /^Configuration node (\S+) is a child of existing variable (\S+)/,
    cause: 'the variable $2 has a value and cannot be a group of variables too',
    next: `look for $2 in ${unchecked}: a variable may have another name in this release`,
  },
  {
    when: /^(?:Invalid configuration node|Invalid config node name|Failed to create configuration node):? (.+)/,
    cause: 'no variable can be named $1',
    next: `look for an empty part or a dot too many in ${unchecked}`,
  },
  {
    when: /^Invalid value (.*) for boolean variable ([\w.-]+)/,
    cause: 'the variable $2 wants true or false, not "$1"',
    next: `look for $2 in ${unchecked}`,
  },

  {
    when: /^invalid cpu topology '(.*)'/,
    cause: 'bhyve cannot read the CPU topology "$1"',
    next: 'set cpu to a number or to sockets, cores and threads; look for -c in extra_options',
  },
  {
    when: /^Invalid value for (cpus|sockets|cores|threads): '(.*)'/,
    cause: 'the number of $1 is not 1 to 65535: "$2"',
    next: 'look at cpu, and for -c in extra_options',
  },
  {
    when: /^Computed number of vCPUs too high: (\d+)/,
    cause: 'sockets, cores and threads make $1 vCPUs; bhyve counts to 65535',
    next: 'lower cpu',
  },
  {
    when: /^Topology \((.+)\) does not match (\d+) vCPUs/,
    cause: '$1 do not make $2 vCPUs',
    next: 'say only cpu; a -c or cpus in extra_options or config must agree with it',
  },
  {
    when: /^hostcpu '(.*)' outside valid range/,
    cause: 'host CPU $1 is not 0 to 1023',
    next: 'look at cpu_pin, and for -p in extra_options',
  },
  {
    when: /^Missing NUMA domain ID in '(.*)'|^Invalid value for id: '(.*)'/,
    cause: 'a NUMA domain has no id from 0 to 255: $1$2',
    next: 'look at numa, and for -n in extra_options',
  },
  {
    when: /^Missing CPU set for domain (\d+)/,
    cause: 'NUMA domain $1 has no vCPUs',
    next: 'give it cpus in numa, or look for -n in extra_options',
  },
  {
    when: /^invalid memsize for domain (\d+): '(.*)'/,
    cause: 'NUMA domain $1 has a memory size that bhyve cannot read: "$2"',
    next: 'look at mem in numa, and for -n in extra_options: digits and one of K, M, G, T',
  },
  {
    when: /^failed to parse domain policy '(.*)'/,
    cause: 'bhyve does not know the memory policy "$1"',
    next: 'look at policy in numa: e.g. prefer:0, interleave:0-1 or first-touch',
  },
  {
    when: /^NUMA emulation requires ACPI/,
    cause: 'a guest with NUMA domains needs ACPI tables',
    next: 'set generate_acpi to true, or leave numa out',
  },
  {
    when: /^invalid NUMA configuration '(.*)'/,
    cause: 'bhyve cannot read the NUMA domain $1',
    next: 'look at numa, and for -n in extra_options',
  },
  {
    when: /^invalid cpuset for vcpu (\d+): '(.*)'/,
    cause: 'the host CPUs of vCPU $1, or the vCPUs of NUMA domain $1, are no list of numbers and ranges: $2',
    next: 'look at cpu_pin and numa: e.g. 0-3,8',
  },
  {
    when: /^Invalid hostcpu range (\S+)/,
    cause: 'a range of CPUs goes down: $1',
    next: 'look at cpu_pin and numa: the smaller number comes first',
  },
  {
    when: /^(?:invalid range \(must be ascending\)|range sizes do not match|invalid format): (.+)/,
    cause: 'bhyve cannot read the pinning $1',
    next: 'look at cpu_pin, and for -p in extra_options: VCPU:HOSTCPU, one -p for each',
  },
  {
    when: /^invalid vcpu (?:pinning configuration )?'(.*)'/,
    cause: 'bhyve cannot read the pinning $1',
    next: 'look at cpu_pin, and for -p in extra_options: VCPU:HOSTCPU, one -p for each',
  },
  {
    when: /^invalid memsize '(.*)'/,
    cause: 'bhyve cannot read the memory size "$1"',
    next: 'look at mem, and for -m in extra_options: digits and one of K, M, G, T, without a fraction',
  },

  {
    when: /^Can't open fw_cfg_user_file file "(.*)": (.+)/,
    cause: 'the file $1 of fw_cfg_files cannot be opened: $2',
    next: 'look at file in fw_cfg_files: is it there, and may you read it?',
  },
  {
    when: /^fw_cfg name too long: "(.*)"/,
    cause: 'a name of fw_cfg_files is longer than 55 bytes: $1',
    next: 'choose a shorter name',
  },
  {
    when: /^(?:Invalid fw_cfg option|invalid fwcfg item) ["'](.*)["']/,
    cause: 'bhyve cannot read the item $1',
    next: 'look at fw_cfg_files, and for -f in extra_options: NAME,string=TEXT or NAME,file=PATH',
  },
  {
    when: /^invalid lpc device configuration '(.*)'/,
    cause: 'bhyve knows no LPC device $1',
    next: 'look for -l in extra_options: com1 to com4, bootrom, tpm or pc-testdev, without a blank in front',
  },
  {
    when: /^invalid bootrom option "(.*)"/,
    cause: 'a boot ROM is named without its file: -l $1',
    next: 'set bootrom, and look for -l bootrom in extra_options',
  },
  {
    when: /^invalid tpm (type|path) "(.*)"/,
    cause: 'a TPM is named without its $1: -l $2',
    next: 'set type and path of tpm, and look for -l tpm in extra_options',
  },

  {
    when: /^Invalid PCI slot info field "(.*)"/,
    cause: 'bhyve cannot read the PCI slot and device $1',
    next: 'look for -s in extra_options: SLOT,DEVICE with a slot 0 to 31, SLOT:FUNCTION or BUS:SLOT:FUNCTION',
  },
  {
    when: /^pci slot (\S+) already occupied/,
    cause: 'two devices are on PCI slot $1',
    next: 'look for a -s of that slot in extra_options and raw devices, and for variables of it in config',
  },
  {
    when: /^pci slot (\S+): unknown device "(.*)"/,
    cause: 'this bhyve has no device "$2" (PCI slot $1)',
    next: 'look at raw devices and extra_options; bhyve -s help lists what it has. On arm64 there is no fbuf, lpc, passthru',
  },
  {
    when: /^pci slot (\S+): missing "device" value/,
    cause: 'variables are set for PCI slot $1, but no device',
    next: 'look for variables of that slot in config and extra_options: is its number right?',
  },
  {
    when: /^pci slot ([\d:]{1,9}): legacy device "(.*)", use "(.*)" instead/,
    cause: 'the device $2 of PCI slot $1 is called $3 in a variable',
    next: 'write $3 in config, and its disks as port.0.type and port.0.path',
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
    cause: 'the boot ROM and its variables have a size that bhyve does not take: $1 bytes',
    next: 'look at bootrom and varfile: variables are at least 4096 bytes, both together at most 16 MiB',
  },
  {
    when: /^ROM size (\d+) is (?:invalid|not a multiple)|^No room for (\d+) ROM in bootrom region/,
    cause: 'a boot ROM of $1$2 bytes does not fit',
    next: 'look at bootrom: it is a firmware image, a multiple of 4096 bytes, at most 16 MiB',
  },
  {
    when: /^Incomplete read of page \d{1,9} of bootrom file (.+): -?\d{1,9} bytes/,
    cause: 'the boot ROM $1 could not be read to its end',
    next: 'look at bootrom: was the file cut?',
  },
  {
    when: /^ROM boot failed: unrestricted guest/,
    cause: 'the CPU of this host cannot run a firmware: it has no unrestricted guest',
    next: 'use a FreeBSD guest with loader bhyveload and one vCPU, or another host',
  },
  {
    when: /^Failed to (?:read checkpoint info from file|(?:pause|restore|resume) [\w ]+)|^Invalid guest vCPUs \(/,
    cause: 'the snapshot that -r names cannot be restored',
    next: 'restore it with the bhyve, the devices and the vCPUs that it was made with',
  },

  {
    when: /^(\d+) vCPUs requested but only 1 available/,
    cause: 'the guest wants $1 vCPUs, this host allows 1',
    next: 'lower cpu; the CPU of this host may lack unrestricted guest, or the tunable hw.vmm.maxcpu is 1',
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
    next: 'lower mem, or free memory on the host; wired memory (wire_guest_mem, passthru) cannot be swapped out',
  },
  {
    when: /^Unable to setup memory \(17\)/,
    needs: 'loader',
    cause: 'the loader made the memory of the VM otherwise than bhyve wants it: another size, or not wired (-S)',
    next:
      'leave the memory size and -S out of loader.args, or make them agree with mem and wire_guest_mem; ' +
      'bhyvectl --vm=NAME --destroy removes a leftover',
  },
  {
    when: /^Unable to setup memory \(17\)/,
    cause: 'a VM of this name is there already, and its memory has another size or is not wired (-S)',
    next: 'bhyvectl --vm=NAME --destroy removes a leftover; one that is loaded beforehand must have the memory that mem says',
  },
  {
    when: /^Unable to setup memory \((\d+)\)/,
    cause: 'the kernel did not give the guest its memory (errno $1)',
    next: 'look at mem, numa and guest_mem_in_core, and at dmesg; destroy a leftover with bhyvectl --vm=NAME --destroy',
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
    next: 'look at x2apic',
  },
  {
    when: /^MPtable is incompatible with multiple PCI hierarchies/,
    cause: 'a guest with devices on another bus than 0 cannot have an MP table',
    next: 'set disable_mptable_gen to true, or use bus 0',
  },
  {
    when: /^qemu fwcfg initialization error|^Could not add qemu fwcfg/,
    cause: 'what the firmware is to read (fw_cfg) could not be made ready: $0',
    next: 'look at fw_cfg_files and fwcfg',
  },
  {
    when: /^(?:Failed to .*)?(gdb .+)/,
    cause: 'the GDB stub cannot listen: $1',
    next: 'look at gdb: is the address one of this host, and the port free?',
  },
  {
    when: /^(?:\w+: )?error setting socket path/,
    cause: 'the control socket\'s path is too long: rundir, "/" and the name of the VM have 103 bytes',
    next: 'choose a shorter name, or set rundir in config to a shorter folder',
  },
  {
    when: /^Failed to start IPC thread/,
    cause: 'the control socket could not be made',
    next: 'look whether the folder rundir (/var/run/bhyve) is there and yours to write; config sets another',
  },
  {
    when: /^(?:Unable to apply (?:rights|ioctls|fcntls) for sandbox|cap_enter\(\) failed|vm_limit_rights\b)/,
    cause: 'bhyve could not lock itself in (Capsicum): $0',
    next: 'look whether this kernel has CAPABILITY_MODE, and what com1 to com4 and stdin are connected to',
  },

  {
    when: /^tpm_device_create: unsupported tpm version (.+)/,
    cause: 'bhyve has no TPM of version $1',
    next: 'set version of tpm to 2.0',
  },
  {
    when: /^(?:.*: )?(TPM (?:emulation|interface|PPI) ".*") not found/,
    cause: 'this bhyve does not know the $1',
    next: 'look at tpm: passthru, or from FreeBSD 14.3 on swtpm; intf is crb and ppi qemu',
  },
  {
    when: /^tpm_\w+_init: unable to connect to tpm socket "(.*)"/,
    cause: 'swtpm does not listen on $1',
    next: 'start swtpm before the VM, with --server type=unixio,path=$1',
  },
  {
    when: /^tpm_\w+_init: unable to open tpm device "(.*)"/,
    cause: 'the TPM $1 cannot be opened',
    next: 'look at path of tpm: is it there (kldload tpm), yours to open, and not in use?',
  },
  {
    when: /^tpm_\w+_init: no socket or device path specified|^tpm_\w+_init: no socket path specified/,
    cause: 'the TPM has no path',
    next: 'set path of tpm; look at config for tpm.path',
  },
  {
    when: /^init_tpm: unable to create a TPM device|^Failed to init TPM device/,
    cause: 'the TPM could not be started',
    next: 'look at tpm',
  },
]);
