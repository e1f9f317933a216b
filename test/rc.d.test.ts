import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { inPlace, isRunning, smallVm, until, vmrunCommand, type Place } from './e2e/support/place.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const script = readFileSync(`${root}rc.d/vmrun`, 'utf8');

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A host with rc.d/vmrun, its VMs simulated; their hooks write what they see into the file `order`. */
interface Rc {
  readonly place: Place;
  /** Writes the spec of a VM. @returns its name, which no VM of another test has */
  readonly vm: (name: string, fields?: object) => string;
  readonly service: (...words: readonly string[]) => Promise<Ended>;
  /** What the hooks wrote: `up NAME`, `down NAME`. */
  readonly order: () => readonly string[];
  readonly pidOf: (name: string) => number;
}

function rcIn(place: Place, ...conf: readonly string[]): Rc {
  const vmrun = [...vmrunCommand, '"$word"', '--run-dir', place.runBase].join(' ');
  const wrapper = place.script(
    'vmrun',
    'case $1 in ps | stop) word=$1; shift; set -- --simulate "$@" ;; *) word=-q ;; esac',
    `exec ${vmrun} "$@"`,
  );
  mkdirSync(place.path('specs'));
  place.write(
    'rc.conf',
    [
      'vmrun_enable="YES"',
      `vmrun_dir="${place.path('specs')}"`,
      `vmrun_logdir="${place.path('log')}"`,
      `vmrun_piddir="${place.folder}"`,
      `vmrun_command="${wrapper}"`,
      'vmrun_flags="--adopt --simulate=run"',
      ...conf,
      '',
    ].join('\n'),
  );
  const stubs = `${root}test/fixtures/rc.d`;
  const service = place.script('service', script.replace('\n. /etc/rc.subr\n', `\n. ${stubs}/rc.subr\n`));
  const hook = (word: string): readonly string[] => [
    '/bin/sh',
    '-c',
    `echo "${word} $VMRUN_NAME" >>'${place.path('order')}'`,
  ];
  const order = place.path('order');
  return {
    place,
    vm(name, fields = {}) {
      const own = `${name}.${place.name}`;
      const hooks = { pre_start: hook('up'), post_stop: hook('down') };
      place.spec({ ...smallVm(own), hooks, ...fields }, `specs/${name}.json`);
      return own;
    },
    async service(...words) {
      const env = { PATH: `${stubs}:${process.env.PATH ?? ''}`, RC_CONF: place.path('rc.conf'), TMPDIR: place.folder };
      const child = spawn(service, words, { cwd: '/', env, stdio: ['ignore', 'pipe', 'pipe'] });
      const printed = { stdout: '', stderr: '' };
      child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));
      await once(child, 'close');
      return { status: child.exitCode, ...printed };
    },
    order: () => (existsSync(order) ? readFileSync(order, 'utf8').trimEnd().split('\n') : []),
    pidOf: (name) => Number(readFileSync(place.path(`vmrun_${name}.pid`), 'utf8')),
  };
}

const lines = ({ stdout }: Ended): readonly string[] => stdout.trimEnd().split('\n');

/** What a start made is gone: pid files, run directories, its own notes; logs and specs stay. */
async function expectNothingLeft({ place }: Rc): Promise<void> {
  // A vmrun has let go of its name when it ends.
  await until(() => place.processes().length === 0);
  const own = ['log', 'order', 'rc.conf', 'run-simulated', 'service', 'specs', 'vmrun'];
  expect(readdirSync(place.folder).filter((name) => !own.includes(name))).toEqual([]);
  expect(place.runDirectories()).toEqual([]);
}

describe('service vmrun', () => {
  test('starts the VMs of vmrun_list in order, tells of them, and stops them in the reverse', async () => {
    await inPlace(async (place) => {
      const rc = rcIn(place, 'vmrun_list="db web-1"');
      const [db, web] = [rc.vm('db'), rc.vm('web-1')];
      const started = await rc.service('start');
      expect(started).toMatchObject({ status: 0, stderr: '' });
      expect(lines(started)).toEqual(['Starting db.', 'Starting web-1.']);
      const status = await rc.service('status');
      expect(status).toMatchObject({ status: 0, stdout: 'db is running.\nweb-1 is running.\n' });
      const stopped = await rc.service('stop');
      expect(stopped).toMatchObject({ status: 0, stderr: '' });
      expect(lines(stopped)).toEqual(['Stopping web-1.', 'Stopping db.']);
      expect(rc.order()).toEqual([`up ${db}`, `up ${web}`, `down ${web}`, `down ${db}`]);
      expect(readFileSync(place.path('log', 'db.log'), 'utf8')).toMatch(/ vmrun: boot 1, target default/);
      await expectNothingLeft(rc);
    });
  });

  test('is about the named VMs alone where there are names', async () => {
    await inPlace(async (place) => {
      const rc = rcIn(place, 'vmrun_list="db web"');
      rc.vm('db');
      const web = rc.vm('web');
      await rc.service('start', 'web');
      const status = await rc.service('status');
      expect(status).toMatchObject({ status: 1, stdout: 'db is not running.\nweb is running.\n' });
      expect((await rc.service('status', 'web')).status).toBe(0);
      expect(lines(await rc.service('restart', 'web'))).toEqual(['Stopping web.', 'Starting web.']);
      expect(await rc.service('stop', 'db')).toMatchObject({ status: 0, stdout: 'db is not running.\n' });
      await rc.service('stop', 'web');
      expect(rc.order()).toEqual([`up ${web}`, `down ${web}`, `up ${web}`, `down ${web}`]);
      await expectNothingLeft(rc);
    });
  });

  test('does nothing unless it is enabled, or asked for once', async () => {
    await inPlace(async (place) => {
      const rc = rcIn(place, 'vmrun_enable="NO"', 'vmrun_list="db"');
      rc.vm('db');
      expect((await rc.service('start')).stdout).toContain('Set vmrun_enable to YES');
      expect(rc.order()).toEqual([]);
      expect(lines(await rc.service('onestart'))).toEqual(['Starting db.']);
      expect(lines(await rc.service('onestop'))).toEqual(['Stopping db.']);
      await expectNothingLeft(rc);
    });
  });

  test('gives a VM the settings of its name, with _ for what a variable cannot have', async () => {
    await inPlace(async (place) => {
      const rc = rcIn(place, 'vmrun_list="web-1.old"', 'vmrun_web_1_old_config="other.yaml"');
      const flags = `vmrun_web_1_old_flags="-t rescue --events '${place.path('two words')}'"\n`;
      place.write('rc.conf', readFileSync(place.path('rc.conf'), 'utf8') + flags);
      const spec = { ...smallVm(place.name), targets: { rescue: {} } };
      place.write('specs/other.yaml', JSON.stringify(spec));
      expect(await rc.service('start')).toMatchObject({ status: 0, stdout: 'Starting web-1.old.\n', stderr: '' });
      expect(readFileSync(place.path('two words'), 'utf8')).toContain('"target":"rescue"');
      expect(await rc.service('stop')).toMatchObject({ status: 0, stderr: '' });
      await until(() => place.processes().length === 0);
      expect(place.runDirectories()).toEqual([]);
    });
  });
});

test('a spec may be UCL', async () => {
  await inPlace(async (place) => {
    const rc = rcIn(place, 'vmrun_list="mail"');
    const { name, cpu, mem } = smallVm(place.name);
    place.write('specs/mail.conf', `name: ${name}\ncpu: ${cpu}\nmem: ${mem} # of memory\n`);
    expect(await rc.service('start')).toMatchObject({ status: 0, stdout: 'Starting mail.\n', stderr: '' });
    expect(await rc.service('stop')).toMatchObject({ status: 0, stderr: '' });
    await until(() => place.processes().length === 0);
    expect(place.runDirectories()).toEqual([]);
  });
});

describe('service vmrun start', () => {
  test('tells of a spec that is wrong or missing, and starts the others', async () => {
    await inPlace(async (place) => {
      const rc = rcIn(place, 'vmrun_list="bad none ../db web"');
      rc.vm('bad', { cpus: 3 });
      rc.vm('web');
      const started = await rc.service('start');
      expect(started.status).toBe(1);
      expect(lines(started)).toEqual(['Starting web.']);
      expect(started.stderr).toContain('"cpus" is not a field here\n    fix: did you mean "cpu"?');
      expect(started.stderr).toContain('WARNING: bad was not started');
      expect(started.stderr).toContain('WARNING: none has no spec');
      expect(started.stderr).toContain("WARNING: '../db' is not a name");
      expect((await rc.service('stop')).status).toBe(0);
      await expectNothingLeft(rc);
    });
  });

  test('says what the log says of a VM that does not come up', async () => {
    await inPlace(async (place) => {
      const rc = rcIn(place, 'vmrun_list="web"');
      rc.vm('web', { hooks: { pre_start: ['/bin/sh', '-c', 'echo no such disk; exit 1'] } });
      const started = await rc.service('start');
      expect(started.status).toBe(1);
      expect(started.stderr).toContain(`web does not run; the end of ${place.path('log', 'web.log')}:\n`);
      expect(started.stderr).toContain(' pre_start: no such disk\n');
      const again = await rc.service('start');
      expect(again.stderr.match(/no such disk\n/g)).toHaveLength(1);
      await expectNothingLeft(rc);
    });
  });

  test('leaves a VM alone that runs already, and that is not a failure', async () => {
    await inPlace(async (place) => {
      const rc = rcIn(place, 'vmrun_list="db web"');
      const [db, web] = [rc.vm('db'), rc.vm('web')];
      await rc.service('start', 'web');
      const pid = rc.pidOf('web');
      const started = await rc.service('start');
      expect(started).toMatchObject({ status: 0, stderr: '' });
      expect(lines(started)).toEqual(['Starting db.', 'web runs already.']);
      expect(rc.pidOf('web')).toBe(pid);
      expect(lines(await rc.service('stop'))).toEqual(['Stopping web.', 'Stopping db.']);
      expect(rc.order()).toEqual([`up ${web}`, `up ${db}`, `down ${web}`, `down ${db}`]);
      await expectNothingLeft(rc);
    });
  });

  test('takes over a bhyve that has lost its vmrun', async () => {
    await inPlace(async (place) => {
      const rc = rcIn(place, 'vmrun_list="web"');
      const web = rc.vm('web');
      await rc.service('start');
      const supervisor = rc.pidOf('web');
      process.kill(supervisor, 'SIGKILL');
      await until(() => !isRunning(supervisor));
      const status = await rc.service('status');
      expect(status).toMatchObject({ status: 1, stdout: expect.stringMatching(/^web is running without its vmrun/) });
      expect(await rc.service('start')).toMatchObject({ status: 0, stdout: 'Starting web.\n', stderr: '' });
      expect(rc.pidOf('web')).not.toBe(supervisor);
      expect((await rc.service('status')).stdout).toBe('web is running.\n');
      expect(rc.order()).toEqual([`up ${web}`]);
      expect((await rc.service('stop')).status).toBe(0);
      await expectNothingLeft(rc);
    });
  });

  test('waits no longer than vmrun_start_timeout', async () => {
    await inPlace(async (place) => {
      const rc = rcIn(place, 'vmrun_list="slow"', 'vmrun_start_timeout="1"');
      rc.vm('slow', { hooks: { pre_start: ['/bin/sleep', '600'], timeout: '10min' } });
      const started = await rc.service('start');
      expect(started.status).toBe(1);
      expect(started.stderr).toContain('slow is not up after 1 seconds, and goes on starting');
      expect((await rc.service('status')).stdout).toBe('slow is starting.\n');
      expect((await rc.service('stop')).status).toBe(0);
      await expectNothingLeft(rc);
    });
  });
});

describe('service vmrun stop', () => {
  test('stops a VM whose spec was broken meanwhile', async () => {
    await inPlace(async (place) => {
      const rc = rcIn(place, 'vmrun_list="$VM"'.replace('$VM', place.name));
      place.spec({}, `specs/${place.name}.json`);
      await rc.service('start');
      place.write(`specs/${place.name}.json`, '{ "name": ');
      expect(await rc.service('stop')).toMatchObject({ status: 0, stdout: `Stopping ${place.name}.\n`, stderr: '' });
      await expectNothingLeft(rc);
    });
  });

  test('stops all at once with vmrun_parallel_stop', async () => {
    await inPlace(async (place) => {
      const rc = rcIn(place, 'vmrun_list="db web"', 'vmrun_parallel_stop="YES"');
      const db = rc.vm('db');
      // Stopped first, it is down only when the other is.
      const waits = `until grep -q 'down ${db}' '${place.path('order')}' 2>/dev/null; do sleep 0.05; done; echo web`;
      rc.vm('web', {
        hooks: { post_stop: ['/bin/sh', '-c', `${waits} >>'${place.path('order')}'`], timeout: '10min' },
      });
      await rc.service('start');
      expect((await rc.service('stop')).status).toBe(0);
      expect(rc.order()).toEqual([`up ${db}`, `down ${db}`, 'web']);
      await expectNothingLeft(rc);
    });
  });
});
