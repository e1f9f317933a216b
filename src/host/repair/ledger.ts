import { addAll } from '../../base/long-lists.js';
import { constants, promises as files } from 'node:fs';
import { dirname } from 'node:path';
import { readBounded } from '../../base/bounded-file.js';
import type { Problem } from '../../base/problem.js';
import { shown } from '../../base/text.js';
import { describeSystemError, systemError, type SystemError } from '../errno.js';
import type { Undo } from '../look/findings.js';
import { formatChange, formatSettled, readLedger, type LedgerEntry } from './ledger-lines.js';
import type { RunTool } from '../process/tools.js';
import { refuseOtherNames } from '../files/trust.js';
import { makeUndoer, undoCommand } from './undo.js';

/** What a run has changed on the host, on disk, so that a crash does not lose it. Used by one process at a time. */
export interface Ledger {
  readonly path: string;
  /** Changes that are to be taken back, oldest first; at first those of a run that ended without doing so. */
  readonly entries: () => readonly LedgerEntry[];
  /** To be called before the change is made: the entry is on disk when this resolves. Rejects where it cannot be. */
  readonly record: (undo: Undo) => Promise<number>;
  /** The change was not made after all, or is taken back. */
  readonly settle: (id: number) => Promise<void>;
  /**
   * Takes everything back, last first, and goes on after a failure. What cannot be taken back stays in the ledger and
   * comes back as a warning, as does a line that cannot be read. An empty ledger is removed. Never rejects for what
   * the host looks like.
   */
  readonly undoAll: (host: { readonly run: RunTool }) => Promise<readonly Problem[]>;
}

/**
 * Opens a ledger: JSON lines, mode 0600. The file is made with its first entry.
 * @throws the failed system call, where there is a file that cannot be read
 */
export async function openLedger(path: string): Promise<Ledger> {
  const found = await readExisting(path);
  const entries = new Map(found.entries.map((entry) => [entry.id, entry]));
  let { lastId } = found;
  let isThere = found.isThere;

  async function write(line: string): Promise<void> {
    await append(path, line);
    if (!isThere) await syncFolder(path);
    isThere = true;
  }

  async function settle(id: number): Promise<void> {
    if (entries.delete(id)) await write(formatSettled(id));
  }

  /** What was taken back and cannot be written down is found gone by the next run: no reason to stop. */
  async function tidily(work: Promise<void>): Promise<readonly Problem[]> {
    try {
      await work;
      return [];
    } catch (error) {
      return [notTidy(path, systemError(error))];
    }
  }

  return {
    path,
    entries: () => [...entries.values()],
    settle,
    record: async (undo) => {
      lastId += 1;
      const entry = { id: lastId, undo };
      await write(formatChange(entry));
      entries.set(entry.id, entry);
      return entry.id;
    },
    undoAll: async ({ run }) => {
      const problems = found.unreadable.map((line) => unreadable(path, line));
      const takeBack = makeUndoer(run);
      for (const { id, undo } of [...entries.values()].reverse()) {
        const outcome = await takeBack(undo);
        if (outcome.kind === 'failed') problems.push(notUndone(undo, outcome.error));
        else addAll(problems, await tidily(settle(id)));
      }
      if (problems.length === 0 && isThere) {
        addAll(problems, await tidily(remove(path)));
        isThere = false;
      }
      return problems;
    },
  };
}

const notUndone = (undo: Undo, error: string): Problem => ({
  code: 'undo-failed',
  severity: 'warning',
  message: `a change to this host was not undone: ${error}`,
  fix: `${undoCommand(undo)}; the next run tries it as well`,
});

const notTidy = (path: string, error: SystemError): Problem => ({
  code: 'ledger-write',
  severity: 'warning',
  message: `${path} could not be brought up to date: ${describeSystemError(error)}`,
  fix: 'every change that it names was taken care of; remove the file if it is still there',
});

const unreadable = (path: string, line: string): Problem => ({
  code: 'ledger-line',
  severity: 'warning',
  message: `${path} has a line that does not say what to undo: ${shown(line)}`,
  fix: 'undo by hand what it describes, then remove the file',
});

/** Far more than a run changes. */
const maxBytes = 1024 * 1024;

async function readExisting(path: string) {
  let file;
  try {
    file = await files.open(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemError(error).code !== 'ENOENT') throw error;
    return { entries: [], unreadable: [], lastId: 0, isThere: false };
  }
  try {
    const stats = await file.stat();
    refuseOtherNames(path, stats);
    const content = stats.isFile() ? readBounded(file.fd, { most: maxBytes }) : undefined;
    if (content === undefined) throw Object.assign(new Error(`${path} is not a ledger of vmrun`), { code: 'EFTYPE' });
    const { whole, ...found } = readLedger(content);
    // What a crash cut off was not on disk, so its change was not made; the next line must not stick to it.
    await file.truncate(whole);
    return { ...found, isThere: true };
  } finally {
    await file.close();
  }
}

/** The line is on disk when this resolves. */
async function append(path: string, line: string): Promise<void> {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  const file = await files.open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  try {
    await file.appendFile(line);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A new file is on disk when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await files.open(dirname(path), constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function remove(path: string): Promise<void> {
  try {
    await files.unlink(path);
  } catch (error) {
    if (systemError(error).code !== 'ENOENT') throw error;
  }
}
