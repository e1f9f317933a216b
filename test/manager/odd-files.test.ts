import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import type { Problem } from '../../src/base/problem.js';
import { systemClock, type Clock } from '../../src/host/clock.js';
import { systemHost } from '../../src/host/host.js';
import { inPlace, smallVm, type Place } from '../e2e/support/place.js';
import { addSpec, asker, endNow, guestsOf, manage, removeSpec, type Managing } from './support.js';

const text = (name: string): string => JSON.stringify(smallVm(name));

async function inManager(use: (managing: Managing, place: Place) => Promise<void>): Promise<void> {
  await inPlace(async (place) => {
    addSpec(place, place.name);
    const managing = await manage(place, guestsOf(place));
    try {
      await use(managing, place);
    } finally {
      await endNow(managing);
    }
  });
}

/** One VM of a place that has another beside it. */
const problemsOf = ({ manager }: Managing, name: string): readonly Problem[] => manager.vm(name)?.spec.problems ?? [];

test.each<[what: string, make: (file: string, place: Place) => unknown, code: string, message: RegExp]>([
  [
    'a link that leads nowhere',
    (file) => {
      symlinkSync('nowhere', file);
    },
    'unreadable',
    /no such file/,
  ],
  [
    'a link to itself',
    (file) => {
      symlinkSync('odd.json', file);
    },
    'unreadable',
    /symbolic links/,
  ],
  ['a FIFO', (file) => spawnSync('mkfifo', [file]), 'unreadable', /not a regular file/],
  [
    'a link to a FIFO',
    (file, place) => {
      spawnSync('mkfifo', [place.path('fifo')]);
      symlinkSync(place.path('fifo'), file);
    },
    'unreadable',
    /not a regular file/,
  ],
  [
    'a link to a device',
    (file) => {
      symlinkSync('/dev/zero', file);
    },
    'unreadable',
    /not a regular file/,
  ],
  [
    'an empty file',
    (file) => {
      writeFileSync(file, '');
    },
    'empty',
    /empty/,
  ],
  [
    'blanks alone',
    (file) => {
      writeFileSync(file, ' \r\n\t');
    },
    'empty',
    /empty/,
  ],
  [
    'more than a spec has',
    (file) => {
      writeFileSync(file, 'x'.repeat(4 * 1024 * 1024 + 1));
    },
    'too-large',
    /at most 4 MiB/,
  ],
  [
    'bytes that are no text',
    (file) => {
      writeFileSync(file, Buffer.from([0x7b, 0xff, 0x7d]));
    },
    'encoding',
    /0xff/,
  ],
  [
    'UTF-16',
    (file) => {
      writeFileSync(file, Buffer.from(`\ufeff${text('odd')}`, 'utf16le'));
    },
    'encoding',
    /UTF-16/,
  ],
  [
    'a spec whose lock file is a FIFO',
    (file) => {
      writeFileSync(file, text('odd'));
      spawnSync('mkfifo', [file.replace('.json', '.lock.json')]);
    },
    'lock-file',
    /not a regular file/,
  ],
])('%s is a problem with its file, and keeps no other VM from running', async (what, make, code, message) => {
  await inManager(async (managing, place) => {
    const { manager, ended, boots } = managing;
    const file = place.path('specs', 'odd.json');
    make(file, place);
    expect(await manager.reload(asker)).toMatchObject({ added: ['odd'], problems: [{ code }] });
    const [problem] = problemsOf(managing, 'odd');
    expect(problem).toMatchObject({ code, severity: 'error', message: expect.stringMatching(message) });
    expect(problem?.fix).toBeTruthy();
    expect(problem?.place?.file).toBe(what.includes('lock file') ? place.path('specs', 'odd.lock.json') : file);
    expect((await ended(manager.start('odd', {}, asker))).state).toBe('failed');
    await ended(manager.start(place.name, {}, asker));
    await boots(place.name);
    // Nor is anything told twice.
    expect(await manager.reload(asker)).toMatchObject({ added: [], changed: [], removed: [] });
  });
});

test('a socket is no spec either', async () => {
  await inManager(async (managing, place) => {
    const server = createServer();
    server.listen(place.path('specs', 'odd.json'));
    await once(server, 'listening');
    await managing.manager.reload(asker);
    expect(problemsOf(managing, 'odd')).toMatchObject([
      { code: 'unreadable', place: { file: place.path('specs', 'odd.json') } },
    ]);
    server.close();
    await once(server, 'close');
  });
});

test('what editors leave, folders and other files are no specs', async () => {
  await inManager(async ({ manager }, place) => {
    const left = [
      '.web.json.swp',
      '.web.json',
      'web.json~',
      '#web.json#',
      '#web.json',
      'web.json.bak',
      'web.json.orig',
      '4913',
      'README',
    ];
    for (const name of left) place.write(`specs/${name}`, text('web'));
    // Emacs keeps its lock in a link that leads nowhere.
    symlinkSync('anna@host.4711:1767225600', place.path('specs', '.#web.json'));
    mkdirSync(place.path('specs', 'folder.json'));
    symlinkSync('folder.json', place.path('specs', 'link.json'));
    expect(await manager.reload(asker)).toEqual({ added: [], changed: [], removed: [], problems: [] });
  });
});

test.each([
  ['a byte order mark and CRLF', 'web.json', `\ufeff${text('web').replaceAll(',', ',\r\n')}\r\n`],
  ['YAML with CRLF', 'web.yaml', 'name: web\r\ncpu: 1\r\nmem: 64M\r\n'],
  ['an ending in capitals', 'WEB.JSON', text('web')],
])('%s is as good as any other', async (_what, file, content) => {
  await inManager(async ({ manager, ended }, place) => {
    place.write(`specs/${file}`, content);
    expect(await manager.reload(asker)).toMatchObject({ added: ['web'], problems: [] });
    expect((await ended(manager.start('web', {}, asker))).state).toBe('done');
  });
});

test('a link to a spec elsewhere is that spec; one to a spec in the folder is a second of its name', async () => {
  await inManager(async (managing, place) => {
    const elsewhere = place.write('elsewhere.json', text('far'));
    symlinkSync(elsewhere, place.path('specs', 'far.json'));
    symlinkSync(`${place.name}.json`, place.path('specs', 'again.json'));
    expect(await managing.manager.reload(asker)).toMatchObject({ added: ['far'], changed: [place.name] });
    expect(problemsOf(managing, 'far')).toEqual([]);
    expect(problemsOf(managing, place.name).map(({ code, place: at }) => [code, at?.file])).toEqual([
      ['name-taken', place.path('specs', 'again.json')],
      ['name-taken', place.path('specs', `${place.name}.json`)],
    ]);
  });
});

test('a name in both folders is a problem of both files, and free again without one', async () => {
  await inManager(async (managing, place) => {
    const { manager } = managing;
    const own = place.write(`state/specs/${place.name}.json`, text(place.name), 0o600);
    await manager.reload(asker);
    expect(
      problemsOf(managing, place.name)
        .map(({ place: at }) => at?.file)
        .sort(),
    ).toEqual([own, place.path('specs', `${place.name}.json`)].sort());
    removeSpec(place, `${place.name}.json`);
    await manager.reload(asker);
    expect(manager.vm(place.name)?.spec).toMatchObject({ problems: [], file: own, isOurs: true });
  });
});

test('a file that is renamed is that of the same VM, whether it is read at a boot or at a reload', async () => {
  await inManager(async (managing, place) => {
    const { manager, ended, boots, state } = managing;
    const id = manager.vm(place.name)?.id;
    await ended(manager.start(place.name, {}, asker));
    const [first, second, third] = [`${place.name}.json`, 'second.json', 'third.json'].map((name) =>
      place.path('specs', name),
    ) as [string, string, string];
    renameSync(first, second);
    // Another file that is new is for the reload.
    addSpec(place, 'new');
    await ended(manager.restart(place.name, {}, asker));
    await boots(place.name, 2);
    expect(manager.vm(place.name)).toMatchObject({ id, spec: { file: second, problems: [], nextBoot: 'file' } });
    expect(manager.vm('new')).toBeUndefined();
    renameSync(second, third);
    expect(await manager.reload(asker)).toMatchObject({ added: ['new'], changed: [place.name], removed: [] });
    await ended(manager.stop(place.name, { now: true }, asker));
    expect(await state(place.name, 'stopped')).toMatchObject({ id, spec: { file: third } });
  });
});

test('a file that is gone while the folder is read is no file with a problem', async () => {
  await inPlace(async (place) => {
    addSpec(place, 'a');
    addSpec(place, 'b');
    // Between the list of the names and the look at the second.
    let isArmed = false;
    let nowMs = 0;
    const clock: Clock = {
      ...systemClock,
      monotonicMs: () => (nowMs += 1000),
      sleep: async (ms, signal) => {
        if (isArmed) unlinkSync(place.path('specs', 'b.json'));
        isArmed = false;
        await systemClock.sleep(ms, signal);
      },
    };
    const managing = await manage(place, guestsOf(place), { host: { ...systemHost(), clock } });
    isArmed = true;
    expect(await managing.manager.reload(asker)).toEqual({ added: [], changed: [], removed: ['b'], problems: [] });
    expect(isArmed).toBe(false);
    await endNow(managing);
  });
});
