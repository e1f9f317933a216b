import { unreachable } from '../base/unreachable.js';
import { about, advise, byHand, byOption, look, rawDevices, unchecked, type Advice, type Has } from './advice.js';
import { anything, lastWords, ruled, saidLines, type Explanation } from './rule.js';
import { guestRules, rules } from './rules.js';
import { describeEnd, type RunEnd } from './run-end.js';

/** What an end says by itself. */
interface Reason {
  readonly cause: string;
  readonly next: Advice;
}

/**
 * Why bhyve ended as it did. Its own words tell best; without a rule that fits them, the end itself says something. It
 * has an answer for every end, also for those that need none.
 * @param stderrTail the last of what it wrote: anything, in any size
 * @param has what the machine has, so that no hint names anything else. Default: nobody knows
 */
export function explainEnd(end: RunEnd, stderrTail: string, has: Has = anything): Explanation {
  const words = saidLines(stderrTail);
  const told =
    ruled(rules(), words, has) ?? (end.kind === 'triple-fault' ? ruled(guestRules(), words, has) : undefined);
  if (told !== undefined) return told;
  const { cause, next } = reasonOf(end, words.length > 0);
  return { cause, evidence: lastWords(words), next: advise(next, has) };
}

const core = 'look for bhyve.core (sysctl kern.corefile says where), and report it to FreeBSD with these lines';

function reasonOf(end: RunEnd, hasWords: boolean): Reason {
  switch (end.kind) {
    case 'failed':
      return reasonOfStatus(end.status, hasWords);
    case 'killed':
      return reasonOfSignal(end.signal);
    case 'triple-fault':
      return {
        cause: 'a triple fault: the guest crashed so early or so badly that its CPU reset itself',
        next:
          "look at the guest's console: is there a boot loader on its disk, made for this architecture and firmware? " +
          'Try more mem, and set ignore_unknown_msrs to true: many guests need it',
      };
    case 'unknown':
      return {
        cause: 'the shell that waited for bhyve was killed, and the system gives its status to nobody else',
        next: "look at the guest's own log, and at dmesg: was it shut down, or did bhyve die?",
      };
    case 'not-prepared':
      return { cause: 'the hook pre_start failed, so bhyve was not started', next: 'run hooks.pre_start by hand' };
    case 'not-loaded':
      return { cause: `${end.program} did not load the guest, so bhyve was not started`, next: byHand };
    case 'rebooted':
    case 'powered-off':
    case 'halted':
    case 'suspended':
      return { cause: `the guest ${describeEnd(end)}`, next: 'there is nothing to do' };
    default:
      return unreachable(end);
  }
}

/** bhyve(8), EXIT STATUS, and sysexits(3). */
function reasonOfStatus(status: number, hasWords: boolean): Reason {
  const said = hasWords ? 'bhyve gave the reason below' : 'bhyve gave no reason';
  switch (status) {
    case 4:
      if (hasWords) return { cause: said, next: byHand };
      return {
        cause: `${said}; it says nothing of a VM that was destroyed while it ran, or of a bad uuid`,
        next: [
          'find out who ran bhyvectl --destroy',
          look('uuid', about('path of virtio-input', 'virtio-input')),
          byHand,
        ],
      };
    case 64:
      return {
        cause: `${said} why it does not accept an option`,
        next: [look('cpu', 'cpu_pin', 'mem', 'numa', 'fw_cfg_files', ...unchecked), byHand],
      };
    case 71:
      return {
        cause: `${said} why the system refused it something: its sandbox, the CPU topology or its control socket`,
        next: [look('cpu'), 'look at the folder /var/run/bhyve, and at dmesg'],
      };
    case 100:
      return {
        cause: 'the VM was destroyed from outside while it ran, or ended in a way that bhyve does not know',
        next: 'find out who ran bhyvectl --destroy',
      };
    case 126:
    case 127:
      return {
        cause: status === 126 ? 'bhyve could not be executed' : 'bhyve was not found when it was to be executed',
        next: 'look at --bhyve and BHYVE_EXEC: is it a program for this system?',
      };
    default:
      return { cause: said, next: byHand };
  }
}

const crashed = (signal: NodeJS.Signals): Reason => ({
  cause: `bhyve crashed (${signal}): a bug of bhyve`,
  next: [about('is there a virtio-console without ports?', 'virtio-console'), look(rawDevices, byOption('-s')), core],
});

const sentToTerminal = (signal: NodeJS.Signals): Reason => ({
  cause: `somebody sent ${signal} to bhyve: a key of its terminal, or the end of its session`,
  next: ['find out who did', about('a guest whose console is not stdio does not share the terminal', 'stdio')],
});

/** bhyve takes SIGTERM for a power button, once the guest has switched ACPI on. The others end it: amd64/pm.c. */
const reasonsOfSignals: Readonly<Partial<Record<NodeJS.Signals, Reason>>> = {
  SIGKILL: {
    cause: 'somebody killed bhyve, or the kernel did because memory ran out',
    next: 'look at dmesg and /var/log/messages for "was killed: failed to reclaim memory"; then lower mem',
  },
  SIGTERM: {
    cause: 'somebody sent SIGTERM to bhyve itself before the guest had switched ACPI on',
    next: 'find out who did. Once the guest has ACPI it is a power button; on arm64 it always ends bhyve',
  },
  SIGINT: sentToTerminal('SIGINT'),
  SIGHUP: sentToTerminal('SIGHUP'),
  SIGQUIT: sentToTerminal('SIGQUIT'),
  SIGABRT: {
    cause:
      'bhyve gave up: the guest did something that bhyve does not handle, or bhyve met a state that it considers impossible',
    next: [about('is there a serial port without a path?', 'extra_options', '--'), look(byOption('-l')), core],
  },
  SIGSEGV: crashed('SIGSEGV'),
  SIGBUS: crashed('SIGBUS'),
  SIGILL: crashed('SIGILL'),
  SIGFPE: crashed('SIGFPE'),
  SIGSYS: {
    cause: 'bhyve asked the kernel for something that it does not have',
    next: 'bhyve and the kernel are of different releases: update both, and boot the new kernel',
  },
};

const reasonOfSignal = (signal: NodeJS.Signals): Reason =>
  reasonsOfSignals[signal] ?? {
    cause: `${signal} ended bhyve: somebody sent it, or a limit of the system was reached`,
    next: 'find out who did, and look at the limits of the user: limits(1)',
  };
