import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { askVmrun } from './support/ask.js';
import { inPlace, type Place } from './support/place.js';
import { type Said } from './support/vmrun.js';

const script =
  '#!/bin/sh\nNAME=web\nwhile bhyve -c 2 -m 1G -H -u -s 0,hostbridge -s 31,lpc \\\n  -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI.fd $NAME; do :; done\n';
const spec = { name: 'web', cpu: { sockets: 2 }, mem: '1G' };

const importing = (place: Place, ...words: readonly string[]): Promise<Said> => askVmrun(place, ['import', ...words]);

describe('vmrun import', () => {
  test('writes the spec of a script on standard output, which vmrun then takes', async () => {
    await inPlace(async (place) => {
      place.write('start.sh', script);
      const ended = await importing(place, 'start.sh');
      expect(ended).toMatchObject({ status: 0, stderr: '', stdout: `${JSON.stringify(spec, undefined, 2)}\n` });
      place.write('web.json', ended.stdout);
      const dry = await askVmrun(place, ['-c', 'web.json', '--dry-run']);
      expect(dry).toMatchObject({ status: 0, stderr: '' });
      expect(dry.stdout).toContain('-c cpus=2,sockets=2,cores=1,threads=1 -m 1G');
    });
  });

  test('is where a run sends somebody who gives it a script, and sends nobody back', async () => {
    await inPlace(async (place) => {
      place.write('start.sh', script);
      const run = await askVmrun(place, ['-c', 'start.sh', '--dry-run']);
      expect(run).toMatchObject({ status: 65, stdout: '' });
      expect(run.stderr).toContain('  this is a script, not a spec\n    fix: make one of it: vmrun import start.sh\n');
      place.write('compose.yaml', 'services:\n  web:\n    image: nginx\n');
      const other = await askVmrun(place, ['-c', 'compose.yaml', '--dry-run']);
      expect(other.stderr).toContain('  this is a file of Docker Compose, not a spec\n');
      const back = await importing(place, 'compose.yaml');
      expect(back.stderr).toContain('  this is a file of Docker Compose, which vmrun does not import\n');
      expect(other.stderr + back.stderr).not.toMatch(/vmrun (import|-c)/);
    });
  });

  test('writes YAML where it is wanted, which vmrun then takes', async () => {
    await inPlace(async (place) => {
      const { stdout, status } = await askVmrun(place, ['import', '--yaml', '-'], { input: script });
      expect([stdout, status]).toEqual(['name: web\ncpu:\n  sockets: 2\nmem: 1G\n', 0]);
      place.write('web.yaml', stdout);
      expect(await askVmrun(place, ['-c', 'web.yaml', '--dry-run'])).toMatchObject({ status: 0, stderr: '' });
    });
  });

  test('tells on standard error what it could not carry, with file and line', async () => {
    await inPlace(async (place) => {
      place.write('start.sh', script.replace('$NAME', '-s 4,fbuf,password=x $NAME'));
      const { stdout, stderr, status } = await importing(place, 'start.sh');
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ graphic: { slot: '4', password: 'x' } });
      expect(stderr).toBe(
        [
          'start.sh: 1 thing to look at, imported as bhyve',
          '  start.sh:4:1  warning: the password of VNC now stands in the spec',
          '    fix: keep the spec private, or put it into a file and set "password_file"',
          '',
        ].join('\n'),
      );
    });
  });

  test('reads the files that a command names from the folder of the script', async () => {
    await inPlace(async (place) => {
      mkdirSync(place.path('vm'));
      place.write('vm/extra.conf', 'x86.verbosemsr=true\n');
      place.write('vm/start.sh', script.replace('$NAME', '-k extra.conf $NAME'));
      const { stdout } = await importing(place, 'vm/start.sh');
      expect(JSON.parse(stdout)).toMatchObject({ config: { 'x86.verbosemsr': true } });
    });
  });

  test('writes a file for each of several, and never replaces one', async () => {
    await inPlace(async (place) => {
      const guest = (name: string): string => {
        mkdirSync(place.path(name));
        return place.write(
          `${name}/${name}.conf`,
          'loader="uefi"\ncpu=1\nmemory=1G\nnetwork0_type="virtio-net"\nnetwork0_switch="public"\n',
        );
      };
      const files = [guest('a'), guest('b')];
      const ended = await importing(place, '--out', 'specs', ...files);
      expect(ended).toMatchObject({ status: 0, stdout: '' });
      expect(ended.stderr).toContain('imported as vm-bhyve, written to specs/a.json\n');
      expect(readdirSync(place.path('specs'))).toEqual(['a.json', 'b.json']);
      const taps = ['a', 'b'].map(
        (name) => JSON.parse(readFileSync(place.path(`specs/${name}.json`), 'utf8')) as { emulations: object[] },
      );
      expect(taps.map(({ emulations }) => emulations[0])).toEqual([
        expect.objectContaining({ name: 'tap0' }),
        expect.objectContaining({ name: 'tap1' }),
      ]);
      const again = await importing(place, '--out', 'specs', ...files);
      expect(again).toMatchObject({ status: 73, stdout: '' });
      expect(again.stderr).toContain('a file of this name already exists');
    });
  });

  test('imports what it can of several, and says what it cannot', async () => {
    await inPlace(async (place) => {
      place.write('good.sh', script);
      place.write('bad.sh', 'echo hello\n');
      const ended = await importing(place, '--out', '.', 'bad.sh', 'good.sh');
      expect(ended).toMatchObject({ status: 65, stdout: '' });
      expect(ended.stderr).toContain('bad.sh: 1 problem, nothing was imported\n');
      expect(existsSync(place.path('web.json'))).toBe(true);
    });
  });

  test('keeps a spec with a password from others', async () => {
    await inPlace(async (place) => {
      place.write('a.sh', script.replace('$NAME', '-s 4,fbuf,password=x a'));
      place.write('b.sh', script.replace('$NAME', 'b'));
      await importing(place, '--out', '.', 'a.sh', 'b.sh');
      expect(statSync(place.path('a.json')).mode & 0o077).toBe(0);
      expect(statSync(place.path('b.json')).mode & 0o400).toBe(0o400);
    });
  });

  test.each<[words: readonly string[], said: string]>([
    [[], "missing required argument 'file'"],
    [['--out', 'vm.json', 'a'], '--out takes a folder; for the file vm.json, redirect standard output: > vm.json'],
    [['a', 'b'], 'several files make several specs: give --out DIR'],
    [['--out', '.', '--name', 'x', 'a', 'b'], '--name is for one file'],
    [['--out', '.', '-', '-'], 'standard input can be read once'],
    [['--from', 'qemu', 'a'], 'Allowed choices are auto, bhyve, config, vm-bhyve, iohyve, libvirt.'],
    [['--release', '13', 'a'], 'Allowed choices are 14, 15, 16.'],
  ])('refuses the words %j', async (words, said) => {
    await inPlace(async (place) => {
      const ended = await importing(place, ...words);
      expect(ended).toMatchObject({ status: 64, stdout: '' });
      expect(ended.stderr).toContain(said);
    });
  });
});

describe('what is none of the formats is refused with its reason, quickly and not as a crash', () => {
  const bomb = `<!DOCTYPE d [${Array.from({ length: 20 }, (_, n) => `<!ENTITY e${n} "${n === 0 ? 'x' : `&e${n - 1};`.repeat(10)}">`).join('')}]><domain type="bhyve">&e19;</domain>`;

  test.each<[title: string, text: string | Uint8Array, words: readonly string[], code: number, said: string]>([
    ['nothing', '', [], 65, 'standard input is empty'],
    ['blanks', ' \n\n', [], 65, 'standard input is empty'],
    ['words', 'hello world\n', [], 65, 'this is nothing that vmrun can tell'],
    ['words that are said to be a script', 'hello world\n', ['--from', 'bhyve'], 65, 'there is no bhyve command in it'],
    ['words that are said to be a list', 'hello world\n', ['--from', 'config'], 65, 'invalid config option'],
    ['words that are said to be a guest', 'hello world\n', ['--from', 'vm-bhyve'], 65, 'memory is not set'],
    [
      'words that are said to be properties',
      'hello world\n',
      ['--from', 'iohyve'],
      65,
      'ram is not among the properties',
    ],
    [
      'words that are said to be XML',
      'hello world\n',
      ['--from', 'libvirt'],
      65,
      'an element is expected, found "hello"',
    ],
    ['bytes', Uint8Array.from({ length: 4096 }, (_, index) => (index * 7919) % 256), [], 65, 'is not UTF-8'],
    ['a NUL byte', 'a\nbhyve\0 -c 1 vm\n', [], 65, 'there is a NUL byte on line 2'],
    ['a quote without an end', 'bhyve -c "1\n', ['--from', 'bhyve'], 65, '<stdin>:1:1  a double quote has no end'],
    ['UTF-16', Buffer.from('\ufeffbhyve vm', 'utf16le'), [], 65, 'the file is in UTF-16'],
    ['XML that is cut', '<domain type="bhyve"><name', [], 65, 'the tag of <name> is not finished'],
    ['XML that grows', bomb, [], 65, 'a document type is not accepted'],
    ['XML without an end to its depth', '<a>'.repeat(100_000), [], 65, 'nested more than 64 levels'],
    ['comments without an end', '<a>'.concat('<!--'.repeat(200_000)), [], 65, '"--" isn\'t allowed inside a comment'],
    ['brackets', '${'.repeat(200_000), ['--from', 'bhyve'], 65, '<stdin>:1:1  brackets are nested more than'],
    ['lines', 'a=1\n'.repeat(200_000), [], 65, 'this is nothing that vmrun can tell'],
    ['the same line', `bhyve ${'-s 3,virtio-rnd '.repeat(1000)}vm`, [], 65, 'pci slot 0:3:0 already occupied!'],
  ])('%s', async (_title, text, words, code, said) => {
    await inPlace(async (place) => {
      const ended = await askVmrun(place, ['import', ...words, '-'], { input: text });
      expectRefused(ended, code, said);
    });
  });

  test('a directory, a file that is not there, and a very large one', async () => {
    await inPlace(async (place) => {
      expectRefused(await importing(place, place.folder), 66, 'this is a directory');
      expectRefused(await importing(place, 'none.sh'), 66, 'there is no such file');
      writeFileSync(place.path('large'), Buffer.alloc(100 * 1024 * 1024, 'bhyve -c 1 vm\n'));
      expectRefused(await importing(place, 'large'), 65, 'a file to import has at most 1 MiB');
    });
  });

  function expectRefused({ status, stdout, stderr }: Said, code: number, said: string): void {
    expect(stderr).toContain(said);
    expect(status).toBe(code);
    expect(stdout).toBe('');
    expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
    expect(stderr).not.toContain('bug in vmrun');
    expect(stderr.length).toBeLessThan(5000);
  }
});
