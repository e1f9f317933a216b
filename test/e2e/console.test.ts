import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { consoleSocketFile } from '../../src/host/run-directory/run-files.js';
import { connectPeer } from '../../src/host/sinks/peer-socket.js';
import { consoleFrames } from '../../src/supervisor/console-server.js';
import { inPlace, isRunning, killBhyve, simulatorCommand, until, type Place } from './support/place.js';
import { supervise } from './support/supervised.js';
import { runVmrun, simulated, startVmrun, type Running } from './support/vmrun.js';

const console = { com1: 'console' };

const consoleWords = (place: Place, ...more: readonly string[]): readonly string[] => [
  ...['console', place.name, '--run-dir', place.runBase],
  ...more,
];

/** `vmrun console`, to be typed at. */
const atConsole = (place: Place, ...more: readonly string[]): Running =>
  startVmrun(place, consoleWords(place, ...more), { stdio: ['pipe', 'pipe', 'pipe'] });

const pidIn = (place: Place, file: string): number => Number(readFileSync(place.path(file), 'utf8'));

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

describe('vmrun console', () => {
  test('shows what the guest has written, takes what is typed, and ends with the run', () =>
    inPlace(async (place) => {
      place.spec(console);
      const vm = startVmrun(place, simulated(place, 'run', '--console-log', 'console.log'));
      await vm.said(`console: vmrun console ${place.name} --run-dir ${place.runBase}`);
      const client = atConsole(place);
      await client.said('login: ', 'stdout');
      client.child.stdin?.write('root\n');
      await client.said('login: root', 'stdout');
      client.child.stdin?.write('reboot\n');
      await vm.event('boot', 2);
      await client.said('boot 2', 'stdout');
      client.child.stdin?.write('poweroff\n');
      expect(await client.ended).toMatchObject({ status: 0, stderr: `vmrun: ${place.name}: the run is over\n` });
      expect((await vm.ended).status).toBe(1);
      expect((await vm.ended).stdout).toBe('');
      expect(readFileSync(place.path('console.log'), 'utf8')).toBe((await client.ended).stdout);
      expect(place.runDirectories()).toEqual([]);
    }));

  test('goes on in both directions after kill -9 of vmrun, for the one that adopts the guest', () =>
    inPlace(async (place) => {
      place.spec(console);
      const first = startVmrun(place, simulated(place, 'run', '-p', 'vm.pid'));
      const before = await atFirst(place, first);
      await before.said('login: ', 'stdout');
      const pid = pidIn(place, 'vm.pid');
      first.kill('SIGKILL');
      expect(await before.ended).toMatchObject({
        status: 69,
        stderr: expect.stringContaining('its supervisor is gone; vmrun ps shows whether the guest goes on'),
      });
      const refused = await runVmrun(place, consoleWords(place));
      const advice = `vmrun -c FILE --adopt --simulate --run-dir ${place.runBase} takes the guest over`;
      expect(refused).toMatchObject({ status: 69, stderr: expect.stringContaining(advice) });
      // Somebody types while nobody is there, and the guest writes.
      const input = openSync(place.path('run-simulated', place.name, 'console.in'), constants.O_RDWR);
      writeSync(input, 'meanwhile\n');
      closeSync(input);
      const second = startVmrun(place, simulated(place, 'run', '--adopt'));
      await second.event('adopted');
      const after = atConsole(place);
      await after.said('meanwhile', 'stdout');
      after.child.stdin?.write('and now\n');
      await after.said('login: and now', 'stdout');
      expect(isRunning(pid)).toBe(true);
      after.child.stdin?.write('poweroff\n');
      expect((await after.ended).status).toBe(0);
      // What the first vmrun had read was in its memory.
      expect((await before.ended).stdout).toContain('boot 1, as bhyve');
      expect((await after.ended).stdout).not.toContain('boot 1, as bhyve');
      await second.ended;
      expect(isRunning(pid)).toBe(false);
      expect(place.runDirectories()).toEqual([]);
    }));

  test('of a run that is killed with its guest says how that has ended, and takes nothing over', () =>
    inPlace(async (place) => {
      place.spec(console);
      const vm = startVmrun(place, simulated(place, 'run', '-p', 'vm.pid'));
      const before = await atFirst(place, vm);
      const pid = pidIn(place, 'vm.pid');
      vm.kill('SIGKILL');
      await before.ended;
      await killBhyve(pid);
      const { status, stderr } = await runVmrun(place, consoleWords(place));
      expect(status).toBe(69);
      expect(stderr).toContain('nothing runs (boot 1 was killed by SIGKILL); vmrun stop ');
      expect(stderr).not.toContain('--adopt');
      const stop = ['stop', place.name, '--run-dir', place.runBase];
      await runVmrun(place, stop);
      expect(place.runDirectories()).toEqual([]);
    }));

  test('lets one type at a time: a second one is told who does, watches, or takes the keyboard', () =>
    inPlace(async (place) => {
      place.spec(console);
      const vm = startVmrun(place, simulated(place, 'run'));
      const first = await atFirst(place, vm);
      await first.said('login: ', 'stdout');
      const second = await runVmrun(place, consoleWords(place), { input: 'poweroff\n' });
      expect(second.status).toBe(75);
      expect(second.stderr).toContain(`process ${first.child.pid} has the keyboard`);
      const watcher = atConsole(place, '--watch');
      await watcher.said('login: ', 'stdout');
      watcher.child.stdin?.write('poweroff\n');
      const third = atConsole(place, '--take');
      await first.said(`process ${third.child.pid} has the keyboard`);
      third.child.stdin?.write('halt\n');
      expect((await vm.ended).status).toBe(2);
      for (const client of [watcher, third]) expect((await client.ended).status).toBe(0);
      expect((await watcher.ended).stdout).toContain('login: halt');
      expect((await first.ended).status).toBe(75);
    }));

  test('types what comes by a pipe, to its end, and leaves while the run goes on', () =>
    inPlace(async (place) => {
      place.spec(console);
      const vm = startVmrun(place, simulated(place, 'run'));
      const other = await atFirst(place, vm);
      await other.said('login: ', 'stdout');
      other.child.kill('SIGKILL');
      await other.ended.catch(() => undefined);
      const long = `${'y'.repeat(1000)}\n`.repeat(300);
      expect(await runVmrun(place, consoleWords(place), { input: long })).toMatchObject({ status: 0, stderr: '' });
      expect((await runVmrun(place, consoleWords(place), { input: 'halt\n' })).status).toBe(0);
      expect((await vm.ended).status).toBe(2);
    }));

  test('is refused where twenty are at the console already', () =>
    inPlace(async (place) => {
      place.spec(console);
      const vm = startVmrun(place, simulated(place, 'run'));
      await vm.event('boot');
      const socket = place.path('run-simulated', place.name, consoleSocketFile);
      const peers = await Promise.all(Array.from({ length: 20 }, () => connectPeer(socket)));
      for (const peer of peers) await peer.send(consoleFrames.hello, JSON.stringify({ who: 'test', wants: 'watch' }));
      expect(await runVmrun(place, consoleWords(place))).toMatchObject({
        status: 75,
        stderr: `vmrun: ${place.name}: 20 are at its console already, and there is no room for more\n`,
      });
      for (const peer of peers) peer.end();
      vm.kill('SIGTERM');
      await vm.ended;
    }));

  test('says why there is none: no such VM, none that vmrun serves', () =>
    inPlace(async (place) => {
      expect(await runVmrun(place, consoleWords(place))).toMatchObject({
        status: 69,
        stderr: `vmrun: ${place.name}: no VM of this name runs here; vmrun ps lists those that do, and vmrun start ${place.name} --run-dir ${place.runBase} starts one of a manager\n`,
      });
      place.spec({ com1: 'tcp=127.0.0.1:4444' });
      const vm = startVmrun(place, simulated(place, 'run'));
      await vm.event('boot');
      const refused = await runVmrun(place, consoleWords(place));
      expect(refused).toMatchObject({ status: 69, stderr: expect.stringContaining('"com1": "console"') });
      vm.kill('SIGTERM');
      await vm.ended;
    }));
});

/** `vmrun console` of a run that begins. */
async function atFirst(place: Place, vm: Running): Promise<Running> {
  await vm.event('boot');
  return atConsole(place);
}

describe('a guest with a served console', () => {
  const options = { bhyve: simulatorCommand, extraArguments: [] };

  test('boots ten times with nobody there, and the last 64 KiB are kept', () =>
    inPlace(async (place) => {
      const script = [...Array<string>(9).fill('reboot'), 'power_off'].join(',');
      const vm = await supervise(place, script, console, options);
      expect(await vm.result).toMatchObject({ boots: 10, end: { kind: 'powered-off' } });
      const kept = text(vm.console.recent());
      for (let boot = 1; boot <= 10; boot += 1) expect(kept).toContain(`boot ${boot}, as bhyve`);
      expect(existsSync(place.path('run', place.name))).toBe(false);
    }));

  test('has all that it wrote with its last breath shown before the run is over', () =>
    inPlace(async (place) => {
      const bhyve = ['/bin/sh', '-c', 'head -c 60000 /dev/zero | tr "\\0" x; printf "last words"; exit 1'];
      const vm = await supervise(place, '', console, { ...options, bhyve });
      let seen = '';
      for await (const part of vm.console.subscribe()) seen += part.kind === 'output' ? text(part.bytes) : 'lost';
      expect(seen).toBe(`${'x'.repeat(60_000)}last words`);
      await vm.result;
    }));

  test('never waits for a vmrun that is stopped: it writes, reads and powers off', () =>
    inPlace(async (place) => {
      place.spec(console);
      const vm = startVmrun(place, simulated(place, 'run', '-p', 'vm.pid'));
      const client = await atFirst(place, vm);
      await client.said('login: ', 'stdout');
      const pid = pidIn(place, 'vm.pid');
      vm.kill('SIGSTOP');
      const input = openSync(
        place.path('run-simulated', place.name, 'console.in'),
        constants.O_RDWR | constants.O_NONBLOCK,
      );
      // Its echo is more than anybody keeps.
      for (let lines = 0; lines < 300;) {
        try {
          writeSync(input, `${'x'.repeat(1000)}\n`);
          lines += 1;
        } catch {
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      writeSync(input, 'poweroff\n');
      closeSync(input);
      await until(() => !isRunning(pid));
      vm.kill('SIGCONT');
      expect((await vm.ended).status).toBe(1);
      expect((await client.ended).status).toBe(0);
    }));

  test('goes on where a client of its console is stopped, and that one is told what it missed', () =>
    inPlace(async (place) => {
      const bhyve = [
        '/bin/sh',
        '-c',
        'echo first; read go; head -c 3000000 /dev/zero | tr "\\0" y; echo flooded; read end; exit 1',
      ];
      const vm = await supervise(place, '', console, { ...options, bhyve });
      await vm.event('boot');
      const client = atConsole(place, '--watch');
      await client.said('first', 'stdout');
      client.kill('SIGSTOP');
      const output = vm.console.subscribe({ recent: false, bound: 10_000_000 });
      await vm.console.write('go\n');
      let length = 0;
      for await (const part of output) {
        length += part.kind === 'output' ? part.bytes.length : 0;
        if (length >= 3_000_008) break;
      }
      client.kill('SIGCONT');
      await client.said('bytes are missing here');
      await client.said('flooded', 'stdout');
      await vm.console.write('end\n');
      expect((await client.ended).status).toBe(0);
      expect((await vm.result).end).toEqual({ kind: 'powered-off' });
    }));

  test('is loaded by a loader whose prompt is there, too', () =>
    inPlace(async (place) => {
      const loader = { loader: { kind: 'grub-bhyve', root: 'hd0' }, ...console };
      const prompt = 'printf "grub> "; read line; echo "typed: $line"; test "$line" = boot';
      const vm = await supervise(place, 'power_off', loader, {
        ...options,
        loaders: { 'grub-bhyve': ['/bin/sh', '-c', prompt] },
        env: { VMRUN_SIM_LOADED: 'yes' },
      });
      let seen = '';
      for await (const part of vm.console.subscribe()) {
        if (part.kind === 'output') seen += text(part.bytes);
        if (seen.endsWith('grub> ')) await vm.console.write('boot\n');
      }
      expect(seen).toContain('grub> typed: boot\n');
      expect(seen).toContain('boot 1, as bhyve');
      expect((await vm.result).end).toEqual({ kind: 'powered-off' });
    }));
});

test('a guest on stdio goes on at the end of its input, as with bhyve, and vmrun says what stops it', () =>
  inPlace(async (place) => {
    place.spec({ com1: 'stdio' });
    const vm = startVmrun(place, simulated(place, 'run'), { input: 'hello\n' });
    await vm.said('login: hello', 'stdout');
    await vm.said(`its end does not end the guest: vmrun stop ${place.name} --run-dir ${place.runBase} does`);
    expect((await runVmrun(place, ['stop', place.name, '--run-dir', place.runBase])).status).toBe(0);
    expect((await vm.ended).status).toBe(1);
  }));
