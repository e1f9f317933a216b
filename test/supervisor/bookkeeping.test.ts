import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { systemClock } from '../../src/host/clock.js';
import { systemHost, type Host } from '../../src/host/host.js';
import { openLedger, type Ledger } from '../../src/host/repair/ledger.js';
import { patienceOf, type Patience } from '../../src/supervisor/patience.js';
import { preflight } from '../../src/supervisor/preflight.js';
import { fixture, makeFakeHost, tap } from '../host/fake-host.js';
import { inPlace, type Place } from '../e2e/support/place.js';
import { ofKind, supervise, type Supervised } from '../e2e/support/supervised.js';

/** What happens beside a VM between its first boot and its second. */
interface Mishap {
  /** Shell commands; `$run` is the run directory, `$base` the folder of all, `$aside` somewhere else. */
  readonly commands: readonly string[];
  /** When the run is over, before anything is removed: in its post_stop hook. */
  readonly after?: readonly string[];
  readonly fields?: object;
}

/** @returns the run when it is over: three boots, whatever happened, and then a guest that halts */
async function surviving(place: Place, { commands, after = [], fields = {} }: Mishap): Promise<Supervised> {
  const { name, path } = place;
  const words = [`run='${path('run', name)}'`, `base='${path('run')}'`, `aside='${path('aside')}'`];
  const once = `[ "$VMRUN_BOOT" = 1 ] || exit 0`;
  const hooks = {
    pre_reboot: place.script('mishap', 'set -e', once, ...words, ...commands),
    post_stop: place.script('after', 'set -e', ...words, ...after),
  };
  const vm = await supervise(place, 'reboot,reboot,halt', { ...fields, hooks, restart: { delay: 0 } });
  await vm.over;
  for (const { end } of ofKind(vm.seen, 'hook').filter((each) => each.state === 'ended')) {
    expect(end).toEqual({ kind: 'exited', status: 0 });
  }
  return vm;
}

const parts = (vm: Supervised): readonly string[] => ofKind(vm.seen, 'degraded').map(({ part }) => part);

/** A VM with a file that only bhyve may read. */
const secret = { graphic: { host: '127.0.0.1', port: 5999, password: 'secret' } };

/** Each file of the run directory, but for one that bhyve waits for, is replaced by something else; `$f` is its path. */
const replaced = (make: string): string =>
  `for f in lock vm.lock vm.pid vm.end vm.line state.json; do f="$run/$f"; rm -f "$f"; ${make}; done`;

describe('a guest boots on, whatever becomes of its run directory', () => {
  test.each<[what: string, mishap: Mishap]>([
    ['the note is a folder', { commands: ['rm -f "$run/vm.pid"', 'mkdir "$run/vm.pid"'] }],
    ['the state file is a folder', { commands: ['rm "$run/state.json"', 'mkdir "$run/state.json"'] }],
    ['a file that is to be written is a folder', { commands: ['mkdir "$run/.state.json.new"'] }],
    ['the private file is a folder', { commands: ['rm "$run/bhyve.conf"', 'mkdir "$run/bhyve.conf"'], fields: secret }],
    ['its content is gone', { commands: ['rm -r "$run"/* '] }],
    ['each file in it is a folder', { commands: [replaced('mkdir "$f"')] }],
    ['each is a FIFO', { commands: [replaced('mkfifo "$f"')] }],
    ['each is a link to nothing', { commands: [replaced('ln -s "$aside" "$f"')], after: ['! test -e "$aside"'] }],
    [
      'each is a link to a file of somebody',
      {
        commands: ['echo kept > "$aside"', replaced('ln -s "$aside" "$f"')],
        after: ['test "$(cat "$aside")" = kept'],
      },
    ],
    [
      'each is that file under another name',
      {
        commands: ['echo kept > "$aside"', replaced('ln "$aside" "$f"')],
        after: ['test "$(cat "$aside")" = kept'],
      },
    ],
    ['it is gone', { commands: ['rm -r "$run"'] }],
    ['it is gone, and bhyve needs a file in it', { commands: ['rm -r "$run"'], fields: secret }],
    ['the folder of all is gone', { commands: ['rm -r "$base"'] }],
    ['it is another folder', { commands: ['mv "$run" "$aside"', 'mkdir -m 700 "$run"'], after: ['rmdir "$run"'] }],
  ])('%s', async (_what, mishap) => {
    await inPlace(async (place) => {
      const vm = await surviving(place, mishap);
      expect(await vm.result).toMatchObject({ end: { kind: 'halted' }, because: 'guest', boots: 3, leftBehind: [] });
      expect(existsSync(place.runBase) ? readdirSync(place.runBase) : []).toEqual([]);
      expect(new Set(parts(vm)).size).toBe(parts(vm).length);
    });
  });

  test.each<[what: string, told: readonly string[], mishap: Mishap]>([
    [
      'the note is a folder with something in it',
      ['note'],
      { commands: ['rm -f "$run/vm.pid"', 'mkdir -p "$run/vm.pid/x"'] },
    ],
    [
      'the file of its words is one',
      ['output'],
      { commands: ['rm "$run/vm.err"', 'mkdir -p "$run/vm.err/x"'], after: ['rm -r "$run/vm.err"'] },
    ],
    ['a lock file is one', ['state'], { commands: ['rm "$run/lock"', 'mkdir -p "$run/lock/x"'] }],
    ['each file in it is one', ['note', 'state'], { commands: [replaced('mkdir -p "$f/x"')] }],
    ['the state file is one', ['state'], { commands: ['rm "$run/state.json"', 'mkdir -p "$run/state.json/x"'] }],
    [
      'a link stands in its place',
      ['state', 'note', 'output'],
      { commands: ['mv "$run" "$run.old"', 'mkdir "$base/../elsewhere"', 'ln -s "$base/../elsewhere" "$run"'] },
    ],
    ['a link to itself does', ['state', 'note', 'output'], { commands: ['rm -r "$run"', 'ln -s "$run" "$run"'] }],
    ['a file does', ['state', 'note', 'output'], { commands: ['rm -r "$run"', ': > "$run"'] }],
    ['the folder of all is a file', ['state', 'note', 'output'], { commands: ['rm -r "$base"', ': > "$base"'] }],
    [
      'another process has taken its lock',
      ['state', 'note'],
      {
        commands: [
          'rm "$run/lock"',
          '(exec 3> "$run/lock"; flock 3; exec sleep 600 >/dev/null 2>&1) & ',
          'echo $! > "$aside"',
          'until ! flock -n "$run/lock" true; do :; done',
        ],
        after: ['kill "$(cat "$aside")"'],
      },
    ],
  ])('%s, which is told once', async (_what, told, mishap) => {
    await inPlace(async (place) => {
      const vm = await surviving(place, mishap);
      expect(await vm.result).toMatchObject({ end: { kind: 'halted' }, because: 'guest', boots: 3 });
      expect([...parts(vm)].sort()).toEqual([...told].sort());
      if (existsSync(place.path('elsewhere'))) expect(readdirSync(place.path('elsewhere'))).toEqual([]);
    });
  });

  const canMount = spawnSync('unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs none /mnt']).status === 0;
  const readOnly = ['mount --bind "$run" "$run"', 'mount -o remount,bind,ro "$run"', '! touch "$run/x" 2>/dev/null'];

  (canMount ? test : test.skip).each<[what: string, fields: object]>([
    // needs root
    ['', {}],
    [' and bhyve needs a file in it', secret],
  ])('it can only be read,%s until it can be written again', async (_what, fields) => {
    await inPlace(async (place) => {
      const vm = await surviving(place, { commands: readOnly, after: ['umount "$run"'], fields });
      expect(await vm.result).toMatchObject({ end: { kind: 'halted' }, because: 'guest', boots: 3, leftBehind: [] });
      expect(parts(vm)).toContain('state');
      expect(new Set(parts(vm)).size).toBe(parts(vm).length);
      expect(ofKind(vm.seen, 'degraded')[0]?.error).toMatch(/EROFS/);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  (canMount ? test : test.skip)('and where it stays so, only what cannot be removed is left', async () => {
    // needs root
    await inPlace(async (place) => {
      try {
        const vm = await surviving(place, { commands: readOnly });
        expect(await vm.result).toMatchObject({
          end: { kind: 'halted' },
          leftBehind: [{ code: 'cleanup-failed', message: expect.stringContaining('EROFS') }],
        });
      } finally {
        spawnSync('umount', [place.path('run', place.name)]);
      }
    });
  });
});

test.each<[what: string, command: (file: string) => string, told: string]>([
  ['is gone', (file) => `rm '${file}'`, 'ENOENT'],
  ['is a folder', (file) => `rm '${file}'; mkdir '${file}'`, 'it is a directory'],
  ['is empty', (file) => `: > '${file}'`, 'does not hold a password'],
])('a password file that was read before is not needed: it %s', async (_what, command, told) => {
  await inPlace(async (place) => {
    const file = place.write('password', 'secret');
    const copy = `cp "$run/bhyve.conf" '${place.path('copy')}'`;
    const graphic = { host: '127.0.0.1', port: 5999, password_file: file };
    const restore = `{ rm -rf '${file}'; printf other > '${file}'; exit 0; }`;
    const hooks = {
      pre_reboot: place.script('mishap', `[ "$VMRUN_BOOT" = 1 ] || ${restore}`, command(file)),
      post_stop: place.script('copy', `run='${place.path('run', place.name)}'`, copy),
    };
    const fields = { bootrom: place.write('rom.fd', Buffer.alloc(4096)), graphic, hooks, restart: { delay: 0 } };
    const fake = makeFakeHost();
    fake.setModules(fixture('kldstat.txt'));
    const host: Host = { ...systemHost(), run: fake.run };
    const vm = await supervise(place, 'reboot,reboot,halt', fields, { host, check: true });
    await vm.over;
    fake.remove();
    expect(await vm.result).toMatchObject({ end: { kind: 'halted' }, boots: 3 });
    expect(ofKind(vm.seen, 'degraded')).toMatchObject([
      { part: 'password file', error: expect.stringContaining(told) },
    ]);
    expect(ofKind(vm.seen, 'recovered')).toMatchObject([{ part: 'password file' }]);
    expect(readFileSync(place.path('copy'), 'utf8')).toContain('password=other');
  });
});

test('a password file that cannot be read for the moment is read again', async () => {
  await inPlace(async (place) => {
    const host = systemHost();
    let reads = 0;
    const readSecret = async (file: string): Promise<string> => {
      reads += 1;
      if (reads === 2) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
      return host.readSecret(file);
    };
    const graphic = { host: '127.0.0.1', port: 5999, password_file: place.write('password', 'secret') };
    const vm = await supervise(place, 'reboot,halt', { graphic }, { host: { ...host, readSecret } });
    await vm.over;
    expect(await vm.result).toMatchObject({ end: { kind: 'halted' }, boots: 2 });
    expect(ofKind(vm.seen, 'degraded')).toMatchObject([
      { part: 'password file', error: expect.stringContaining('EIO') },
    ]);
  });
});

test.each(['lock', 'vm.lock'])(
  'a first boot does not begin where something else is in the place of %s',
  async (file) => {
    await inPlace(async (place) => {
      mkdirSync(place.path('run', place.name, file), { recursive: true });
      const vm = await supervise(place, 'halt');
      await expect(vm.result).rejects.toMatchObject({
        kind: 'cannot-create',
        problems: [{ code: 'run-directory', message: expect.stringContaining(`${file} is a directory`) }],
      });
      await vm.over;
    });
  },
);

test('what cannot be written down before it is fixed is tried again for a later boot', async () => {
  const host = makeFakeHost();
  try {
    const ledger = await openLedger(join(host.folder, 'ledger'));
    let attempts = 0;
    const record: Ledger['record'] = async (undo) => {
      attempts += 1;
      if (attempts < 3) throw Object.assign(new Error('EROFS: read-only file system, open'), { code: 'EROFS' });
      return ledger.record(undo);
    };
    const seen: string[] = [];
    const patience = (isFirstBoot: boolean): Patience => {
      const stop = new AbortController().signal;
      const clock = { ...systemClock, sleep: () => Promise.resolve() };
      const degraded = (part: string, error: string | undefined): void => {
        seen.push(`${part}: ${error === undefined ? 'recovered' : /EROFS/.exec(error)?.[0]}`);
      };
      return patienceOf(
        { host: { ...systemHost(), run: host.run, clock }, signals: { stop }, state: { degraded } } as never,
        isFirstBoot,
      );
    };
    const machine = { name: 'web', requirements: [tap('tap7', { mayFix: true })] } as never;
    const look = () => preflight(machine, { run: host.run, ledger: { ...ledger, record } });
    // Somebody is there to see the first boot.
    await expect(patience(true).attempt(look)).rejects.toMatchObject({ kind: 'host', cause: { code: 'EROFS' } });
    expect(host.hasInterface('tap7')).toBe(false);
    await patience(false).attempt(look);
    expect(seen.slice(-2)).toEqual(['start: EROFS', 'start: recovered']);
    expect([attempts, host.hasInterface('tap7')]).toEqual([3, true]);
    expect(ledger.entries()).toMatchObject([{ undo: { kind: 'destroy-interface', name: 'tap7' } }]);
  } finally {
    host.remove();
  }
});
