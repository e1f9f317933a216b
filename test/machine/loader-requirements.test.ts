import { describe, expect, test } from '@jest/globals';
import { checkHost } from '../../src/host/look/check.js';
import { liveView } from '../../src/host/look/live-view.js';
import { inPlace } from '../e2e/support/place.js';
import { makeFakeHost, sentences } from '../host/fake-host.js';
import { minimal, planOf } from '../support/specs.js';

const disk = { device: 'virtio-blk', path: '/vm/disk.img' };

const needsOf = async (loader: object) => {
  const { requirements } = await planOf({ ...minimal, emulations: [disk], loader });
  return requirements.flatMap(({ need, subject }) =>
    need.pointer.startsWith('/loader') && need.kind === 'file' ? [[need.pointer, need.path, need.access, subject]] : [],
  );
};

describe('the host must have what a loader reads', () => {
  test.each<[title: string, loader: object, needs: readonly (readonly string[])[]]>([
    ['one disk', { kind: 'bhyveload', disk: '/cd.iso' }, [['/loader/disk', '/cd.iso', 'read', 'loader']]],
    [
      'several',
      { kind: 'bhyveload', disk: ['/a', '/b'] },
      [
        ['/loader/disk/0', '/a', 'read', 'loader'],
        ['/loader/disk/1', '/b', 'read', 'loader'],
      ],
    ],
    [
      'a device map',
      { kind: 'grub-bhyve', root: 'hd0', device_map: '/my.map' },
      [['/loader/device_map', '/my.map', 'read', 'loader']],
    ],
    [
      'the images of one',
      { kind: 'grub-bhyve', root: 'hd0', device_map: { hd0: '/vm/disk.img', cd0: '/cd.iso' } },
      [['/loader/device_map/cd0', '/cd.iso', 'read', 'loader']],
    ],
    ["nothing but the guest's own disk, which is looked at as such", { kind: 'bhyveload' }, []],
    ['the same, named', { kind: 'bhyveload', disk: '/vm/disk.img' }, []],
  ])('%s', async (_title, loader, needs) => {
    expect(await needsOf(loader)).toEqual(needs);
  });

  test("a missing one is found, and the guest's own disk is not held to be used twice", async () => {
    await inPlace(async ({ path, write }) => {
      const host = makeFakeHost();
      const emulations = [{ device: 'virtio-blk', path: write('disk.img', '\0'.repeat(512)) }];
      const loader = { kind: 'bhyveload', disk: [path('disk.img'), path('cd.iso')] };
      const { requirements } = await planOf({ ...minimal, emulations, loader });
      const report = await checkHost(
        requirements.filter(({ need }) => need.kind === 'file'),
        { view: liveView({ ...host, uid: 0 }) },
      );
      host.remove();
      expect(sentences(report.findings)).toEqual([`file-missing: ${path('cd.iso')} does not exist`]);
    });
  });
});
