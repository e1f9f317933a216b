import { constants } from 'node:os';

/** How a process ended: by its own status, or by a signal. */
export type ProcessEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'signalled'; readonly signal: NodeJS.Signals };

/** Descriptors of the shell that stays, beside 0 to 2. `line`: its program has it too. */
export const shellDescriptors = { lock: 3, line: 4, end: 5 } as const;

/**
 * The shell that becomes the program, under the same pid: Node has no other way to let a child ignore signals. SIGPIPE,
 * because nobody reads what bhyve writes when we are killed, and it would die of the next message it prints. SIGHUP,
 * because a terminal that is closed sends it to the guest whose console it was as well as to us: bhyve would die of it
 * before we could press the guest's power button. What the shell itself may fail at, a full disk, must not keep the
 * program from being started, nor what it may wait for: a FIFO that is opened for both does not wait for its other end.
 */
const ignoring = 'trap "" HUP PIPE; {';
const becoming = [
  `${ignoring} printf "%s\\n" "\${1%%%*}$$\${1#*%}" 1<>"$0"; echo "pid $$ $2" >&4; } 2>/dev/null`,
  'shift 2; exec 1>&7 2>&6 5>&- 6>&- 7>&-; exec "$@"',
].join('; ');

/**
 * The shell that starts that one, waits for it and tells how it ended, to those who listen and to those who come later.
 * What asks the whole process group to end must not end it before the program. A shell says on its standard error by which
 * signal the program died, and that is no word of the program: so both its outputs lead nowhere. Words are arguments, never
 * parts of a script.
 */
const staying = [
  'trap "" HUP PIPE; trap : INT QUIT TERM; exec 6>&2 7>&1 >/dev/null 2>&1; /bin/sh -c "$0" "$@"',
  's=$?; echo "$s $3" >&5; echo "end $s $3" >&4; exit "$s"',
].join('; ');

/**
 * Words for /bin/sh.
 * @param note of the program, for `noteFile`; `%` stands for its pid
 * @param tag what tells its end from those of others
 */
export const stayingShell = (
  command: readonly string[],
  { noteFile, note, tag }: { readonly noteFile: string; readonly note: string; readonly tag: string },
): readonly string[] => ['-c', staying, becoming, noteFile, note, tag, ...command];

/** A process is still the shell that becomes the program. @param commandLine of the process, its words separated by anything */
export const isBecoming = (commandLine: string): boolean => commandLine.includes(ignoring);

/** What a shell's `$?` says: 128 + n is signal n, where there is one. */
export function endOfStatus(status: number): ProcessEnd {
  const signal = signalNames.find((name) => constants.signals[name] === status - 128);
  return signal === undefined ? { kind: 'exited', status } : { kind: 'signalled', signal };
}

/** The usual name of each, of those that have two. */
const signalNames: readonly NodeJS.Signals[] = [
  ...(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGKILL'] as const),
  ...(['SIGUSR1', 'SIGSEGV', 'SIGUSR2', 'SIGPIPE', 'SIGALRM', 'SIGTERM', 'SIGXCPU', 'SIGXFSZ', 'SIGSYS'] as const),
];
