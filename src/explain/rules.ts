import { about, look } from './advice.js';
import { whenAsked, type Rule } from './rule.js';
import { deviceRules } from './rules-devices.js';
import { commandRules, startRules } from './rules-start.js';
import { runRules } from './rules-run.js';

/** What the kernel says to whoever makes a VM, be it bhyve or a loader. */
export const kernelRules = whenAsked((): readonly Rule[] => [
  {
    when: /^vm_(?:create|openf?|reinit)\b.*: (?:Operation not permitted|Permission denied)/,
    cause: 'you may not make virtual machines',
    next: 'run vmrun as root; in a jail it needs allow.vmm',
  },
  {
    when: /^vm_(?:create|openf?): Invalid argument/,
    cause: 'the kernel does not accept the name of the VM',
    next: 'choose a shorter name: at most 229 bytes without "/"',
  },
  {
    when: /^vm_(?:create|openf?|reinit): Device (?:or resource )?busy/,
    cause: 'a VM of this name is in use, or is still being destroyed',
    next: 'look with pgrep -fl bhyve who runs it; bhyvectl --vm=NAME --destroy removes a leftover',
  },
  {
    when: /^vm_(?:create|openf?|reinit)\b|\/dev\/vmm/,
    cause: 'the kernel did not make the VM: $0',
    next: 'load the module with kldload vmm, and check whether the CPU has virtualization switched on',
  },
]);

/** Where no message tells which device it was, or why; bhyve's own reason is often that of an earlier call. */
const vagueRules = whenAsked((): readonly Rule[] => [
  {
    when: /^Device emulation initialization error: Device (?:or resource )?busy/i,
    isVague: true,
    cause: 'a device could not be started: something of the host is in use',
    next: [
      about('look at the interfaces: ifconfig tap0 names who has opened it', 'virtio-net', 'e1000'),
      look(about('the host cards', 'passthru'), about('the serial ports', 'com1', 'com2', 'com3', 'com4', 'uart')),
    ],
  },
  {
    when: /^Device emulation initialization error: (.+)/i,
    isVague: true,
    cause: 'a device could not be started: $1',
    next: [
      look('emulations', about('name and mtu of the network cards', 'virtio-net', 'e1000'), 'extra_options'),
      'is an interface or file missing, or in use?',
    ],
  },
  {
    when: /^error to build the guest tables: (.+)/,
    isVague: true,
    cause: 'the tables that describe its hardware to the guest could not be made: $1',
    next: [look('disable_mptable_gen', 'smbios', 'uuid')],
  },
  {
    when: /^Child process was killed by signal (\S+)/,
    isVague: true,
    cause: 'the bhyve that ran the guest was killed by signal $1; the one that watched it (monitor) ended too',
    next: 'a signal 6, 10 or 11 is a bug of bhyve; 9 is somebody, or a host without free memory: look at dmesg',
  },
]);

/**
 * What bhyve's messages mean: of one line, what the first rule of this list says. Every message here ends bhyve or comes
 * right before the one that does, but for those of warnings. From bhyve's sources of 2023 to 2026.
 */
export const rules = whenAsked((): readonly Rule[] => [
  ...runRules(),
  ...commandRules(),
  ...startRules(),
  ...deviceRules(),
  ...kernelRules(),
  {
    when: /^(?:Failed to fetch referenced configuration variable (.+)|Empty reference in configuration value "(.*))/,
    isWarning: true,
    cause: 'a value refers with %(...) to a variable that is not set: $1$2',
    next: [look('config', 'extra_options'), 'write \\% for a percent sign, or set the variable'],
  },
  {
    when: /^(?:Invalid reference in|Trailing \\ in|Too many recursive references in) configuration value(.*)/,
    isWarning: true,
    cause: 'bhyve takes the % in a value for a reference: $1',
    next: [look('config', 'extra_options'), 'write \\% for a percent sign, and \\\\ for a backslash beside it'],
  },
  ...vagueRules(),
]);

/** What bhyve says of a guest that goes on; it matters where the guest then has a triple fault. */
export const guestRules = whenAsked((): readonly Rule[] => [
  {
    when: /^(?:rdmsr|wrmsr) to register (0x[0-9a-f]+|0)\b/,
    cause:
      'a triple fault: the guest reset its CPU, after it had used model specific register $1, which bhyve does not have',
    next: 'set ignore_unknown_msrs to true: many guests need it',
  },
]);
