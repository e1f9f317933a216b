import { expect, test } from '@jest/globals';
import { hostBootId } from '../../../src/host/look/host-boot.js';
import type { RunTool } from '../../../src/host/process/tools.js';

/** @param answers of sysctl, by the name that it is asked for */
const sysctl =
  (answers: Readonly<Record<string, string>>): RunTool =>
  (argv) => {
    const stdout = answers[argv.at(-1) ?? ''];
    return Promise.resolve({ argv, exitCode: stdout === undefined ? 1 : 0, stdout: stdout ?? '', stderr: '' });
  };

const boottime = '{ sec = 1764520000, usec = 123456 } Sun Nov 30 16:26:40 2025\n';

test.each([
  [
    'its id, where the kernel has one',
    { 'kern.boot_id': 'Format: Length:16 Dump:0x4c8609698ad1a11cdc00cf6eb7d954e1\n', 'kern.boottime': boottime },
    '4c8609698ad1a11cdc00cf6eb7d954e1',
  ],
  ['else the second of it', { 'kern.boottime': boottime }, '1764520000'],
  ['nothing where the system does not say', {}, ''],
])('the boot of a FreeBSD is %s', async (_what, answers, id) => {
  expect(await hostBootId(sysctl(answers), '/no/such/file')).toBe(id);
});

test('the boot of a Linux is the same for all who ask', async () => {
  if (process.platform !== 'linux') return;
  const nobody: RunTool = () => Promise.reject(new Error('nobody is asked'));
  expect(await hostBootId(nobody)).toMatch(/^[0-9a-f-]{36}$/);
  expect(await hostBootId(nobody)).toBe(await hostBootId(nobody));
});
