import { describe, expect, test } from '@jest/globals';
import type { Clock } from '../../src/host/clock.js';
import type { Host } from '../../src/host/host.js';
import { inPlace } from '../e2e/support/place.js';
import { ofKind, supervise } from '../e2e/support/supervised.js';
import { steppedClock, steppedHost } from '../support/stepped-clock.js';

const dayMs = 86_400_000;
const sh = (script: string): readonly string[] => ['/bin/sh', '-c', script];

/** A host whose date jumps by a day each time that somebody asks for it; forward, back, or to and fro. */
function jumpingHost(clock: Clock, daysAfter: (asked: number) => number): Host {
  const startMs = clock.now().getTime();
  let asked = 0;
  const now = (): Date => new Date(startMs + dayMs * daysAfter((asked += 1)));
  return steppedHost({ ...clock, now });
}

describe.each<[title: string, daysAfter: (asked: number) => number]>([
  ['forward', (asked) => asked],
  ['back', (asked) => -asked],
  ['to and fro', (asked) => (asked % 2 === 0 ? 1 : -1)],
])('where the date jumps by a day, %s', (_title, daysAfter) => {
  test('the pauses, the budget and the order of the events are as ever', async () => {
    await inPlace(async (place) => {
      const restart = { delay: '300ms', max_delay: '600ms', max: 4, window: '60s', stable: '30s' };
      const clock = steppedClock();
      const host = jumpingHost(clock, daysAfter);
      const vm = await supervise(place, '', { restart }, { host, bhyve: sh('exit 0') });
      for (const ms of [300, 600, 600]) await clock.pass(ms);
      expect(await vm.result).toMatchObject({ because: 'restart-limit', boots: 5 });
      await vm.over;
      expect(ofKind(vm.seen, 'reboot').map(({ delayMs }) => delayMs)).toEqual([0, 300, 600, 600]);
      const times = vm.seen.map(({ monotonicMs }) => monotonicMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect([times[0], times.at(-1)]).toEqual([0, 1500]);
      expect(ofKind(vm.seen, 'exit').map(({ aliveMs }) => aliveMs)).toEqual([0, 0, 0, 0, 0]);
      // The date itself is told as the host says it.
      const dates = new Set(vm.seen.map(({ time }) => time.slice(0, 10)));
      expect(dates.size).toBeGreaterThanOrEqual(2);
    });
  });

  test('a deaf guest gets the time that it has, and a hook its own', async () => {
    await inPlace(async (place) => {
      const hooks = { pre_start: ['/bin/true'], post_stop: ['/bin/sleep', '600'], timeout: '500ms' };
      const bhyve = sh('trap "" TERM; echo up >&2; exec sleep 600');
      const clock = steppedClock();
      const host = jumpingHost(clock, daysAfter);
      const vm = await supervise(place, '', { stop_timeout: '600ms', hooks }, { host, bhyve });
      await vm.said('up\n');
      vm.stop();
      for (const ms of [300, 300, 500]) await clock.pass(ms);
      expect(await vm.result).toMatchObject({ end: { kind: 'killed', signal: 'SIGKILL' }, boots: 1 });
      await vm.over;
      expect(ofKind(vm.seen, 'stopping').map(({ monotonicMs }) => monotonicMs)).toEqual([0, 300, 600]);
      const [, prepared, postStop, ended] = ofKind(vm.seen, 'hook');
      expect(prepared).toMatchObject({ hook: 'pre_start', end: { kind: 'exited', status: 0 } });
      expect(ended).toMatchObject({ hook: 'post_stop', end: { kind: 'timed-out' } });
      expect([postStop?.monotonicMs, ended?.monotonicMs]).toEqual([600, 1100]);
    });
  });
});
