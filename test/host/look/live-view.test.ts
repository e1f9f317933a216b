import { once } from 'node:events';
import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { checkHost } from '../../../src/host/look/check.js';
import { liveView } from '../../../src/host/look/live-view.js';
import type { FileView, HostView } from '../../../src/host/look/view.js';
import { makeFakeHost, requirement, tap, type FakeHost } from '../fake-host.js';

let host: FakeHost;
let view: HostView;
const servers: Server[] = [];
beforeEach(() => {
  host = makeFakeHost();
  view = liveView(host);
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  host.remove();
});

const at = (name: string): string => join(host.folder, name);

async function listen(where: { readonly path: string } | { readonly host: string; readonly port: number }) {
  const server = createServer((connection) => connection.destroy()).listen(where);
  await once(server, 'listening');
  servers.push(server);
  return server;
}

async function leaveSocket(name: string): Promise<void> {
  const server = await listen({ path: at('new.sock') });
  renameSync(at('new.sock'), at(name));
  servers.pop();
  server.close();
  await once(server, 'close');
}

const systemError = { code: expect.any(String), words: expect.any(String) };

describe('a live view', () => {
  test('says what system it looks at, and who looks', () => {
    expect(view).toMatchObject({ system: 'freebsd', platform: { release: 15, arch: 'amd64' } });
    expect(liveView({ run: host.run }).system).toBe(process.platform);
    expect(view.uid).toBe(process.getuid?.());
  });

  test('starts no process before somebody asks', () => {
    expect(host.calls()).toEqual([]);
  });

  test('starts one process a kind, however often it is asked', async () => {
    await Promise.all(
      Array.from({ length: 32 }, () => [view.interfaces(), view.cards(), view.modules(), view.sysctls()]).flat(),
    );
    await view.sysctls();
    expect(host.calls().map((call) => call.split(' ')[0])).toHaveLength(4);
    expect([...host.calls()].sort()).toEqual([
      'ifconfig',
      'kldstat -v',
      'pciconf -l',
      expect.stringMatching(/^sysctl -i hw\.physmem .*\bhw\.vmm\.maxcpu\b/),
    ]);
  });

  test('serves 32 devices of each kind with one process a kind', async () => {
    const devices = Array.from({ length: 32 }, (_, index) => [
      tap(`tap${index}`),
      requirement({ kind: 'host-card', card: { by: 'name', name: `ppt${index}` } }),
      requirement({ kind: 'module', name: `module${index}`, why: 'a test' }),
      requirement({ kind: 'file', path: at('disk.img'), types: ['regular file'], access: 'read' }),
      requirement({ kind: 'free-socket', path: at(`${index}.sock`) }),
    ]);
    await checkHost(devices.flat(), { view });
    expect([...host.calls()].sort()).toEqual([
      'ifconfig',
      'kldstat -v',
      'pciconf -l',
      // Since a module is missing: may it be loaded at all?
      expect.stringMatching(/^sysctl /),
    ]);
  });

  test('is of one moment: what changes later is seen by the next', async () => {
    const before = await view.interfaces();
    const file = await view.file(at('disk.img'));
    host.addInterface('tap0');
    writeFileSync(at('disk.img'), '');
    expect(await view.interfaces()).toBe(before);
    expect(await view.file(at('disk.img'))).toBe(file);
    const next = liveView(host);
    expect(await next.interfaces()).toMatchObject({ ok: true, value: new Map([['tap0', expect.anything()]]) });
    expect(await next.file(at('disk.img'))).toMatchObject({ kind: 'there' });
  });

  test('knows the values of the kernel that the checks may ask for, without those that it does not have', async () => {
    host.setSysctls('hw.physmem: 1024\nhw.secret: 1\nsecurity.jail.jailed: 0\n');
    expect(await view.sysctls()).toEqual({
      ok: true,
      value: new Map([
        ['hw.physmem', '1024'],
        ['security.jail.jailed', '0'],
      ]),
    });
  });

  test('says why a tool gave no answer', async () => {
    host.breakTool('sysctl', 'sysctl: illegal option\n', 1);
    expect(await view.sysctls()).toMatchObject({ ok: false, error: expect.stringContaining('illegal option') });
  });
});

describe('virtual machines', () => {
  test('are none where there is no such folder', async () => {
    expect(await view.vms()).toEqual({ ok: true, value: [] });
  });

  test('are the names in it', async () => {
    mkdirSync(host.vmmDirectory);
    for (const name of ['web', 'db']) writeFileSync(join(host.vmmDirectory, name), '');
    expect(await view.vms()).toEqual({ ok: true, value: ['db', 'web'] });
  });

  test('are not known where it cannot be listed', async () => {
    writeFileSync(host.vmmDirectory, '');
    expect(await view.vms()).toEqual({
      ok: false,
      error: `cannot list ${host.vmmDirectory}: not a directory (ENOTDIR)`,
    });
  });
});

describe('a path', () => {
  const there = (type: string, bytes: unknown = expect.any(Number)) => ({
    ...{ kind: 'there', type, identity: expect.any(String), bytes },
    ...(type === 'regular file' ? { content: 'unknown' } : {}),
    denied: {},
  });

  test.each<[what: string, name: string, seen: object]>([
    ['a file', 'disk.img', there('regular file', 5)],
    ['a link to it', 'link.img', there('regular file', 5)],
    ['a folder', 'folder', there('directory')],
    ['a socket', 'a.sock', there('socket')],
    ['a link to nowhere', 'dangling.img', { kind: 'missing', linkTo: 'nowhere.img', isFolderThere: true }],
    ['nothing', 'new.img', { kind: 'missing', isFolderThere: true }],
    ['nothing in no folder', 'no/new.img', { kind: 'missing', isFolderThere: false }],
    ['a part of a file', 'disk.img/part', { kind: 'hidden', error: { ...systemError, code: 'ENOTDIR' } }],
    ['a link to itself', 'loop.img', { kind: 'hidden', error: { ...systemError, code: 'ELOOP' } }],
  ])('may be %s', async (_what, name, seen) => {
    writeFileSync(at('disk.img'), 'bytes');
    mkdirSync(at('folder'));
    symlinkSync('disk.img', at('link.img'));
    symlinkSync('nowhere.img', at('dangling.img'));
    symlinkSync('loop.img', at('loop.img'));
    await leaveSocket('a.sock');
    expect(await view.file(at(name))).toEqual(seen);
  });

  test('may be a device, told from others by its number', async () => {
    expect(await view.file('/dev/null')).toMatchObject({ kind: 'there', type: 'character device' });
    expect(await identityOf('/dev/null')).not.toBe(await identityOf('/dev/zero'));
  });

  test('has the identity of the file, whatever leads to it', async () => {
    for (const name of ['disk.img', 'other.img']) writeFileSync(at(name), '');
    symlinkSync(host.folder, at('here'));
    expect(await identityOf(at('here/disk.img'))).toBe(await identityOf(at('disk.img')));
    expect(await identityOf(at('other.img'))).not.toBe(await identityOf(at('disk.img')));
    await leaveSocket('a.sock');
    await leaveSocket('b.sock');
    expect(await identityOf(at('a.sock'))).not.toBe(await identityOf(at('b.sock')));
  });

  const identityOf = async (path: string): Promise<string> => {
    const seen = await view.file(path);
    if (seen.kind !== 'there') throw new Error(seen.kind);
    return seen.identity;
  };

  // The superuser may read and write whatever the mode says: access(2).
  const asUser = process.getuid?.() === 0 ? test.skip : test;
  const no = { code: 'EACCES', words: 'permission denied' };
  asUser.each<[mode: number, isFolder: boolean, denied: (FileView & { readonly kind: 'there' })['denied']]>([
    [0o400, false, { write: no }],
    [0o200, false, { read: no }],
    [0o000, false, { read: no, write: no }],
    [0o500, true, { write: no }],
    [0o600, true, { search: no }],
  ])('of mode %o tells what this user may not do (skipped for root, who may)', async (mode, isFolder, denied) => {
    if (isFolder) mkdirSync(at('x'));
    else writeFileSync(at('x'), '');
    chmodSync(at('x'), mode);
    const seen = await view.file(at('x'));
    chmodSync(at('x'), 0o700);
    expect(seen).toMatchObject({ kind: 'there', denied });
  });

  test('has as much room as the folder that it would be in', async () => {
    const room = await view.freeBytes(host.folder);
    expect(room).toBeGreaterThan(0);
    for (const name of ['new.img', 'no/such/new.img']) {
      expect((await view.freeBytes(at(name))) ?? 0).toBeGreaterThan((room ?? 0) / 2);
    }
  });

  test('has room that nobody knows where it cannot be looked at', async () => {
    symlinkSync('loop.img', at('loop.img'));
    expect(await view.freeBytes(at('loop.img'))).toBeUndefined();
  });
});

describe('the place of a socket', () => {
  test.each<[what: string, name: string, seen: object]>([
    ['nothing', 'a.sock', { kind: 'free' }],
    ['a socket that a program listens on', 'live.sock', { kind: 'listening' }],
    ['one that is left over', 'dead.sock', { kind: 'stale', device: expect.any(String), inode: expect.any(String) }],
    ['a file', 'file', { kind: 'not-a-socket' }],
    ['a link to a socket', 'link.sock', { kind: 'not-a-socket' }],
    ['what cannot be there', 'file/a.sock', { kind: 'hidden', error: { ...systemError, code: 'ENOTDIR' } }],
  ])('may hold %s', async (_what, name, seen) => {
    writeFileSync(at('file'), '');
    await listen({ path: at('live.sock') });
    await leaveSocket('dead.sock');
    symlinkSync('live.sock', at('link.sock'));
    expect(await view.socket(at(name))).toEqual(seen);
  });
});

describe('a port', () => {
  const portOf = (server: Server): number => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  };

  test('that is taken is refused, and the answer is kept', async () => {
    const port = portOf(await listen({ host: '127.0.0.1', port: 0 }));
    const refused = { kind: 'refused', error: { ...systemError, code: 'EADDRINUSE' } };
    expect(await view.port('127.0.0.1', port)).toEqual(refused);
    await new Promise((resolve) => servers.pop()?.close(resolve));
    expect(await view.port('127.0.0.1', port)).toEqual(refused);
    expect(await liveView(host).port('127.0.0.1', port)).toEqual({ kind: 'free' });
  });

  test('that is free is free to all who ask at once, at addresses that overlap as well', async () => {
    const port = portOf(await listen({ host: '0.0.0.0', port: 0 }));
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const asked = ['0.0.0.0', '127.0.0.1', '0.0.0.0', '127.0.0.2', '127.0.0.1', '0.0.0.0'];
    const seen = await Promise.all(asked.map((address) => view.port(address, port)));
    // An address may be missing here, none is in another's way.
    expect(JSON.stringify(seen)).not.toContain('EADDRINUSE');
    expect(seen[1]).toEqual({ kind: 'free' });
  });
});
