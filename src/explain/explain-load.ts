import { unreachable } from '../base/unreachable.js';
import type { Loader } from '../machine/machine.js';
import { about, advise, byHand, look, type Advice } from './advice.js';
import { anything, lastWords, ruled, whenAsked, saidLines, type Explanation, type Rule } from './rule.js';
import { kernelRules } from './rules.js';
import type { LoadFailure } from './run-end.js';

const byDryRun = 'look at the command with --dry-run';

type Program = Loader['kind'];

/** The last of what a loader wrote. */
export interface LoaderWords {
  readonly stderr: string;
  /** Its console, where that is neither a device nor the terminal. */
  readonly stdout: string;
}

/** What the messages of bhyveload(8) and grub-bhyve(8) mean, the most telling first. */
export const loadRules = whenAsked((): readonly Rule[] => [
  {
    when: /^(?:illegal|invalid|unrecognized) option (?:-- )?'?([^'\s]+)/,
    cause: 'the loader does not know the option $1',
    next: [look('loader.args'), byDryRun],
  },
  {
    when: /^option requires an argument -- '?([^'\s]+)|^option '([^']+)' (?:requires|doesn't allow) an argument/,
    cause: 'the option $1$2 of the loader needs an argument, or takes none',
    next: [look('loader.args'), byDryRun],
  },
  {
    when: /^option '([^']+)' is ambiguous/,
    cause: 'more than one option of the loader begins with $1',
    next: [about('write the option in full in loader.args', 'loader.args')],
  },
  {
    when: /^-l can only be given once/,
    cause: 'bhyveload is given two loaders (-l)',
    next: [look('loader.args')],
  },
  {
    when: /^Invalid memsize '(.*)'|^Invalid guest memory size `(.*)'/,
    cause: 'the loader cannot read the memory size "$1$2"',
    next: [look('mem', 'loader.args'), 'it must be the memory of the VM'],
  },
  {
    when: /^usage: bhyveload|^Required VM name parameter not supplied/,
    cause: 'the loader did not accept its command line',
    next: [look('loader.args'), byDryRun],
  },
  {
    when: /^Could not open '(.*)'/,
    cause: 'bhyveload cannot open $1',
    next: [look('loader.disk'), 'is $1 there, and may you read it?'],
  },
  {
    when: /^Could not (?:create|open|reinit) VM\b/,
    cause: 'the kernel did not make the VM: $0',
    next: 'run vmrun as root; load the module with kldload vmm',
  },
  {
    when: /^VM unrestricted guest capability required/,
    cause: 'the CPU cannot run the real mode that GRUB needs: it has no unrestricted guest',
    next: 'use a FreeBSD guest with bhyveload, or another host',
  },
  {
    when: /^vm_setup_memory: |^Could not setup memory/,
    cause: 'the host has not enough free memory, or a leftover VM of this name has another memory size',
    next: 'give the guest less memory; bhyvectl --vm=NAME --destroy removes a leftover',
  },
  {
    when: /^can't load '(.*)'/,
    cause: 'bhyveload found no FreeBSD to load: $0',
    next: [look('loader.disk'), "is a FreeBSD installed on the guest's first disk? A CD must come first to be loaded"],
  },
  {
    when: /^error: (no such partition|no such device|file `.*' not found|no such disk|disk `.*' not found)/,
    cause: 'GRUB does not find what it is to load: $1',
    next: [
      look('loader.root', 'loader.device_map', 'loader.commands'),
      "GRUB's command ls at its prompt lists the drives",
    ],
  },
  ...kernelRules(),
]);

/** Why a loader failed. Its console, where we have it, tells at which prompt it waits. */
export function explainLoad(
  program: Program,
  how: LoadFailure,
  { stderr, stdout }: LoaderWords,
  has = anything,
): Explanation {
  const said = saidLines(stderr);
  const words = said.length > 0 ? said : saidLines(stdout);
  const evidence = lastWords(words);
  const silence = `${program} gave ${evidence.length === 0 ? 'no reason' : 'the reason below'}`;
  switch (how.kind) {
    case 'not-started':
      return { cause: how.error, evidence, next: 'look at the file and its permissions' };
    case 'timed-out':
      return { cause: 'it may wait at a prompt', evidence, next: advise(whenWaiting[program], has) };
    case 'unknown':
      return { cause: 'the shell that waited for it was killed', evidence, next: byHand };
    case 'signalled':
      return { cause: silence, evidence, next: byHand };
    case 'exited':
      return ruled(loadRules(), words, has) ?? { cause: silence, evidence, next: afterExit[program] };
    default:
      return unreachable(how);
  }
}

const whenWaiting: Readonly<Record<Program, Advice>> = {
  bhyveload: 'is there a FreeBSD on the disk? Its console says; set loader_timeout for a loader that takes longer',
  'grub-bhyve': [
    about('check whether commands end with "boot"', 'loader.commands'),
    about('check whether loader.root holds a grub.cfg', 'loader.root'),
    'set loader_timeout for a GRUB that takes longer',
  ],
};

const afterExit: Readonly<Record<Program, string>> = {
  bhyveload: `check whether there is a FreeBSD on the disk, and whether somebody said "quit" at the prompt; ${byHand}`,
  'grub-bhyve': byHand,
};
