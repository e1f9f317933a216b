import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Need } from '../../../../src/devices/device.js';
import { recordedView, captureFacts } from '../../../../src/host/look/facts.js';
import { checkHost } from '../../../../src/host/look/check.js';
import { liveView } from '../../../../src/host/look/live-view.js';
import { runTool } from '../../../../src/host/process/tools.js';
import { checkBoth } from '../../both-views.js';
import { requirement } from '../../fake-host.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vmrun-content-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A sparse file with some bytes at some places; a place below 0 counts from the end. */
function file(name: string, bytes: number, ...parts: readonly (readonly [at: number, text: string])[]): string {
  const path = join(folder, name);
  const content = Buffer.alloc(bytes);
  for (const [at, text] of parts) content.write(text, at < 0 ? bytes + at : at, 'latin1');
  writeFileSync(path, content);
  return path;
}

type FileNeed = Extract<Need, { readonly kind: 'file' }>;
const image = (path: string, use: FileNeed['use'], more: Partial<FileNeed> = {}) =>
  requirement({
    kind: 'file',
    path,
    types: ['regular file', 'block device', 'character device'],
    access: use === 'cd' || use === 'firmware' ? 'read' : 'write',
    ...(use === undefined ? {} : { use }),
    ...more,
  });

async function said(...asked: ReturnType<typeof image>[]): Promise<readonly string[]> {
  const { findings } = await checkBoth(asked, { run: runTool });
  return findings.map(({ problem: { severity, code, message } }) =>
    `${severity} ${code}: ${message}`.replaceAll(`${folder}/`, ''),
  );
}

const sector = 512;
const mebibyte = 2 ** 20;

describe.each(['disk', 'cd'] as const)('a %s', (use) => {
  test.each<[content: string, at: number, mark: string]>([
    ['qcow2', 0, 'QFI\xfb\0\0\0\x03'],
    ['qed', 0, 'QED\0'],
    ['vmdk', 0, 'KDMV'],
    ['vmdk', 0, '# Disk DescriptorFile\nversion=1\n'],
    ['vdi', 0x40, '\x7f\x10\xda\xbe'],
    ['vhdx', 0, 'vhdxfile'],
    ['vhd', 0, 'conectix'],
    ['vhd', -512, 'conectix'],
    ['parallels', 0, 'WithouFreSpacExt'],
    ['dmg', -512, 'koly'],
  ])('is no %s image with its mark at %i', async (content, at, mark) => {
    const [message] = await said(image(file('a.img', 64 * sector, [at, mark]), use));
    expect(message).toContain(`error image-format: a.img is a ${content} image, bhyve takes`);
  });

  test.each([
    ['gzip', '\x1f\x8b\x08'],
    ['xz', '\xfd7zXZ\0'],
    ['zstd', '\x28\xb5\x2f\xfd'],
    ['bzip2', 'BZh91AY&SY'],
    ['lz4', '\x04\x22\x4d\x18'],
    ['zip', 'PK\x03\x04'],
    ['7z', "7z\xbc\xaf'\x1c"],
  ])('is not compressed with %s', async (content, mark) => {
    const [message] = await said(image(file('a.img', 64 * sector, [0, mark]), use));
    expect(message).toContain(`error image-format: a.img is compressed (${content})`);
  });

  test('is not empty', async () => {
    expect(await said(image(file('empty.img', 0), use))).toEqual([
      expect.stringContaining('error image-empty: empty.img'),
    ]);
  });

  test('is judged through a symbolic link', async () => {
    file('real.img', 4096, [0, 'QFI\xfb']);
    symlinkSync('real.img', join(folder, `link-${use}.img`));
    expect(await said(image(join(folder, `link-${use}.img`), use))).toEqual([expect.stringContaining('qcow2')]);
  });
});

describe('an image', () => {
  const iso = (name: string, bytes = 20 * 2048) => file(name, bytes, [16 * 2048 + 1, 'CD001']);

  test('of a CD is fine as a CD, and doubtful as a disk', async () => {
    const path = iso('d.iso');
    expect(await said(image(path, 'cd', { sectorBytes: 2048 }))).toEqual([]);
    expect(await said(image(path, 'disk'))).toEqual([
      'warning image-is-cd: d.iso is a CD image, and here it is a disk that the guest may write to',
    ]);
  });

  test('of a disk is fine as a disk, and doubtful as a CD', async () => {
    const path = file('d.img', mebibyte, [510, '\x55\xaa']);
    expect(await said(image(path, 'disk'))).toEqual([]);
    expect(await said(image(path, 'cd', { sectorBytes: 2048 }))).toEqual([
      'warning image-is-no-cd: d.img is not a CD image (ISO 9660 or UDF), and here it is a CD',
    ]);
  });

  test.each<[bytes: number, sectorBytes: number, expected: readonly string[]]>([
    [4096, 512, []],
    [4096 + 512, 512, []],
    [
      4096 + 512,
      4096,
      [
        'warning image-length: l.img has 4608 bytes, no whole number of sectors of 4096: the guest does not see the last 512 bytes',
      ],
    ],
    [
      513,
      512,
      [
        'warning image-length: l.img has 513 bytes, no whole number of sectors of 512: the guest does not see the last 1 byte',
      ],
    ],
    [
      100,
      512,
      ['error image-length: l.img has 100 bytes, not one whole sector: the guest does not see the last 100 bytes'],
    ],
  ])('of %i bytes with sectors of %i', async (bytes, sectorBytes, expected) => {
    expect(await said(image(file('l.img', bytes), 'disk', { sectorBytes }))).toEqual(expected);
  });

  test('that was captured before its content was looked at is told as that', async () => {
    const path = file('old.img', 4096, [0, 'QFI\xfb']);
    const facts = await captureFacts(liveView({ run: runTool }), { paths: [path], sockets: [], ports: [] });
    const files = {
      [path]: { kind: 'there', type: 'regular file', identity: '1:1', bytes: 4096, denied: {} },
    } as const;
    const { findings } = await checkHost([image(path, 'disk')], { view: recordedView({ ...facts, files }) });
    expect(findings.map(({ problem: { code, severity } }) => `${severity} ${code}`)).toEqual(['warning not-captured']);
  });
});

describe('a firmware', () => {
  const volume = (kind: 'variables' | 'code', length: number): readonly (readonly [number, string])[] => [
    [0x10, kind === 'variables' ? '\x8d\x2b\xf1\xff\x96\x76\x8b\x4c\xa9\x85\x27\x47\x07\x5b\x4f\x50' : 'code'],
    [0x20, String.fromCharCode(...Buffer.from(new BigUint64Array([BigInt(length)]).buffer))],
    [0x28, '_FVH'],
  ];
  const store = 0x84000;
  const vars = (name = 'VARS.fd', bytes = store) => file(name, bytes, ...volume('variables', store));
  const code = () => file('CODE.fd', 4 * mebibyte - store, ...volume('code', mebibyte));
  const combined = () => file('BHYVE_UEFI.fd', 4 * mebibyte, ...volume('variables', store));
  const both = (varfile: string, firmware: string) => [
    image(firmware, 'firmware'),
    image(varfile, 'variables', { firmware }),
  ];

  test('in two files, code and variables, is fine, and so is a combined one alone', async () => {
    expect(await said(...both(vars(), code()))).toEqual([]);
    expect(await said(image(combined(), 'firmware'))).toEqual([]);
  });

  test('that has variables in itself makes no use of others', async () => {
    expect(await said(...both(vars(), combined()))).toEqual([
      'warning variables-unused: BHYVE_UEFI.fd has its variables inside, looks for them there, where nobody can write, ' +
        'and never in VARS.fd: boot entries and settings of the guest are lost at each power-off',
    ]);
  });

  test('is no place for variables', async () => {
    const copy = file('copy.fd', 4 * mebibyte, ...volume('variables', store));
    expect(await said(...both(copy, code()))).toEqual([expect.stringContaining('warning variables-kind: copy.fd')]);
  });

  test.each<[what: string, make: () => string, expected: string]>([
    ['variables', () => vars('V.fd'), 'error firmware-kind: V.fd holds the variables'],
    ['nothing', () => file('n.fd', 0), 'error firmware-length: n.fd has 0 bytes'],
    ['half a page', () => file('h.fd', 2048), 'error firmware-length: h.fd has 2048 bytes'],
    ['more than there is room for', () => file('m.fd', 16 * mebibyte + 4096), 'error firmware-length: m.fd'],
    ['what is compressed', () => file('c.fd', 4096, [0, '\x1f\x8b\x08']), 'error image-format: c.fd is compressed'],
  ])('is not %s', async (_what, make, expected) => {
    expect(await said(image(make(), 'firmware'))).toEqual([expect.stringContaining(expected)]);
  });

  test('has variables of its own length', async () => {
    const path = vars('short.fd', store - 4096);
    const template = vars('BHYVE_UEFI_VARS.fd');
    const firmware = code();
    expect(await said(image(path, 'variables', { firmware, template }))).toEqual([
      expect.stringContaining(
        'warning variables-length: short.fd has 536576 bytes, the variables of this firmware 540672',
      ),
    ]);
    truncateSync(path, 100);
    expect(await said(image(path, 'variables', { firmware, template }))).toEqual([
      expect.stringContaining('error variables-length: short.fd has 100 bytes'),
    ]);
  });
});

describe('what is missing is told with how to make it', () => {
  test.each<[path: string, need: Partial<FileNeed>, use: FileNeed['use'], fix: RegExp]>([
    ['/dev/zvol/tank/no-such/vm0', {}, 'disk', /zfs create -V 20G tank\/no-such\/vm0$/],
    ['/dev/no-such-disk', {}, 'disk', /no such device$/],
    ['/no-such/disk.img', {}, 'disk', /truncate -s 20G FILE/],
    ['/no-such/cd.iso', {}, 'cd', /^correct the path$/],
    ['/no-such/vars.fd', {}, 'variables', /copy the variables that came with the firmware$/],
    ['/no-such/vars.fd', { template: '/fw/VARS.fd' }, 'variables', /cp \/fw\/VARS\.fd \/no-such\/vars\.fd$/],
  ])('%s', async (path, more, use, fix) => {
    const { findings } = await checkHost([image(path, use, more)], { view: liveView({ run: runTool }) });
    expect(findings.map(({ problem }) => problem.fix)).toEqual([expect.stringMatching(fix)]);
  });
});
