import { chmodSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, test } from '@jest/globals';
import { isUnfinished, removePrivateFile, replacePrivateFile } from '../../../src/host/files/replace-file.js';
import { inPlace, type Place } from '../../e2e/support/place.js';

const names = ({ folder }: Place): readonly string[] => readdirSync(folder).sort();
const source = fileURLToPath(new URL('../../../src/host/files/replace-file.ts', import.meta.url));

/** Needs strace, and leave to use it. */
const strace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0 ? test : test.skip;
/** Root may write anywhere. */
const asUser = process.getuid?.() === 0 ? test.skip : test;

/** The function in a program of its own, for what a whole process has to be told. */
async function programIn(place: Place): Promise<string> {
  const file = place.path('program.cjs');
  await build({
    stdin: {
      contents: `import { replacePrivateFile } from ${JSON.stringify(source)};
        try { replacePrivateFile(process.argv[2], process.argv[3].repeat(Number(process.argv[4]))); }
        catch (error) { console.log(error.code); }`,
      resolveDir: place.folder,
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: file,
  });
  return file;
}

describe('a private file that is replaced', () => {
  test('is whole, for its owner alone, and nothing else is left beside it', async () => {
    await inPlace((place) => {
      const file = place.write('state.json', 'old', 0o644);
      replacePrivateFile(file, 'new');
      expect(readFileSync(file, 'utf8')).toBe('new');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      replacePrivateFile(place.path('bytes'), new Uint8Array([1, 2]));
      expect([...readFileSync(place.path('bytes'))]).toEqual([1, 2]);
      expect(names(place)).toEqual(['bytes', 'state.json']);
      return Promise.resolve();
    });
  });

  test('replaces what a killed process has left of it, and follows no link there', async () => {
    await inPlace((place) => {
      const other = place.write('other', 'of somebody else');
      symlinkSync(other, place.path('.state.json.new'));
      replacePrivateFile(place.path('state.json'), 'new');
      expect(readFileSync(other, 'utf8')).toBe('of somebody else');
      expect(names(place)).toEqual(['other', 'state.json']);
      return Promise.resolve();
    });
  });

  test('stays as it was where there is no room for the new content', async () => {
    await inPlace(async (place) => {
      const program = await programIn(place);
      const file = place.write('state.json', 'old');
      // ulimit -f counts blocks of 512 or 1024 bytes, by the shell.
      const command = `trap '' XFSZ; ulimit -f 64; exec "$@"`;
      const { stdout } = spawnSync('sh', ['-c', command, 'sh', process.execPath, program, file, 'x', '1000000'], {
        encoding: 'utf8',
      });
      expect(stdout).toBe('EFBIG\n');
      expect(readFileSync(file, 'utf8')).toBe('old');
      expect(names(place)).toEqual(['program.cjs', 'state.json']);
    });
  });

  test.each([['removed'], ['written']])('cannot be %s where its folder is no more', async (what) => {
    await inPlace((place) => {
      const file = place.path('nowhere', 'state.json');
      const act = (): void => {
        if (what === 'removed') removePrivateFile(file);
        else replacePrivateFile(file, 'new');
      };
      expect(act).toThrow(expect.objectContaining({ code: 'ENOENT' }));
      return Promise.resolve();
    });
  });

  strace('is on disk, and so is its name, before the call returns', async () => {
    await inPlace(async (place) => {
      const program = await programIn(place);
      const trace = place.path('trace');
      const calls = ['openat', 'fsync', 'rename', 'close', 'write'].join();
      const argv = [
        '-f',
        '-o',
        trace,
        '-e',
        `trace=${calls}`,
        process.execPath,
        program,
        place.path('a.json'),
        'x',
        '3',
      ];
      expect(spawnSync('strace', argv).status).toBe(0);
      const lines = readFileSync(trace, 'utf8').split('\n');
      const from = lines.findIndex((line) => line.includes('.a.json.new') && line.includes('openat'));
      const seen = lines.slice(from).flatMap((line) => /^\d+ +(fsync|rename)\(/.exec(line)?.[1] ?? []);
      expect(seen.slice(0, 3)).toEqual(['fsync', 'rename', 'fsync']);
    });
  });
});

test('a private file that is removed is gone, and may be gone already', async () => {
  await inPlace((place) => {
    const file = place.write('state.json', 'old');
    removePrivateFile(file);
    removePrivateFile(file);
    expect(names(place)).toEqual([]);
    return Promise.resolve();
  });
});

asUser('a folder in which nothing can be made leaves the file as it was', async () => {
  await inPlace((place) => {
    const file = place.write('state.json', 'old');
    chmodSync(place.folder, 0o500);
    try {
      expect(() => {
        replacePrivateFile(file, 'new');
      }).toThrow(expect.objectContaining({ code: 'EACCES' }));
    } finally {
      chmodSync(place.folder, 0o700);
    }
    expect(readFileSync(file, 'utf8')).toBe('old');
    return Promise.resolve();
  });
});

test('only what was being written counts as unfinished', () => {
  expect(['.state.json.new', 'state.json', '.new', 'x.new'].filter(isUnfinished)).toEqual(['.state.json.new']);
});
