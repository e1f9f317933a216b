import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { systemClock, type Clock } from '../../../src/host/clock.js';
import { runTool } from '../../../src/host/process/tools.js';
import { noVmm, vmmOf, type Vmm } from '../../../src/host/look/vmm.js';
import { inPlace, type Place } from '../../e2e/support/place.js';

/** A kernel whose VMs are files of a folder, and whose bhyvectl is a script. */
function fakeVmm({ path, script }: Place, lines: readonly string[], clock: Clock = systemClock): Vmm {
  mkdirSync(path('vmm'), { recursive: true });
  const bhyvectl = script('bhyvectl', `echo "$*" >> '${path('calls')}'`, `cd '${path('vmm')}'`, ...lines);
  return vmmOf({ run: runTool, clock, directory: path('vmm'), bhyvectl, isAvailable: true });
}

/** Time passes only where somebody sleeps. */
function fastClock(): Clock {
  let nowMs = 0;
  return {
    monotonicMs: () => nowMs,
    now: () => new Date(nowMs),
    sleep: (ms) => {
      nowMs += ms;
      return new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const calls = ({ path }: Place): readonly string[] =>
  existsSync(path('calls')) ? readFileSync(path('calls'), 'utf8').trim().split('\n') : [];

const destroyNow = 'case $* in *--destroy) rm "${1#--vm=}" ;; esac';

test('destroy asks bhyvectl once and says that it is gone', async () => {
  await inPlace(async (place) => {
    const vmm = fakeVmm(place, [destroyNow]);
    place.write(`vmm/${place.name}`, '');
    expect(vmm.exists(place.name)).toBe(true);
    expect(await vmm.destroy(place.name)).toBe(true);
    expect(vmm.exists(place.name)).toBe(false);
    expect(calls(place)).toEqual([`--vm=${place.name} --destroy`]);
  });
});

test('destroy waits for a kernel that takes its time', async () => {
  await inPlace(async (place) => {
    const vmm = fakeVmm(place, ['(sleep 0.1; rm "${1#--vm=}") > /dev/null 2>&1 &']);
    place.write(`vmm/${place.name}`, '');
    expect(await vmm.destroy(place.name)).toBe(true);
    expect(vmm.exists(place.name)).toBe(false);
  });
});

describe('destroy gives up after some seconds', () => {
  test.each<[title: string, bhyvectl: string]>([
    ['where the kernel does nothing', ':'],
    ['where bhyvectl fails', 'exit 1'],
  ])('%s', async (_title, line) => {
    await inPlace(async (place) => {
      const clock = fastClock();
      const vmm = fakeVmm(place, [line], clock);
      place.write(`vmm/${place.name}`, '');
      expect(await vmm.destroy(place.name)).toBe(false);
      expect(clock.monotonicMs()).toBeGreaterThanOrEqual(5000);
      expect(clock.monotonicMs()).toBeLessThan(6000);
    });
  });
});

test('a VM that is not there is neither destroyed nor powered off', async () => {
  await inPlace(async (place) => {
    const vmm = fakeVmm(place, ['exit 1']);
    expect(await vmm.destroy(place.name)).toBe(true);
    await vmm.forcePowerOff(place.name);
    expect(calls(place)).toEqual([]);
  });
});

test("a forced power-off is bhyvectl's", async () => {
  await inPlace(async (place) => {
    const vmm = fakeVmm(place, [':']);
    place.write(`vmm/${place.name}`, '');
    await vmm.forcePowerOff(place.name);
    expect(calls(place)).toEqual([`--vm=${place.name} --force-poweroff`]);
  });
});

describe('a VM is waited for', () => {
  test('until it is there', async () => {
    await inPlace(async (place) => {
      const vmm = fakeVmm(place, [':']);
      const order: string[] = [];
      const appeared = vmm.appears(place.name, new AbortController().signal).then(() => order.push('appeared'));
      await systemClock.sleep(20);
      order.push('made');
      place.write(`vmm/${place.name}`, '');
      await appeared;
      expect(order).toEqual(['made', 'appeared']);
    });
  });

  test('until nobody wants it any more', async () => {
    await inPlace(async (place) => {
      const vmm = fakeVmm(place, [':']);
      const over = new AbortController();
      const waiting = vmm.appears(place.name, over.signal);
      over.abort();
      await waiting;
    });
  });

  test('not at all on a system that has no such thing', async () => {
    await inPlace(async ({ path, name }) => {
      const vmm = vmmOf({ run: runTool, clock: systemClock, directory: path('none'), isAvailable: false });
      await vmm.appears(name, new AbortController().signal);
      expect(vmm.exists(name)).toBe(false);
    });
  });

  test('nor where nobody is to meet the VMs of the kernel', async () => {
    await noVmm.appears('vm', new AbortController().signal);
    await noVmm.forcePowerOff('vm');
    expect([noVmm.isAvailable, noVmm.exists('vm'), await noVmm.destroy('vm')]).toEqual([false, false, true]);
  });
});
