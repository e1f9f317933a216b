import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { defaultRunBase } from '../../../src/host/run-directory/run-base.js';
import { openRunDirectory, type RunDirectory } from '../../../src/host/run-directory/run-directory.js';
import { whoRuns } from '../../../src/host/run-directory/who-runs.js';
import type { RunState } from '../../../src/host/run-directory/run-state.js';
import { inPlace } from '../../e2e/support/place.js';

async function open(base: string, name: string): Promise<RunDirectory> {
  const directory = await openRunDirectory(base, name);
  if ('heldBy' in directory) throw new Error(`held by ${directory.heldBy}`);
  return directory;
}

const mode = (file: string): number => statSync(file).mode & 0o777;
const state = (name: string, more: Partial<RunState> = {}): RunState => ({
  version: 1,
  name,
  supervisor: 42,
  since: '2026-01-01T00:00:00.000Z',
  ...more,
});

test('who runs a name, and what a dead run of it left, is seen without making anything', async () => {
  await inPlace(async ({ runBase, name }) => {
    const folder = path.join(runBase, name);
    const locks = { lock: path.join(folder, 'lock'), vmLock: path.join(folder, 'vm.lock') };
    const nobody = { state: undefined, note: undefined, hasOrphan: false, ...locks };
    expect(whoRuns(runBase, name)).toEqual(nobody);
    expect(existsSync(runBase)).toBe(false);
    const directory = await open(runBase, name);
    directory.saveState(state(name));
    const heldBy = 'process 42 since 2026-01-01T00:00:00.000Z';
    expect(whoRuns(runBase, name)).toEqual({ ...nobody, heldBy, state: state(name) });
    directory.abandon();
    expect(whoRuns(runBase, name)).toEqual({ ...nobody, state: state(name) });
    expect(readdirSync(path.join(runBase, name))).toEqual(['state.json']);
  });
});

test('a run directory is for its owner alone, and so is each file in it', async () => {
  await inPlace(async ({ runBase, name }) => {
    const directory = await open(runBase, name);
    expect(directory.path).toBe(path.join(runBase, name));
    expect(mode(directory.path)).toBe(0o700);
    directory.saveState(state(name));
    directory.write('bhyve.conf', 'pci.0.29.0.password=secret\n');
    expect(mode(directory.file('bhyve.conf'))).toBe(0o600);
    expect(mode(directory.file('state.json'))).toBe(0o600);
    directory.remove('bhyve.conf');
    directory.remove('bhyve.conf');
    directory.release();
    expect(readdirSync(runBase)).toEqual([]);
  });
});

test('it is for its owner alone also where a folder of that name is there already', async () => {
  await inPlace(async ({ runBase, name }) => {
    mkdirSync(path.join(runBase, name), { recursive: true, mode: 0o777 });
    const directory = await open(runBase, name);
    expect(mode(directory.path)).toBe(0o700);
    directory.release();
  });
});

(process.getuid?.() === 0 ? test : test.skip)(
  'it is not taken where others could write to it and have left something there',
  async () => {
    await inPlace(async ({ runBase, name }) => {
      const folder = path.join(runBase, name);
      mkdirSync(folder, { recursive: true });
      for (const file of ['state.json', 'lock']) {
        chmodSync(folder, 0o777);
        writeFileSync(path.join(folder, file), '');
        chownSync(path.join(folder, file), 65534, 65534);
        // Nor at the second attempt, though the folder is closed to others by then.
        for (let attempt = 1; attempt <= 2; attempt += 1) {
          await expect(openRunDirectory(runBase, name)).rejects.toThrow(
            `${path.join(folder, file)} belongs to user 65534`,
          );
        }
        rmSync(path.join(folder, file));
      }
      (await open(runBase, name)).release();
    });
  },
);

test('the second run of a name is told who has it', async () => {
  await inPlace(async ({ runBase, name }) => {
    const directory = await open(runBase, name);
    directory.saveState(state(name));
    expect(await openRunDirectory(runBase, name)).toEqual({ heldBy: 'process 42 since 2026-01-01T00:00:00.000Z' });
    const other = await open(runBase, `${name}-other`);
    other.release();
    expect(readFileSync(directory.file('state.json'), 'utf8')).toContain('"supervisor":42');
    directory.release();
  });
});

test('what a run that did not end left is found by the next, and is gone after that one', async () => {
  await inPlace(async ({ runBase, name }) => {
    const left = state(name, { target: 'install', boot: 3, bhyve: { pid: 7, start: '123' } });
    const first = await open(runBase, name);
    first.saveState(left);
    writeFileSync(first.file('.state.json.new'), 'cut');
    first.abandon();
    const second = await open(runBase, name);
    expect(second.leftState).toEqual(left);
    second.release();
    expect(readdirSync(runBase)).toEqual([]);
  });
});

test('a file that must stay, a ledger, keeps the folder', async () => {
  await inPlace(async ({ runBase, name }) => {
    const directory = await open(runBase, name);
    directory.saveState(state(name));
    writeFileSync(directory.file('ledger'), 'a change\n');
    directory.release();
    expect(readdirSync(directory.path)).toEqual(['ledger']);
    const next = await open(runBase, name);
    expect(next.leftState).toBeUndefined();
    next.remove('ledger');
    next.release();
  });
});

describe('a broken state.json never keeps a VM from starting', () => {
  const known = state('vm');
  test.each<[title: string, content: string | Buffer, left: RunState | undefined]>([
    ['empty', '', undefined],
    ['cut', '{"version":1,"name":"vm"', undefined],
    ['another type', '[1]', undefined],
    ['null', 'null', undefined],
    ['no supervisor', '{"version":1}', undefined],
    ['no text at all', Buffer.from([0xff, 0xfe, 0, 0]), undefined],
    ['of a later version', JSON.stringify({ ...known, version: 2, bhyve: [7], more: {} }), known],
    ['a pid that is text', JSON.stringify({ ...known, bhyve: { pid: '7' } }), known],
    ['a pid that is everybody', JSON.stringify({ ...known, bhyve: { pid: -1 } }), known],
    ['bhyve null', JSON.stringify({ ...known, bhyve: null }), known],
    ['a loader that is not a process', JSON.stringify({ ...known, loader: 7 }), known],
    ['sockets without numbers', JSON.stringify({ ...known, sockets: { paths: [], before: [{ path: '/' }] } }), known],
  ])('%s', async (_title, content, left) => {
    await inPlace(async ({ runBase, name }) => {
      mkdirSync(path.join(runBase, name), { recursive: true, mode: 0o700 });
      writeFileSync(path.join(runBase, name, 'state.json'), content);
      const directory = await open(runBase, name);
      expect(directory.leftState).toEqual(left);
      directory.release();
      expect(readdirSync(runBase)).toEqual([]);
    });
  });

  test('cut at any byte', async () => {
    await inPlace(({ runBase, name }) => {
      const whole = JSON.stringify({
        ...state(name, { target: 'install', boot: 3, phase: 'running', bhyve: { pid: 7, start: '1', program: '/é' } }),
        last: { boot: 2, at: '', end: 'failed', why: { cause: 'a', evidence: ['b'], next: 'c' } },
        degraded: { log: 'full' },
      });
      mkdirSync(path.join(runBase, name), { recursive: true, mode: 0o700 });
      const bytes = Buffer.from(whole);
      for (let length = 0; length <= bytes.length; length += 1) {
        writeFileSync(path.join(runBase, name, 'state.json'), bytes.subarray(0, length));
        const { state: left } = whoRuns(runBase, name);
        expect(left).toEqual(length < bytes.length ? undefined : JSON.parse(whole));
      }
      return Promise.resolve();
    });
  });
});

test.each<[what: string, make: (folder: string, elsewhere: string) => void]>([
  [
    'a symbolic link',
    (folder, elsewhere) => {
      mkdirSync(elsewhere);
      symlinkSync(elsewhere, folder);
    },
  ],
  [
    'a file',
    (folder) => {
      writeFileSync(folder, '');
    },
  ],
])('%s in its place is refused', async (_what, make) => {
  await inPlace(async ({ runBase, name, path: at }) => {
    mkdirSync(runBase);
    make(path.join(runBase, name), at('elsewhere'));
    await expect(openRunDirectory(runBase, name)).rejects.toThrow('is not a directory of this user');
    if (existsSync(at('elsewhere'))) expect(readdirSync(at('elsewhere'))).toEqual([]);
  });
});

const asRoot = process.getuid?.() === 0 ? test : test.skip; // only root can give a folder away

asRoot('the folder of the run directories is refused where another user put it for all to use', async () => {
  await inPlace(async ({ path: at, name }) => {
    const open = at('open');
    mkdirSync(open);
    chmodSync(open, 0o1777);
    const base = at('open', 'runs');
    mkdirSync(base);
    chownSync(base, 65534, 65534);
    await expect(openRunDirectory(base, name)).rejects.toThrow('belongs to user 65534');
    expect(readdirSync(base)).toEqual([]);
  });
});
asRoot('a folder of another user is refused', async () => {
  await inPlace(async ({ runBase, name }) => {
    const folder = path.join(runBase, name);
    mkdirSync(folder, { recursive: true });
    chownSync(folder, 65534, 65534);
    await expect(openRunDirectory(runBase, name)).rejects.toThrow('is not a directory of this user');
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('the folder of run directories is made where it is missing', async () => {
  await inPlace(async ({ path: at, name }) => {
    const directory = await open(at('a', 'b'), name);
    directory.release();
    expect(readdirSync(at('a', 'b'))).toEqual([]);
  });
});

const onLinux = process.platform === 'linux' ? test : test.skip; // of all systems it has /proc

onLinux('a folder that can be looked into, and in which nothing can be made, is an error at once', async () => {
  for (const base of ['/proc/1/x', '/proc/self/x/y']) {
    await expect(openRunDirectory(base, 'vm')).rejects.toMatchObject({ code: 'ENOENT' });
  }
});

test('a run that begins while another ends gets a directory', async () => {
  await inPlace(async ({ runBase, name }) => {
    for (let round = 0; round < 50; round += 1) {
      const first = await open(runBase, name);
      const beginning = openRunDirectory(runBase, name);
      first.release();
      const second = await beginning;
      if (!('heldBy' in second)) {
        expect(existsSync(second.file('lock'))).toBe(true);
        second.release();
      }
    }
  });
});

test('a directory that comes and goes while one looks is there, or is gone, and no error', async () => {
  await inPlace(async ({ runBase, name, path: at }) => {
    const come = `mkdir -p '${at('run', name)}'; : > '${at('run', name, 'lock')}'; rm -r '${at('run')}'`;
    const child = spawn('/bin/sh', ['-c', `while :; do ${come}; done`], { stdio: 'ignore', detached: true });
    try {
      let seen = 0;
      for (let look = 0; look < 20_000 || seen === 0; look += 1) {
        expect(whoRuns(runBase, name).heldBy).toBeUndefined();
        if (existsSync(runBase)) seen += 1;
      }
    } finally {
      const ended = once(child, 'exit');
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await ended;
    }
  });
});

test.each<[uid: number | undefined, env: Record<string, string>, base: string]>([
  [0, { XDG_RUNTIME_DIR: '/run/user/0' }, '/var/run/vmrun'],
  [1001, { XDG_RUNTIME_DIR: '/run/user/1001' }, '/run/user/1001/vmrun'],
  [1001, { XDG_RUNTIME_DIR: 'relative' }, '/tmp/vmrun-1001'],
  [1001, { XDG_RUNTIME_DIR: '' }, '/tmp/vmrun-1001'],
  [1001, {}, '/tmp/vmrun-1001'],
])('user %s with %j has its run directories in %s', (uid, env, base) => {
  expect(defaultRunBase(env, uid)).toBe(base);
});
