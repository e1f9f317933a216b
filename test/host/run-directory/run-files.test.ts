import { describe, expect, test } from '@jest/globals';
import { forceIn, holderWords, isSigned, noteIn, supervisorIn } from '../../../src/host/run-directory/run-files.js';
import { stateIn } from '../../../src/host/run-directory/run-state.js';

const self = process.pid;
const since = 'since 2026-01-01T00:00:00.000Z';
const state = { version: 1, name: 'vm', supervisor: self, since: '' };

describe('what a run has written down', () => {
  test.each<[text: string, pid: number | undefined]>([
    ['bhyve 4711 3 disk\n', 4711],
    ['loader 4711 1 a target\n', 4711],
    ['bhyve 0 3 disk\n', undefined],
    ['bhyve -1 3 disk\n', undefined],
    [`bhyve ${'9'.repeat(400)} 3 disk\n`, undefined],
    [`bhyve 4711 ${'9'.repeat(400)} disk\n`, undefined],
    ['bhyve 4711 3', undefined],
    ['', undefined],
  ])('names one process, or none: the note %j', (text, pid) => {
    expect(noteIn(text)?.pid).toBe(pid);
  });

  test.each<[heldBy: string, pid: number | undefined, said: boolean]>([
    [`process ${self} ${since}`, self, true],
    // To kill(2) it is the group of the one who asks, which is always there.
    [`process 0 ${since}`, undefined, true],
    [`process ${'9'.repeat(400)} ${since}`, undefined, true],
    [`process ${2 ** 32 + self} ${since}`, undefined, false],
    ['somebody', undefined, true],
    ['', undefined, false],
  ])('names one process, or none: the lock %j', (heldBy, pid, said) => {
    expect([supervisorIn(heldBy), isSigned(heldBy)]).toEqual([pid, said]);
  });

  test.each<['power-off' | 'kill' | undefined]>([['power-off'], ['kill'], [undefined]])(
    'says in the lock and in the state how the guest is ended by force: %s',
    (forced) => {
      const words = holderWords(self, '2026-01-01T00:00:00.000Z', { forced });
      expect([supervisorIn(words), isSigned(words), forceIn(words), forceIn(`${words}\n`)]).toEqual([
        self,
        true,
        forced,
        forced,
      ]);
      expect(stateIn(JSON.stringify({ ...state, forced }))?.forced).toBe(forced);
    },
  );

  test.each(['', 'process 4711, vmrun stop', `process ${self} ${since}, ending it by force: magic`])(
    'tells of no force that is not there: %j',
    (words) => {
      expect(forceIn(words)).toBeUndefined();
    },
  );

  test.each<[written: string, stopTimeoutMs: number | undefined]>([
    ['90000', 90000],
    ['0', 0],
    ['1e999', undefined],
    ['-1', undefined],
    ['"90000"', undefined],
  ])('has a time that can be waited for, or none: %s ms', (written, stopTimeoutMs) => {
    const text = JSON.stringify({ ...state, stopTimeoutMs: 'x' }).replace('"x"', written);
    expect(stateIn(text)?.stopTimeoutMs).toBe(stopTimeoutMs);
  });
});
