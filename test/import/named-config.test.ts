import { expect, test } from '@jest/globals';
import { imported, refusals } from './support.js';

const shadow = 'root:$6$salt$hash=:19000:0:99999:7:::\nZq1:*:19000::::::\n';
const command = 'bhyve -m 1G \\\n -k /etc/shadow \\\n web\n';

const reading = (text: string) => ({ format: 'bhyve', readFile: () => text }) as const;

test.each([
  ['of passwords', shadow],
  ['whose first lines are variables', `memory.size=1G\nbootrom=/uefi.fd\n${shadow}`],
  ['of variables that are not those of bhyve', 'DB_USER=root\nDB_LOGIN=Zq1Zq1\n'],
  ['of one line', 'Zq1Zq1Zq1'],
])('a file %s is not read for -k, and nothing of it is told', async (_title, text) => {
  expect(await refusals(command, reading(text))).toEqual([
    '2:1  config-file: /etc/shadow is not a configuration file of bhyve, and nothing of it was taken [name a file that holds one VARIABLE=VALUE on each line, see bhyve_config(5), or take the -k out]',
  ]);
});

test.each([
  ['with a comment', '# mine\n\nmemory.size=2G\n'],
  ['with variables of the user', 'memory.size=2G\nmine=x\n'],
  ['that is empty', ''],
])('a configuration file %s is read', async (_title, text) => {
  const { spec } = await imported(`bhyve -m 2G -l bootrom,/uefi.fd -k /vm/web.conf web`, reading(text));
  expect(spec.mem).toBe('2G');
});

test('no note quotes a value of a file that -k names', async () => {
  const text = 'memory.size=1G\nbootrom=/uefi.fd\npci.0.4.0.device=virtio-zq1dev\npci.0.4.0.path=/vm/Zq1Zq1\n';
  const { notes, spec } = await imported('bhyve -k /vm/web.conf web', reading(text));
  expect(JSON.stringify(spec)).toContain('Zq1Zq1');
  expect(notes.join('\n')).toContain('0:4:0');
  expect(notes.join('\n')).not.toMatch(/zq1/i);
});
