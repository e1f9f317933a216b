import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { Problem } from '../../src/base/problem.js';
import type { Accounts } from '../../src/manager/accounts/accounts.js';
import type { Manager } from '../../src/manager/manager.js';
import type { ManagerEvent } from '../../src/manager/manager-events.js';
import { inPlace, smallVm, type Place } from '../e2e/support/place.js';
import { failingFiles } from '../support/failing-files.js';

// All that follows is loaded with these in the place of node:fs.
const files = failingFiles();
const { ProblemsError } = await import('../../src/base/problem.js');
const { systemClock } = await import('../../src/host/clock.js');
const { openAccounts } = await import('../../src/manager/accounts/accounts.js');
const { createManager } = await import('../../src/manager/create-manager.js');
const { adminOfAll, quickPasswords } = await import('../support/served.js');
const { addSpec, asker } = await import('./support.js');

/** A manager of a place with one VM, which has no bhyve to run in, and the accounts beside it. */
async function open(place: Place, folder: string): Promise<{ manager: Manager; accounts: Accounts }> {
  const manager = await createManager({
    ...{ specs: place.path('specs'), state: folder, runBase: place.runBase, check: false },
    bhyve: [place.path('no-such-program')],
  });
  try {
    const { accounts } = await openAccounts({
      file: `${folder}/accounts.json`,
      initialPasswordFile: `${folder}/initial-password`,
      clock: systemClock,
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
  readonly told: readonly Problem[];
}

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
  return { start: start.id, isMade: made.ok, isUser, told: refusals };
}

/** What the next manager finds. */
async function found(place: Place, folder: string) {
  const { manager, accounts } = await open(place, folder);
  const result = {
    wanted: manager.vm(place.name)?.wanted,
    operations: manager.operations.list(),
    isMade: manager.vm('made') !== undefined,
    isUser: accounts.users().some(({ name }) => name === 'anna'),
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
        if (answers.isUser || calls[0] !== 'fsync') expect([at, next.isUser]).toEqual([at, answers.isUser]);

        // Each file is whole, and the next manager begins; what it may not know was told.
        for (const name of readdirSync(`${folder}-killed`, { recursive: true, encoding: 'utf8' })) {
          if (/(^|\/)[^.][^/]*\.json$/.test(name)) JSON.parse(readFileSync(`${folder}-killed/${name}`, 'utf8'));
        }
        const heir = await found(place, `${folder}-killed`);
        expect([at, heir.warnings]).toEqual([at, []]);
        if (answers.isMade) expect([at, heir.isMade]).toEqual([at, true]);
        if (answers.isUser) expect([at, heir.isUser]).toEqual([at, true]);
        if (warnings.every(({ message }) => !message.includes('/vms/'))) expect(heir.wanted).toMatchObject(stopped);
      }
      expect(new Set(failed)).toEqual(new Set(['open', 'write', 'fsync', 'rename', 'unlink']));
    });
  },
);

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
