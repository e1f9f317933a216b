import { describe, expect, test } from '@jest/globals';
import { minimal, problemsOf, told, type SpecObject } from '../support/specs.js';

const saidOf = async (fields: SpecObject): Promise<readonly string[]> =>
  (await problemsOf({ ...minimal, ...fields })).map((problem) => told(problem).replace(/^[^ ]* /, ''));

describe('what only a shell knows is a warning', () => {
  test.each<[fields: SpecObject, at: string, mark: string]>([
    [{ bootrom: '~/rom.fd' }, '/bootrom', '~'],
    [{ emulations: [{ device: 'virtio-blk', path: '~jane/disk.img' }] }, '/emulations/0/path', '~jane'],
    [{ emulations: [{ device: 'nvme', path: '$HOME/disk.img' }] }, '/emulations/0/path', '$HOME'],
    [{ emulations: [{ device: 'ahci-cd', path: '/vm/$NAME.iso' }] }, '/emulations/0/path', '$NAME'],
    [{ emulations: [{ device: 'raw', value: 'virtio-blk,~/disk.img' }] }, '/emulations/0/value', '~'],
    [{ extra_options: '-s 5,virtio-blk,$HOME/disk.img' }, '/extra_options', '$HOME'],
    [{ extra_options: ['-s', '5,virtio-blk,~/disk.img'] }, '/extra_options/1', '~'],
    [{ com1: '/dev/$TTY' }, '/com1', '$TTY'],
    [{ targets: { a: { varfile: '~/vars.fd' } } }, '/targets/a/varfile', '~'],
  ])('a path %j', async (fields, at, mark) => {
    const said = (await saidOf(fields)).filter((each) => each.includes('shell-path'));
    expect(said).toEqual([
      expect.stringMatching(
        `^${at.replaceAll('/', '.')} shell-path: no shell reads .*: [${mark.charAt(0)}]${mark.slice(1)} is taken as it is`,
      ),
    ]);
  });

  test.each<SpecObject>([
    { emulations: [{ device: 'virtio-blk', path: '/vm/disk~1.img' }] },
    { emulations: [{ device: 'virtio-blk', path: '/vm/a$b.img' }] },
    { graphic: { password: '$HOME/' } },
    { 'x-note': '~/disk.img' },
    { smbios: { bios: { vendor: 'for 5 $/month' } } },
  ])('none in %j', async (fields) => {
    expect(await saidOf(fields)).toEqual([]);
  });
});

describe('a hook that is meant for a shell is a warning', () => {
  test.each<[command: string | readonly string[], marks: string]>([
    ['/bin/echo up | logger', '|'],
    ['/bin/echo up > /tmp/up', '>'],
    ['/bin/echo up >> /tmp/up 2>&1', '>> and 2>&1'],
    ['/bin/a && /bin/b; /bin/c &', '&&, ; and &'],
    ['/bin/echo $HOME "$USER" ${X} $(id) `id` $?', '$HOME, $USER, ${, $(, ), ` and $?'],
    ['/bin/rm /tmp/*.pid /tmp/a[0-9] /tmp/b?', '*, [0-9] and ?'],
    ['~/bin/up ~', '~'],
    [['/bin/echo', 'up', '|', 'logger'], '|'],
    [['/bin/echo', 'up', '>', '/tmp/up'], '>'],
  ])('%j', async (command, marks) => {
    const script = typeof command === 'string' ? [{ post_start_script: command }] : [];
    for (const fields of [{ hooks: { post_start: command } }, ...script]) {
      const [said, ...more] = await saidOf(fields);
      expect(more).toEqual([]);
      expect(said).toMatch(/as text \[use (hooks\.post_start: )?\["sh", "-c", "/);
      expect(said).toContain(` is given ${marks} as text`);
    }
  });

  test.each<string | readonly string[]>([
    '/bin/echo up',
    "/bin/sh -c '/bin/echo $HOME | logger > /tmp/*'",
    '/bin/echo \\| \\$HOME "a | b > c; *" a~b C# 5$',
    ['/bin/sh', '-c', 'echo up | logger'],
    ['/bin/echo', '$HOME', '*'],
  ])('%j is not', async (command) => {
    expect(await saidOf({ hooks: { post_start: command } })).toEqual([]);
  });
});
