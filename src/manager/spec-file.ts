import { createHash } from 'node:crypto';
import path from 'node:path';
import { problemKey, ProblemsError, type Problem } from '../base/problem.js';
import { isVmName } from '../base/vm-name.js';
import type { Platform } from '../devices/device.js';
import { filesOfFolder, hasFile } from '../host/files/folder-files.js';
import { hasEntry } from '../host/files/has-entry.js';
import type { Identity } from '../machine/identity.js';
import { formatIdentity, readIdentity } from '../machine/identity-text.js';
import { loadTextWithLock, type LoadedWithLock } from '../report/load-with-lock.js';
import { lockFileFor } from '../report/lock-file.js';
import { loadSpec } from '../report/load-spec.js';
import { withForecast } from '../report/with-forecast.js';
import { parseSpec, type Spec, type SpecFormat } from '../spec/parse-spec.js';
import { formatOfFile, readSpec, specExtensions, specTextOf } from '../spec/read.js';

/** A spec without problems, with the text that it was made of. */
export interface LoadedText {
  readonly spec: Spec;
  readonly identity: Identity | undefined;
  readonly file: string;
  readonly format: SpecFormat;
  readonly text: string;
  /** Of its lock file. */
  readonly lock: string | undefined;
}

/** A file of a folder of specs, as it was when it was read. */
export interface SpecFile {
  readonly file: string;
  readonly isOurs: boolean;
  /** Undefined where it cannot be read. */
  readonly text: string | undefined;
  readonly lock: string | undefined;
  /** Of the VM; undefined where nobody knows whose spec it is. */
  readonly name: string | undefined;
  /** Undefined where it has errors. */
  readonly loaded: LoadedText | undefined;
  readonly problems: readonly Problem[];
}

export interface SpecReading {
  readonly hostBhyve: Partial<Platform>;
  /** How grave it is what bhyve will refuse: another one than the system's may take it. */
  readonly severity: Problem['severity'];
}

/** Relative names in a spec of a folder start at the spec, wherever the manager was started. */
const workingDirectory = '/';

/** The files of a folder that are to hold specs: by their extension, and no lock files. @throws the error of the system call */
export const specFilesOf = (folder: string): readonly string[] => filesOfFolder(folder).filter(isNameOfSpec);

/** Whether a file is one of those of its folder. */
export const isSpecFile = (file: string): boolean => isNameOfSpec(file) && hasFile(file);

/** What an editor leaves begins with a dot or #, or ends otherwise. */
function isNameOfSpec(file: string): boolean {
  const name = path.basename(file).toLowerCase();
  return !/^[.#]/.test(name) && specExtensions.includes(path.extname(name)) && !name.endsWith('.lock.json');
}

/** Changes with each byte of a text. */
export const etagOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Reads a file and loads what it says; what was read before is not loaded again.
 * @param before the same file, as it was read last
 * @returns undefined where it is gone by now
 */
export async function readSpecFile(
  file: string,
  isOurs: boolean,
  before: SpecFile | undefined,
  reading: SpecReading,
): Promise<SpecFile | undefined> {
  const unread = { file, isOurs, text: undefined, lock: undefined, loaded: undefined };
  const nameBefore = before?.name ?? nameOfFile(file);
  let text: string;
  let lock: string | undefined;
  try {
    ({ text } = readSpec(file, { workingDirectory, isRegular: true }));
    const found = await lockFileFor({ config: file }, { workingDirectory });
    lock = found === undefined ? undefined : formatIdentity(found.identity);
  } catch (error) {
    const problems = problemsOf(error);
    if (!hasEntry(file)) return undefined;
    const isSame = before !== undefined && before.text === undefined && sameWords(before.problems, problems);
    return isSame ? before : { ...unread, name: nameBefore, problems };
  }
  if (before?.text === text && before.lock === lock) return before;
  try {
    const loaded = await loadText(file, text, reading);
    const { spec, warnings, locked } = loaded;
    const own = locked === undefined ? undefined : formatIdentity(locked.identity);
    return {
      ...{ file, isOurs, text, lock: own, name: spec.name, problems: warnings },
      loaded: { spec, identity: locked?.identity, file, format: formatOfFile(file), text, lock: own },
    };
  } catch (error) {
    const name = (await nameIn(file, text)) ?? nameBefore;
    return { ...unread, text, lock, name, problems: problemsOf(error) };
  }
}

/** Loads a spec that is, or is to be, in a file. @throws ProblemsError */
export async function loadText(
  file: string,
  text: string,
  { hostBhyve, severity }: SpecReading,
): Promise<LoadedWithLock> {
  const options = { workingDirectory, hostBhyve, foresee: { severity } };
  const loaded = await loadTextWithLock(specTextOf(file, text, options), { config: file }, options);
  return withForecast(loaded, options);
}

/** Loads what was kept of a spec that was without problems when it was read. @throws ProblemsError */
export async function loadKept(
  { file, format, text, lock }: Omit<LoadedText, 'spec' | 'identity'>,
  { hostBhyve }: SpecReading,
): Promise<LoadedText> {
  const read = lock === undefined ? undefined : readIdentity(lock, file);
  const identity = read?.ok === true ? read.value : undefined;
  const { spec } = await loadSpec(specTextOf(file, text, { workingDirectory, format }), { ...hostBhyve, identity });
  return { spec, identity, file, format, text, lock };
}

/** What a spec with mistakes calls its VM. */
async function nameIn(file: string, text: string): Promise<string | undefined> {
  const parsed = await parseSpec(specTextOf(file, text, { workingDirectory }));
  return parsed.ok && isVmName(parsed.spec.name) ? parsed.spec.name : undefined;
}

function nameOfFile(file: string): string | undefined {
  const name = path.basename(file, path.extname(file));
  return isVmName(name) ? name : undefined;
}

const sameWords = (a: readonly Problem[], b: readonly Problem[]): boolean =>
  a.map(problemKey).join() === b.map(problemKey).join();

/** Each with its file, since many are told at once: the spec's or that of its lock. @throws what is no problem */
function problemsOf(error: unknown): readonly Problem[] {
  if (!(error instanceof ProblemsError)) throw error;
  const { source, problems } = error;
  return problems.map((problem) => ({ place: { file: source, pointer: '' }, ...problem }));
}
