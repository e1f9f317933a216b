import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { asksFrom, viewFrom } from '../../../src/host/look/facts-paths.js';
import { recordedView } from '../../../src/host/look/facts.js';
import { loadFacts } from '../../../src/host/look/load-facts.js';
import { inPlace } from '../../e2e/support/place.js';

const there = { kind: 'there', type: 'regular file', identity: '1:1', bytes: 1, denied: {} } as const;

test('relative paths of captured facts start at the folder of their file, those of a spec where its reader says', async () => {
  await inPlace(async ({ folder, path }) => {
    mkdirSync(path('hosts'));
    const facts = {
      ...{ version: 1, taken: '2026-01-31T12:00:00.000Z', system: 'freebsd', platform: {} },
      ...{ interfaces: [], cards: [], modules: [], sysctls: {}, vms: [], ports: {} },
      files: { '../disk.img': there, 'own.img': there, '/dev/zvol/tank/vm': there },
      sockets: { '../a.sock': { kind: 'free' } },
      freeBytes: { '../disk.img': 5 },
    };
    writeFileSync(path('hosts', 'server.json'), JSON.stringify(facts));
    const read = loadFacts('hosts/server.json', folder);
    expect(Object.keys(read.files)).toEqual([path('disk.img'), path('hosts', 'own.img'), '/dev/zvol/tank/vm']);
    const view = viewFrom(folder, recordedView(read));
    for (const file of ['disk.img', path('disk.img'), './hosts/../disk.img', 'hosts/own.img', '/dev/zvol/tank/vm']) {
      expect(await view.file(file)).toEqual(there);
    }
    expect(await view.file('own.img')).toEqual({ kind: 'not-captured' });
    expect(await view.socket('a.sock')).toEqual({ kind: 'free' });
    expect(await view.freeBytes('disk.img')).toBe(5);
  });
});

test('what is captured is asked for by absolute paths', () => {
  const ports = [{ host: '127.0.0.1', port: 5900 }];
  expect(asksFrom('/vm', { paths: ['a.img', '/b.img'], sockets: ['../s'], ports })).toEqual({
    paths: ['/vm/a.img', '/b.img'],
    sockets: ['/s'],
    ports,
  });
});
