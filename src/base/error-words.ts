/** What Node.js says of a failed system call: `ENOENT: no such file or directory, open '/a'`. */
const ofFiles = /^(E[A-Z0-9]+): (.+?)(?:, (\w+)(?: '([^]*?)'(?: -> '([^]*)')?)?)?$/;
/** And of sockets: `listen EADDRINUSE: address already in use /a`, `connect ECONNREFUSED /a`. */
const ofSockets = /^(connect|listen|bind) (E[A-Z0-9]+)(?:: ([^/]+?))?(?: ([^ ]+))?$/;

/** What a system call is for; one that is not here is told by its name. */
const verbs: Readonly<Record<string, string>> = {
  access: 'look at',
  bind: 'listen at',
  chmod: 'change the mode of',
  chown: 'change the owner of',
  connect: 'connect to',
  copyfile: 'copy',
  link: 'link',
  listen: 'listen at',
  lstat: 'look at',
  mkdir: 'make the folder',
  open: 'open',
  opendir: 'look into',
  read: 'read',
  readlink: 'look at',
  realpath: 'look at',
  rename: 'rename',
  rmdir: 'remove the folder',
  scandir: 'look into',
  stat: 'look at',
  symlink: 'link',
  unlink: 'remove',
  watch: 'watch',
  write: 'write',
  writev: 'write',
};

interface Failure {
  readonly reason: string;
  readonly call?: string | undefined;
  readonly path?: string | undefined;
  readonly other?: string | undefined;
}

function failureIn(message: string): Failure | undefined {
  const [, code, words = '', call, path, other] = ofFiles.exec(message) ?? [];
  if (code !== undefined) return { reason: `${words} (${code})`, call, path, other };
  const [, socketCall, socketCode, socketWords, place] = ofSockets.exec(message) ?? [];
  if (socketCall === undefined) return undefined;
  const reason = socketWords === undefined ? `${socketCode}` : `${socketWords} (${socketCode})`;
  return { reason, call: socketCall, path: place };
}

/** Not by instanceof: an error of another realm has its message as well. */
const messageOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string'
    ? error.message
    : String(error);

/** An error in plain words; of a system call, what could not be done, and why: `cannot open /a: permission denied (EACCES)`. */
export function errorWords(error: unknown): string {
  const message = messageOf(error);
  const { reason, call, path, other } = failureIn(message) ?? {};
  if (reason === undefined) return message;
  if (call === undefined) return reason;
  const verb = verbs[call] ?? `${call}(2)`;
  const objects = [path, other].filter((each) => each !== undefined).join(' to ');
  return `cannot ${objects === '' ? verb.replace(/ (?:the folder|of|at|to|into)$/, '') : `${verb} ${objects}`}: ${reason}`;
}

/** The same without what could not be done, for who says that: `permission denied (EACCES)`. */
export function errorReason(error: unknown): string {
  const message = messageOf(error);
  return failureIn(message)?.reason ?? message;
}
