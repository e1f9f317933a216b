import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { askVmrun } from './support/ask.js';
import { inPlace, isRunning, simulatorCommand, type Place } from './support/place.js';
import { runVmrun, simulated, startVmrun, type Ended, type Said } from './support/vmrun.js';
import { patienceMs } from '../support/patience.js';

const bhyveload = { loader: { kind: 'bhyveload', disk: '/vm/disk.img' } };
const grub = { loader: { kind: 'grub-bhyve', commands: ['linux (hd0)/vmlinuz root=/dev/vda1', 'boot'] } };
const drive = { emulations: [{ device: 'virtio-blk', path: '/vm/disk.img' }] };

const ending = (how: string) => ({ env: { VMRUN_SIM_LOADER: how } });

function expectNothingLeft(place: Place): void {
  expect(place.runDirectories()).toEqual([]);
  expect(place.processes()).toEqual([]);
}

/** `loader+` where one was started, `loader-` where it has ended. */
const steps = ({ events }: Ended): readonly string[] =>
  events.map((event) => (event.kind === 'loader' ? `loader${event.state === 'started' ? '+' : '-'}` : event.kind));

describe('a simulated run', () => {
  test('of the example loads the guest before each boot, first from the CD', async () => {
    await inPlace(async (place) => {
      const example = fileURLToPath(new URL('../../examples/bhyveload.json', import.meta.url));
      const words = ['-c', example, '-t', 'install', '--simulate=reboot,power_off', '--run-dir', place.runBase];
      const { status, stdout, stderr } = await runVmrun(place, words, { cwd: path.dirname(example) });
      expect([status, stdout]).toEqual([1, '']);
      expect(
        stderr
          .replaceAll(/pid \d+|\d+ ms/g, '...')
          .trimEnd()
          .split('\n'),
      ).toEqual([
        'vmrun: bhyveload: boot 1, loading with bhyveload (...)',
        'bhyveload: bhyveload: bhyveload-sim: bhyveload, boot 1: loads from FreeBSD-14.3-RELEASE-amd64-disc1.iso into 1G',
        'vmrun: bhyveload: boot 1, target install (...)',
        'vmrun: bhyveload: boot 1 rebooted after ...',
        'vmrun: bhyveload: next: boot 2, target default',
        'vmrun: bhyveload: boot 2, loading with bhyveload (...)',
        'bhyveload: bhyveload: bhyveload-sim: bhyveload, boot 2: loads from bhyveload.img into 1G',
        'vmrun: bhyveload: boot 2, target default (...)',
        'vmrun: bhyveload:   - ahci-cd FreeBSD-14.3-RELEASE-amd64-disc1.iso at 0:3:0',
        'vmrun: bhyveload: boot 2 powered off after ...',
      ]);
      expectNothingLeft(place);
    });
  });

  test('never starts a loader of this host, nor a bhyve', async () => {
    await inPlace(async (place) => {
      for (const name of ['bhyveload', 'grub-bhyve', 'bhyve']) place.script(name, `touch '${place.path('touched')}'`);
      place.spec({ ...grub, ...drive, next_target: 'other', targets: { other: bhyveload } });
      const env = { PATH: `${place.folder}:${process.env.PATH ?? ''}` };
      expect((await runVmrun(place, simulated(place, 'reboot,halt'), { env })).status).toBe(2);
      expect(existsSync(place.path('touched'))).toBe(false);
    });
  });

  test('tells each boot by its own target whether it was loaded', async () => {
    await inPlace(async (place) => {
      const targets = { rom: { bootrom: '/rom.fd', next_target: 'theirs' }, theirs: { loader: 'none' } };
      place.spec({ ...bhyveload, next_target: 'rom', targets });
      const ended = await runVmrun(place, simulated(place, 'reboot,reboot,reboot'));
      expect(ended).toMatchObject({ status: 0 });
      expect(steps(ended)).toEqual([
        ...['loader+', 'loader-', 'boot', 'exit', 'reboot', 'boot', 'exit', 'reboot', 'boot', 'exit'],
        ...['cleanup', 'stop'],
      ]);
    });
  });

  test('gives GRUB its commands and the drives of the guest', async () => {
    await inPlace(async (place) => {
      place.spec({ ...grub, ...drive });
      const { status, stderr } = await runVmrun(place, simulated(place, 'halt'));
      expect(status).toBe(2);
      expect(stderr).toContain('asks at its prompt into 64M, drives (hd0) /vm/disk.img\n');
      expect(stderr).toMatch(
        /^\S+: grub-bhyve: grub> linux \(hd0\)\/vmlinuz root=\/dev\/vda1\n\S+: grub-bhyve: grub> boot$/m,
      );
      expectNothingLeft(place);
    });
  });

  test('boots into a rescue target after a loader that failed', async () => {
    await inPlace(async (place) => {
      const targets = { rescue: { bootrom: '/rescue.fd', reboot_on: [] } };
      place.spec({ ...bhyveload, reboot_on: ['error'], next_target: { error: 'rescue' }, targets });
      const ended = await runVmrun(place, simulated(place, 'power_off'), ending('fail'));
      expect(ended.status).toBe(1);
      expect(steps(ended)).toEqual(['loader+', 'loader-', 'reboot', 'boot', 'exit', 'cleanup', 'stop']);
    });
  });
});

describe('a loader', () => {
  test('that fails gives exit code 4, with its last words and what to do', async () => {
    await inPlace(async (place) => {
      place.spec(bhyveload);
      const ended = await runVmrun(place, simulated(place, 'run', '-q'), ending('fail'));
      expect(ended).toMatchObject({ status: 4, stdout: '' });
      expect(ended.stderr).toContain(': boot 1, bhyveload failed with status 1 after ');
      expect(ended.stderr).toContain("    bhyveload: can't load 'kernel'\n");
      expect(ended.stderr).toContain('    fix: ');
      expect(steps(ended)).toEqual(['loader+', 'loader-', 'cleanup', 'stop']);
      expectNothingLeft(place);
    });
  });

  test('that does not come to an end is killed when its time is over', async () => {
    await inPlace(async (place) => {
      place.spec({ ...grub, loader_timeout: '300ms' });
      const ended = await runVmrun(place, simulated(place, 'run'), ending('hang'));
      expect(ended.status).toBe(4);
      expect(ended.stderr).toContain('grub-bhyve did not finish within 300 ms\n');
      expect(ended.stderr).toContain('it may wait at a prompt\n');
      expect(ended.durationMs).toBeGreaterThanOrEqual(300);
      expectNothingLeft(place);
    });
  });

  test.each<[status: number, words: readonly string[]]>([
    [2, []],
    [0, ['--no-reboot']],
  ])('that is told to reboot is a guest that reboots: %i with %j', async (status, words) => {
    await inPlace(async (place) => {
      place.spec(bhyveload);
      const ended = await runVmrun(place, simulated(place, 'halt', ...words), ending('reboot,ok'));
      expect(ended.status).toBe(status);
      expect(ended.stderr).toContain('bhyveload was told to reboot');
    });
  });

  test.each<NodeJS.Signals>(['SIGTERM', 'SIGINT'])('is killed by %s to vmrun at once', async (signal) => {
    await inPlace(async (place) => {
      place.spec({ ...bhyveload, reboot_on: ['reboot', 'error'] });
      const vm = startVmrun(place, simulated(place, 'run', '-p', 'vm.pid'), ending('hang'));
      await vm.said('loads from /vm/disk.img');
      expect(readFileSync(place.path('vm.pid'), 'utf8')).toBe('');
      vm.kill(signal);
      const ended = await vm.ended;
      expect(ended).toMatchObject({ status: 0, signal: null });
      expect(steps(ended)).toEqual(['loader+', 'loader-', 'cleanup', 'cleanup', 'stop']);
      expect(ended.stderr).toContain(`${place.name}: stopped\n`);
      expect(readdirSync(place.folder).sort()).toEqual(['run-simulated', 'vm.json']);
      expectNothingLeft(place);
    });
  });

  test('whose vmrun was killed is found by the next, which ends it with --force', async () => {
    await inPlace(async (place) => {
      place.spec(bhyveload);
      const vm = startVmrun(place, simulated(place, 'run'), ending('hang'));
      const started = await vm.event('loader');
      const pid = 'pid' in started ? started.pid : 0;
      await vm.said('loads from /vm/disk.img');
      vm.kill('SIGKILL');
      await once(vm.child, 'exit');
      const refused = await runVmrun(place, simulated(place, 'halt'));
      expect(refused.status).toBe(75);
      expect(refused.stderr).toContain(`a loader of this VM still runs as process ${pid}`);
      expect((await runVmrun(place, simulated(place, 'halt', '--force'))).status).toBe(2);
      expect(isRunning(pid)).toBe(false);
      expectNothingLeft(place);
    });
  });

  test.each<[program: string, fields: object, fix: string]>([
    ['grub-bhyve', grub, 'pkg install grub2-bhyve'],
    ['bhyveload', bhyveload, 'part of FreeBSD'],
  ])('that is not there, %s, is told as a missing bhyve is', async (program, fields, fix) => {
    await inPlace(async (place) => {
      place.spec(fields);
      const bhyve = place.script('bhyve', `touch '${place.path('started')}'`);
      const words = ['-c', 'vm.json', '--no-requirement-check', '--run-dir', place.runBase, '--bhyve', bhyve];
      const ended = await runVmrun(place, words, { env: { PATH: place.folder } });
      expect(ended.status).toBe(69);
      expect(ended.stderr).toContain(`vmrun: ${program} was not started: ${program} is not there\n`);
      expect(ended.stderr).toContain(fix);
      expect(existsSync(place.path('started'))).toBe(false);
      expectNothingLeft(place);
    });
  });

  test('is found in PATH, and its stdout does not mix with the product', async () => {
    await inPlace(async (place) => {
      place.spec(bhyveload);
      place.script('bhyveload', 'echo loading "$@"');
      const bhyve = place.script('bhyve', 'exit 2');
      const words = ['-c', 'vm.json', '--no-requirement-check', '--run-dir', place.runBase, '--bhyve', bhyve];
      const ended = await runVmrun(place, words, { env: { PATH: `${place.folder}:/usr/bin:/bin` } });
      expect(ended).toMatchObject({ status: 2, stdout: '' });
      expect(ended.stderr).toContain(`loading -m 64M -d /vm/disk.img ${place.name}\n`);
    });
  });
});

describe('a dry run', () => {
  const dryRun = async (place: Place, ...words: readonly string[]): Promise<Said> => {
    const ended = await askVmrun(place, ['-c', 'vm.json', '--run-dir', place.runBase, '-d', ...words]);
    expect(ended.status).toBe(0);
    return ended;
  };

  test('prints the command of the loader on a line before that of bhyve', async () => {
    await inPlace(async (place) => {
      place.spec({ loader: { kind: 'bhyveload', disk: "/vm/it's a disk.img", env: { autoboot_delay: '3' } } });
      const { stdout, stderr } = await dryRun(place);
      const [loading, bhyve, ...rest] = stdout.split('\n');
      expect(loading).toBe(`bhyveload -m 64M -d '/vm/it'\\''s a disk.img' -e autoboot_delay=3 ${place.name}`);
      expect(bhyve).toMatch(/^bhyve .* -m 64M /);
      expect([rest, stderr]).toEqual([[''], '']);
    });
  });

  test.each(['lines', 'json', 'config'])('has bhyve alone in the %s format, and a note', async (format) => {
    await inPlace(async (place) => {
      place.spec(bhyveload);
      const { stdout, stderr } = await dryRun(place, '--format', format);
      expect(stdout).not.toContain('bhyveload');
      expect(stderr).toBe(`vmrun: before bhyve, a run starts: bhyveload -m 64M -d /vm/disk.img ${place.name}\n`);
    });
  });

  test('says what the command of a GRUB does not show, and writes nothing', async () => {
    await inPlace(async (place) => {
      place.spec({ ...grub, ...drive });
      const map = path.join(place.runBase, place.name, 'device.map');
      const { stdout, stderr } = await dryRun(place);
      expect(stdout.split('\n')[0]).toBe(`grub-bhyve -m ${map} -M 64M ${place.name}`);
      expect(stderr.split('\n')).toEqual([
        `vmrun: ${map} does not exist yet: a run writes it for grub-bhyve`,
        'vmrun: grub-bhyve gets its commands by standard input: see "commands" of the spec',
        '',
      ]);
      expect(readdirSync(place.folder)).toEqual(['vm.json']);
    });
  });

  test('of a simulation prints a command that plays the loader', async () => {
    await inPlace(async (place) => {
      place.spec(bhyveload);
      const { stdout } = await dryRun(place, '--simulate');
      expect(stdout).toContain(`/usr/bin/env VMRUN_SIM_PROGRAM=bhyveload ${simulatorCommand.join(' ')} -m 64M `);
      const said = execFileSync('/bin/sh', ['-c', stdout.split('\n')[0] ?? ''], {
        encoding: 'utf8',
        timeout: patienceMs,
      });
      expect(said).toContain('loads from /vm/disk.img');
    });
  });

  test('of a VM that others load is as any other', async () => {
    await inPlace(async (place) => {
      place.spec({ loader: 'none' });
      const { stdout, stderr } = await dryRun(place);
      expect(stdout).toMatch(/^bhyve .*\n$/);
      expect(stdout).not.toContain('bootrom');
      expect(stderr).toBe('');
    });
  });

  test('of which ends with a reboot of the guest, and says why', async () => {
    await inPlace(async (place) => {
      place.spec({ loader: 'none' });
      const vmrun = (...more: readonly string[]) =>
        runVmrun(place, ['-c', 'vm.json', '--run-dir', place.runBase, ...more]);
      const why =
        'the guest wants to boot again, and "loader": "none" says that somebody else loads it: the run ends here';
      expect((await vmrun('--simulate=reboot')).stderr).toContain(`warning: ${why}\n`);
      expect((await vmrun('--simulate=power_off')).stderr).not.toContain('wants to boot again');
    });
  });

  test('with --debug shows the loader in the plan', async () => {
    await inPlace(async (place) => {
      place.spec({ ...grub, ...drive });
      const { stdout } = await askVmrun(place, ['-c', 'vm.json', '--debug', '--run-dir', place.runBase]);
      const { plan } = JSON.parse(stdout) as { plan: Record<string, unknown> };
      const map = path.join(place.runBase, place.name, 'device.map');
      expect(plan.loader).toEqual({
        kind: 'grub-bhyve',
        command: ['grub-bhyve', '-m', map, '-M', '64M', place.name],
        input: 'linux (hd0)/vmlinuz root=/dev/vda1\nboot\n',
        files: [{ path: map, content: '(hd0) /vm/disk.img\n' }],
        servesConsole: false,
        timeoutMs: 60_000,
        usesStdio: false,
      });
    });
  });
});
