import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { ManagerEvent } from '../../src/manager/manager-events.js';
import { addSpec } from '../manager/support.js';
import { eventClient } from '../support/event-client.js';
import { placeApi, puppetManager, socketOf } from '../support/puppet-manager.js';
import { endProcess, inPlace, until, type Place } from './support/place.js';
import { managedIn } from './support/serving.js';

/** Guests that power off when they are asked to, but for those that are deaf to it. */
function guestsOf(place: Place): string {
  place.write('boots', '');
  return place.script(
    'bhyve',
    `cd '${place.folder}' || exit 4`,
    'case $VMRUN_NAME in deaf-*) trap "" TERM ;; *) trap "exit 1" TERM ;; esac',
    'echo "$VMRUN_NAME" >> boots',
    // It waits for what nobody writes, and starts nobody who would outlive it.
    '[ -p "line.$VMRUN_NAME" ] || mkfifo "line.$VMRUN_NAME"',
    'exec 9<> "line.$VMRUN_NAME"',
    'while :; do read -r never <&9; done',
  );
}

describe('a hand-over', () => {
  test('of 50 VMs is noticed by no guest, and what was asked for goes on or is known to be interrupted', async () => {
    await inPlace(async (place) => {
      const guest = guestsOf(place);
      const names = Array.from({ length: 48 }, (_, index) => `vm-${index}-${place.name}`);
      const [deaf, slow] = [`deaf-${place.name}`, `slow-${place.name}`];
      for (const name of [...names, deaf]) addSpec(place, name, { autostart: true });
      // Its start goes on until the manager ends: nothing comes before its hook has ended.
      const hook = place.script('hook', `echo "$$" >> '${place.path('hooks')}'`, 'exec sleep 1000');
      addSpec(place, slow, { hooks: { pre_start: hook, timeout: '1h' } });
      const api = placeApi(place);
      const running = async () => {
        const vms = await api.vms().catch(() => []);
        return vms
          .filter(({ name, state }) => names.includes(name) && state === 'running')
          .map(({ name, pid, boot, since, bootSince }) => ({ name, pid, boot, since, bootSince }));
      };
      const first = puppetManager(place, guest);
      await first.listens;
      await until(async () => (await running()).length === names.length);
      await until(() => readFileSync(place.path('boots'), 'utf8').includes(deaf));
      const before = await running();
      const start = await api.request(slow, 'start');
      const stop = await api.request(deaf, 'stop', { timeout: '1h' });
      await until(() => existsSync(place.path('hooks')));
      first.kill('SIGUSR2');
      expect(await first.ended).toBe(0);

      const second = puppetManager(place, guest);
      await second.listens;
      await until(async () => (await running()).length === names.length);
      expect(await running()).toEqual(before);
      expect(await api.operation(start.id)).toMatchObject({ state: 'interrupted' });
      expect(await api.operation(stop.id)).toMatchObject({ state: 'running' });
      // The same stop, as is told of it: "now" wins over the hour.
      await api.request(deaf, 'stop', { now: true });
      await until(async () => (await api.operation(stop.id))?.state === 'done');
      // It was wanted, and is started by the next manager; that it is not running is its own affair.
      expect((await api.vms()).find(({ name }) => name === slow)).toMatchObject({ wanted: { state: 'running' } });
      const halt = await api.request(slow, 'stop', { now: true });
      await until(async () => (await api.operation(halt.id))?.state === 'done');
      // That of the first manager: nobody waits for it any more.
      for (const pid of readFileSync(place.path('hooks'), 'utf8').trimEnd().split('\n')) endProcess(Number(pid));
      // Each has booted once.
      expect(readFileSync(place.path('boots'), 'utf8').trimEnd().split('\n').sort()).toEqual([...names, deaf].sort());
      second.kill('SIGTERM');
      expect(await second.ended).toBe(0);
      expect(place.runDirectories()).toEqual([]);
    });
  });
});

/** Where in the events a VM first came to this. */
const firstOf = (events: readonly ManagerEvent[], vm: string, kind: string): number =>
  events.findIndex(
    (event) =>
      event.kind !== 'gap' &&
      event.vm === vm &&
      (event.kind === kind || (event.kind === 'run' && event.event.kind === kind)),
  );

describe('the order of VMs that wait for one another', () => {
  test('is kept when all start by themselves, and turned round when all are stopped; others do not wait', async () => {
    await inPlace(async (place) => {
      const managed = managedIn(place);
      const gate = place.path('gate');
      const db = managed.vm('db', { autostart: { ready: { command: ['test', '-e', gate] } } });
      const app = managed.vm('app', { autostart: { after: [db] } });
      const web = managed.vm('web', { autostart: { after: [app] } });
      const free = managed.vm('free', { autostart: true });
      const client = eventClient(socketOf(place));
      const serving = await managed.serve();
      // It waits for nobody, and is up before the first of the others is ready.
      await until(() => firstOf(client.events(), free, 'boot') >= 0);
      place.write('gate', '');
      await until(() => firstOf(client.events(), web, 'ready') >= 0);
      serving.kill('SIGTERM');
      expect(await serving.ended).toBe(0);
      await client.end();
      const events = client.events();
      const order = (...steps: readonly (readonly [vm: string, kind: string])[]): void => {
        const found = steps.map(([vm, kind]) => firstOf(events, vm, kind));
        expect([found.includes(-1), found]).toEqual([false, [...found].sort((a, b) => a - b)]);
      };
      order([db, 'boot'], [db, 'ready'], [app, 'boot'], [app, 'ready'], [web, 'boot'], [web, 'ready']);
      order([web, 'stopping'], [web, 'stop'], [app, 'stopping'], [app, 'stop'], [db, 'stopping'], [db, 'stop']);
      // Nobody waits for it, and it waits for nobody.
      order([free, 'stopping'], [app, 'stopping']);
    });
  });
});
