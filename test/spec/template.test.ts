import { expect, test } from '@jest/globals';
import { minimal, problemsOf, told } from '../support/specs.js';

const fix = '[fill it in first, or write the value in its place]';

test.each<[field: object, at: string, mark: string]>([
  [{ bootrom: '/vm/{{ rom }}.fd' }, '5:14 /bootrom', '{{ rom }}'],
  [{ bootrom: '/vm/${ROM}.fd' }, '5:14 /bootrom', '${ROM}'],
  [{ emulations: [{ device: 'virtio-blk', path: '/vm/@DISK@' }] }, '8:15 /emulations/0/path', '@DISK@'],
  [{ targets: { a: { bootrom: '<%= rom %>' } } }, '7:18 /targets/a/bootrom', '<%= rom %>'],
])('a value that is still a template is a warning: %j', async (field, at, mark) => {
  expect((await problemsOf({ ...minimal, ...field })).map(told)).toEqual([
    `${at} template: ${mark} looks like a template that was not filled in ${fix}`,
  ]);
});

test.each<[text: string, mark: string, at: string]>([
  ['{\n  "name": "vm",\n  "cpu": {{ cpus }},\n  "mem": "1G"\n}', '{{ cpus }}', '3:10'],
  ['{\n  "name": "vm",\n  "cpu": @CPUS@,\n  "mem": "1G"\n}', '@CPUS@', '3:10'],
  ['{% if x %}\n{"name": "vm"}', '{% if x %}', '1:1'],
])('where it cannot be read, that is the reason: %j', async (text, mark, at) => {
  expect((await problemsOf(text)).map(told)).toEqual([
    `${at}  template: ${mark} looks like a template that was not filled in ${fix}`,
  ]);
});

test('a hook has a language of its own', async () => {
  const hooks = { pre_start: ['sh', '-c', 'echo ${NAME}'] };
  expect(await problemsOf({ ...minimal, hooks })).toEqual([]);
});
