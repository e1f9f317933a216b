import { architectures, releases, traitsOf } from '../../../src/bhyve/releases.js';
import { guestEnds } from '../../../src/simulator/script.js';
import { loaderEnds, programs } from '../../../src/simulator/loaders.js';
import { list, literal, manualPage, paragraphs, prose, references, section, type Item } from './mdoc.js';

/** The steps of a script. A guest's end that has no words here is missed by the compiler. */
const endWords: Readonly<Record<(typeof guestEnds)[number], string>> = {
  reboot: 'The guest reboots.',
  power_off: 'The guest powers off.',
  halt: 'The guest is halted.',
  triple_fault: 'The guest has a triple fault.',
  error: 'bhyve fails.',
  suspend: 'bhyve saves the guest and ends.',
};

const steps: readonly Item[] = [
  {
    head: 'Cm run',
    body: prose('Runs until SIGTERM, then powers off; a duration says how long that takes. This is the default.'),
  },
  { head: 'Cm deaf', body: prose('SIGTERM does nothing.') },
  ...guestEnds.map((end) => ({ head: `Cm ${end}`, body: prose(endWords[end]) })),
  { head: 'Cm signal : Ns Ar NAME', body: prose('bhyve dies of a signal, e.g. SEGV or KILL.') },
];

const loaderWords: Readonly<Record<(typeof loaderEnds)[number], string>> = {
  ok: 'the guest is in memory',
  fail: 'it is not',
  reboot: 'somebody typed reboot at the prompt of bhyveload',
  hang: 'it waits at its prompt until it is killed',
};

const variables: readonly (readonly [name: string, meaning: string])[] = [
  ['VMRUN_SIM_SCRIPT', 'What each boot does: see SCRIPTS. Default: run.'],
  ['VMRUN_BOOT', 'Which boot this is, from 1. vmrun(8) sets it.'],
  ['VMRUN_SIM_RELEASE', `The FreeBSD whose bhyve is played: ${releases.join(', ')}. Default: 15.`],
  ['VMRUN_SIM_ARCH', `${architectures.join(' or ')}. Default: amd64.`],
  ['VMRUN_SIM_MAXCPU', 'The most vCPUs that the host allows. Default: no limit.'],
  ['VMRUN_SIM_LOADED', 'yes: a loader has made the VM, so that no boot ROM is needed. Default: no.'],
  ['VMRUN_SIM_PROGRAM', `What is played: ${programs.join(', ')}. Default: bhyve.`],
  [
    'VMRUN_SIM_LOADER',
    `How a loader ends, a word for each boot with commas between them; the last repeats. ${loaderEnds.map((end) => `${end}: ${loaderWords[end]}`).join('; ')}. Default: ok.`,
  ],
];

const letterRows = (): readonly string[] =>
  releases.flatMap((release) =>
    architectures.map((arch) => `${release}  ${arch}  ${traitsOf({ release, arch }).optionLetters}`),
  );

export const simulatorPage = (): string =>
  manualPage(
    'bhyve-sim',
    8,
    'a bhyve that runs anywhere',
    section('SYNOPSIS', ['.Nm', '.Op Ar options of bhyve', '.Ar vmname']),
    section('DESCRIPTION', paragraphs(...description.map(prose))),
    section(
      'OPTIONS',
      prose('Those of bhyve, by release and architecture, as getopt(3) takes them:'),
      literal(letterRows()),
      ['.Pp'],
      prose('What is refused, and with which words and status, is what bhyve refuses.'),
    ),
    section('SCRIPTS', paragraphs(...script.map(prose)), list(steps)),
    section(
      'ENVIRONMENT',
      prose('An empty variable counts as not set.'),
      list(variables.map(([name, meaning]) => ({ head: `Ev ${name}`, body: prose(meaning) }))),
    ),
    section(
      'EXIT STATUS',
      prose(
        'That of bhyve: 0 rebooted, 1 powered off, 2 halted, 3 triple fault, 4 error, and 5 suspended where the release has that. 64 where the environment says something that it cannot.',
      ),
    ),
    section(
      'EXAMPLES',
      prose(
        'Two ways to try the spec vm.json of vmrun(8) on any system. The second needs to leave out the checks of the host, which only a FreeBSD host can pass.',
      ),
      literal([
        'vmrun -c vm.json --simulate=reboot,power_off',
        'VMRUN_SIM_SCRIPT=reboot,power_off vmrun -c vm.json \\',
        '    --bhyve bhyve-sim --no-requirement-check',
      ]),
      ['.Pp'],
      prose('A guest that halts after two seconds, and a loader that fails:'),
      literal([
        'VMRUN_SIM_SCRIPT=halt:2s bhyve-sim -m 1G -s 0,hostbridge -s 31,lpc \\',
        '    -l com1,stdio -l bootrom,BHYVE_UEFI.fd vm0; echo $?',
        'VMRUN_SIM_PROGRAM=bhyveload VMRUN_SIM_LOADER=fail bhyve-sim -m 1G \\',
        '    -d disk.img vm0; echo $?',
      ]),
    ),
    section('SEE ALSO', references(['bhyve_config', 5], ['bhyve', 8], ['bhyveload', 8], ['vmrun', 8])),
    section(
      'BUGS',
      prose(
        'There is no guest: nothing is computed, no disk is read, and no packet is sent. A console shows what is typed.',
      ),
    ),
  );

const description = [
  'bhyve-sim is bhyve(8) as far as one can see it from outside: it reads the command line as bhyve does, refuses what bhyve refuses, binds the sockets that bhyve binds and leaves behind, says what bhyve says, answers SIGTERM as a guest with ACPI does, and ends with the exit status of bhyve. It needs no FreeBSD and no rights, and is what `vmrun --simulate` runs. What the guest does is in the environment.',
  'By VMRUN_SIM_PROGRAM it plays a loader, bhyveload(8) or grub-bhyve, and takes the command line of that.',
];

const script = [
  'A script is one step for each boot, with commas between them; the last one repeats. All but `deaf` take a duration behind a colon, after which they happen: `reboot:500ms`, `halt:2s`, `signal:SEGV:1min`. SIGTERM before that powers the guest off.',
  'So does what is typed at a console on stdio: `poweroff`, `exit`, `shutdown`, Ctrl-D and Ctrl-C power the guest off, `reboot` and `halt` do as they say, whatever the step is.',
];
