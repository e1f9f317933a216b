import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { inPlace, smallVm, vmrunCommand, type Place } from './support/place.js';
import { startVmrun, type Ended } from './support/vmrun.js';

/** Runs vmrun after shell commands that spoil its surroundings. */
const spoilt = (place: Place, spoil: string, words: readonly string[], command = vmrunCommand): Promise<Ended> =>
  startVmrun(place, words, { command: ['/bin/sh', '-c', `${spoil}; exec "$@"`, 'sh', ...command] }).ended;

const spec = (place: Place): string => place.write('vm.json', JSON.stringify(smallVm(place.name)));

const lost = 'mkdir lost && cd lost && rmdir ../lost';

describe('a working directory that was removed', () => {
  test('is named where it is needed', async () => {
    await inPlace(async (place) => {
      for (const words of [
        ['-c', 'vm.json', '--dry-run'],
        ['-c', spec(place), '--simulate=halt'],
        ['plan', 'vm.json'],
      ]) {
        const { status, stdout, stderr } = await spoilt(place, lost, words);
        expect([status, stdout]).toEqual([71, '']);
        expect(stderr).toBe('vmrun: the working directory is gone, change to another one\n');
      }
    });
  });

  test('is of no matter where it is not', async () => {
    await inPlace(async (place) => {
      for (const words of [['--version'], ['--help'], ['ps', '--json', '--run-dir', place.runBase]]) {
        expect(await spoilt(place, lost, words)).toMatchObject({ status: 0, stderr: '' });
      }
    });
  });
});

test('a run directory that is replaced before the first boot is not a bug of ours', async () => {
  await inPlace(async (place) => {
    const run = place.path('run-simulated', place.name);
    const hooks = { pre_start: place.script('replace', `mv '${run}' '${place.path('aside')}'`, `mkdir '${run}'`) };
    const graphic = { host: '127.0.0.1', port: 5999, password: 'secret' };
    const file = place.write('vm.json', JSON.stringify({ ...smallVm(place.name), hooks, graphic }));
    const words = ['-c', file, '--simulate=halt', '--run-dir', place.runBase];
    const { status, stderr } = await startVmrun(place, words).ended;
    expect(stderr).toContain(`\nvmrun: ${run} is no longer the folder that this run made\n`);
    expect(status).toBe(71);
  });
});

/** Node.js itself does not come to the first line of ours: it crashes, or cannot read it. */
const isNodeItself = ({ status, signal, stderr }: Ended): boolean =>
  signal !== null || status === null || status > 128 || stderr.includes("/bin/vmrun.js'\n    at ");

test.each([19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 30, 32, 36, 40])(
  'with %i descriptors a run ends as its guest does, or with a sentence and a status of its own',
  async (limit) => {
    await inPlace(async (place) => {
      const pidFiles = ['-P', place.path('vmrun.pid'), '-p', place.path('bhyve.pid')];
      const words = ['-c', spec(place), '--simulate=halt', '--run-dir', place.runBase, ...pidFiles];
      const ended = await spoilt(place, `ulimit -n ${limit}`, words);
      if (isNodeItself(ended)) return;
      expect([2, 69, 71, 73]).toContain(ended.status);
      expect(ended.stderr).not.toMatch(/^ {4}at /m);
      if (ended.status !== 2) expect(ended.stderr).toMatch(/EMFILE|too many open files/);
      expect(place.runDirectories()).toEqual([]);
      expect(['vmrun.pid', 'bhyve.pid'].filter((file) => existsSync(place.path(file)))).toEqual([]);
    });
  },
);

const onLinux = process.platform === 'linux' ? describe : describe.skip; // elsewhere open(2) locks

onLinux('a run leaves nothing behind where flock(1) fails', () => {
  // It is tried on the folder before a file is made for it.
  test.each([
    ['the lock of the name', 1],
    ['the lock of the VM', 3],
    ['the pid file of vmrun', 5],
    ['the pid file of bhyve', 7],
  ])('before it locks %s', async (_what, last) => {
    await inPlace(async (place) => {
      const calls = `"${place.path('calls')}"`;
      const fail = `[ "$(wc -l < ${calls})" -lt ${last} ] || { echo 'flock: No locks available' >&2; exit 65; }`;
      mkdirSync(place.path('bin'));
      place.script('bin/flock', `echo >> ${calls}`, fail, `PATH="\${PATH#*:}" exec flock "$@"`);
      const pidFiles = ['-P', place.path('vmrun.pid'), '-p', place.path('bhyve.pid')];
      const words = ['-c', spec(place), '--simulate=halt', '--run-dir', place.runBase, ...pidFiles];
      const env = { PATH: `${place.path('bin')}:${process.env.PATH ?? ''}` };
      const { status, stderr } = await startVmrun(place, words, { env }).ended;
      expect([status, stderr.includes('No locks available')]).toEqual([71, true]);
      expect(place.runDirectories()).toEqual([]);
      expect(['vmrun.pid', 'bhyve.pid'].filter((file) => existsSync(place.path(file)))).toEqual([]);
    });
  });
});

describe('what nobody has caught', () => {
  /** A copy of the program whose main part does this. */
  async function broken(script: string, name: 'vmrun' | 'bhyve-sim'): Promise<Pick<Ended, 'status' | 'stderr'>> {
    return inPlace(async (place) => {
      execFileSync('mkdir', ['-p', place.path('dist/bin')]);
      copyBin(place);
      place.write(`dist/bin/${name}.js`, script);
      const command = [process.execPath, place.path('bin', `${name}.js`)];
      const { status, stderr } = await startVmrun(place, [], { command }).ended;
      return { status, stderr };
    });
  }
  /** The launchers alone. */
  function copyBin(place: Place): void {
    const root = path.dirname(path.dirname(vmrunCommand[1] ?? ''));
    cpSync(path.join(root, 'bin'), place.path('bin'), { recursive: true });
    place.write('package.json', '{"type":"module"}');
    place.write('bin/package.json', '{"type":"commonjs"}');
  }
  const bug = /^(vmrun|bhyve-sim): this is a bug in vmrun, please report it:\n {0,2}Error: oops\n {4,6}at /;

  test.each<[what: string, script: string]>([
    ['thrown while it is loaded', "throw new Error('oops');"],
    ['thrown at once', "exports.main = () => { throw new Error('oops'); };"],
    ['a promise that is rejected', "exports.main = async () => { throw new Error('oops'); };"],
    ['thrown later', "exports.main = () => setImmediate(() => { throw new Error('oops'); });"],
  ])('is a bug, with its status: %s', async (_what, script) => {
    expect(await broken(script, 'vmrun')).toEqual({ status: 70, stderr: expect.stringMatching(bug) });
    // Status 1 of a bhyve is a guest that powered off.
    expect(await broken(script, 'bhyve-sim')).toEqual({ status: 4, stderr: expect.stringMatching(bug) });
  });

  test('is a system call that failed, where it is one', async () => {
    const script = "exports.main = async () => require('node:fs').readFileSync('/none');";
    const { status, stderr } = await broken(script, 'vmrun');
    expect(status).toBe(71);
    expect(stderr).toMatch(/^vmrun: it cannot go on: ENOENT: [^\n]+\n$/);
  });

  test('is a copy of the repository that was not built: it says how that is done', async () => {
    await inPlace(async (place) => {
      copyBin(place);
      const command = [process.execPath, place.path('bin', 'vmrun.js')];
      const { status, stderr } = await startVmrun(place, [], { command }).ended;
      expect(status).toBe(71);
      expect(stderr).toBe(
        `vmrun: this copy of vmrun is not built: there is no ${place.path('dist/bin/vmrun.js')}\n  fix: npm ci && npm run build, in ${place.folder}\n`,
      );
    });
  });
});

test.each([['<&-'], ['>&-'], ['2>&-'], ['<&- >&- 2>&-']])(
  'a guest that halts says so, started with %s',
  async (closed) => {
    await inPlace(async (place) => {
      const words = ['-c', spec(place), '--simulate=halt', '--run-dir', place.runBase];
      const { status } = await spoilt(place, `exec ${closed}`, words);
      expect(status).toBe(2);
      expect(place.runDirectories()).toEqual([]);
    });
  },
);

test.each([['HOME'], ['PATH'], ['XDG_RUNTIME_DIR'], ['TMPDIR']])('%s need not be set', async (name) => {
  await inPlace(async (place) => {
    const words = ['-c', spec(place), '--simulate=halt', '--run-dir', place.runBase];
    expect((await spoilt(place, `unset ${name}`, words)).status).toBe(2);
  });
});
