import { readFileSync, statSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { quoteCommand } from '../../src/base/shell.js';
import { askVmrun } from './support/ask.js';
import { inPlace, vmrunCommand, type Place } from './support/place.js';
import { runVmrun, simulated } from './support/vmrun.js';

/** Eight characters, as a VNC password has at most; nothing else of a run contains them. */
const canaries = { password: 'Zq1Zq1Zq', file: 'Zq2Zq2Zq', config: 'Zq3Zq3Zq', long: 'Zq4Zq4Zq-4-and-more' };
const isThere = (text: string): readonly string[] => text.match(/Zq\d/g) ?? [];

/** A target for each way to give a password; each boot is another. */
const writeSpec = (place: Place, fields: object = {}): string => {
  place.write('vnc.password', `${canaries.file}\n`, 0o600);
  return place.spec({
    graphic: { host: '127.0.0.1', slot: 9, password: canaries.password },
    next_target: 'file',
    targets: {
      file: { graphic: { slot: 9, password_file: place.path('vnc.password') }, next_target: 'config' },
      config: { graphic: { slot: 9 }, config: { 'pci.0.9.0.password': canaries.config }, next_target: 'config' },
    },
    ...fields,
  });
};

test('a password is in the private file, of this user alone, and nowhere else', async () => {
  await inPlace(async (place) => {
    const hooks = ['pre_start', 'post_start', 'pre_reboot', 'post_stop'];
    writeSpec(place, {
      com1: 'stdio',
      hooks: Object.fromEntries(hooks.map((hook) => [hook, ['/bin/sh', place.path(hook)]])),
    });
    const runDirectory = `${place.runBase}-simulated/${place.name}`;
    // What others can see at each of these times: processes, environment, the list of VMs.
    const looking = [
      `{ ps -axww -o command= | grep -F "$VMRUN_NAME"; env`,
      quoteCommand([...vmrunCommand, 'ps', '--json', '--simulate', '--run-dir', place.runBase]),
      `} >>${place.path('public')} 2>&1`,
    ].join('; ');
    for (const hook of ['pre_start', 'pre_reboot', 'post_stop']) place.script(hook, `echo ${hook} >&2`, looking);
    place.script(
      'post_start',
      looking,
      `cd ${runDirectory} || exit 1`,
      `cp bhyve.conf ${place.path('private')}.$VMRUN_BOOT`,
      `ls -l bhyve.conf >>${place.path('modes')}`,
      // Every other file that the run has made.
      `for file in *; do [ "$file" = bhyve.conf ] || cat "$file"; done >>${place.path('public')} 2>/dev/null`,
    );
    // Each boot lasts until its look is done, on a machine of any speed.
    const script = 'reboot:1500ms,reboot:1500ms,power_off:1500ms';
    const files = ['--events', 'events', '--log', 'log', '--console-log', 'console'];
    const ended = await runVmrun(place, simulated(place, script, '-v', ...files));
    expect(ended.status).toBe(1);
    const read = (name: string): string => readFileSync(place.path(name), 'utf8');
    // What the looks would find is really there.
    expect(read('private.1')).toBe(`pci.0.9.0.password=${canaries.password}\n`);
    expect(read('private.2')).toBe(`pci.0.9.0.password=${canaries.file}\n`);
    expect(read('private.3')).toBe(`pci.0.9.0.password=${canaries.config}\n`);
    expect(read('modes').match(/^-rw-------/gm)).toHaveLength(3);
    expect(read('public')).toMatch(new RegExp(`bhyve.*${place.name}`));
    expect(read('public')).toContain('"supervisor"');
    expect(read('events')).toContain('"kind":"boot"');
    expect(read('public')).toContain('VMRUN_REASON=reboot');
    expect(read('public')).toContain('"phase": "running"');
    expect(read('log')).toContain('post_stop: post_stop');
    expect(read('console')).toContain(`${place.name} login: `);
    const texts = [read('public'), read('events'), read('log'), read('console'), ended.stdout, ended.stderr];
    for (const text of texts) expect(isThere(text)).toEqual([]);
    expect(statSync(runDirectory, { throwIfNoEntry: false })).toBeUndefined();
  });
});

test.each([
  ...['shell', 'lines', 'json', 'config'].map((format) => ['--dry-run', '--format', format]),
  ['--debug', '--format', 'shell'],
])('%s %s %s shows no password', async (...words) => {
  await inPlace(async (place) => {
    writeSpec(place);
    for (const target of ['default', 'file', 'config']) {
      const { status, stdout, stderr } = await askVmrun(place, ['-c', 'vm.json', '-t', target, ...words]);
      expect([status, isThere(stdout + stderr)]).toEqual([0, []]);
    }
  });
});

const graphic = (password: unknown) => ({ graphic: { password } });

test.each<[title: string, text: (place: Place) => string]>([
  ['is too long', ({ name }) => JSON.stringify({ name, cpu: 1, mem: '1G', ...graphic(canaries.long) })],
  ['is a list', ({ name }) => JSON.stringify({ name, cpu: 1, mem: '1G', ...graphic([canaries.long]) })],
  ['holds a newline', ({ name }) => JSON.stringify({ name, cpu: 1, mem: '1G', ...graphic(`Zq5\nZq`) })],
  [
    'is a variable with a newline',
    ({ name }) => JSON.stringify({ name, cpu: 1, mem: '1G', config: { 'x.password': `Zq6\nZq` } }),
  ],
  [
    'is a list of variables',
    ({ name }) => JSON.stringify({ name, cpu: 1, mem: '1G', config: { 'pci.0.9.0.Password': ['Zq7', 'Zq7'] } }),
  ],
  [
    'is a variable of a device that is not there',
    ({ name }) => JSON.stringify({ name, cpu: 1, mem: '1G', config: { 'pci.0.9.0.password': 'Zq8Zq' } }),
  ],
  ['has no end', () => `{"name": "vm0", "cpu": 1, "graphic": {"password": "${canaries.long}}}`],
  ['has no quotes', () => `{"name": "vm0", "cpu": 1, "graphic": {"password": ${canaries.long}}}`],
])('a wrong spec whose password %s is told without it', async (_title, text) => {
  await inPlace(async (place) => {
    place.write('wrong.json', text(place));
    const { status, stdout, stderr } = await askVmrun(place, ['-c', 'wrong.json', '--dry-run']);
    expect([status, stdout, isThere(stderr)]).toEqual([65, '', []]);
    expect(stderr).toContain('wrong.json:1:');
  });
});

test.each([
  ['is longer than VNC takes', 'Zq9Zq9Zq9Zq9'],
  ['has two lines', 'Zq9\nZq9\n'],
  ['is empty', ''],
])('a password file that %s is refused without its content', async (_title, content) => {
  await inPlace(async (place) => {
    writeSpec(place);
    place.write('vnc.password', content);
    const ended = await runVmrun(place, simulated(place, 'power_off', '-t', 'file'));
    expect([ended.status, ended.stdout, isThere(ended.stderr)]).toEqual([69, '', []]);
    expect(ended.stderr).toContain('vnc.password does not hold a password that bhyve can take');
    expect(place.runDirectories()).toEqual([]);
  });
});

test('a simulated guest needs no password file', async () => {
  await inPlace(async (place) => {
    place.spec({ graphic: { password_file: 'nowhere' } });
    expect((await runVmrun(place, simulated(place, 'power_off'))).status).toBe(1);
  });
});

test('a password in options for bhyve is warned of', async () => {
  await inPlace(async (place) => {
    place.spec({ graphic: { slot: 9 }, extra_options: ['-o', 'pci.0.9.0.password=x'] });
    const { status, stderr } = await askVmrun(place, ['-c', 'vm.json', '--dry-run']);
    expect(status).toBe(0);
    expect(stderr).toContain('for everybody to see');
  });
});

test.each([
  ['graph', ['graph', 'vm.json']],
  ['graph --format svg', ['graph', 'vm.json', '--format', 'svg']],
  ['check', ['check', 'vm.json']],
  ['--debug', ['-c', 'vm.json', '--debug', '--dry-run']],
])('a password in words for bhyve is not shown by %s', async (_title, words) => {
  await inPlace(async (place) => {
    place.spec({
      emulations: [{ device: 'raw', slot: 9, value: `fbuf,tcp=127.0.0.1:5901,password=${canaries.config},wait` }],
      extra_options: ['-o', `pci.0.9.0.password=${canaries.file}`],
      'x-mine': { token: canaries.password },
    });
    const { stdout, stderr } = await askVmrun(place, words);
    expect(stdout + stderr).toContain('fbuf,tcp=127.0.0.1:');
    expect(isThere(stdout + stderr)).toEqual([]);
  });
});

test('a lock file has no password of a raw device', async () => {
  await inPlace(async (place) => {
    place.spec({ emulations: [{ device: 'raw', value: `fbuf,password=${canaries.config},wait` }] });
    expect((await askVmrun(place, ['lock', 'vm.json'])).status).toBe(0);
    const text = readFileSync(place.path('vm.lock.json'), 'utf8');
    expect(text).toContain('raw');
    expect(isThere(text)).toEqual([]);
  });
});
