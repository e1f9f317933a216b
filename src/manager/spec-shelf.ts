import path from 'node:path';
import { errorWords } from '../base/error-words.js';
import { groupBy } from '../base/group-by.js';
import { ProblemsError, type Problem } from '../base/problem.js';
import { isVmName } from '../base/vm-name.js';
import type { Clock } from '../host/clock.js';
import { specFormats } from '../spec/parse-spec.js';
import { formatIdentity } from '../machine/identity-text.js';
import type { KeptSpec } from '../supervisor/kept-spec.js';
import type { KeptRecords } from './kept-records.js';
import {
  isSpecFile,
  loadKept,
  readSpecFile,
  specFilesOf,
  type LoadedText,
  type SpecFile,
  type SpecReading,
} from './spec-file.js';

/** The specs of a VM's name: as a rule one file, and what it said last without problems. */
export interface Shelved {
  readonly name: string;
  /** More than one have the name, and none of them is booted. */
  readonly files: readonly SpecFile[];
  readonly accepted: LoadedText | undefined;
  /** Of its files as they are now. */
  readonly problems: readonly Problem[];
}

/** What a look has found: names of VMs. */
export interface Looked {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Of files without a name, and of the folder. */
  readonly problems: readonly Problem[];
}

/** The specs of two folders by the names of their VMs. */
export interface SpecShelf {
  readonly get: (name: string) => Shelved | undefined;
  readonly names: () => readonly string[];
  /** Reads all files. */
  readonly look: () => Promise<Looked>;
  /** Reads the files of one VM, or one that was written just now; quick. */
  readonly lookAt: (files: readonly string[]) => Promise<Looked>;
  /** The spec of the next boot. @throws ProblemsError why there is none */
  readonly bootable: (name: string) => LoadedText;
  /** That VM goes on without a file; what it was accepted with, or runs with, stays. @returns false where neither is known */
  readonly keepLost: (name: string, running: KeptSpec | undefined) => Promise<boolean>;
  /** Forgets what was kept of VMs that are gone. */
  readonly tidy: () => void;
  /** Nothing runs of it any more. @returns whether it was lost, and is forgotten now */
  readonly forget: (name: string) => boolean;
}

export interface ShelfOptions extends SpecReading {
  /** An admin's, and our own. */
  readonly folders: { readonly specs: string; readonly own: string };
  readonly records: KeptRecords;
  readonly clock: Clock;
  /** It runs, or is about to: it stays when its file is gone. */
  readonly isInUse: (name: string) => boolean;
  readonly onDamaged: (name: string, problem: Problem) => void;
}

const acceptedFolder = 'accepted';
const longestTurnMs = 10;

export function specShelf({ folders, records, clock, isInUse, onDamaged, ...reading }: ShelfOptions): SpecShelf {
  let files: ReadonlyMap<string, SpecFile> = new Map();
  let shelved: ReadonlyMap<string, Shelved> = new Map();
  const accepted = new Map<string, LoadedText>();
  /** Of VMs that run and have no file. */
  const lost = new Set<string>();
  let last: Promise<unknown> = Promise.resolve();

  const keptName = (name: string): string => `${acceptedFolder}/${name}`;
  const isOurs = (file: string): boolean => path.dirname(file) === folders.own;

  /** One look at a time: two that go on at once would each forget what the other has found. */
  function inTurn<T>(look: () => Promise<T>): Promise<T> {
    const turn = last.then(look);
    last = turn.catch(() => undefined);
    return turn;
  }

  async function lookAll(): Promise<Looked> {
    const found = new Map<string, SpecFile>();
    const breathe = pacer(clock);
    const troubles: Problem[] = [];
    for (const folder of [folders.specs, folders.own]) {
      try {
        for (const file of specFilesOf(folder)) {
          const read = await readSpecFile(file, isOurs(file), files.get(file), reading);
          if (read !== undefined) found.set(file, read);
          await breathe();
        }
      } catch (error) {
        troubles.push(unreadableFolder(folder, error));
        // What was known of it still holds.
        for (const [file, before] of files) if (path.dirname(file) === folder) found.set(file, before);
      }
    }
    return settle(found, troubles);
  }

  async function lookAtSome(some: readonly string[]): Promise<Looked> {
    const found = new Map(files);
    for (const file of some) {
      const read = isSpecFile(file) ? await readSpecFile(file, isOurs(file), files.get(file), reading) : undefined;
      if (read !== undefined) found.set(file, read);
      else if (found.delete(file)) for (const renamed of await newNamesOf(file)) found.set(renamed.file, renamed);
    }
    return settle(found, []);
  }

  /** A file that is gone may have another name now: it is that of the same VM. What else is new is for a reload. */
  async function newNamesOf(gone: string): Promise<readonly SpecFile[]> {
    const name = files.get(gone)?.name;
    if (name === undefined) return [];
    const unknown = specFilesOf(path.dirname(gone)).filter((file) => !files.has(file));
    const read = await Promise.all(unknown.map((file) => readSpecFile(file, isOurs(file), undefined, reading)));
    return read.filter((each) => each !== undefined).filter((each) => each.name === name);
  }

  async function settle(found: ReadonlyMap<string, SpecFile>, troubles: readonly Problem[]): Promise<Looked> {
    const before = { files, shelved };
    const byName = groupBy(
      [...found.values()].filter(({ name }) => name !== undefined),
      ({ name = '' }) => name,
    );
    const next = new Map<string, Shelved>();
    for (const [name, own] of byName) {
      await accept(name, own);
      next.set(name, shelve(name, own));
    }
    for (const name of before.shelved.keys()) if (!next.has(name) && isInUse(name)) lost.add(name);
    for (const name of lost) {
      if (next.has(name)) lost.delete(name);
      else next.set(name, shelve(name, []));
    }
    for (const name of accepted.keys()) if (!next.has(name)) drop(name);
    files = found;
    shelved = next;
    const isSame = (name: string): boolean => {
      const [was, is] = [before.shelved.get(name)?.files ?? [], next.get(name)?.files ?? []];
      return was.length === is.length && was.every((file, index) => file === is[index]);
    };
    return {
      added: [...next.keys()].filter((name) => !before.shelved.has(name)),
      changed: [...next.keys()].filter((name) => before.shelved.has(name) && !isSame(name)),
      removed: [...before.shelved.keys()].filter((name) => !next.has(name)),
      problems: [
        ...troubles,
        ...[...found.values()].filter(({ name }) => name === undefined).flatMap(({ problems }) => problems),
        ...[...next.values()].flatMap(({ problems }) => problems),
      ],
    };
  }

  /** What was accepted before stays where the file is not good any more. */
  async function accept(name: string, own: readonly SpecFile[]): Promise<void> {
    const [only, ...others] = own;
    const loaded = others.length === 0 ? only?.loaded : undefined;
    if (!accepted.has(name)) {
      const kept = await readKept(name, loaded);
      if (kept !== undefined) accepted.set(name, kept);
    }
    const before = accepted.get(name);
    if (loaded === undefined || before?.spec === loaded.spec) return;
    accepted.set(name, loaded);
    if (before !== undefined && isSameText(before, loaded)) return;
    const { file, format, text, lock } = loaded;
    records.keepSoon(keptName(name), { file, format, text, ...(lock === undefined ? {} : { lock }) });
  }

  /** @param loaded what its file says: where that is what was kept, it need not be loaded again */
  async function readKept(name: string, loaded: LoadedText | undefined): Promise<LoadedText | undefined> {
    if (!isVmName(name)) return undefined;
    const record = records.read(keptName(name));
    if (record === undefined) return undefined;
    const { file, format, text, lock } = record === 'damaged' ? {} : record;
    const known = specFormats.find((each) => each === format);
    if (typeof file !== 'string' || typeof text !== 'string' || known === undefined) {
      onDamaged(name, damagedSpec(name, records.file(keptName(name))));
      return undefined;
    }
    const kept = { file, format: known, text, lock: typeof lock === 'string' ? lock : undefined };
    if (loaded !== undefined && isSameText(kept, loaded)) return { ...loaded };
    try {
      return await loadKept(kept, reading);
    } catch (error) {
      // An older vmrun has accepted it, and this one does not.
      if (error instanceof ProblemsError) return undefined;
      throw error;
    }
  }

  function drop(name: string): void {
    accepted.delete(name);
    records.drop(keptName(name));
  }

  function shelve(name: string, own: readonly SpecFile[]): Shelved {
    const clash = own.length > 1 ? own.map(({ file }) => twice(name, file, own)) : [];
    const gone = own.length === 0 ? [fileGone(name)] : [];
    const problems = [...clash, ...gone, ...own.flatMap((file) => file.problems)];
    return { name, files: own, accepted: accepted.get(name), problems };
  }

  return {
    get: (name) => shelved.get(name),
    names: () => [...shelved.keys()],
    look: () => inTurn(lookAll),
    lookAt: (some) => inTurn(() => lookAtSome(some)),
    bootable(name) {
      const entry = shelved.get(name);
      if (entry === undefined) throw new ProblemsError('spec', name, [noSpec(name)]);
      const isClash = entry.files.length > 1;
      if (entry.accepted !== undefined && !isClash) return entry.accepted;
      throw new ProblemsError('spec', entry.files[0]?.file ?? name, entry.problems);
    },
    keepLost: (name, running) =>
      inTurn(async () => {
        const kept = (await readKept(name, undefined)) ?? (running && textOfKept(running));
        if (kept === undefined) return false;
        accepted.set(name, kept);
        lost.add(name);
        if (!shelved.has(name)) shelved = new Map([...shelved, [name, shelve(name, [])]]);
        return true;
      }),
    tidy() {
      for (const name of records.names(acceptedFolder)) if (!shelved.has(name)) records.drop(keptName(name));
    },
    forget(name) {
      lost.delete(name);
      const entry = shelved.get(name);
      if (entry === undefined || entry.files.length > 0) return false;
      drop(name);
      shelved = new Map([...shelved].filter(([each]) => each !== name));
      return true;
    },
  };
}

/** A folder of thousands keeps nobody else waiting; nor does it wait for its turn at each file. */
function pacer(clock: Clock): () => Promise<void> {
  let sinceMs = clock.monotonicMs();
  return async () => {
    if (clock.monotonicMs() - sinceMs < longestTurnMs) return;
    await clock.sleep(0);
    sinceMs = clock.monotonicMs();
  };
}

/** What a run was booted with, in place of the text that it was made of. */
const textOfKept = ({ spec, identity }: KeptSpec): LoadedText => ({
  ...{ spec, identity, file: spec.source, format: 'json', text: JSON.stringify(spec.written(), undefined, 2) },
  lock: identity === undefined ? undefined : formatIdentity(identity),
});

const isSameText = (a: Omit<LoadedText, 'spec' | 'identity'>, b: Omit<LoadedText, 'spec' | 'identity'>): boolean =>
  a.text === b.text && a.lock === b.lock && a.format === b.format && a.file === b.file;

const twice = (name: string, file: string, own: readonly SpecFile[]): Problem => ({
  code: 'name-taken',
  severity: 'error',
  message: `${own
    .filter((other) => other.file !== file)
    .map((other) => other.file)
    .join(' and ')} has the name ${JSON.stringify(name)} too, so neither is started`,
  fix: 'rename the VM in one of them, or remove the file',
  place: { file, pointer: '/name' },
});

/** For those who removed it, and wonder why the VM is still there. */
const fileGone = (name: string): Problem => ({
  code: 'file-gone',
  severity: 'warning',
  message: `the file of ${name} is gone: it is forgotten when it stops`,
  fix: `to keep it, put its file back into the folder of specs, then vmrun reload`,
});

const damagedSpec = (name: string, file: string): Problem => ({
  code: 'damaged-state',
  severity: 'warning',
  message: `${file} is damaged: what the spec of ${name} said when it was last good is not known any more`,
  fix: `what its file says now is all that there is: see that it has no problems`,
});

const noSpec = (name: string): Problem => ({
  code: 'no-spec',
  severity: 'error',
  message: `there is no spec of ${name} any more`,
  fix: 'put its file back into the folder of specs',
});

function unreadableFolder(folder: string, error: unknown): Problem {
  const message = errorWords(error);
  return {
    code: 'specs-folder',
    severity: 'error',
    message: `the folder of specs ${folder} cannot be read: ${message}`,
    fix: 'let the user who runs the manager read it; what was known of it still holds',
  };
}
