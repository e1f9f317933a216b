import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { ProblemsError } from '../../src/base/problem.js';
import { identify } from '../../src/host/process/process-identity.js';
import { runTool } from '../../src/host/process/tools.js';
import { inPlace, isRunning, type Place } from '../e2e/support/place.js';
import {
  fakeKernel,
  ofKind,
  simulator,
  simulatorOn,
  supervise,
  type FakeKernel,
  type Supervised,
} from '../e2e/support/supervised.js';

const others = { loader: 'none' };
const env = { VMRUN_SIM_LOADED: 'yes' };

/** bhyve that needs the VM, as it does. */
const bhyveOn = ({ file }: FakeKernel): readonly string[] => [
  '/bin/sh',
  '-c',
  `test -e '${file}' || exit 9; exec "$0" "$@"`,
  ...simulator,
];

async function refusal(vm: Supervised): Promise<readonly [kind: string, codes: readonly string[]]> {
  const error: unknown = await vm.result.catch((thrown: unknown) => thrown);
  if (!(error instanceof ProblemsError)) throw new Error(`not refused: ${JSON.stringify(error)}`);
  await vm.over;
  return [error.kind, error.problems.map(({ code }) => code)];
}

test.each([false, true])('a VM that others have loaded is run and then destroyed (force: %s)', async (force) => {
  await inPlace(async (place) => {
    const kernel = fakeKernel(place);
    writeFileSync(kernel.file, '');
    const vm = await supervise(place, 'reboot', others, { host: kernel.host, bhyve: bhyveOn(kernel), env, force });
    expect(await vm.result).toMatchObject({ end: { kind: 'rebooted' }, because: 'guest', boots: 1 });
    expect(kernel.calls()).toEqual(['--destroy']);
    expect(place.runDirectories()).toEqual([]);
  });
});

test('one that nobody has loaded is refused', async () => {
  await inPlace(async (place) => {
    const kernel = fakeKernel(place);
    const vm = await supervise(place, 'run', others, { host: kernel.host, env });
    expect(await refusal(vm)).toEqual(['host', ['not-loaded']]);
    expect(vm.seen.map(({ kind }) => kind)).toEqual(['cleanup', 'stop']);
    expect(kernel.calls()).toEqual([]);
    expect(place.runDirectories()).toEqual([]);
  });
});

test('so is a later boot: the VM of the one before is gone', async () => {
  await inPlace(async (place) => {
    const kernel = fakeKernel(place);
    writeFileSync(kernel.file, '');
    const fields = { ...others, targets: { rom: { bootrom: '/rom.fd', next_target: 'default' } } };
    const first = { host: kernel.host, bhyve: bhyveOn(kernel), env };
    expect(await refusal(await supervise(place, 'reboot', fields, { ...first, target: 'rom' }))).toEqual([
      'in-use',
      ['vm-exists'],
    ]);
    const vm = await supervise(place, 'reboot', fields, {
      ...first,
      bhyve: simulatorOn(kernel),
      target: 'rom',
      force: true,
    });
    expect(await refusal(vm)).toEqual(['host', ['not-loaded']]);
    expect(ofKind(vm.seen, 'boot')).toHaveLength(1);
  });
});

test('one whose bhyve cannot be started stays with those who have loaded it', async () => {
  await inPlace(async (place) => {
    const kernel = fakeKernel(place);
    writeFileSync(kernel.file, '');
    const vm = await supervise(place, 'run', others, { host: kernel.host, bhyve: [place.path('none')] });
    await expect(vm.result).rejects.toThrow('is not there');
    expect(kernel.exists()).toBe(true);
  });
});

test('on a system that shows no VMs it is taken to be there', async () => {
  await inPlace(async (place) => {
    const { host } = fakeKernel(place);
    const vmm = { ...host.vmm, isAvailable: false };
    const vm = await supervise(place, 'halt', others, { host: { ...host, vmm }, env });
    expect(await vm.result).toMatchObject({ end: { kind: 'halted' } });
  });
});

/** What a supervisor that was killed has left: a process of its, and its state. */
async function orphanOf(place: Place, role: 'bhyve' | 'loader') {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  const { pid = 0 } = child;
  const state = {
    version: 1,
    name: place.name,
    supervisor: 1,
    since: '',
    [role]: await identify(pid, runTool),
  };
  mkdirSync(place.path('run', place.name), { recursive: true, mode: 0o700 });
  writeFileSync(place.path('run', place.name, 'state.json'), JSON.stringify(state));
  return { child, pid, ended: once(child, 'exit') };
}

test.each([
  ['bhyve', 'this VM still runs as process'],
  ['loader', 'a loader of this VM still runs as process'],
] as const)('an orphan %s of an earlier run is found', async (role, says) => {
  await inPlace(async (place) => {
    const kernel = fakeKernel(place);
    writeFileSync(kernel.file, '');
    const orphan = await orphanOf(place, role);
    const options = { host: kernel.host, bhyve: bhyveOn(kernel), env };
    const vm = await supervise(place, 'halt', others, options);
    await expect(vm.result).rejects.toThrow(`${says} ${orphan.pid}`);
    expect(isRunning(orphan.pid)).toBe(true);
    // With force it is ended, and the VM that it has used is no freshly loaded one.
    const forced = await supervise(place, 'halt', others, { ...options, force: true });
    expect(await refusal(forced)).toEqual(['host', ['not-loaded']]);
    await orphan.ended;
    expect(kernel.calls()).toEqual(['--destroy']);
  });
});
