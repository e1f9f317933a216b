import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import { inPlace, vmrunCommand, type Place } from './support/place.js';
import { simulated, startVmrun, type Ended, type Running } from './support/vmrun.js';

/** How the guest was asked to end. */
const steps = ({ events }: Ended): readonly string[] =>
  events.flatMap((event) => (event.kind === 'stopping' ? [event.how] : []));

/** A VM whose guest does not listen, or takes half a second. */
async function start(place: Place, script: string, stopTimeout: string): Promise<Running> {
  place.spec({ com1: 'stdio', stop_timeout: stopTimeout });
  const vm = startVmrun(place, simulated(place, script));
  await vm.event('boot');
  await vm.said('login: ', 'stdout');
  return vm;
}

/** Sends a hundred of them again and again until something has happened, or vmrun has ended without it. */
async function sendUntil(vm: Running, signal: NodeJS.Signals, happened: Promise<unknown>): Promise<void> {
  const sending = setInterval(() => {
    send(vm, signal, 100);
  }, 5);
  await Promise.race([happened, vm.ended]).finally(() => {
    clearInterval(sending);
  });
}

const send = (vm: Running, signal: NodeJS.Signals, times: number): void => {
  for (let sent = 0; sent < times; sent += 1) vm.kill(signal);
};

test('a thousand SIGHUPs are one stop: the guest keeps the time that it has', async () => {
  await inPlace(async (place) => {
    const vm = await start(place, 'run:500ms', '1h');
    send(vm, 'SIGHUP', 500);
    // Those that come later are signals of their own; the first five hundred may have been merged into a few.
    await vm.event('stopping');
    send(vm, 'SIGHUP', 500);
    const ended = await vm.ended;
    expect(ended).toMatchObject({ status: 1, signal: null });
    expect(steps(ended)).toEqual(['power button']);
    expect(ended.events.at(-1)).toMatchObject({ kind: 'stop', because: 'asked', boots: 1 });
    expect(place.runDirectories()).toEqual([]);
  });
});

test('SIGHUP after a SIGTERM does not hurry it either', async () => {
  await inPlace(async (place) => {
    const vm = await start(place, 'run:500ms', '1h');
    vm.kill('SIGTERM');
    await vm.event('stopping');
    send(vm, 'SIGHUP', 10);
    const ended = await vm.ended;
    expect(ended).toMatchObject({ status: 1, signal: null });
    expect(steps(ended)).toEqual(['power button']);
  });
});

test.each<NodeJS.Signals>(['SIGTERM', 'SIGINT'])(
  'a hundred %s end a deaf guest once, without delay',
  async (signal) => {
    await inPlace(async (place) => {
      const vm = await start(place, 'deaf', '1h');
      vm.kill(signal);
      await vm.event('stopping');
      // Those of the first moments count as the first one's echo; who goes on is heard.
      // None comes after the end of the run: Node gives its listeners up a moment before the process ends.
      await sendUntil(vm, signal, vm.event('stopping', 2));
      const ended = await vm.ended;
      expect(ended).toMatchObject({ status: 137, signal: null });
      expect(steps(ended)).toEqual(['power button', 'kill']);
      expect(ended.events.filter(({ kind }) => kind === 'exit')).toHaveLength(1);
      expect(place.runDirectories()).toEqual([]);
    });
  },
);

test('a signal that timeout(1) sends to vmrun and to its group is one wish', async () => {
  await inPlace(async (place) => {
    const vm = await start(place, 'run:500ms', '1h');
    send(vm, 'SIGTERM', 2);
    await vm.event('stopping');
    send(vm, 'SIGTERM', 1);
    const ended = await vm.ended;
    expect(ended).toMatchObject({ status: 1, signal: null });
    expect(steps(ended)).toEqual(['power button']);
  });
});

test('a SIGUSR1 to a command that has no use for it opens no debugger', async () => {
  await inPlace(async ({ path, name }) => {
    expect(spawnSync('mkfifo', [path('spec')]).status).toBe(0);
    const [program = '', ...words] = vmrunCommand;
    const args = [...words, '-c', path('spec'), '--dry-run'];
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const said = text(child.stderr);
    const ended = once(child, 'exit');
    // It is there as soon as it has opened the spec, and waits for what the spec says.
    const spec = await open(path('spec'), 'w');
    child.kill('SIGUSR1');
    await spec.writeFile(JSON.stringify({ name, cpu: 1, mem: '64M' }));
    await spec.close();
    expect(await ended).toEqual([0, null]);
    expect(await said).toBe('');
  });
});
