import { describe, expect, test } from '@jest/globals';
import type { RunEvent } from '../../src/supervisor/events.js';
import { inPlace } from '../e2e/support/place.js';
import { ofKind, supervise } from '../e2e/support/supervised.js';
import { inBuiltProcess } from '../support/built-process.js';

const sh = (script: string): readonly string[] => ['/bin/sh', '-c', script];

/** A bhyve that crashes at once, for ever. */
const crashing = sh('echo "no luck" >&2; exit 4');
const rebootOnError = { reboot_on: ['error'] };

interface Pause {
  readonly delayMs: number;
  /** From the end of one bhyve until the next is there. */
  readonly tookMs: number;
}

function pausesOf(seen: readonly RunEvent[]): readonly Pause[] {
  const exits = ofKind(seen, 'exit');
  const boots = ofKind(seen, 'boot');
  return ofKind(seen, 'reboot').map(({ delayMs }, index) => ({
    delayMs,
    tookMs: (boots[index + 1]?.monotonicMs ?? NaN) - (exits[index]?.monotonicMs ?? NaN),
  }));
}

/** Within a tenth, the start of the process included; one that is due at once within as much as the shortest pause. */
function expectOnTime(pauses: readonly Pause[]): void {
  const shortest = Math.min(...pauses.map(({ delayMs }) => delayMs).filter((delayMs) => delayMs > 0));
  for (const { delayMs, tookMs } of pauses) {
    // A timer of Node may be a millisecond early.
    expect(tookMs).toBeGreaterThanOrEqual(delayMs - 2);
    expect(tookMs).toBeLessThan(delayMs + Math.max(delayMs, shortest) / 10);
  }
}

describe('a bhyve that crashes at once, for ever', () => {
  test('is started on the schedule of restart, and given up within its budget', async () => {
    await inPlace(async (place) => {
      const restart = { delay: '900ms', max_delay: '1500ms', max: 4, window: '60s' };
      const vm = await supervise(place, '', { ...rebootOnError, restart }, { bhyve: crashing });
      expect(await vm.result).toMatchObject({
        end: { kind: 'failed', status: 4 },
        because: 'restart-limit',
        boots: 5,
        why: { evidence: ['no luck'] },
      });
      await vm.over;
      const pauses = pausesOf(vm.seen);
      expect(pauses.map(({ delayMs }) => delayMs)).toEqual([0, 900, 1500, 1500]);
      expectOnTime(pauses);
      expect(vm.seen.at(-1)).toMatchObject({ kind: 'stop', because: 'restart-limit', boots: 5 });
    });
  });

  test('is not given up while the window holds fewer reboots than max', async () => {
    await inPlace(async (place) => {
      // Two in any 150 ms at the most: from the second pause on they are further apart.
      const restart = { delay: '200ms', max_delay: '200ms', max: 2, window: '150ms' };
      const options = { bhyve: crashing, limits: { rebootCount: 6 } };
      const vm = await supervise(place, '', { ...rebootOnError, restart }, options);
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
    const restart = { delay: '50ms', max_delay: '10s', max: 4, window: '60s', stable: '600ms' };
    const bhyve = sh('case $VMRUN_BOOT in 4 | 8) sleep 0.8 ;; esac; exit 0');
    const vm = await supervise(place, '', { restart }, { bhyve, limits: { rebootCount: 9 } });
    expect(await vm.result).toMatchObject({ because: 'reboot-count', boots: 10 });
    await vm.over;
    expect(ofKind(vm.seen, 'reboot').map(({ delayMs }) => delayMs)).toEqual([0, 50, 100, 0, 0, 50, 100, 0, 0]);
  });
});

describe('in the pause before a boot', () => {
  test('a stop is honoured within 100 ms', async () => {
    await inPlace(async (place) => {
      const restart = { delay: '1h', max_delay: '1h' };
      const vm = await supervise(place, '', { ...rebootOnError, restart }, { bhyve: crashing });
      await vm.event('reboot', 2);
      const stopped = performance.now();
      vm.stop();
      expect(await vm.result).toMatchObject({ because: 'asked', boots: 2, end: { kind: 'failed' } });
      expect(performance.now() - stopped).toBeLessThan(100);
      await vm.over;
      expect(ofKind(vm.seen, 'boot')).toHaveLength(2);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('the supervisor uses no processor time', async () => {
    await inPlace(async ({ folder }) => {
      const { pauseMs, processorMs } = await inBuiltProcess<{ pauseMs: number; processorMs: number }>(
        'back-off.mjs',
        folder,
      );
      expect(pauseMs).toBeGreaterThan(2000);
      expect(processorMs / pauseMs).toBeLessThan(0.01);
    });
  });
});
