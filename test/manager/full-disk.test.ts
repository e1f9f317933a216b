import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { expect, jest, test } from '@jest/globals';
import type { Problem } from '../../src/base/problem.js';
import type { Accounts } from '../../src/manager/accounts/accounts.js';
import type { Manager } from '../../src/manager/manager.js';
import type { ManagerEvent } from '../../src/manager/manager-events.js';
import { inPlace, smallVm, type Place } from '../e2e/support/place.js';
import { failingFiles } from '../support/failing-files.js';

// All that follows is loaded with these in the place of node:fs.
const files = failingFiles();
const { closeSync, constants, fstatSync, openSync } = await import('node:fs');
const flock = await import('../../src/host/files/flock.js');
/** What each descriptor has locked. */
const locked = new Map<number, string>();
const fileOf = (descriptor: number): string => {
  try {
    const { dev, ino } = fstatSync(descriptor);
    return `${dev}:${ino}`;
  } catch {
    return ''; // it is closed
  }
};
// Locks of this process alone: those of the kernel take two processes each here, most of what hundreds of managers cost.
jest.unstable_mockModule('../../src/host/files/flock.js', () => ({
  ...flock,
  openLocked: (file: string, flags: number) => {
    const descriptor = openSync(file, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
    // Its number is that of a file that was closed.
    locked.delete(descriptor);
    for (const [other, what] of locked) if (fileOf(other) !== what) locked.delete(other);
    if ([...locked.values()].includes(fileOf(descriptor))) {
      closeSync(descriptor);
      return undefined;
    }
    locked.set(descriptor, fileOf(descriptor));
    return descriptor;
  },
}));
const { ProblemsError } = await import('../../src/base/problem.js');
const { openAccounts } = await import('../../src/manager/accounts/accounts.js');
const { createManager } = await import('../../src/manager/create-manager.js');
const { steppedClock, steppedHost } = await import('../support/stepped-clock.js');
const { adminOfAll, quickPasswords } = await import('../support/served.js');
const { addSpec, asker } = await import('./support.js');

/** A manager of a place with one VM, which has no bhyve to run in, and the accounts beside it. */
async function open(place: Place, folder: string): Promise<{ manager: Manager; accounts: Accounts }> {
  // Nothing is tried again by itself, however long a step takes.
  const clock = steppedClock();
  const manager = await createManager({
    host: steppedHost(clock),
    ...{ specs: place.path('specs'), state: folder, runBase: place.runBase, check: false },
    bhyve: [place.path('no-such-program')],
  });
  try {
    const { accounts } = await openAccounts({
      file: `${folder}/accounts.json`,
      initialPasswordFile: `${folder}/initial-password`,
      clock,
      passwords: quickPasswords(),
    });
    return { manager, accounts };
  } catch (error) {
    await manager.end({ kind: 'stop', budgetMs: 0 });
    throw error;
  }
}

interface Answers {
  /** The operation of the start. */
  readonly start: string;
  readonly isMade: boolean;
  readonly isUser: boolean;
  /** Whom this manager lets in from now on. */
  readonly users: readonly string[];
  readonly told: readonly Problem[];
}

const namesOf = (accounts: Accounts): readonly string[] => accounts.users().map(({ name }) => name);

/** Asks for one thing after the other. @returns what was answered */
async function askAll({ manager, accounts }: { manager: Manager; accounts: Accounts }, vm: string): Promise<Answers> {
  const refusals: Problem[] = [];
  const start = manager.start(vm, {}, asker);
  await manager.operations.ended(start.id);
  const made = await manager.writeSpec({ text: JSON.stringify(smallVm('made')), ifMatch: 'none' }, asker);
  if (!made.ok) refusals.push(...made.problems);
  manager.stop(vm, {}, asker);
  const isUser = await accounts.addUser({ name: 'anna', password: 'a good one', grants: adminOfAll }).then(
    () => true,
    (error: unknown) => {
      if (!(error instanceof ProblemsError)) throw error;
      refusals.push(...error.problems);
      return false;
    },
  );
  return { start: start.id, isMade: made.ok, isUser, users: namesOf(accounts), told: refusals };
}

/** What the next manager finds. */
async function found(place: Place, folder: string) {
  const { manager, accounts } = await open(place, folder);
  const result = {
    wanted: manager.vm(place.name)?.wanted,
    operations: manager.operations.list(),
    isMade: manager.vm('made') !== undefined,
    users: namesOf(accounts),
    warnings: await warningsUntilEnd(manager),
  };
  return result;
}

async function warningsUntilEnd(manager: Manager): Promise<readonly Problem[]> {
  const events = manager.events.subscribe({ fromFirst: true });
  await manager.end({ kind: 'stop', budgetMs: 0 });
  const all: ManagerEvent[] = [];
  for await (const event of events) all.push(event);
  return all.flatMap((event) => (event.kind === 'warning' ? [event.problem] : []));
}

const stopped = { state: 'stopped', by: 'test' };

test.each([
  ['one call fails', { isSticky: false }],
  ['it stays full until the end', { isSticky: true }],
])(
  'a disk that is full at any write, where %s, loses nothing that was acknowledged, and is told',
  async (_what, how) => {
    await inPlace(async (place) => {
      addSpec(place, place.name);
      const failed: string[] = [];
      for (let nth = 1; ; nth += 1) {
        const folder = place.path(`state-${nth}`);
        const opened = await open(place, folder);
        files.failAt(folder, nth, 'ENOSPC', how);
        const answers = await askAll(opened, place.name);
        // As if the process were killed now.
        cpSync(folder, `${folder}-killed`, { recursive: true });
        const calls = files.mend();
        failed.push(...calls);
        const warnings = await warningsUntilEnd(opened.manager);
        if (calls.length === 0) break;
        const told = [...answers.told, ...warnings];
        const at = `call ${nth}, ${calls[0] ?? ''}`;
        expect([at, told.length > 0]).toEqual([at, true]);
        for (const { code, message, fix } of told) {
          expect([at, code]).toEqual([at, expect.stringMatching(/^not-(kept|written)$/)]);
          expect(`${message}${fix ?? ''}`).toMatch(/no space left on device \(ENOSPC\).*room/);
        }

        const next = await found(place, folder);
        expect([at, next]).toMatchObject([
          at,
          {
            wanted: stopped,
            operations: expect.arrayContaining([expect.objectContaining({ id: answers.start, state: 'failed' })]),
            warnings: [],
          },
        ]);
        // What was refused may be there only where its folder alone could not be synced.
        if (answers.isMade || calls[0] !== 'fsync') expect([at, next.isMade]).toEqual([at, answers.isMade]);
        if (answers.isUser || calls[0] !== 'fsync')
          expect([at, next.users.includes('anna')]).toEqual([at, answers.isUser]);
        // Who was refused and is there all the same is so for both, and the answer has said it.
        expect([at, next.users]).toEqual([at, answers.users]);
        const isDoubtful = next.users.includes('anna') && !answers.isUser;
        const saidSo = answers.told.some(({ message }) => message.includes('which a power cut may undo'));
        expect([at, saidSo]).toEqual([at, isDoubtful]);

        // Each file is whole, and the next manager begins; what it may not know was told.
        for (const name of readdirSync(`${folder}-killed`, { recursive: true, encoding: 'utf8' })) {
          if (/(^|\/)[^.][^/]*\.json$/.test(name)) JSON.parse(readFileSync(`${folder}-killed/${name}`, 'utf8'));
        }
        const heir = await found(place, `${folder}-killed`);
        expect([at, heir.warnings]).toEqual([at, []]);
        if (answers.isMade) expect([at, heir.isMade]).toEqual([at, true]);
        if (answers.isUser) expect([at, heir.users]).toEqual([at, answers.users]);
        if (warnings.every(({ message }) => !message.includes('/vms/'))) expect(heir.wanted).toMatchObject(stopped);
      }
      expect(new Set(failed)).toEqual(new Set(['open', 'write', 'fsync', 'rename', 'unlink']));
    });
  },
);

test('of an account that was changed, and whose folder alone could not be synced, all say the same', async () => {
  await inPlace(async (place) => {
    const outcomes: string[] = [];
    for (let nth = 1; ; nth += 1) {
      const folder = place.path(`state-${nth}`);
      mkdirSync(folder, { mode: 0o700 });
      const options = {
        ...{ file: `${folder}/accounts.json`, initialPasswordFile: `${folder}/initial-password` },
        ...{ clock: steppedClock(), passwords: quickPasswords() },
      };
      const { accounts } = await openAccounts(options);
      files.failAt(folder, nth, 'EIO');
      const said = await accounts.addUser({ name: 'anna', password: 'a good one', grants: adminOfAll }).then(
        () => 'done',
        (error: unknown) => {
          if (!(error instanceof ProblemsError)) throw error;
          return error.problems[0]?.message ?? '';
        },
      );
      const calls = files.mend();
      const { accounts: next } = await openAccounts(options);
      expect([calls, namesOf(next)]).toEqual([calls, namesOf(accounts)]);
      expect(await accounts.verify('anna', 'a good one')).toEqual(await next.verify('anna', 'a good one'));
      if (calls.length === 0) break;
      outcomes.push(`${calls.join()}: ${said.replace(/: .*/, '')}: ${namesOf(accounts).join()}`);
      // Asked for again, it is there, and nothing is in doubt any more.
      accounts.addGroup('root/web');
      const { accounts: last } = await openAccounts(options);
      expect([namesOf(last), last.groups()]).toEqual([namesOf(accounts), ['root', 'root/web']]);
    }
    expect(outcomes).toEqual([
      'open: the accounts cannot be written: root',
      'unlink: the accounts cannot be written: root',
      'open: the accounts cannot be written: root',
      'write: the accounts cannot be written: root',
      'fsync: the accounts cannot be written: root',
      'rename: the accounts cannot be written: root',
      'fsync: the accounts are changed, which a power cut may undo: root,anna',
    ]);
  });
});

test.each(['ENOSPC', 'EROFS', 'EDQUOT', 'EIO'])(
  'a state folder in which nothing can be written (%s) is refused with its name and what to do, or begun all the same',
  async (code) => {
    await inPlace(async (place) => {
      addSpec(place, place.name);
      const codes = new Set<string>();
      for (let nth = 1; ; nth += 1) {
        const folder = place.path(`state-${nth}`);
        files.failAt(folder, nth, code, { isSticky: true });
        const result = await open(place, folder).catch((error: unknown) => error);
        const calls = files.mend();
        if (result instanceof ProblemsError) {
          expect(result.source.startsWith(folder)).toBe(true);
          expect(result.problems[0]?.message).toContain(code);
          expect(result.problems[0]?.fix).toBeTruthy();
          codes.add(result.problems[0]?.code ?? '');
        } else if (result instanceof Error) throw result;
        else await warningsUntilEnd((result as Awaited<ReturnType<typeof open>>).manager);
        if (calls.length === 0) break;
        // It is good again once there is room.
        expect(await found(place, folder)).toMatchObject({ warnings: [], wanted: { state: 'stopped', by: 'nobody' } });
      }
      expect([...codes].sort()).toEqual(['initial-password', 'not-kept', 'state-folder']);
    });
  },
);

test('who asks while the disk is full is told that a later manager will not know of it', async () => {
  await inPlace(async (place) => {
    addSpec(place, place.name);
    const folder = place.path('state');
    mkdirSync(folder, { mode: 0o700 });
    const { manager } = await open(place, folder);
    files.failAt(folder, 1, 'ENOSPC', { isSticky: true });
    const stop = manager.stop(place.name, {}, asker);
    expect(stop).toMatchObject({ state: 'done', problems: [{ code: 'not-kept', severity: 'warning' }] });
    expect(stop.problems[0]?.message).toContain(`vms/${place.name}.json`);
    files.mend();
    await manager.end({ kind: 'stop', budgetMs: 0 });
  });
});

test('a folder that can be read and not written any more is told at each file, and all goes on', async () => {
  await inPlace(async (place) => {
    addSpec(place, place.name);
    const folder = place.path('state');
    mkdirSync(folder, { mode: 0o700 });
    const opened = await open(place, folder);
    files.failAt(folder, 1, 'EROFS', { isSticky: true });
    const { told, isMade, isUser } = await askAll(opened, place.name);
    expect([isMade, isUser]).toEqual([false, false]);
    expect(told.map(({ code }) => code)).toEqual(['not-written', 'not-kept']);
    const warnings = await warningsUntilEnd(opened.manager);
    files.mend();
    for (const name of ['vms', 'operations']) {
      expect(warnings.some(({ message }) => message.includes(`${folder}/${name}/`))).toBe(true);
    }
    for (const { message } of warnings) expect(message).toContain('read-only file system (EROFS)');
  });
});
