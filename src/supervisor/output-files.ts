import path from 'node:path';
import type { Problem } from '../base/problem.js';
import { shown } from '../base/text.js';
import { isExecutable } from '../host/process/program.js';
import { followPath, givenByShell } from '../host/files/trust.js';
import { runLockFile } from '../host/run-directory/run-files.js';
import { identityOfFile, keyOfDescriptor, type FileIdentity } from '../host/files/file-identity.js';
import type { NamedFile } from '../machine/named-files.js';

/** A file that a run is asked to write. */
export interface OutputFile {
  /** As whoever asks says it: `--log`, `pidFile`. */
  readonly option: string;
  readonly path: string;
  /** Locked and emptied, so that nothing but a file of its own will do; else lines are added to what it is. */
  readonly isPidFile?: true;
}

/** What those files may not be. */
interface Surroundings {
  /** Relative paths start here. */
  readonly folder: string;
  /** What the machines name, and what else is not to be written: the spec, its lock file. */
  readonly named: Iterable<NamedFile>;
  /** The VM's own, in the folder of all of them. */
  readonly runDirectory?: string;
  /** The spec is read from standard input. */
  readonly isSpecInput?: boolean;
}

/**
 * Finds the outputs of a run that would write into what something else needs: a disk, a device, the spec, another
 * output. Only looks; told by what the paths lead to, since a link or another spelling is the same file.
 */
export function outputProblems(outputs: readonly OutputFile[], surroundings: Surroundings): readonly Problem[] {
  const { folder, named, isSpecInput } = surroundings;
  const wanted = outputs.map((output) => ({ ...output, ...identityOfFile(output.path, folder) }));
  const owners = new Map<string, NamedFile>();
  const keys = new Set(wanted.map(({ key }) => key));
  const peers = new Set(wanted.flatMap(({ resolved }) => nullModemPeer(resolved) ?? []));
  for (const file of named) {
    const { key, resolved } = identityOfFile(file.path, folder);
    if (peers.has(resolved) && !owners.has(resolved)) owners.set(resolved, file);
    if (!keys.has(key) || owners.has(key) || (file.isArgument === true && !isExecutable(resolved))) continue;
    owners.set(key, file);
  }
  const input = isSpecInput === true ? keyOfDescriptor(0) : undefined;
  if (input !== undefined) owners.set(input, { path: 'standard input', owner: 'the spec' });
  const seen = new Map<string, Output>();
  return wanted.flatMap((output) => {
    const found = objection(output, owners, surroundings) ?? sharedWith(output, seen.get(output.key));
    if (!seen.has(output.key)) seen.set(output.key, output);
    return found === undefined ? [] : [problem(output, found)];
  });
}

interface Output extends OutputFile, FileIdentity {}

/** Why an output must not be written, and what to do instead of the usual. */
interface Objection {
  readonly why: string;
  readonly fix?: string;
}

function problem({ option, path: file }: OutputFile, { why, fix }: Objection): Problem {
  const message = `${option} ${quoted(file)}: ${why}`;
  return { code: 'output-file', severity: 'error', message, fix: fix ?? 'name a file that nothing else uses' };
}

/** As it was typed, where a terminal can show that. */
const quoted = (file: string): string => (/^[ -~]+$/.test(file) ? file : shown(file));

function objection(
  output: Output,
  owners: ReadonlyMap<string, NamedFile>,
  { runDirectory, folder }: Surroundings,
): Objection | undefined {
  const owner = owners.get(output.key);
  if (owner !== undefined) {
    const known = owner.path === output.path ? '' : `it is ${quoted(owner.path)}, `;
    return { why: `${known}${known === '' ? 'this file' : 'which'} ${usedBy(owner)}` };
  }
  const peer = owners.get(nullModemPeer(output.resolved) ?? '');
  if (peer !== undefined) {
    return { why: `it is the other end of ${peer.path}, and what is written there the guest takes for typed` };
  }
  const strange = strangeDevice(output) ?? astray(output, folder);
  if (strange !== undefined) return strange;
  return runDirectory === undefined ? undefined : inRunDirectory(output, runDirectory, folder);
}

const usedBy = ({ owner }: NamedFile): string =>
  owner.startsWith('the ') ? `is ${owner}` : `is used by the VM: ${owner}`;

/** The other end of a null modem: nmdm(4). */
function nullModemPeer(file: string): string | undefined {
  const [, stem, end] = /^(\/dev\/nmdm.+)([AB])$/.exec(file) ?? [];
  return stem === undefined ? undefined : `${stem}${end === 'A' ? 'B' : 'A'}`;
}

/** Devices that lose nothing by a line: terminals, null and its like, what a shell opened for us. */
const harmlessDevices =
  /^\/dev\/(?:null|zero|full|console|tty\w*|cua[\w.]*|nmdm\w+|pts\/\w+|fd\/\d+|std(?:in|out|err))$|^\/proc\/\w+\/fd\/\d+$/;

/** On FreeBSD a disk is a character device, as a terminal is, so they are told by their names. */
function strangeDevice({ stats, resolved, option, isPidFile }: Output): Objection | undefined {
  const isBlock = stats?.isBlockDevice() === true;
  if (!isBlock && stats?.isCharacterDevice() !== true) return undefined;
  if (isPidFile === true) return { why: 'it is a device, and a pid goes into a file' };
  if (!isBlock && harmlessDevices.test(resolved)) return undefined;
  const fix = `name a file, a FIFO, a terminal, or /dev/null after ${option}`;
  return { why: `it is a ${isBlock ? 'block ' : ''}device, which lines of text may destroy`, fix };
}

/** Others could have it lead to any file, now or later, or have what is written in a file of theirs. */
function astray({ path: file, stats, option }: Output, folder: string): Objection | undefined {
  if (givenByShell.test(file)) return undefined;
  try {
    const { doubt } = followPath(path.isAbsolute(file) ? file : `${folder}/${file}`);
    if (doubt !== undefined) {
      const fix = `take that right from others (chmod go-w, chown), or name a file after ${option} that only you can replace`;
      return { why: `${doubt.path} ${doubt.why}, who could have it lead to any file`, fix };
    }
  } catch {
    // What keeps us from looking is told when the file is opened.
    return undefined;
  }
  const names = stats?.isFile() === true ? Number(stats.nlink) : 1;
  return names === 1
    ? undefined
    : { why: `it has ${names} names: what is written there would be in another file, too` };
}

/** What a run keeps in its directory, and may remove at any time; what another one keeps in its own. */
function inRunDirectory({ resolved, key }: Output, runDirectory: string, folder: string): Objection | undefined {
  const keyAt = (file: string): string => identityOfFile(file, folder).key;
  const own = keyAt(runDirectory);
  if (key === own) return { why: 'it is the run directory of the VM' };
  const parent = path.dirname(resolved);
  if (keyAt(parent) === own) return { why: 'it is in the run directory of the VM, which a run makes and removes' };
  const isBeside = keyAt(path.dirname(parent)) === keyAt(path.dirname(runDirectory));
  const isRunDirectory = isBeside && identityOfFile(runLockFile, parent).stats !== undefined;
  return isRunDirectory ? { why: `it is in the run directory of ${path.basename(parent)}` } : undefined;
}

/** One stream may take several outputs, a file is for one: their lines would meet. */
function sharedWith(output: Output, first: Output | undefined): Objection | undefined {
  if (first === undefined) return undefined;
  const isStream = (each: Output): boolean =>
    each.isPidFile !== true && (givenByShell.test(each.path) || (each.stats !== undefined && !each.stats.isFile()));
  if (isStream(output) && isStream(first)) return undefined;
  return { why: `${first.option} writes to the same file`, fix: 'name a file of its own for each' };
}
