import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { puppet } from '../supervisor/orphans.js';
import { inPlace, isRunning, until } from './support/place.js';
import { runVmrun, startVmrun } from './support/vmrun.js';

describe('after kill -9 of vmrun', () => {
  test.each<[title: string, words: readonly string[]]>([
    ['alone', []],
    ['and with a log', ['--log', 'vm.log', '--events', 'vm.events']],
  ])('what reads its output, as daemon(8) does, sees its end although bhyve runs on: %s', async (_title, words) => {
    await inPlace(async (place) => {
      const bhyve = puppet(place);
      place.spec({ hooks: { post_start: ['true'] } });
      const runDirectory = ['--run-dir', place.runBase];
      const vm = startVmrun(place, [
        ...['-c', 'vm.json', '--no-requirement-check', ...runDirectory, '--bhyve', bhyve.file, '-p', 'vm.pid'],
        ...words,
      ]);
      await vm.said('up ');
      // Both its outputs are at their ends: nothing that outlives it has one of them open.
      const closed = once(vm.child, 'close');
      vm.kill('SIGKILL');
      await closed;
      const [pid] = place.processes().flatMap(({ pid, command }) => (command.includes('/bin/sh -c') ? [] : [pid]));
      expect(isRunning(pid ?? 0)).toBe(true);
      expect((await runVmrun(place, ['stop', place.name, ...runDirectory])).status).toBe(0);
      await until(() => place.processes().length === 0);
      expect(place.runDirectories()).toEqual([]);
    });
  });
});
