import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { askVmrun } from './support/ask.js';
import { inPlace, type Place } from './support/place.js';
import { inTerminal, openTerminal } from './support/terminal.js';
import { runVmrun } from './support/vmrun.js';
import { quoteCommand } from '../../src/base/shell.js';
import { hasUnseen } from '../../src/base/visible.js';
import { vmrunCommand } from './support/place.js';

/** Moves the cursor, paints, turns text around, ends lines in each way, and begins one that looks like vmrun's own. */
const evil = '\u001b[2J\u001b[31mE\u202eV\u0085I\u009b1mL\r\nvmrun: forged: \u2028\u2066\u200bx';
/** What a path in a spec may hold. */
const odd = 'E\u202eV\u0085I\u009b1mL\u2028\u2066\u200bx';

// eslint-disable-next-line no-control-regex -- what a terminal takes for colours
const own = /\u001b\[(?:1|2|22|31|32|33|36|39)m/g;

/** Nothing in a text that is not to be seen, but vmrun's own colours, and no line of others that looks like vmrun's. */
function expectPlain(text: string): void {
  expect(text).not.toContain('\u001b[31mE');
  const lines = text.replaceAll(own, '').split('\n');
  expect(lines.filter((line) => hasUnseen(line.replaceAll('\t', '')))).toEqual([]);
  expect(lines.filter((line) => line.startsWith('vmrun: forged'))).toEqual([]);
}

/** A spec that is good, with as much of that as a spec may hold. */
const full = (name: string): object => ({
  ...{ name, cpu: 1, mem: '64M', restart: { delay: 0 }, extra_options: ['-o', `x.y=${odd}`] },
  emulations: [
    { device: 'virtio-blk', path: `/${odd}/disk.img`, id: 'd0' },
    { device: 'virtio-9p', sharename: `s${odd}`, path: `/${odd}` },
    { device: 'virtio-net', name: 'tap0' },
  ],
  smbios: { system: { manufacturer: odd } },
  targets: { install: { emulations: [{ device: 'ahci-cd', path: `/${odd}.iso` }] } },
});

function prepare(place: Place): void {
  place.write('full.json', JSON.stringify(full(place.name)));
  place.write(`${evil}.json`, JSON.stringify(full(place.name)));
  const bad = {
    name: evil,
    cpu: evil,
    mem: 1,
    [evil]: 1,
    targets: { [evil]: { [evil]: 2 } },
    emulations: [{ device: evil }],
  };
  place.write('bad.json', JSON.stringify(bad));
  place.write('bad.yaml', `name: web\ncpu: 1\nmem: 64M\n"\\e[2J\\u202e\\nvmrun: forged": 1\n${odd}: [\n`);
  place.write('bad.ucl', `name = web;\ncpu = 1;\n"${odd}" = 1;\n${odd} {\n`);
  place.write('broken.json', `{"name": "web",\t"\u202e${odd}": \u001b[2J}`);
  place.write(
    'start.sh',
    `#!/bin/sh\nbhyve -c 1 -m 1G -s 3,virtio-blk,'/${odd}.img' -s 4,'${odd}' -z '${evil}' 'w${odd}'\n`,
  );
  place.write(
    'guest.conf',
    `loader="uefi"\ncpu=1\nmemory=1G\ndisk0_type="virtio-blk"\ndisk0_name="${odd}"\n${odd}="1"\n`,
  );
  place.write('dom.xml', `<domain type='bhyve'><name>w</name><title>${odd}</title><memory>1</memory></domain>`);
  place.write('good.sh', `#!/bin/sh\nbhyve -c 1 -m 1G -s 3,virtio-blk,'/${odd}.img' -s 4,virtio-9p,'s${odd}=/x' web\n`);
  mkdirSync(place.path('run', `web\nforged running`), { recursive: true });
}

const noRun = ['--run-dir', 'run'];
const specs = ['full.json', `${evil}.json`, 'bad.json', 'bad.yaml', 'bad.ucl', 'broken.json', `none-${evil}`];
const commands: readonly (readonly string[])[] = [
  ...specs.flatMap((file) => [
    ['-c', file, '--dry-run'],
    ['check', file, '--all-targets', ...noRun],
  ]),
  ...['lines', 'json', 'config'].map((format) => ['-c', 'full.json', '-d', '--format', format]),
  ['-c', 'full.json', '--debug'],
  ['-c', 'full.json', '-t', evil, '-d'],
  ['-c', 'full.json', '--reboot-on', evil],
  ['-c', 'full.json', '--simulate', evil],
  ['-c', 'full.json', '--bhyve', `/${evil}`, ...noRun, '--no-requirement-check'],
  ['-c', 'full.json', '--log', `/none/${evil}`, ...simulatedOnce()],
  ['-c', 'full.json', '-P', `/none/${evil}`, ...simulatedOnce()],
  [evil],
  ['-c', 'full.json', evil],
  [`--${evil}`],
  [`--format=${evil}`, '-c', 'full.json'],
  ['check', '--json', 'full.json', ...noRun],
  ['check', '--json', 'bad.json'],
  ['check', 'full.json', evil],
  ['check', 'full.json', '--host', evil],
  ['plan', 'full.json', '--all-targets'],
  ['plan', 'full.json', '--explain'],
  ['plan', 'full.json', '--json'],
  ['plan', 'full.json', '--diff', `${evil}.json`],
  ...['text', 'svg', 'dot', 'mermaid'].map((format) => ['graph', 'full.json', '--format', format]),
  ['graph', 'full.json', '-t', evil],
  ['lock', `${evil}.json`],
  ['lock', 'full.json', '--lock', `/none/${evil}`],
  ...['start.sh', 'guest.conf', 'dom.xml', 'bad.json', evil].flatMap((file) => [
    ['import', file],
    ['import', '--yaml', file],
  ]),
  ['import', 'start.sh', '--out', evil],
  ['import', 'start.sh', '--from', evil],
  ['stop', evil, ...noRun],
  ['stop', '--run-dir', evil, 'web'],
  ['ps', '--run-dir', evil],
  ['ps', ...noRun],
  ['ps', '--format', 'lines', ...noRun],
  ['ps', '--json', ...noRun],
  ['init', '--yes', '--disk', evil],
  ['init', '--yes', `${evil}.yaml`],
  ['init', '--yes', `${evil}/x.yaml`],
  ['init', '--yes', '--name', evil, '-'],
  ['init', '--yes', '--iso', `/${odd}`, '-'],
  ['schema', evil],
  ['help', evil],
  ['completion', evil],
  ['completion', 'bash', '--answer', ' ', 'vmrun -c ', ''],
  ['completion', 'zsh', '--answer', '5', 'vmrun', '-c', 'full.json', '-t', ''],
];

function simulatedOnce(): readonly string[] {
  return ['--simulate=power_off', ...noRun];
}

/** Only a run is to have a process of its own. */
const isRun = (words: readonly string[]): boolean => words.includes('--run-dir') && words[0] === '-c';

const asText = (words: readonly string[]): string => JSON.stringify(words.join(' ')).replaceAll(/[^ -~]/g, '.');

test.each(commands.map((words) => [asText(words), words] as const))(
  'nothing hostile comes out of vmrun %s',
  (_title, words) =>
    inPlace(async (place) => {
      prepare(place);
      const say = isRun(words) ? runVmrun : askVmrun;
      for (const env of [{}, { FORCE_COLOR: '1', LANG: 'C.UTF-8' }]) {
        const { stdout, stderr, status } = await say(place, words, { env });
        expect(status).not.toBeNull();
        expect(stderr).not.toContain('this is a bug in vmrun');
        expectPlain(stdout);
        expectPlain(stderr);
      }
    }),
);

test('nothing hostile of bhyve and hooks comes out of a run, its log, its events', () =>
  inPlace(async (place) => {
    const words = JSON.stringify(`${evil}\nvmrun: forged\n\\0377\\0001`)
      .slice(1, -1)
      .replaceAll(/\\u(....)/g, (_all, code: string) =>
        [...new TextEncoder().encode(String.fromCharCode(parseInt(code, 16)))]
          .map((byte) => `\\0${byte.toString(8)}`)
          .join(''),
      );
    const say = place.script('say', `printf '%b' '${words}' >&2`);
    const bhyve = place.script('bhyve', `'${say}'`, 'exit 4');
    place.spec({ restart: { delay: 0 }, hooks: { pre_start: [say], post_stop: [say, odd] } });
    for (const color of ['--color', '--no-color']) {
      const run = ['-c', 'vm.json', '--no-requirement-check', ...noRun, '--bhyve', bhyve, color];
      for (const log of [
        ['--log', 'log', '--events', 'events'],
        ['--log', '-'],
        ['--events', '-', '-q'],
      ]) {
        const { status, stdout, stderr, events } = await runVmrun(place, [...run, ...log]);
        expect(status).toBe(4);
        expectPlain(stdout + stderr + JSON.stringify(events).replaceAll('\\', ''));
      }
    }
    expectPlain(readFileSync(place.path('log'), 'utf8'));
    expectPlain(readFileSync(place.path('events'), 'utf8'));
    expect(readFileSync(place.path('log'), 'utf8')).toMatch(/ bhyve: vmrun: forged$/m);
  }));

test('what import writes holds the same characters, in a form that is seen', () =>
  inPlace(async (place) => {
    prepare(place);
    for (const [name, more] of Object.entries({ 'a.json': [], 'a.yaml': ['--yaml'] })) {
      const { stdout } = await askVmrun(place, ['import', 'good.sh', ...more]);
      expectPlain(stdout);
      place.write(name, stdout);
      const { stdout: command } = await askVmrun(place, ['-c', name, '-d', '--format', 'json']);
      expect(JSON.parse(command)).toContain(`0:3:0,virtio-blk,/${odd}.img`);
      expect(JSON.parse(command)).toContain(`0:4:0,virtio-9p,s${odd}=/x`);
    }
  }));

test('a printed command is what is run, or says that it is not', () =>
  inPlace(async (place) => {
    prepare(place);
    const printed = async (format: string) => askVmrun(place, ['-c', 'full.json', '-d', '--format', format]);
    const words = JSON.parse((await printed('json')).stdout) as readonly string[];
    const { stdout, stderr } = await printed('shell');
    const shell = spawnSync('bash', ['-c', `printf '%s\\0' ${stdout}`], { encoding: 'utf8' });
    expect(shell.stdout.split('\0').slice(0, -1)).toEqual(words);
    expect(stderr).toBe('');
    for (const format of ['lines', 'config']) expect((await printed(format)).stderr).toContain('--format json');
  }));

inTerminal('nothing hostile reaches a terminal', () =>
  inPlace(async (place) => {
    prepare(place);
    const commandsThere = [
      ['check', 'bad.json'],
      ['-c', 'full.json', '-d'],
      ['ps', ...noRun],
      ['stop', evil, ...noRun],
    ];
    const lines = commandsThere.map((words) => quoteCommand([...vmrunCommand, ...words]));
    const script = place.script('all', ...lines);
    const terminal = openTerminal(place, `bash '${script}'`);
    expectPlain((await terminal.ended).replaceAll('\r\n', '\n'));
  }),
);
