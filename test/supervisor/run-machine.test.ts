import { expect, test } from '@jest/globals';
import { ProblemsError } from '../../src/base/problem.js';
import type { Machine } from '../../src/machine/machine.js';
import { plan } from '../../src/machine/plan.js';
import { run } from '../../src/supervisor/run.js';
import type { RunResult } from '../../src/supervisor/run-options.js';
import { inPlace, type Place } from '../e2e/support/place.js';
import { loadVm, simulator } from '../e2e/support/supervised.js';

async function machineOf(place: Place, fields: object = {}, target = 'default'): Promise<Machine> {
  const planned = plan(await loadVm(place, fields), target, { runDirectory: place.path('run', place.name) });
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
  return planned.value;
}

const runMachine = (place: Place, machine: Machine, script: string): Promise<RunResult> =>
  run(machine, {
    bhyve: simulator,
    runBase: place.runBase,
    check: false,
    env: { VMRUN_SIM_SCRIPT: script },
  }).result;

async function refusal(result: Promise<RunResult>): Promise<readonly [kind: string, codes: readonly string[]]> {
  const error: unknown = await result.catch((thrown: unknown) => thrown);
  if (!(error instanceof ProblemsError)) throw new Error(`not refused: ${JSON.stringify(error)}`);
  return [error.kind, error.problems.map(({ code }) => code)];
}

test('a machine is run as its spec would be: booted again as its policy says', async () => {
  await inPlace(async (place) => {
    const machine = await machineOf(place, { graphic: { host: '127.0.0.1', password: 'geheim17' } });
    expect(await runMachine(place, machine, 'reboot,halt')).toMatchObject({ end: { kind: 'halted' }, boots: 2 });
    expect(place.runDirectories()).toEqual([]);
  });
});

test('a target of a spec can be run alone, where it goes on with itself', async () => {
  await inPlace(async (place) => {
    const machine = await machineOf(place, { targets: { rescue: { next_target: 'rescue' } } }, 'rescue');
    expect(await runMachine(place, machine, 'reboot,power_off')).toMatchObject({ boots: 2 });
  });
});

test.each([
  ['next_target', { next_target: { error: 'rescue' } }],
  ['on_give_up', { restart: { max: 3 }, on_give_up: 'rescue' }],
])('one whose %s names another target is refused before anything is started', async (_field, fields) => {
  await inPlace(async (place) => {
    const machine = await machineOf(place, { ...fields, targets: { rescue: {} } });
    expect(await refusal(runMachine(place, machine, 'halt'))).toEqual(['usage', ['one-target']]);
    expect(place.runDirectories()).toEqual([]);
  });
});

test('one whose private file is planned for another folder is refused, and nothing is left', async () => {
  await inPlace(async (place) => {
    const spec = await loadVm(place, { graphic: { host: '127.0.0.1', password: 'geheim17' } });
    const planned = plan(spec, 'default');
    if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
    expect(await refusal(runMachine(place, planned.value, 'halt'))).toEqual(['usage', ['other-run-directory']]);
    expect(place.runDirectories()).toEqual([]);
  });
});

test('a spec that does not say for which bhyve it is means that of the platform', async () => {
  await inPlace(async (place) => {
    const seen: unknown[] = [];
    const env = ({ release, arch }: Machine): Record<string, string> => {
      seen.push([release, arch]);
      return { VMRUN_SIM_SCRIPT: 'halt', VMRUN_SIM_RELEASE: String(release), VMRUN_SIM_ARCH: arch };
    };
    const where = { bhyve: simulator, runBase: place.runBase, check: false, env };
    await run(await loadVm(place), { ...where, platform: { release: 16, arch: 'arm64' } }).result;
    expect(seen).toEqual([[16, 'arm64']]);
  });
});
