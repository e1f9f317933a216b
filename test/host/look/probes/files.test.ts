import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FileType } from '../../../../src/devices/device.js';
import { runTool } from '../../../../src/host/process/tools.js';
import { checkBoth } from '../../both-views.js';
import { requirement, sentences } from '../../fake-host.js';

const disk: readonly FileType[] = ['regular file', 'block device', 'character device'];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vmrun-files-'));
  for (const name of ['disk.img', 'other.img', 'private.img']) writeFileSync(join(folder, name), '');
  chmodSync(join(folder, 'private.img'), 0o000);
  mkdirSync(join(folder, 'folder'));
  symlinkSync('disk.img', join(folder, 'link.img'));
  symlinkSync('nowhere.img', join(folder, 'dangling.img'));
  symlinkSync('loop.img', join(folder, 'loop.img'));
  linkSync(join(folder, 'disk.img'), join(folder, 'hard.img'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const uses = (path: string, access: 'read' | 'write' = 'write', types = disk, subject = `the disk ${path}`) =>
  requirement({ kind: 'file', path: path.startsWith('/') ? path : join(folder, path), types, access }, { subject });

/** What is said, without the folder of this test. */
async function said(...asked: ReturnType<typeof uses>[]): Promise<readonly string[]> {
  const { findings } = await checkBoth(asked, { run: runTool });
  return sentences(findings).map((sentence) => sentence.replaceAll(`${folder}/`, ''));
}

describe('a file', () => {
  test.each<[what: string, path: string, types: readonly FileType[], expected: readonly string[]]>([
    ['that is there is ready', 'disk.img', disk, []],
    ['behind a symbolic link is ready', 'link.img', disk, []],
    ['may be a device node for a disk, as a zvol is', '/dev/zero', disk, []],
    ['may be a folder where a folder is asked for', 'folder', ['directory'], []],
    ['that is missing is told', 'new.img', disk, ['file-missing: new.img does not exist']],
    [
      'in a folder that is missing is told with the folder',
      'no/such/disk.img',
      disk,
      ['file-missing: no/such/disk.img does not exist, nor does its folder no/such'],
    ],
    [
      'behind a link to nowhere is told with where the link leads',
      'dangling.img',
      disk,
      ['file-missing: dangling.img is a symbolic link to nowhere.img, which does not exist'],
    ],
    [
      'that is a folder is not a disk',
      'folder',
      disk,
      ['file-type: folder is a directory, not a regular file, block device or character device'],
    ],
    [
      'that is a device node is not a boot ROM',
      '/dev/zero',
      ['regular file'],
      ['file-type: /dev/zero is a character device, not a regular file'],
    ],
    [
      'below another file is told as it is',
      'disk.img/part',
      disk,
      ['file-error: cannot look at disk.img/part: not a directory (ENOTDIR)'],
    ],
    [
      'behind a link to itself is told as it is',
      'loop.img',
      disk,
      ['file-error: cannot look at loop.img: too many symbolic links encountered (ELOOP)'],
    ],
  ])('%s', async (_what, path, types, expected) => {
    expect(await said(uses(path, 'write', types))).toEqual(expected);
  });

  // The superuser may read and write whatever the mode says: access(2).
  const asUser = process.getuid?.() === 0 ? test.skip : test;
  asUser.each<['read' | 'write', string]>([
    ['read', 'file-access: private.img cannot be read: permission denied (EACCES)'],
    ['write', 'file-access: private.img cannot be written: permission denied (EACCES)'],
  ])('that this user may not %s is told (skipped for root, who may)', async (access, sentence) => {
    expect(await said(uses('private.img', access))).toEqual([sentence]);
  });
});

describe('one file of two devices', () => {
  test.each<
    [what: string, first: [string, 'read' | 'write'], second: [string, 'read' | 'write'], expected: readonly string[]]
  >([
    ['is fine where both read it', ['disk.img', 'read'], ['disk.img', 'read'], []],
    ['is fine where it is two files', ['disk.img', 'write'], ['other.img', 'write'], []],
    [
      'is refused where both write it',
      ['disk.img', 'write'],
      ['disk.img', 'write'],
      ['error: disk.img is also the file of the disk disk.img, and written to'],
    ],
    [
      'is seen through a symbolic link',
      ['disk.img', 'write'],
      ['link.img', 'write'],
      ['error: link.img is also the file of the disk disk.img (there disk.img), and written to'],
    ],
    [
      'is seen through a hard link',
      ['hard.img', 'write'],
      ['disk.img', 'write'],
      ['error: disk.img is also the file of the disk hard.img (there hard.img), and written to'],
    ],
    [
      'is warned of where one reads what the other writes',
      ['disk.img', 'read'],
      ['disk.img', 'write'],
      ['warning: disk.img is also the file of the disk disk.img, and written to'],
    ],
  ])('%s', async (_what, first, second, expected) => {
    const { findings } = await checkBoth([uses(...first), uses(...second)], { run: runTool });
    expect(
      findings.map(({ problem }) => `${problem.severity}: ${problem.message.replaceAll(`${folder}/`, '')}`),
    ).toEqual(expected);
  });

  test('is refused at the second writer, however many read it between', async () => {
    const { findings } = await checkBoth(
      [uses('disk.img', 'read'), uses('disk.img'), uses('disk.img', 'read'), uses('disk.img')],
      { run: runTool },
    );
    expect(findings.map(({ problem }) => problem.severity)).toEqual(['warning', 'warning', 'error']);
  });
});
