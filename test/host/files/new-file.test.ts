import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { loadIdentity } from '../../../src/host/files/identity-file.js';
import { replaceFile, writeNewFile } from '../../../src/host/files/new-file.js';
import { inPlace, type Place } from '../../e2e/support/place.js';

const made: readonly (readonly [what: string, make: (file: string) => void])[] = [
  ['a pipe', (file) => execFileSync('mkfifo', [file])],
  [
    'a directory',
    (file) => {
      mkdirSync(file);
    },
  ],
];

const listed = ({ folder }: Place): readonly string[] => readdirSync(folder).sort();

describe('a file that is replaced', () => {
  test('keeps its mode, and a link to it stays one', async () => {
    await inPlace((place) => {
      const file = place.write('spec', 'old', 0o640);
      symlinkSync('spec', place.path('link'));
      const before = listed(place);
      replaceFile(place.path('link'), 'new');
      expect(readFileSync(file, 'utf8')).toBe('new');
      expect(statSync(file).mode & 0o777).toBe(0o640);
      expect(listed(place)).toEqual(before);
      return Promise.resolve();
    });
  });

  test.each(made)('is no %s: that stays as it is', async (_what, make) => {
    await inPlace((place) => {
      make(place.path('strange'));
      const before = [listed(place), statSync(place.path('strange')).mode];
      expect(() => {
        replaceFile(place.path('strange'), 'new');
      }).toThrow(expect.objectContaining({ code: 'EFTYPE' }));
      expect([listed(place), statSync(place.path('strange')).mode]).toEqual(before);
      return Promise.resolve();
    });
  });
});

test('a new file is written only where there is none', async () => {
  await inPlace((place) => {
    writeNewFile(place.path('spec'), 'first');
    expect(() => {
      writeNewFile(place.path('spec'), 'second');
    }).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    expect(readFileSync(place.path('spec'), 'utf8')).toBe('first');
    return Promise.resolve();
  });
});

test.each(made)('a lock file that is %s is refused without reading from it', async (_what, make) => {
  await inPlace((place) => {
    make(place.path('vm.lock.json'));
    expect(() => loadIdentity('vm.lock.json', place.folder)).toThrow(expect.objectContaining({ kind: 'unreadable' }));
    return Promise.resolve();
  });
});
