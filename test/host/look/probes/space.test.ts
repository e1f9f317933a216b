import { expect, test } from '@jest/globals';
import { checkHost } from '../../../../src/host/look/check.js';
import { liveView } from '../../../../src/host/look/live-view.js';
import { runTool } from '../../../../src/host/process/tools.js';
import { minimal, planOf } from '../../../support/specs.js';
import { requirement } from '../../fake-host.js';

const view = (free: number | undefined) => ({
  ...liveView({ run: runTool }),
  freeBytes: () => Promise.resolve(free),
});
const asked = [requirement({ kind: 'space', path: '/run/vm0', bytes: 1000 })];

test.each([[1000], [undefined]])('%j free bytes are enough for 1000', async (free) => {
  expect((await checkHost(asked, { view: view(free) })).findings).toEqual([]);
});

test('a byte less is not', async () => {
  const { findings } = await checkHost(asked, { view: view(999) });
  expect(findings.map(({ problem }) => [problem.code, problem.message])).toEqual([
    ['no-space', '999 bytes are free where /run/vm0 is to be made, a run writes up to 1000'],
  ]);
});

test('a folder that is not there yet is on the file system of the nearest one that is', async () => {
  const here = liveView({ run: runTool });
  expect(await here.freeBytes('/tmp/not/there/yet')).toBeGreaterThan(0);
});

test('a boot ROM that a package brings is told with the package', async () => {
  const rom = requirement({
    kind: 'file',
    path: '/no/rom.fd',
    types: ['regular file'],
    access: 'read',
    package: 'edk2-bhyve',
  });
  const { findings } = await checkHost([rom], { view: liveView({ run: runTool }) });
  expect(findings.map(({ problem }) => problem.fix)).toEqual(['pkg install edk2-bhyve, or name another file']);
});

test('a boot ROM that the spec does not name is told to be the default, with the field that names another', async () => {
  const { requirements } = await planOf(minimal);
  const roms = requirements.flatMap(({ need, ...more }) =>
    need.kind === 'file' && need.use === 'firmware' ? [{ ...more, need: { ...need, path: '/no/rom.fd' } }] : [],
  );
  const { findings } = await checkHost(roms, { view: liveView({ run: runTool }) });
  expect(findings.map(({ problem: { message, fix } }) => [message, fix])).toEqual([
    [
      '/no/rom.fd does not exist, nor does its folder /no; it is the default, since the spec has no bootrom',
      'pkg install edk2-bhyve, or name another file with "bootrom" in the spec',
    ],
  ]);
});
