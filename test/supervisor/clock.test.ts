import { describe, expect, test } from '@jest/globals';
import type { Clock } from '../../src/host/clock.js';
import { systemHost, type Host } from '../../src/host/host.js';
import { inPlace } from '../e2e/support/place.js';
import { ofKind, supervise } from '../e2e/support/supervised.js';

const dayMs = 86_400_000;
const sh = (script: string): readonly string[] => ['/bin/sh', '-c', script];

/** A host whose date jumps by a day each time that somebody asks for it; forward, back, or to and fro. */
function jumpingHost(daysAfter: (asked: number) => number): Host {
  const host = systemHost();
  const startMs = host.clock.now().getTime();
  let asked = 0;
  const now = (): Date => new Date(startMs + dayMs * daysAfter((asked += 1)));
  const clock: Clock = { ...host.clock, now };
  return { ...host, clock };
}

describe.each<[title: string, daysAfter: (asked: number) => number]>([
  ['forward', (asked) => asked],
  ['back', (asked) => -asked],
  ['to and fro', (asked) => (asked % 2 === 0 ? 1 : -1)],
])('where the date jumps by a day, %s', (_title, daysAfter) => {
  test('the pauses, the budget and the order of the events are as ever', async () => {
    await inPlace(async (place) => {
      const restart = { delay: '300ms', max_delay: '600ms', max: 4, window: '60s', stable: '30s' };
      const host = jumpingHost(daysAfter);
      const vm = await supervise(place, '', { restart }, { host, bhyve: sh('exit 0') });
      expect(await vm.result).toMatchObject({ because: 'restart-limit', boots: 5 });
      await vm.over;
      expect(ofKind(vm.seen, 'reboot').map(({ delayMs }) => delayMs)).toEqual([0, 300, 600, 600]);
      const times = vm.seen.map(({ monotonicMs }) => monotonicMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      const [first = NaN, last = NaN] = [times[0], times.at(-1)];
      expect(last - first).toBeGreaterThanOrEqual(1500 - 8);
      expect(last - first).toBeLessThan(5000);
      for (const { aliveMs } of ofKind(vm.seen, 'exit')) {
        expect(aliveMs).toBeGreaterThanOrEqual(0);
        expect(aliveMs).toBeLessThan(1000);
      }
      // The date itself is told as the host says it.
      const dates = new Set(vm.seen.map(({ time }) => time.slice(0, 10)));
      expect(dates.size).toBeGreaterThanOrEqual(2);
    });
  });

  test('a deaf guest gets the time that it has, and a hook its own', async () => {
    await inPlace(async (place) => {
      const hooks = { pre_start: ['/bin/sleep', '0.2'], post_stop: ['/bin/sleep', '600'], timeout: '500ms' };
      const bhyve = sh('trap "" TERM; echo up >&2; exec sleep 600');
      const host = jumpingHost(daysAfter);
      const vm = await supervise(place, '', { stop_timeout: '600ms', hooks }, { host, bhyve });
      await vm.said('up\n');
      vm.stop();
      expect(await vm.result).toMatchObject({ end: { kind: 'killed', signal: 'SIGKILL' }, boots: 1 });
      await vm.over;
      const [pressed, , killed] = ofKind(vm.seen, 'stopping').map(({ monotonicMs }) => monotonicMs);
      const stoppedMs = (killed ?? NaN) - (pressed ?? NaN);
      expect(stoppedMs).toBeGreaterThanOrEqual(598);
      expect(stoppedMs).toBeLessThan(850);
      const [, prepared, postStop, ended] = ofKind(vm.seen, 'hook');
      expect(prepared).toMatchObject({ hook: 'pre_start', end: { kind: 'exited', status: 0 } });
      expect(ended).toMatchObject({ hook: 'post_stop', end: { kind: 'timed-out' } });
      const hookMs = (ended?.monotonicMs ?? NaN) - (postStop?.monotonicMs ?? NaN);
      expect(hookMs).toBeGreaterThanOrEqual(498);
      expect(hookMs).toBeLessThan(900);
    });
  });
});
