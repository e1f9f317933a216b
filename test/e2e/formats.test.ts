import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { askVmrun } from './support/ask.js';
import { inPlace, type Place } from './support/place.js';
import { type Said } from './support/vmrun.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const small = 'name: vm0\ncpu: 1\nmem: 64M\n';

const dryRun = (place: Place, words: readonly string[], input?: string): Promise<Said> =>
  askVmrun(place, ['-d', ...words], input === undefined ? {} : { input });

describe('one VM in three formats is one command', () => {
  test.each(['default', 'install', 'rescue'])('for the target %s', async (target) => {
    await inPlace(async (place) => {
      const commands = [];
      for (const file of ['web.json', 'web.yaml', 'web.conf']) {
        const { status, stdout, stderr } = await dryRun(place, [
          '-t',
          target,
          '-c',
          path.join(root, 'examples/formats', file),
        ]);
        expect([status, stderr]).toEqual([0, '']);
        commands.push(stdout);
      }
      expect(new Set(commands).size).toBe(1);
      expect(commands[0]).toMatch(/^bhyve .* web\n$/);
    });
  });
});

describe('UCL', () => {
  test.each([
    ['vm.conf', []],
    ['vm.ucl', []],
    ['vm.json', ['--input-format', 'ucl']],
    ['vm', ['--input-format', 'ucl']],
  ])('is read from %s with %j', async (name, words) => {
    await inPlace(async (place) => {
      place.write(name, small);
      const { status, stdout } = await dryRun(place, ['-c', name, ...words]);
      expect(status).toBe(0);
      expect(stdout).toContain(' -m 64M ');
    });
  });

  test('is read from standard input where it is said to be UCL, else its first word tells what to do', async () => {
    await inPlace(async (place) => {
      expect((await dryRun(place, ['-c-', '--input-format', 'ucl'], small)).status).toBe(0);
      const { status, stderr } = await dryRun(place, ['-c-'], small);
      expect(status).toBe(65);
      expect(stderr).toContain('<stdin>:1:1');
      expect(stderr).toContain('--input-format ucl');
    });
  });

  test('is read as JSON where it says JSON', async () => {
    await inPlace(async (place) => {
      place.write('vm.conf', '{ "name": "vm0", "cpu": 1, "mem": "64M" }');
      expect((await dryRun(place, ['-c', 'vm.conf', '--input-format', 'json'])).status).toBe(0);
    });
  });

  test('as uclcmd prints it is read from standard input', async () => {
    await inPlace(async (place) => {
      const printed =
        '{\n    "name": "vm0",\n    "cpu": 1,\n    "mem": 67108864,\n    "emulations": {\n        "device": "virtio-rnd"\n    }\n}\n';
      const { status, stdout } = await dryRun(place, ['-c-'], printed);
      expect(status).toBe(0);
      expect(stdout).toContain('-s 0:1:0,virtio-rnd');
    });
  });

  test('is told where it is wrong', async () => {
    await inPlace(async (place) => {
      place.write('vm.conf', `${small}com1: "stdio\n`);
      expect(await dryRun(place, ['-c', 'vm.conf'])).toMatchObject({
        status: 65,
        stdout: '',
        stderr: expect.stringContaining(
          'vm.conf:4:13  this string does not end on its line\n    com1: "stdio\n                ^\n',
        ),
      });
      place.write('vm.conf', `${small}.include "disks.conf"\n`);
      const { status, stderr } = await dryRun(place, ['-c', 'vm.conf']);
      expect(status).toBe(65);
      expect(stderr).toContain('vm.conf:4:1  .include is a macro');
    });
  });
});

test('the readers of YAML and UCL are in chunks of their own, which a run of a JSON spec does not load', () => {
  const sentences = ['aliases make this document too large', 'and macros are not run here'];
  const bin = path.join(root, 'dist/bin');
  const main = readFileSync(path.join(bin, 'vmrun.js'), 'utf8');
  const chunks = readdirSync(path.join(bin, 'lazy')).map((name) => readFileSync(path.join(bin, 'lazy', name), 'utf8'));
  for (const sentence of sentences) {
    expect([sentence, main.includes(sentence)]).toEqual([sentence, false]);
    expect([sentence, chunks.some((chunk) => chunk.includes(sentence))]).toEqual([sentence, true]);
  }
});
