import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { inPlace, isRunning, until, type Place } from './e2e/support/place.js';

const program = fileURLToPath(new URL('../examples/manager.mjs', import.meta.url));

/** A line of its output. */
interface Said {
  readonly vm: string;
  readonly kind: string;
  readonly pid?: number;
  readonly after?: string;
}

/** The manager on the specs in `specs` of a place; its VMs are simulated. */
function startManager(place: Place) {
  const child = spawn(process.execPath, [program, place.path('specs')], {
    env: { PATH: process.env.PATH, TMPDIR: place.folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said: Said[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => said.push(JSON.parse(line) as Said));
  const over = once(lines, 'close');
  const ended = Promise.all([once(child, 'exit'), over]).then(() => child.exitCode);
  return {
    said,
    ended,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    /** Resolves with the nth line of a kind about a VM. */
    saw: (vm: string, kind: string, nth = 1) =>
      new Promise<Said>((resolve, reject) => {
        const look = (): void => {
          const found = said.filter((line) => line.vm === vm && line.kind === kind)[nth - 1];
          if (found !== undefined) resolve(found);
        };
        look();
        lines.on('line', look);
        void over.then(() => {
          reject(new Error(`it ended before ${kind} ${nth} of ${vm}: ${JSON.stringify(said)}`));
        });
      }),
  };
}

/** On FreeBSD it runs bhyve itself. */
const withSimulator = process.platform === 'freebsd' ? test.skip : test;

withSimulator('examples/manager.mjs keeps the VMs of a folder alive until it is told to stop', async () => {
  await inPlace(async (place) => {
    const names = ['a', 'b', 'c'].map((each) => `${each}-${place.name}`);
    const [a = '', b = '', c = ''] = names;
    mkdirSync(place.path('specs'));
    place.write('specs/notes.txt', 'no spec');
    for (const name of names) place.spec({ name }, `specs/${name}.json`);
    const manager = startManager(place);
    const first = await Promise.all(names.map((name) => manager.saw(name, 'boot')));
    const { pid = 0 } = await manager.saw(b, 'boot');
    process.kill(pid, 'SIGKILL');
    expect(await manager.saw(b, 'again')).toMatchObject({ after: 'killed' });
    const { pid: next = 0 } = await manager.saw(b, 'boot', 2);
    expect(next).not.toBe(pid);
    expect(isRunning(next)).toBe(true);
    manager.kill('SIGTERM');
    expect(await manager.ended).toBe(0);
    const stops = manager.said.filter(({ kind }) => kind === 'stop').map(({ vm }) => vm);
    expect(stops.sort()).toEqual([a, b, b, c]);
    expect(manager.said.filter(({ kind }) => kind === 'boot')).toHaveLength(4);
    expect(first.filter((boot) => isRunning(boot.pid ?? 0))).toEqual([]);
    expect(readdirSync(place.path('vmrun-manager'))).toEqual([]);
  });
});

withSimulator('examples/manager.mjs takes over what it left when it was killed', async () => {
  await inPlace(async (place) => {
    mkdirSync(place.path('specs'));
    place.spec({}, 'specs/vm.json');
    const killed = startManager(place);
    const { pid } = await killed.saw(place.name, 'boot');
    killed.kill('SIGKILL');
    await killed.ended;
    const manager = startManager(place);
    expect(await manager.saw(place.name, 'adopted')).toMatchObject({ pid });
    manager.kill('SIGINT');
    expect(await manager.ended).toBe(0);
    // It has let go of its lock a moment before it is no more.
    await until(() => !isRunning(pid ?? 0));
    expect(readdirSync(place.path('vmrun-manager'))).toEqual([]);
  });
});
