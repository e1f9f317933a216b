/** What a run of bhyve has printed so far: one element a line, without the newline. */
export interface Output {
  readonly stdout: string[];
  readonly stderr: string[];
}

export const emptyOutput = (): Output => ({ stdout: [], stderr: [] });

/** The crashes that a command line alone can cause. */
export type CrashSignal = 'SIGSEGV' | 'SIGABRT';

const crashStatus: Readonly<Record<CrashSignal, number>> = { SIGABRT: 134, SIGSEGV: 139 };

/**
 * Thrown where bhyve calls exit(3), and caught where the simulator's own words begin. bhyve ends deep inside the
 * setting of a variable, so a return value would have to be handed up through every reader.
 */
export class BhyveExit extends Error {
  constructor(
    /** Exit status, or 128 + number of the signal, as a shell tells it. */
    readonly status: number,
    readonly signal?: CrashSignal,
  ) {
    super(`bhyve exits with ${status}`);
    this.name = 'BhyveExit';
  }
}

/** warnx(3): a line on stderr that begins with the program's name. */
export function warn(output: Output, text: string): void {
  output.stderr.push(`bhyve: ${text}`);
}

/** errx(3): that line, then the end. */
export function fail(output: Output, status: number, text: string): never {
  warn(output, text);
  throw new BhyveExit(status);
}

/** A null pointer read, or an assertion that does not hold. */
export function crash(signal: CrashSignal): never {
  throw new BhyveExit(crashStatus[signal], signal);
}

/** Exit statuses: bhyve(8), EXIT STATUS, and sysexits(3). */
export const exitUsage = 1;
export const exitError = 4;
export const exitBadOption = 64;
export const exitOsError = 71;

/**
 * Texts of strerror(3) where the real one depends on the host. Nobody can rely on them: bhyve itself often prints
 * what an earlier call left in errno.
 */
export const errnoText = {
  none: 'No error: 0',
  invalid: 'Invalid argument',
  missing: 'No such file or directory',
  nameTooLong: 'File name too long',
  busy: 'Device busy',
  isFolder: 'Is a directory',
} as const;

/** Texts of gai_strerror(3). */
export const gaiText = {
  noName: 'Name does not resolve',
  noService: 'Service was not recognized for socket type',
} as const;
