import { describe, expect, test } from '@jest/globals';
import type { RunEvent } from '../../src/supervisor/events.js';
import { runsDocument } from '../../src/report/runs-document.js';
import { listRuns } from '../../src/supervisor/runs.js';
import { inPlace, until } from '../e2e/support/place.js';
import { ofKind, supervise } from '../e2e/support/supervised.js';
import { inBuiltProcess } from '../support/built-process.js';
import { steppedClock, steppedHost } from '../support/stepped-clock.js';

const sh = (...lines: readonly string[]): readonly string[] => ['/bin/sh', '-c', lines.join('; ')];

/** A bhyve that crashes at once, for ever. */
const crashing = sh('echo "no luck" >&2; exit 4');
const rebootOnError = { reboot_on: ['error'] };

/** From the end of each bhyve until the next is there. */
function pausesOf(seen: readonly RunEvent[]): readonly number[] {
  const boots = ofKind(seen, 'boot').slice(1);
  return ofKind(seen, 'exit').flatMap(({ monotonicMs }, index) => {
    const next = boots[index];
    return next === undefined ? [] : [next.monotonicMs - monotonicMs];
  });
}

describe('a bhyve that crashes at once, for ever', () => {
  test('is started on the schedule of restart, and given up within its budget', async () => {
    await inPlace(async (place) => {
      const restart = { delay: '900ms', max_delay: '1500ms', max: 4, window: '60s' };
      const clock = steppedClock();
      const options = { host: steppedHost(clock), bhyve: crashing };
      const vm = await supervise(place, '', { ...rebootOnError, restart }, options);
      for (const ms of [900, 1500, 1500]) await clock.pass(ms);
      expect(await vm.result).toMatchObject({
        end: { kind: 'failed', status: 4 },
        because: 'restart-limit',
        boots: 5,
        why: { evidence: ['no luck'] },
      });
      await vm.over;
      expect(ofKind(vm.seen, 'reboot').map(({ delayMs }) => delayMs)).toEqual([0, 900, 1500, 1500]);
      expect(pausesOf(vm.seen)).toEqual([0, 900, 1500, 1500]);
      expect(vm.seen.at(-1)).toMatchObject({ kind: 'stop', because: 'restart-limit', boots: 5 });
    });
  });

  test('has fewer reboots left with each, until it is given up', async () => {
    await inPlace(async (place) => {
      const restart = { delay: '900ms', max_delay: '1500ms', max: 4, window: '60s' };
      const clock = steppedClock();
      const left: (number | undefined)[] = [];
      const vm = await supervise(
        place,
        '',
        { ...rebootOnError, restart },
        { host: steppedHost(clock), bhyve: crashing },
      );
      const look = async (): Promise<void> => {
        const listed = runsDocument(await listRuns({ runBase: place.runBase }), []);
        left.push(listed.find(({ name }) => name === place.name)?.rebootsLeft);
      };
      for (const ms of [900, 1500, 1500]) {
        await until(() => clock.asleep().includes(ms));
        await look();
        await clock.pass(ms);
      }
      expect(await vm.result).toMatchObject({ because: 'restart-limit', boots: 5 });
      expect(left).toEqual([2, 1, 0]);
    });
  });

  test('is not given up while the window holds fewer reboots than max', async () => {
    await inPlace(async (place) => {
      // Two in any 1500 ms at the most: from the second pause on they are further apart.
      const restart = { delay: '2s', max_delay: '2s', max: 2, window: '1500ms' };
      const clock = steppedClock();
      const options = { host: steppedHost(clock), bhyve: crashing, limits: { rebootCount: 6 } };
      const vm = await supervise(place, '', { ...rebootOnError, restart }, options);
      for (let pause = 1; pause < 6; pause += 1) await clock.pass(2000);
      expect(await vm.result).toMatchObject({ because: 'reboot-count', boots: 7 });
    });
  });

  test('boots the target of on_give_up once, with a budget of its own', async () => {
    await inPlace(async (place) => {
      const restart = { delay: 0, max: 3, window: '60s' };
      const fields = { ...rebootOnError, restart, on_give_up: 'rescue', targets: { rescue: {} } };
      const vm = await supervise(place, '', fields, { bhyve: crashing });
      expect(await vm.result).toMatchObject({ because: 'restart-limit', boots: 8 });
      await vm.over;
      const targets = ofKind(vm.seen, 'boot').map(({ target }) => target);
      expect(targets).toEqual([...Array<string>(4).fill('default'), ...Array<string>(4).fill('rescue')]);
      expect(ofKind(vm.seen, 'reboot').flatMap(({ boot, gaveUp }) => (gaveUp === true ? [boot] : []))).toEqual([5]);
    });
  });

  test('ends with the target of on_give_up where that powers off', async () => {
    await inPlace(async (place) => {
      const restart = { delay: 0, max: 2, window: '60s' };
      const fields = { ...rebootOnError, restart, on_give_up: 'rescue', targets: { rescue: {} } };
      const bhyve = sh('case $VMRUN_TARGET in rescue) exit 1 ;; *) exit 4 ;; esac');
      const vm = await supervise(place, '', fields, { bhyve });
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, because: 'guest', boots: 4 });
    });
  });
});

test('a stable run forgets the pauses and the budget', async () => {
  await inPlace(async (place) => {
    const restart = { delay: '500ms', max_delay: '100s', max: 4, window: '600s', stable: '6s' };
    const bhyve = sh(
      `case $VMRUN_BOOT in 4 | 8) until test -e '${place.path('go')}'$VMRUN_BOOT; do sleep 0.01; done ;; esac`,
      'exit 0',
    );
    const clock = steppedClock();
    const options = { host: steppedHost(clock), bhyve, limits: { rebootCount: 9 } };
    const vm = await supervise(place, '', { restart }, options);
    for (const boot of [4, 8]) {
      for (const ms of [500, 1000]) await clock.pass(ms);
      await vm.event('boot', boot);
      clock.advance(6000);
      place.write(`go${boot}`, '');
    }
    expect(await vm.result).toMatchObject({ because: 'reboot-count', boots: 10 });
    await vm.over;
    expect(ofKind(vm.seen, 'reboot').map(({ delayMs }) => delayMs)).toEqual([0, 500, 1000, 0, 0, 500, 1000, 0, 0]);
  });
});

describe('in the pause before a boot', () => {
  test('a stop does not wait for its end', async () => {
    await inPlace(async (place) => {
      const restart = { delay: '1h', max_delay: '1h' };
      const clock = steppedClock();
      const options = { host: steppedHost(clock), bhyve: crashing };
      const vm = await supervise(place, '', { ...rebootOnError, restart }, options);
      await vm.event('reboot', 2);
      vm.stop();
      expect(await vm.result).toMatchObject({ because: 'asked', boots: 2, end: { kind: 'failed' } });
      await vm.over;
      expect(ofKind(vm.seen, 'boot')).toHaveLength(2);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('the supervisor has one timer, and nothing else to do', async () => {
    await inPlace(async ({ folder }) => {
      expect(await inBuiltProcess<readonly string[]>('back-off.mjs', folder)).toEqual(['Timeout']);
    });
  });
});
