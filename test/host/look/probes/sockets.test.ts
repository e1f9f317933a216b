import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { runTool } from '../../../../src/host/process/tools.js';
import { checkBoth } from '../../both-views.js';
import { requirement, sentences } from '../../fake-host.js';

let folder: string;
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vmrun-sock-'));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(folder, { recursive: true, force: true });
});

async function listen(path: string): Promise<Server> {
  const server = createServer((connection) => connection.destroy());
  server.listen(path);
  await once(server, 'listening');
  servers.push(server);
  return server;
}

/** A socket whose program is gone: it was moved away before the program removed it. */
async function leaveSocket(path: string): Promise<void> {
  const server = await listen(`${path}.live`);
  renameSync(`${path}.live`, path);
  server.close();
  await once(server, 'close');
  servers.splice(servers.indexOf(server), 1);
}

const socket = (name: string, subject = `virtio-console ${name}`) =>
  requirement({ kind: 'free-socket', path: join(folder, name) }, { subject });

async function check(...names: string[]) {
  const { findings } = await checkBoth(
    names.map((name) => socket(name)),
    { run: runTool },
  );
  return { findings, said: sentences(findings).map((sentence) => sentence.replaceAll(folder, 'DIR')) };
}

describe('the place of a socket', () => {
  test('is free where nothing is', async () => {
    expect((await check('a.sock')).said).toEqual([]);
  });

  test('with a socket that a program listens on is in use', async () => {
    await listen(join(folder, 'a.sock'));
    const { said, findings } = await check('a.sock');
    expect(said).toEqual(['socket-in-use: a program listens on DIR/a.sock']);
    expect(findings[0]?.fix).toBeUndefined();
  });

  test('with a socket that was left over can be cleared', async () => {
    await leaveSocket(join(folder, 'a.sock'));
    const { said, findings } = await check('a.sock');
    expect(said).toEqual(['socket-stale: DIR/a.sock is left over, no program listens on it']);
    expect(findings[0]?.fix?.action).toMatchObject({ kind: 'remove-socket', path: join(folder, 'a.sock') });
    expect(findings[0]?.fix?.undo).toBeUndefined();
    expect(existsSync(join(folder, 'a.sock'))).toBe(true);
  });

  test.each<[what: string, make: (path: string) => void]>([
    [
      'a regular file',
      (path) => {
        writeFileSync(path, 'precious');
      },
    ],
    [
      'a folder',
      (path) => {
        mkdirSync(path);
      },
    ],
    [
      'a link to nowhere',
      (path) => {
        symlinkSync('nowhere', path);
      },
    ],
  ])('with %s is never cleared', async (_what, make) => {
    make(join(folder, 'a.sock'));
    const { said, findings } = await check('a.sock');
    expect(said).toEqual(['not-a-socket: DIR/a.sock exists and is not a socket; bhyve makes its own there']);
    expect(findings[0]?.fix).toBeUndefined();
  });

  test.each<[what: string, name: string, sentence: string]>([
    ['in a folder that is missing is told', 'no/such/a.sock', 'socket-folder: the folder DIR/no/such does not exist'],
    ['below a file is told', 'file/a.sock', 'socket-folder: DIR/file is not a folder'],
    [
      'below what cannot be a folder is told',
      'file/x/a.sock',
      'socket-folder: cannot look at the folder DIR/file/x: not a directory (ENOTDIR)',
    ],
  ])('%s', async (_what, name, sentence) => {
    writeFileSync(join(folder, 'file'), '');
    expect((await check(name)).said).toEqual([sentence]);
  });

  // The superuser may write to any folder: access(2).
  const asUser = process.getuid?.() === 0 ? test.skip : test;
  asUser('in a folder that this user may not write to is told (skipped for root, who may)', async () => {
    mkdirSync(join(folder, 'locked'));
    chmodSync(join(folder, 'locked'), 0o500);
    expect((await check('locked/a.sock')).said).toEqual([
      'socket-folder: no socket can be made in DIR/locked: permission denied (EACCES)',
    ]);
  });

  test('that two ports share is told at the second, through links as well', async () => {
    mkdirSync(join(folder, 'real'));
    symlinkSync('real', join(folder, 'linked'));
    expect((await check('real/a.sock', 'linked/a.sock', 'real/b.sock')).said).toEqual([
      'socket-twice: DIR/linked/a.sock is already a socket of virtio-console real/a.sock',
    ]);
  });

  test('with a socket whose path is too long to ask is not cleared', async () => {
    const deep = join(folder, 'd'.repeat(120));
    mkdirSync(deep);
    await leaveSocket(join(folder, 'a.sock'));
    renameSync(join(folder, 'a.sock'), join(deep, 'a.sock'));
    const { said, findings } = await check(`${'d'.repeat(120)}/a.sock`);
    expect(said).toEqual([expect.stringContaining('its path has more than 103 bytes')]);
    expect(findings[0]?.fix).toBeUndefined();
  });
});
