import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CommanderError } from 'commander';
import { ProblemsError } from '../../src/base/problem.js';
import { commands } from '../../src/cli/commands.js';
import type { Context } from '../../src/cli/context.js';
import { problemsExitCode } from '../../src/cli/exit-codes.js';
import type { ComparisonDocument } from '../../src/report/comparison.js';
import type { PlanDocument } from '../../src/report/plan-document.js';
import { told } from '../support/specs.js';

const examples = fileURLToPath(new URL('../../examples', import.meta.url));
const golden = (name: string): string => readFileSync(new URL(`../fixtures/plan/${name}`, import.meta.url), 'utf8');

let folder = '';
beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'vmrun-plan-')));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A command on a host whose bhyve is known; what it refuses is told as `code: message [fix]`. */
async function vmrun(line: string, workingDirectory = folder): Promise<Said> {
  const [name = '', ...words] = line.split(' ');
  const said = { out: '', err: '' };
  const context: Context = {
    workingDirectory,
    env: { NO_COLOR: '1' },
    uid: 0,
    platform: 'freebsd',
    hostBhyve: { release: 15, arch: 'amd64' },
    simulator: [],
    out: (text) => (said.out += text),
    err: (text) => (said.err += text),
    divertErr: () => undefined,
    onSignals: () => () => undefined,
    onExit: () => undefined,
  };
  const make = await commands[name]?.load();
  try {
    const command = make?.(context, { writeOut: context.out, writeErr: context.err }, commands);
    return { code: (await command?.run(words)) ?? 70, ...said };
  } catch (error) {
    if (error instanceof ProblemsError) {
      return { code: problemsExitCode(error), out: said.out, err: said.err + error.problems.map(told).join('\n') };
    }
    if (error instanceof CommanderError) return { code: 64, ...said };
    throw error;
  }
}

const put = (name: string, content: object | string): string => {
  const file = path.join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
  return file;
};

const text = (name: string): string => readFileSync(path.join(folder, name), 'utf8');

/** What bhyve makes of the path of a disk in the folder of the test. */
function serialOf(name: string): string {
  const digest = createHash('md5').update(path.join(folder, name)).digest('hex').toUpperCase();
  return `BHYVE-${digest.slice(0, 4)}-${digest.slice(4, 8)}-${digest.slice(8, 12)}`;
}

const disk = { device: 'virtio-blk', id: 'disk0', path: 'disk.img' };
const card = { device: 'virtio-net', id: 'net0', name: 'tap0' };
const vm = { name: 'web', cpu: 1, mem: '1G', emulations: [disk, card] };
const edited = { ...vm, emulations: [{ device: 'nvme', path: 'new.img' }, disk, card] };

describe('vmrun plan', () => {
  test.each([
    ['rescue.txt', 'plan -c rescue.json --all-targets'],
    ['windows-explained.txt', 'plan -c windows.json -t install --explain'],
  ])('%s is what was reviewed: %s', async (file, line) => {
    for (const name of ['rescue.json', 'windows.json']) {
      put(name, readFileSync(path.join(examples, name), 'utf8').replaceAll(/"path": "(?=\w)/g, '"path": "/vms/'));
    }
    const { out, err, code } = await vmrun(line);
    expect(out).toBe(golden(file));
    expect({ err, code }).toEqual({ err: '', code: 0 });
  });

  test('a shell reads the command back', async () => {
    const long = `/${'very-long-name/'.repeat(12)}disk.img`;
    put('vm.json', {
      ...vm,
      name: "it's",
      emulations: [
        { ...disk, path: long },
        { device: 'virtio-blk', path: 'a b$HOME' },
      ],
    });
    const { out } = await vmrun('plan -c vm.json');
    const lines = out.split('\n');
    const from = lines.findIndex((line) => line.startsWith('  bhyve '));
    const command = lines.slice(from, lines.indexOf('', from)).join('\n').replaceAll('\\\n', '');
    expect(command).toContain(`0:1:0,virtio-blk,${long} `);
    expect(command).toContain(`'0:2:0,virtio-blk,${path.join(folder, 'a b$HOME')}'`);
    expect(command).toMatch(/ 'it'\\''s'$/);
  });

  test('the drives of a controller, a loader, limits and give-up', async () => {
    put('vm.json', {
      ...vm,
      loader: { kind: 'bhyveload' },
      restart: { max: 3, window: '1min' },
      on_give_up: 'rescue',
      reboot_on: ['reboot', 'error', 'halt'],
      next_target: { error: 'rescue' },
      emulations: [
        {
          device: 'ahci',
          ports: [
            { type: 'hd', path: 'a.img' },
            { type: 'cd', path: 'b.iso' },
          ],
        },
      ],
      targets: { rescue: { reboot_on: [] }, other: {} },
    });
    const { out } = await vmrun('plan -c vm.json');
    expect(out).toContain(`  0:1:0   ahci
                      a.img    serial BHYVE-`);
    expect(out).toContain('  before bhyve:\n  bhyveload -m 1G -d a.img web\n');
    expect(out).toContain(`What follows a boot:
  default  reboot and halt -> default; error -> rescue; else the run ends
           after 3 reboots within 60 s: -> rescue, once
  rescue   else the run ends
`);
    expect(out).not.toContain('other');
  });

  test('--json is one object', async () => {
    put('vm.json', { ...vm, graphic: { password: 'geheim' } });
    await vmrun('lock -c vm.json');
    const { out } = await vmrun('plan -c vm.json --json --explain');
    const plan = JSON.parse(out) as PlanDocument;
    expect(plan).toMatchObject({
      name: 'web',
      source: 'vm.json',
      boots: [{ target: 'default', next: { reboot: 'default' } }],
      warnings: [],
      lock: { file: 'vm.lock.json', changes: [], held: [], warnings: [] },
    });
    const [target] = plan.targets;
    expect(target?.devices[1]).toEqual({
      slot: '0:1:0',
      model: 'virtio-blk',
      id: 'disk0',
      backend: 'disk.img',
      serial: serialOf('disk.img'),
      names: { freebsd: ['vtbd0'] },
    });
    expect(target?.devices[2]?.names).toEqual({ linux: 'enp0s2', freebsd: ['vtnet0'] });
    expect(target?.devices[2]).toMatchObject({ mac: '00:a0:98:5e:e8:3a' });
    expect(target?.command).toEqual(['bhyve', ...(target?.explained?.flatMap(({ words }) => words) ?? [])]);
    expect(out).not.toContain('geheim');
  });

  test('without a lock it says so; with one, what it keeps and what has changed', async () => {
    put('vm.json', vm);
    expect((await vmrun('plan -c vm.json')).out).toContain('There is no lock file');
    await vmrun('lock -c vm.json');
    expect((await vmrun('plan -c vm.json')).out).toContain(
      'Compared with vm.lock.json:\n  nothing changes for the guest\n',
    );
    put('vm.json', edited);
    const { out } = await vmrun('plan -c vm.json');
    expect(out.slice(out.indexOf('Compared'))).toBe(`Compared with vm.lock.json:
  nvme new.img is new, at 0:3:0: the guest finds a new device
It keeps, or the guest would find:
  disk0 0:1:0 -> 0:2:0: a Linux guest would have another name for it in
    /dev/disk/by-path
  net0 0:2:0 -> 0:3:0: a Linux guest would rename enp0s2 to enp0s3
  net0 MAC 00:a0:98:5e:e8:3a -> 00:a0:98:ef:24:c3: the network sees another
    card: DHCP leases, firewall rules
`);
    expect((await vmrun('plan -c vm.json --no-lock')).out).toContain('There is no lock file');
  });

  test('--diff says what bhyve is told otherwise and what the guest notices, as that VM, locked as it is', async () => {
    put('vm.json', vm);
    put('new.json', { ...edited, mem: '2G', targets: { extra: {} } });
    const bare = await vmrun('plan -c vm.json --diff new.json --all-targets');
    expect(bare.out).toBe(`web, target default: from vm.json to new.json
bhyve is told:
  + nvme new.img at 0:1:0
  virtio-blk disk.img 0:1:0 -> 0:2:0
  virtio-net tap0 0:2:0 -> 0:3:0
  memory.size 1G -> 2G
The guest notices:
  nvme new.img is new, at 0:1:0: the guest finds a new device
  disk0 0:1:0 -> 0:2:0: a Linux guest would have another name for it in
    /dev/disk/by-path
  net0 0:2:0 -> 0:3:0: a Linux guest would rename enp0s2 to enp0s3
  net0 MAC 00:a0:98:5e:e8:3a -> 00:a0:98:ef:24:c3: the network sees another
    card: DHCP leases, firewall rules

web, target extra: from vm.json to new.json
  new.json alone has this target
`);
    await vmrun('lock -c vm.json');
    const locked = await vmrun('plan -c vm.json --diff new.json --json');
    const [{ changes, guest } = { changes: [], guest: [] }] = (JSON.parse(locked.out) as ComparisonDocument).targets;
    expect(changes.map(({ kind }) => kind)).toEqual(['device-added', 'setting']);
    expect(guest.map(({ kind }) => kind)).toEqual(['added']);
    expect((await vmrun('plan -c vm.json --diff vm.json')).out).toContain('  nothing differs for bhyve\n');
    // Another VM is not to be known by what this one is known by.
    put('other.json', { ...vm, name: 'other' });
    const other = await vmrun('plan -c vm.json --diff other.json');
    expect(other.out).toContain('uuid ');
  });

  test.each([
    ['plan', 64],
    ['plan -c vm.json -t default --all-targets', 64],
    ['plan -c vm.json --explain --diff vm.json', 64],
    ['plan -c vm.json --diff -', 64],
    ['plan -c vm.json -t none', 64],
    ['plan -c none.json', 66],
    ['plan -c vm.json --lock none.json', 66],
    ['plan -c vm.json --diff none.json', 66],
    ['plan -c bad.json', 65],
  ])('%s ends with %i', async (line, code) => {
    put('vm.json', vm);
    put('bad.json', { name: 'bad' });
    expect((await vmrun(line)).code).toBe(code);
  });
});

describe('vmrun lock', () => {
  test('writes the file beside the spec, says what is new, and has nothing to do the second time', async () => {
    put('vm.yaml', JSON.stringify(vm));
    const first = await vmrun('lock -c vm.yaml');
    expect(first.code).toBe(0);
    expect(first.err).toMatch(
      /^vmrun: vm\.lock\.json: the UUID is new: .*dmidecode.*\nvmrun: vm\.lock\.json: written: 1 target, 4 devices\n$/,
    );
    expect(readdirSync(folder).sort()).toEqual(['vm.lock.json', 'vm.yaml']);
    const before = text('vm.lock.json');
    expect(await vmrun('lock -c vm.yaml')).toEqual({ code: 0, out: '', err: 'vmrun: vm.lock.json: up to date\n' });
    expect(text('vm.lock.json')).toBe(before);
    put('vm.yaml', JSON.stringify(edited));
    const third = await vmrun('lock -c vm.yaml');
    expect(third.err).toBe(`vmrun: vm.lock.json: nvme new.img is new, at 0:3:0: the guest finds a new device
vmrun: vm.lock.json: written: 1 target, 5 devices
`);
    expect(before.split('\n').filter((line) => !text('vm.lock.json').includes(line))).toEqual([]);
    expect((await vmrun('lock -c vm.yaml -q')).err).toBe('');
  });

  test('--check writes nothing, and fails where lock would', async () => {
    put('vm.json', vm);
    expect(await vmrun('lock -c vm.json --check')).toMatchObject({
      code: 65,
      err: expect.stringContaining('lock-missing'),
    });
    await vmrun('lock -c vm.json');
    expect((await vmrun('lock -c vm.json --check')).code).toBe(0);
    put('vm.json', edited);
    const before = text('vm.lock.json');
    expect(await vmrun('lock -c vm.json --check')).toMatchObject({
      code: 65,
      err: expect.stringContaining('lock-outdated'),
    });
    expect(text('vm.lock.json')).toBe(before);
  });

  test('what to do about one that is missing or old is a command that does it', async () => {
    put('$vm.json', vm);
    const fixOf = ({ err }: { readonly err: string }): string | undefined => /\[(.*)\]$/.exec(err)?.[1];
    expect(fixOf(await vmrun('lock $vm.json --check'))).toBe("vmrun lock '$vm.json'");
    expect(fixOf(await vmrun('lock $vm.json --check --lock other.json'))).toBe(
      "vmrun lock '$vm.json' --lock other.json",
    );
    expect(fixOf(await vmrun('plan $vm.json --lock other.json'))).toBe(
      "make it with: vmrun lock '$vm.json' --lock other.json",
    );
  });

  test('--prune forgets what the spec has no more', async () => {
    put('vm.json', edited);
    await vmrun('lock -c vm.json');
    put('vm.json', vm);
    expect((await vmrun('lock -c vm.json')).err).toMatch(
      /nvme new\.img is gone from 0:1:0.*\n.*1 not in the spec any more, --prune/,
    );
    expect(text('vm.lock.json')).toContain('"stale": true');
    await vmrun('lock -c vm.json --prune');
    expect(text('vm.lock.json')).not.toContain('new.img');
  });

  test('keeps the mode of the file, and the link that leads to it; nothing else is left behind', async () => {
    put('vm.json', vm);
    await vmrun('lock -c vm.json --lock real.json');
    chmodSync(path.join(folder, 'real.json'), 0o640);
    symlinkSync('real.json', path.join(folder, 'vm.lock.json'));
    put('vm.json', edited);
    expect((await vmrun('lock -c vm.json')).code).toBe(0);
    expect(readlinkSync(path.join(folder, 'vm.lock.json'))).toBe('real.json');
    expect(statSync(path.join(folder, 'real.json')).mode & 0o777).toBe(0o640);
    expect(text('real.json')).toContain('new.img');
    expect(readdirSync(folder).sort()).toEqual(['real.json', 'vm.json', 'vm.lock.json']);
  });

  test('a damaged file is refused with its place by all that would honour it, and left as it is', async () => {
    put('vm.json', vm);
    await vmrun('lock -c vm.json');
    const damaged = text('vm.lock.json').replace('0:2:0', '0:2');
    put('vm.lock.json', damaged);
    for (const line of [
      'lock -c vm.json',
      'lock -c vm.json --check',
      'plan -c vm.json',
      'check -c vm.json',
      'facts -c vm.json',
    ]) {
      const { code, err } = await vmrun(line);
      expect([line, code, err]).toEqual([
        line,
        65,
        expect.stringMatching(/^10:19 \/targets\/default\/devices\/2\/slot lock-damaged: .* \[restore it/),
      ]);
    }
    expect(text('vm.lock.json')).toBe(damaged);
    expect((await vmrun('plan -c vm.json --no-lock')).code).toBe(0);
  });

  test('a lock file that cannot be read, or written, is not a lock file that is not there', async () => {
    put('vm.json', vm);
    symlinkSync('gone.json', path.join(folder, 'vm.lock.json'));
    expect(await vmrun('plan -c vm.json')).toMatchObject({ code: 66, err: expect.stringContaining('lock-file') });
    expect(await vmrun('lock -c vm.json --lock none/vm.lock.json')).toMatchObject({
      code: 73,
      err: expect.stringContaining('ENOENT'),
    });
  });

  test('a spec on standard input has none unless it is named', async () => {
    expect(await vmrun('lock -c -')).toMatchObject({ code: 64, err: expect.stringContaining('--lock') });
  });

  test('serial numbers stay though vmrun is started elsewhere, and so do the devices', async () => {
    put('vm.json', {
      ...vm,
      emulations: [
        { device: 'virtio-blk', path: 'disk.img' },
        { device: 'ahci-cd', path: 'a.iso' },
      ],
    });
    await vmrun('lock -c vm.json');
    const { out } = await vmrun(`plan -c ${path.join(folder, 'vm.json')} --json`, '/');
    const plan = JSON.parse(out) as PlanDocument;
    expect(plan.lock).toMatchObject({ changes: [], warnings: [] });
    expect(plan.targets[0]?.devices[1]?.serial).toBe(serialOf('disk.img'));
    cpSync(path.join(folder, 'vm.lock.json'), path.join(folder, 'kept.json'));
    expect((await vmrun(`lock -c ${path.join(folder, 'vm.json')} --check`, '/')).code).toBe(0);
  });
});

describe('the same spec', () => {
  const drives = {
    ...vm,
    emulations: [
      { device: 'virtio-blk', path: 'disk.img' },
      {
        device: 'ahci',
        ports: [
          { type: 'hd', path: 'sub/../a,b.img' },
          { type: 'cd', path: 'a.iso', ser: 'CD' },
        ],
      },
      { device: 'ahci-cd', path: './b.iso' },
      { device: 'nvme', path: 'nvme.img' },
    ],
  };

  test.each([
    ['in its folder', () => ['vm.json', folder]],
    ['in the root folder', () => [path.join(folder, 'vm.json'), '/']],
    ['in a folder below', () => ['../vm.json', path.join(folder, 'sub')]],
    ['by a symbolic link to its folder', () => [path.join(folder, 'sub/link/vm.json'), '/']],
    ['by a symbolic link, in a folder below', () => ['link/vm.json', path.join(folder, 'sub')]],
  ])('started %s, gives the guest the same disks', async (_where, from) => {
    put('vm.json', drives);
    mkdirSync(path.join(folder, 'sub'));
    symlinkSync(folder, path.join(folder, 'sub/link'));
    const [config = '', start = ''] = from();
    const { out } = await vmrun(`plan -c ${config} --json`, start);
    const [target] = (JSON.parse(out) as PlanDocument).targets;
    const command = target?.command.join(' ') ?? '';
    expect(command).toContain(`,virtio-blk,${folder}/disk.img `);
    expect(command).toContain(`.port.0.path=${folder}/a,b.img `);
    // Nothing hangs on the paths of those two: bhyve makes no serial number of them.
    expect(command).toMatch(/\.port\.1\.path=\S*a\.iso /);
    expect(command).toMatch(/,nvme,\S*nvme\.img /);
    expect(command).toContain(`,ahci-cd,${folder}/b.iso `);
    expect(target?.devices[1]?.serial).toBe(serialOf('disk.img'));
    expect(target?.devices[2]?.serials).toEqual({ 'sub/../a,b.img': serialOf('a,b.img'), 'a.iso': 'CD' });
  });

  test('keeps its disks as they are written where a lock file says their serial numbers', async () => {
    put('vm.json', vm);
    await vmrun('lock -c vm.json');
    const { out } = await vmrun('plan -c vm.json --json');
    expect((JSON.parse(out) as PlanDocument).targets[0]?.command.join(' ')).toContain(
      `virtio-blk,disk.img,ser=${serialOf('disk.img')} `,
    );
  });
});

describe('devices that a guest cannot tell apart', () => {
  const mac = '58:9c:fc:00:00:01';
  const serial = (n: number) => ({ device: 'virtio-blk', path: `${n}.img`, ser: 'A' });

  test.each<[what: string, emulations: readonly object[], warning: RegExp | undefined]>([
    [
      'cards with one MAC, written in two ways',
      [
        { ...card, mac },
        { device: 'e1000', name: 'tap1', mac: '58:9C:fc:0:0:1' },
      ],
      /its MAC 58:9c:fc:00:00:01 is that of net0 at 0:1:0 too/,
    ],
    [
      'cards of one slot on two buses, whose MAC bhyve makes',
      [
        { ...card, slot: 5 },
        { device: 'e1000', name: 'tap1', slot: '1:5:0' },
      ],
      /its MAC 00:a0:98:\S+ is that of net0/,
    ],
    [
      'disks with one serial number',
      [serial(1), { ...serial(2), device: 'nvme' }],
      /its serial number A is that of virtio-blk 1\.img/,
    ],
    [
      'NVMe disks of one slot on two buses',
      [
        { device: 'nvme', path: '1.img', slot: 5 },
        { device: 'nvme', path: '2.img', slot: '1:5:0' },
      ],
      /serial number NVME-5-0 is that of/,
    ],
    [
      'drives of one controller',
      [
        {
          device: 'ahci',
          ports: [
            { type: 'hd', path: '1.img', ser: 'A' },
            { type: 'hd', path: '2.img', ser: 'A' },
          ],
        },
      ],
      /2\.img: its serial number A is that of another drive/,
    ],
    [
      'disks on one file, named in two ways',
      [
        { device: 'virtio-blk', path: '1.img' },
        { device: 'ahci-hd', path: './1.img' },
      ],
      /it is on the same file as virtio-blk 1\.img at 0:1:0, so both have the serial number/,
    ],
    ['none', [card, { device: 'e1000', name: 'tap1' }, serial(1), { ...serial(2), ser: 'B' }], undefined],
  ])('are warned of by check and plan: %s', async (_what, emulations, warning) => {
    put('vm.json', { ...vm, emulations });
    for (const line of ['plan -c vm.json', 'check -c vm.json']) {
      const { err } = await vmrun(line);
      if (warning === undefined) expect(err).not.toMatch(/its MAC|serial number/);
      else expect(err).toMatch(warning);
    }
  });
});

describe('two specs that differ by extension alone', () => {
  const message = 'vm.lock.json is the lock file of vm.yaml too';

  beforeEach(() => {
    put('vm.json', vm);
    put('vm.yaml', 'name: other\ncpu: 1\nmem: 1G\n');
  });

  test('are not locked', async () => {
    expect(await vmrun('lock -c vm.json')).toMatchObject({ code: 65, err: expect.stringContaining(message) });
    expect(await vmrun('lock -c vm.json --check')).toMatchObject({ code: 65, err: expect.stringContaining(message) });
    expect((await vmrun('lock -c vm.json --lock own.json')).code).toBe(0);
    expect((await vmrun('lock -c vm.yaml')).err).toContain('vm.lock.json is the lock file of vm.json too');
  });

  test.each(['plan -c vm.json', 'check -c vm.json'])('vmrun %s says so', async (line) => {
    rmSync(path.join(folder, 'vm.yaml'));
    await vmrun('lock -c vm.json');
    put('vm.yaml', 'name: other\ncpu: 1\nmem: 1G\n');
    expect((await vmrun(line)).err).toContain(`warning: ${message}`);
    expect((await vmrun(`${line} --no-lock`)).err).not.toContain(message);
  });

  test.each([
    ["another tool's file", 'vm.conf', 'loader="uefi"\ncpu=1\nmemory=1G\n'],
    ['a file of bhyve itself', 'vm.conf', 'name=web\ncpus=2\nmemory.size=1G\n'],
    ['what is no text', 'vm.ucl', '\0\0'],
    ['a spec of another name', 'vm0.json', JSON.stringify(vm)],
  ])('are not taken for %s', async (_what, name, content) => {
    rmSync(path.join(folder, 'vm.yaml'));
    put(name, content);
    expect((await vmrun('lock -c vm.json')).code).toBe(0);
    expect((await vmrun('plan -c vm.json')).err).toBe('');
  });
});

describe('vmrun check', () => {
  test('tells what the guest would notice, at its place', async () => {
    put('vm.json', vm);
    await vmrun('lock -c vm.json');
    put('vm.json', { ...vm, emulations: [disk, { ...card, slot: 7 }, { device: 'virtio-rnd' }] });
    const { err } = await vmrun('check -c vm.json');
    expect(err).toContain(
      'warning: net0 0:2:0 -> 0:7:0: a Linux guest would rename enp0s2 to enp0s7\n    fix: vmrun lock accepts it',
    );
    expect(err).toContain('warning: virtio-rnd at 0:3:0 is not in vm.lock.json');
    expect((await vmrun('check -c vm.json --no-lock')).err).not.toContain('warning');
  });
});
