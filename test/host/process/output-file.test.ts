import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../src/host/clock.js';
import {
  adoptOutput,
  makeOutput,
  toldName,
  type OutputFile,
  type OutputOptions,
} from '../../../src/host/process/output-file.js';
import { makePrivateFolder, privateFolder, type PrivateFolder } from '../../../src/host/files/private-folder.js';
import { inPlace, until, type Place } from '../../e2e/support/place.js';

const name = 'stderr';

interface Told {
  readonly texts: string[];
  readonly gaps: (number | undefined)[];
  readonly troubles: string[];
}

const telling = () => {
  const told: Told = { texts: [], gaps: [], troubles: [] };
  const options = {
    onText: (text: string): void => void told.texts.push(text),
    onGap: (bytes: number | undefined): void => void told.gaps.push(bytes),
    onTrouble: (error: string): void => void told.troubles.push(error),
    clock: systemClock,
  };
  return { told, options, said: () => told.texts.join('') };
};

function folderIn({ runBase, name: vm }: Pick<Place, 'runBase' | 'name'>): PrivateFolder {
  const folder = path.join(runBase, vm);
  makePrivateFolder(runBase, folder);
  return privateFolder(runBase, folder);
}

function made(output: OutputFile | undefined): OutputFile {
  if (output === undefined) throw new Error('there is no room');
  output.start();
  return output;
}

function adopting(folder: PrivateFolder, options: OutputOptions): OutputFile {
  const output = adoptOutput(folder, name, options);
  output.start();
  return output;
}

/** As a supervisor that is killed leaves it: what was not told before is not told now. */
async function killed(output: OutputFile, { texts }: Told, folder: PrivateFolder): Promise<void> {
  const { length } = texts;
  const note = existsSync(folder.file(toldName(name))) ? readFileSync(folder.file(toldName(name))) : undefined;
  await output.end();
  texts.length = length;
  if (note !== undefined) writeFileSync(folder.file(toldName(name)), note);
}

test('what a child writes is in a file for its user alone, a new one each time', () =>
  inPlace(async (place) => {
    const folder = folderIn(place);
    for (const words of ['one\n', 'two\n']) {
      const { told, options, said } = telling();
      const output = made(makeOutput(folder, name, options));
      writeSync(output.descriptor, words);
      await until(() => said() === words);
      for (const file of [name, toldName(name)]) expect(statSync(folder.file(file)).mode & 0o777).toBe(0o600);
      await output.end();
      await output.end();
      expect(readFileSync(folder.file(name), 'utf8')).toBe(words);
      expect([output.tail(), told.gaps, told.troubles]).toEqual([words, [], []]);
    }
  }));

test('a child that says nothing costs one file', () =>
  inPlace(async (place) => {
    const folder = folderIn(place);
    await made(makeOutput(folder, name, telling().options)).end();
    expect(readdirSync(folder.path)).toEqual([name]);
  }));

describe('who comes after a supervisor that was killed', () => {
  test('tells each line once, and has the last of all', () =>
    inPlace(async (place) => {
      const folder = folderIn(place);
      const first = telling();
      const output = made(makeOutput(folder, name, first.options));
      writeSync(output.descriptor, 'one\ntwo\nthr');
      await until(() => first.said() === 'one\ntwo\n');
      await killed(output, first.told, folder);
      writeFileSync(folder.file(name), 'ee\nfour\n', { flag: 'a' });
      const second = telling();
      const adopted = adopting(folder, second.options);
      await until(() => second.said() === 'three\nfour\n');
      writeSync(adopted.descriptor, 'five\n');
      await adopted.end();
      expect(second.said()).toBe('three\nfour\nfive\n');
      expect(adopted.tail()).toBe('one\ntwo\nthree\nfour\nfive\n');
      expect([second.told.gaps, second.told.troubles]).toEqual([[], []]);
    }));

  test('after that one, too', () =>
    inPlace(async (place) => {
      const folder = folderIn(place);
      let expected = '';
      const first = telling();
      await killed(made(makeOutput(folder, name, first.options)), first.told, folder);
      for (const words of ['one\n', 'two\n', 'three\n']) {
        writeFileSync(folder.file(name), words, { flag: 'a' });
        expected += words;
        const { told, options, said } = telling();
        const adopted = adopting(folder, options);
        await until(() => said() === words);
        await killed(adopted, told, folder);
        expect(adopted.tail()).toBe(expected);
      }
    }));

  test('tells all again where nobody knows what was told', () =>
    inPlace(async (place) => {
      const folder = folderIn(place);
      for (const note of ['', 'x', '12', '-1\n', `${'9'.repeat(40)}\n`, '  9999999999999999\n', undefined]) {
        writeFileSync(folder.file(name), 'one\n', { mode: 0o600 });
        if (note === undefined) unlinkSync(folder.file(toldName(name)));
        else writeFileSync(folder.file(toldName(name)), note);
        const { told, options, said } = telling();
        await adoptOutput(folder, name, options).end();
        expect([note, said() === 'one\n' || note?.trim() === '9999999999999999', told.gaps]).toEqual([note, true, []]);
      }
    }));

  test('tells of what was written meanwhile the last, and counts the rest', () =>
    inPlace(async (place) => {
      const folder = folderIn(place);
      const line = `${'x'.repeat(1023)}\n`;
      writeFileSync(folder.file(name), line.repeat(40 * 1024));
      const { told, options, said } = telling();
      const adopted = adopting(folder, options);
      await until(() => statSync(folder.file(name)).size === 0);
      const [skipped = 0, ...others] = told.gaps;
      expect([skipped + said().length, others]).toEqual([40 * 1024 * 1024, [0]]);
      expect(said().length).toBe(1024 * 1024);
      writeSync(adopted.descriptor, 'last\n');
      await adopted.end();
      expect(adopted.tail().endsWith(`${line}last\n`)).toBe(true);
    }));

  test.each<[title: string, make: (file: string, place: Place) => void, error: RegExp]>([
    ['no file', () => undefined, /ENOENT/],
    [
      'a folder',
      (file) => {
        mkdirSync(file);
      },
      /EISDIR/,
    ],
    [
      'a link',
      (file, { write }) => {
        symlinkSync(write('other', ''), file);
      },
      /ELOOP|EMLINK/,
    ],
    [
      'a file with another name',
      (file, { write }) => {
        linkSync(write('other', ''), file);
      },
      /is not a file of this user alone/,
    ],
    ['a FIFO', (file) => spawnSync('mkfifo', [file]), /is not a file of this user alone/],
  ])('takes %s for none of ours', (_title, make, error) =>
    inPlace((place) => {
      const folder = folderIn(place);
      make(folder.file(name), place);
      expect(() => adoptOutput(folder, name, telling().options)).toThrow(error);
      return Promise.resolve();
    }),
  );
});

describe('where something is in the way', () => {
  test('a link is replaced, and what it leads to is left alone', () =>
    inPlace(async (place) => {
      const folder = folderIn(place);
      const other = place.write('other', 'theirs\n');
      symlinkSync(other, folder.file(name));
      symlinkSync(other, folder.file(toldName(name)));
      const { told, options, said } = telling();
      const output = made(makeOutput(folder, name, options));
      writeSync(output.descriptor, 'ours\n');
      await until(() => said() === 'ours\n');
      await output.end();
      expect(readFileSync(other, 'utf8')).toBe('theirs\n');
      expect([readFileSync(folder.file(name), 'utf8'), told.troubles]).toEqual(['ours\n', []]);
    }));

  test.each(['a folder that is not empty', 'another folder in place of ours'])(
    '%s is told, and the words are in a file without a name',
    (title) =>
      inPlace(async (place) => {
        const folder = folderIn(place);
        if (title.startsWith('a folder')) mkdirSync(path.join(folder.file(name), 'in it'), { recursive: true });
        else {
          spawnSync('mv', [folder.path, place.path('moved')]);
          mkdirSync(folder.path);
        }
        const { told, options, said } = telling();
        const output = made(makeOutput(folder, name, options));
        expect(told.troubles).toHaveLength(1);
        expect(statSync(`/dev/fd/${output.descriptor}`).nlink).toBe(0);
        writeSync(output.descriptor, 'ours\n');
        await until(() => said() === 'ours\n');
        await output.end();
        expect(output.tail()).toBe('ours\n');
      }),
  );

  test('a run directory that was removed is made anew', () =>
    inPlace(async (place) => {
      const folder = folderIn(place);
      spawnSync('rm', ['-r', folder.path]);
      const { told, options } = telling();
      const output = made(makeOutput(folder, name, options));
      writeSync(output.descriptor, 'ours\n');
      await output.end();
      expect([told.texts.join(''), told.troubles]).toEqual(['ours\n', []]);
      expect(existsSync(folder.file(name))).toBe(true);
    }));
});

/** A file system of its own, small; undefined: only root may mount one. */
function smallDisk(folder: string): (() => void) | undefined {
  mkdirSync(folder);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]).status !== 0) return undefined;
  return () => void spawnSync('umount', [folder]);
}

describe('a disk that is full', () => {
  const onSmallDisk = (use: (folder: PrivateFolder, base: string) => Promise<void>): Promise<void> =>
    inPlace(async ({ path: at, name: vm }) => {
      const unmount = smallDisk(at('disk'));
      if (unmount === undefined) return;
      try {
        await use(folderIn({ runBase: at('disk'), name: vm }), at('disk'));
      } finally {
        unmount();
      }
    });
  const fill = (base: string): void => void spawnSync('sh', ['-c', 'cat /dev/zero >"$1"', 'sh', `${base}/filling`]);

  test('is found out before the child is started: its words are in a file elsewhere, and that is told', () =>
    onSmallDisk(async (folder, base) => {
      fill(base);
      const { told, options, said } = telling();
      const output = made(makeOutput(folder, name, options));
      expect(told.troubles).toEqual([expect.stringMatching(/no space left on device \(ENOSPC\)$/)]);
      writeSync(output.descriptor, 'why\n');
      await until(() => said() === 'why\n');
      await output.end();
      expect([output.tail(), told.troubles.length]).toEqual(['why\n', 1]);
    }));

  test('is told at the end where it was found meanwhile, with what was still written', () =>
    onSmallDisk(async (folder, base) => {
      const { told, options, said } = telling();
      const output = made(makeOutput(folder, name, options));
      writeSync(output.descriptor, 'one\n');
      await until(() => said() === 'one\n');
      fill(base);
      const written = spawnSync('sh', ['-c', 'exec cat /dev/zero >&2'], {
        stdio: ['ignore', 'ignore', output.descriptor],
      });
      expect(written.status).toBe(1);
      await output.end();
      expect(told.troubles).toEqual([expect.stringMatching(/no space left on device \(ENOSPC\)$/)]);
      expect(output.tail().startsWith('\0') || output.tail().startsWith('one\n')).toBe(true);
    }));
});

test('descriptors are closed at the end', () =>
  inPlace(async (place) => {
    const folder = folderIn(place);
    const { options, said } = telling();
    const output = made(makeOutput(folder, name, options));
    writeSync(output.descriptor, 'one\n');
    await until(() => said() === 'one\n');
    const open = (): readonly string[] => readdirSync('/dev/fd');
    const before = open();
    await output.end();
    expect(before.length - open().length).toBe(2);
    expect(() => {
      closeSync(output.descriptor);
    }).toThrow('EBADF');
  }));
