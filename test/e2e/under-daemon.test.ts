import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { addSpec } from '../manager/support.js';
import { placeApi, puppetServe } from '../support/puppet-manager.js';
import { endProcess, inPlace, until, type Place } from './support/place.js';

const daemonProgram = fileURLToPath(new URL('../fixtures/rc.d/daemon.mjs', import.meta.url));

/** What daemon(8) is given: it starts its command again at once. */
function daemonOf(place: Place, command: readonly string[]) {
  const [own, child] = [place.path('daemon.pid'), place.path('manager.pid')];
  const words = ['-r', '-R', '0', '-H', '-o', place.path('manager.log'), '-P', own, '-p', child, ...command];
  const daemon = spawn(process.execPath, [daemonProgram, ...words], { cwd: place.folder, stdio: 'ignore' });
  const ended = once(daemon, 'close');
  return {
    pid: daemon.pid ?? 0,
    /** Of the manager; 0 where there is none. */
    manager: () => Number(existsSync(child) && readFileSync(child, 'utf8')),
    end: async () => {
      daemon.kill('SIGTERM');
      await ended;
    },
  };
}

/** What the descriptors of a process lead to; nothing where it has ended, or the system does not tell. */
function leadsTo(pid: number | 'self'): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).map((descriptor) => `${descriptor} ${readlinkSync(`${folder}/${descriptor}`)}`);
  } catch {
    return [];
  }
}

/**
 * The guests say which loaders have run, and with what on their descriptors 0 to 2. A hook leaves a process behind, and so
 * does what says whether a VM is ready: each says its pid.
 */
function guestsOf(place: Place) {
  const leads = 'for each in 0 1 2; do echo "$each $(readlink /proc/$$/fd/$each)"; done';
  const guest = place.script(
    'bhyve',
    `cd '${place.folder}' || exit 4`,
    `if [ "$VMRUN_SIM_PROGRAM" = bhyveload ]; then ${leads} >> loaders; exit 0; fi`,
    "trap 'exit 1' TERM",
    // It waits for what nobody writes, and starts nobody who would outlive it.
    '[ -p "line.$VMRUN_NAME" ] || mkfifo "line.$VMRUN_NAME"',
    'exec 9<> "line.$VMRUN_NAME"',
    'while :; do read -r never <&9; done',
  );
  const lasting = place.script('lasting', `echo "$$" >> '${place.path('lasting.pids')}'`, 'exec sleep 1000');
  place.script('hook', `'${lasting}' &`);
  const pids = (): readonly number[] =>
    existsSync(place.path('lasting.pids'))
      ? readFileSync(place.path('lasting.pids'), 'utf8').trimEnd().split('\n').map(Number)
      : [];
  return { guest, lasting, pids };
}

test('nothing that outlives a manager holds its output: daemon starts the next one, which takes every VM over', async () => {
  await inPlace(async (place) => {
    const { guest, lasting, pids } = guestsOf(place);
    const specs = {
      plain: {},
      console: { com1: 'console' },
      stdio: { com1: 'stdio' },
      loader: { com1: 'stdio', loader: { kind: 'bhyveload', disk: guest } },
      hook: { hooks: { post_start: place.path('hook') } },
      ready: { autostart: { ready: { command: [lasting] } } },
    };
    const names = Object.keys(specs).map((each) => `${each}-${place.name}`);
    for (const [each, fields] of Object.entries(specs))
      addSpec(place, `${each}-${place.name}`, { autostart: true, ...fields });
    const daemon = daemonOf(place, puppetServe(place, guest));
    const api = placeApi(place);
    /** What runs once a manager other than that one has all of them. */
    const runningUnder = async (another: (pid: number) => boolean) => {
      await until(async () => {
        if (!another(daemon.manager())) return false;
        const vms = await api.vms().catch(() => []);
        return vms.length === names.length && vms.every(({ state, operation }) => state === 'running' && !operation);
      });
      return (await api.vms()).map(({ name, pid, boot, bootSince }) => ({ name, pid, boot, bootSince }));
    };
    try {
      const before = await runningUnder((pid) => pid > 0);
      // What it was, and what asks whether a VM is ready.
      await until(() => pids().length >= 2);
      for (const signal of ['SIGKILL', 'SIGKILL', 'SIGUSR2', 'SIGKILL', 'SIGUSR2'] as const) {
        const manager = daemon.manager();
        const own = new Set(
          leadsTo(manager)
            .filter((each) => /^[12] (?:pipe|socket):/.test(each))
            .map((each) => each.slice(2)),
        );
        const others = [...place.processes().map(({ pid }) => pid), ...pids()];
        const holders = others.filter((pid) => pid !== manager && pid !== daemon.pid);
        expect(holders.length).toBeGreaterThan(2 * names.length);
        const held = holders.flatMap((pid) => leadsTo(pid).filter((each) => own.has(each.replace(/^\d+ /, ''))));
        expect(held).toEqual([]);
        process.kill(manager, signal);
        expect(await runningUnder((pid) => pid > 0 && pid !== manager)).toEqual(before);
      }
      const loaders = existsSync('/proc/self/fd') ? readFileSync(place.path('loaders'), 'utf8') : '';
      expect(loaders).not.toMatch(/(?:pipe|socket):/);
      await daemon.end();
    } finally {
      for (const pid of pids()) endProcess(pid);
    }
    expect(place.runDirectories()).toEqual([]);
  });
});
