import { exitCodes } from '../../../src/cli/exit-codes.js';
import { allCommandWords, commandWords } from '../../../src/cli/command-tree.js';
import { commands } from '../../../src/cli/commands.js';
import { commandPart, exampleBlock, optionItems, synopsis } from './command-words.js';
import { list, literal, manualPage, paragraphs, prose, references, section, type Lines } from './mdoc.js';

/** What there is to say of an option beside the line of the help. A test says where one is not an option any more. */
export const optionNotes: Readonly<Record<string, string>> = {
  '--config': 'Relative file names in it start at its folder, on standard input at the working directory.',
  '--target': 'Default: `default`, which is the spec without a target unless a target has that name.',
  '--input-format':
    'Without it a file that ends in .yaml or .yml is YAML, one that ends in .conf or .ucl is UCL, and any other and standard input are JSON.',
  '--dry-run':
    'It reads the spec and its lock file, and nothing else: the host is not checked, and nothing is started or written. Passwords are not in the command, a run writes them to a private file.',
  '--format':
    '`shell` is one line for a shell, with the command of the loader on a line before it where there is one; `lines` has a word on each line; `json` is a list of words; `config` is what bhyve makes of the command, as a bhyve_config(5) file.',
  '--debug': 'Passwords are starred.',
  '--reboot-count': 'Counts all boots after the first.',
  '--reboot-on':
    'Takes the place of `reboot_on` in the spec. A list with commas: reboot, power_off, halt, triple_fault, error, suspend and signal, or the exit statuses 0 to 4.',
  '--force':
    'A bhyve of this name that no vmrun runs is ended and its VM destroyed; one that another vmrun runs is left alone. Fixes what `--recover` fixes.',
  '--adopt': 'Where a supervisor was killed, its bhyve goes on; this one takes its place without disturbing the guest.',
  '--recover':
    'Makes a missing tap, puts it into its bridge, gives a card to ppt, loads a module, removes a dead socket, copies a missing file of firmware variables. What was changed is taken back at the end of the run.',
  '--pid-file': 'Locked as pidfile(3) does.',
  '--supervisor-pid-file': 'Locked as pidfile(3) does.',
  '--exit-status':
    'With service it is 0 if the run ended as it was asked to, or as the guest wanted, for programs that take any other status for a failure: see EXIT STATUS.',
  '--panic-on-failed-cleanup': 'The exit status is then 71.',
  '--simulate':
    'Runs bhyve-sim(8) in the place of bhyve. The script is one step for each boot, with commas between them, e.g. `reboot:2s,triple_fault,power_off`; the last one repeats.',
  '--run-dir': 'See FILES.',
  '--events': 'One JSON object for each thing that happens: boots, exits, stops, hooks, warnings.',
  '--log':
    'Every line has its time and who says it: vmrun, bhyve, a loader or a hook, by its name. Characters that cannot be seen are written as escapes, here as everywhere. After the file was renamed, SIGUSR1 makes vmrun write to a new one. With `-` the log goes to stderr, in place of the lines for people. This file, and those of the other options that name one, must be nothing that the VM or another option uses: no spec, no lock file, no disk, no device but a terminal or /dev/null.',
  '--color': 'Default: on a terminal, unless the environment says otherwise.',
  '--console-log': 'For a guest whose console is `console` or `stdio`: the bytes as they come.',
};

const exitWords: Readonly<Record<Exclude<keyof typeof exitCodes, 'ok'>, string>> = {
  usage: 'Wrong command line.',
  spec: 'Problems in the spec, in its lock file, or in the file of a captured host; for `lock --check`: the lock file is not up to date.',
  unreadable: 'One of them cannot be read, or a question of `init` had no answer.',
  host: 'The host is not ready, or there is no bhyve or no loader. For `check` also: the VM runs already. For `stop` and `console`: no VM of the name runs, or it has no such console.',
  internal: 'A bug in vmrun.',
  system:
    'A system call failed (no space, no more processes, no permission), or something was left behind with `--panic-on-failed-cleanup`.',
  'cannot-create':
    'A pid file, a run directory, a lock file or the spec of `init` cannot be made, or an output file is one that the VM uses.',
  'in-use': 'The VM runs already. For `stop`: it does not end. For `console`: somebody else has the keyboard.',
};

/** bhyve(8), EXIT STATUS. */
const vmWords: readonly (readonly [status: string, meaning: string])[] = [
  [
    '0',
    'The guest rebooted, and no further boot was allowed. Also: there was nothing to run, or a command did what it was asked to.',
  ],
  ['1', 'The guest powered off: the end of a VM that was shut down as it should be.'],
  ['2', 'The guest was halted.'],
  ['3', 'The guest had a triple fault.'],
  ['4', 'bhyve, a loader or the hook `pre_start` failed.'],
  ['5', 'The guest was suspended.'],
];

/** Every exit status of a run or a command, with its meaning. */
export const exitRows = (): readonly (readonly [status: string, meaning: string])[] => [
  ...vmWords,
  ...Object.entries(exitCodes).flatMap(([name, code]) =>
    isExitWord(name) ? [[String(code), exitWords[name]] as const] : [],
  ),
  ['128 + n', 'Signal n ended bhyve.'],
];

export const exitStatusOfServices =
  'With `--exit-status service` it is 0 where the guest powered off, halted or was suspended, or if the run was stopped, by a signal or `vmrun stop`, even if it had to be killed. A guest that is given up on after too many reboots gives 4. Everything else is as above.';

const exitList = (): Lines =>
  list(
    exitRows().map(([status, meaning]) => ({ head: status, body: prose(meaning) })),
    '128 + n',
  );

const isExitWord = (name: string): name is keyof typeof exitWords => name in exitWords;

export const environment: readonly (readonly [name: string, meaning: string])[] = [
  ['BHYVE_EXEC', 'The bhyve to run where `--bhyve` names none.'],
  ['XDG_RUNTIME_DIR', 'Where the run directories of a user are: see FILES.'],
  ['NO_COLOR', 'No colours, if it has any value.'],
  ['FORCE_COLOR', 'Colours even without a terminal; 0: none.'],
  ['TERM', 'A terminal of the type `dumb` gets no colours and plain ASCII.'],
  [
    'LC_ALL , Ev LC_CTYPE , Ev LANG',
    'The first that is set says whether a terminal shows UTF-8; otherwise what is drawn is ASCII.',
  ],
];

export const files: readonly (readonly [path: string, meaning: string])[] = [
  [
    '/var/run/vmrun/NAME',
    'Run directory of a VM that root runs: its locks, its state, the ledger of what was changed on the host, and the private file with its passwords. It is gone after the run.',
  ],
  ['$XDG_RUNTIME_DIR/vmrun/NAME', 'The same of another user; without the variable, below /tmp/vmrun-UID.'],
  ['/dev/vmm/NAME', 'The VM in the kernel, which outlives bhyve; vmrun destroys it after each boot.'],
  [
    '/usr/local/share/uefi-firmware/BHYVE_UEFI.fd',
    'The firmware of guests whose spec names none, of the package edk2-bhyve.',
  ],
];

const namedItems = (macro: string, rows: readonly (readonly [name: string, meaning: string])[]) =>
  rows.map(([name, meaning]) => ({ head: `${macro} ${name}`, body: prose(meaning) }));

export async function vmrunPage(): Promise<string> {
  const main = await commandWords(commands);
  const others = await allCommandWords(commands);
  return manualPage(
    'vmrun',
    8,
    'run bhyve virtual machines from a declarative spec',
    section('SYNOPSIS', synopsis(main).slice(0, -3), ...others.map(([, command]) => synopsis(command))),
    section('DESCRIPTION', paragraphs(...description.map(prose))),
    section('OPTIONS', prose('A run takes these:'), list(optionItems(main, optionNotes))),
    section(
      'COMMANDS',
      prose(
        'A command is the first word; without one it is a run, so `vmrun -c check` runs the spec in the file check. Each has a `--help` of its own, and those that print for people take `--color` and `--no-color`.',
      ),
      ...others.map(([name, command]) => commandPart(name, command)),
    ),
    section('RUNNING', paragraphs(...running.map(prose))),
    section('STOPPING', paragraphs(...stopping.map(prose))),
    section('ENVIRONMENT', list(namedItems('Ev', environment), 'XDG_RUNTIME_DIR')),
    section('FILES', list(namedItems('Pa', files))),
    section(
      'EXIT STATUS',
      prose("A VM that ran gives bhyve's own status, everything else that of sysexits(3):"),
      exitList(),
      ['.Pp'],
      prose(exitStatusOfServices),
    ),
    section(
      'EXAMPLES',
      exampleBlock(main),
      ...others.flatMap(([, command]) => {
        const block = exampleBlock(command);
        return block.length === 0 ? [] : [block];
      }),
      ['.Pp'],
      prose('A whole spec, vm.json, that installs FreeBSD with `vmrun -c vm.json -t install`:'),
      literal(wholeSpec.split('\n')),
    ),
    section(
      'SEE ALSO',
      references(
        ...([
          ['bhyve_config', 5],
          ['vmrun.json', 5],
          ['bhyve', 8],
          ['bhyve-sim', 8],
          ['bhyvectl', 8],
          ['bhyveload', 8],
          ['ifconfig', 8],
        ] as const),
      ),
    ),
    section('BUGS', paragraphs(...bugs.map(prose))),
    section('SECURITY CONSIDERATIONS', paragraphs(...security.map(prose))),
  );
}

const description = [
  'vmrun runs bhyve(8) virtual machines. A VM is described in a spec, a JSON, YAML or UCL file whose fields are in vmrun.json(5). vmrun checks it against a schema, merges the target that is named, gives every device its PCI slot, checks whether the host can run the VM, builds the command of bhyve, and runs it.',
  'Then it stays: it boots the guest again when the guest reboots, into another target if the spec says so, passes signals on, and removes what bhyve leaves behind. One vmrun runs one VM. It is in the foreground; daemon(8), or a script of rc(8), puts it into the background.',
  'Everything that is wrong with a spec or a host is reported in one go, with its place and what to do. Nothing is started before every check has passed.',
];

const running = [
  'What is missing on the host is fixed if the device says so by `fix`, with `--recover` or `--force`, or after a yes at a terminal. Nobody is asked if standard input is not a terminal, carries the spec, or is the console of the guest. What was changed is taken back at the end of the run, or by the next run after a crash.',
  'After an exit, `reboot_on` says whether there is another boot, and `next_target` of which target. Boots that follow one another quickly are delayed more and more, and end at `restart.max`.',
  'A hook finds VMRUN_NAME, VMRUN_TARGET, VMRUN_BOOT and VMRUN_PID, that of bhyve, in its environment, and after an exit its reason in VMRUN_REASON.',
  'If vmrun is killed, bhyve goes on. `vmrun ps` lists it, `--adopt` takes it over, `vmrun stop` stops it.',
];

const stopping = [
  'SIGTERM, SIGINT and SIGQUIT press the power button of the guest. If it has not powered off within `stop_timeout`, or at the second signal, it is ended by force. The same signal again within 200 ms does not count, since timeout(1) and others signal vmrun and its process group. Either way no boot follows, and cleanup is done. SIGHUP presses the power button, too; if it comes because the terminal is gone on which vmrun was started, it does so only for a guest whose console is there. SIGUSR1 reopens the file of `--log`.',
  'A guest with `com1: console` has the terminal until somebody leaves it, with `~.` at the beginning of a line; `vmrun console NAME` comes back, and closing the terminal does the guest no harm.',
  'A console on `stdio` has the terminal for itself, and lives and dies with it: Ctrl-C goes to the guest. To leave, shut the guest down, or stop it from another terminal: `vmrun stop NAME`. A simulated guest obeys `poweroff`, `reboot`, `halt`, `exit`, Ctrl-D and Ctrl-C.',
];

const security = [
  'A password for VNC is in no command line and in no output. bhyve reads it from a file in the run directory that only its owner can read, and that is gone after the run. Let only yourself read a spec that has one, or name a file by `password_file`.',
  'A spec names programs to run (hooks, loaders), and files, devices and cards of the host to open: a spec that somebody else has written deserves the trust of a shell script.',
];

const bugs = [
  'bhyve cannot tell when the guest is up, so `hooks.post_start` runs as soon as bhyve does.',
  'tcsh(1) cannot complete names that have a blank in them.',
  'A guest whose console is `stdio` writes to the terminal directly: bhyve, not vmrun, decides how.',
];

const wholeSpec = `{
  "name": "freebsd",
  "cpu": 2,
  "mem": "2G",
  "com1": "stdio",
  "emulations": [
    { "device": "virtio-net", "name": "tap0", "fix": true },
    { "device": "virtio-blk", "path": "disk.img" }
  ],
  "targets": {
    "install": {
      "emulations": [{ "device": "ahci-cd", "path": "disc1.iso" }],
      "next_target": "default"
    }
  }
}`;
