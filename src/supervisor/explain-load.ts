import { unreachable } from '../base/unreachable.js';
import type { Loader } from '../machine/machine.js';
import { evidenceOf, kernelRules, ruled, type Explanation, type Rule } from './explain.js';
import type { LoadFailure } from './run-end.js';

type Program = Loader['kind'];

/** The last of what a loader wrote. */
export interface LoaderWords {
  readonly stderr: string;
  /** Its console, where that is neither a device nor the terminal. */
  readonly stdout: string;
}

/** What the messages of bhyveload(8) and grub-bhyve(8) mean. */
const rules: readonly Rule[] = [
  {
    when: /(?:illegal|invalid|unrecognized) option (?:-- )?'?([^'\s]+)/,
    cause: ([, option]) => `the loader does not know the option ${option ?? ''}`,
    next: 'look at loader.args, and at the command with --dry-run',
  },
  {
    when: /Could not open '([^']*)'/,
    cause: ([, file]) => `bhyveload cannot open ${file ?? ''}`,
    next: 'look at loader.disk, the disks of the guest and com1: is it there, and may you read it?',
  },
  {
    when: /Could not (?:create|open|reinit) VM [^\n]*/,
    cause: ([line]) => `the kernel did not make the VM: ${line ?? ''}`,
    next: 'run vmrun as root; load the module with kldload vmm',
  },
  {
    when: /VM unrestricted guest capability required/,
    cause: () => 'the CPU cannot run the real mode that GRUB needs: it has no unrestricted guest',
    next: 'use a FreeBSD guest with bhyveload, or another host',
  },
  {
    when: /vm_setup_memory: |Could not setup memory/,
    cause: () => 'the host has not enough free memory',
    next: 'give the guest less memory',
  },
  ...kernelRules,
];

/** Why a loader failed. Its console, where we have it, tells at which prompt it waits. */
export function explainLoad(program: Program, how: LoadFailure, { stderr, stdout }: LoaderWords): Explanation {
  const said = plainText(stderr).trim() === '' ? plainText(stdout) : plainText(stderr);
  const evidence = evidenceOf(said);
  const silence = `${program} gave ${evidence.length === 0 ? 'no reason' : 'the reason below'}`;
  switch (how.kind) {
    case 'not-started':
      return { cause: how.error, evidence, next: 'look at the file and its permissions' };
    case 'timed-out':
      return { cause: 'it may wait at a prompt', evidence, next: whenWaiting[program] };
    case 'signalled':
      return { cause: silence, evidence, next: byHand };
    case 'exited':
      return ruled(rules, said) ?? { cause: silence, evidence, next: afterExit[program] };
    default:
      return unreachable(how);
  }
}

const byHand = 'look at the command with --dry-run and run it by hand';

const whenWaiting: Readonly<Record<Program, string>> = {
  bhyveload:
    'look at the console of com1: is there a FreeBSD on the disk? Set loader_timeout for a loader that takes longer',
  'grub-bhyve':
    'look whether loader.root holds a grub.cfg and commands end with "boot"; set loader_timeout for a GRUB that takes longer',
};

const afterExit: Readonly<Record<Program, string>> = {
  bhyveload: `look whether there is a FreeBSD on the disk, and whether somebody said "quit" at the prompt; ${byHand}`,
  'grub-bhyve': byHand,
};

/** Without what moves the cursor and sets colours. */
const plainText = (text: string): string =>
  text.replaceAll(/\p{Cc}\[[\d;?]*[A-Za-z]/gu, '').replaceAll(/[^\P{Cc}\n]/gu, '');
