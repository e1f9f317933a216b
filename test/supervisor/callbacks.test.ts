import { expect, test } from '@jest/globals';
import { inPlace } from '../e2e/support/place.js';
import { loadVm, ofKind, simulator, supervise } from '../e2e/support/supervised.js';
import { run } from '../../src/supervisor/run.js';

const fail = (): never => {
  throw new Error('the disk of the log is gone');
};
const reject = (): Promise<never> => Promise.reject(new Error('the disk of the log is gone'));

/** A bhyve that talks on stderr before and after each boot. */
const talking = ['/bin/sh', '-c', 'echo one >&2; echo two >&2; exec "$@"', 'sh', ...simulator];

test.each([
  ['throw', fail],
  ['reject', reject],
])('callbacks that %s end no VM, and are told once each', async (_what, callback) => {
  await inPlace(async (place) => {
    const hooks = { pre_reboot: ['/bin/sh', '-c', 'echo hook; echo hook'] };
    const options = { bhyve: talking, onStderr: callback, onHookOutput: callback };
    const vm = await supervise(place, 'reboot,reboot,halt', { hooks }, options);
    expect(await vm.result).toMatchObject({ end: { kind: 'halted' }, boots: 3, leftBehind: [] });
    await vm.over;
    const told = ofKind(vm.seen, 'degraded').map(({ part, error }) => [part, error]);
    expect([...told].sort()).toEqual(['onHookOutput', 'onStderr'].map((part) => [part, 'the disk of the log is gone']));
    expect(ofKind(vm.seen, 'recovered')).toEqual([]);
    expect(place.runDirectories()).toEqual([]);
  });
});

test('a console whose reader throws ends no VM', async () => {
  await inPlace(async (place) => {
    const console = { com1: 'stdio' };
    const vm = await supervise(place, 'reboot,halt', console, {
      bhyve: ['/bin/sh', '-c', 'echo a guest talks; exec "$@"', 'sh', ...simulator],
      extraArguments: [],
      onConsole: fail,
    });
    expect(await vm.result).toMatchObject({ end: { kind: 'halted' }, boots: 2 });
    await vm.over;
    expect(ofKind(vm.seen, 'degraded').map(({ part }) => part)).toEqual(['onConsole']);
  });
});

test('a later boot has the environment of the one before where none can be made', async () => {
  await inPlace(async (place) => {
    let calls = 0;
    const env = () => {
      calls += 1;
      return calls === 1 ? { WORD: 'first' } : fail();
    };
    const said: string[] = [];
    const vm = run(await loadVm(place), {
      bhyve: ['/bin/sh', '-c', 'echo $WORD $VMRUN_BOOT >&2; exit $((VMRUN_BOOT - 1))'],
      runBase: place.runBase,
      check: false,
      env,
      onStderr: (text) => said.push(text),
    });
    expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, boots: 2 });
    expect(said.join('')).toBe('first 1\nfirst 2\n');
  });
});
