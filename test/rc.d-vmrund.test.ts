import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { inPlace, isRunning, smallVm, until, vmrunCommand, type Place } from './e2e/support/place.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const script = readFileSync(`${root}rc.d/vmrund`, 'utf8');

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A host with rc.d/vmrund, its VMs simulated. */
function rcIn(place: Place) {
  const words = vmrunCommand.join(' ');
  const wrapper = place.script('vmrun', 'word=$1', 'shift', `exec ${words} "$word" --simulate "$@"`);
  mkdirSync(place.path('specs'));
  const name = `web.${place.name}`;
  place.spec({ ...smallVm(name), autostart: true }, 'specs/web.json');
  const configuration = { specs: 'specs', state: 'state', run_dir: place.runBase };
  place.write('manager.json', JSON.stringify(configuration));
  place.write(
    'rc.conf',
    [
      'vmrund_enable="YES"',
      `vmrund_config="${place.path('manager.json')}"`,
      `vmrund_log="${place.path('vmrund.log')}"`,
      `vmrund_piddir="${place.folder}"`,
      `vmrund_command="${wrapper}"`,
      '',
    ].join('\n'),
  );
  const stubs = `${root}test/fixtures/rc.d`;
  const service = place.script('service', script.replace('\n. /etc/rc.subr\n', `\n. ${stubs}/rc.subr\n`));
  const env = { PATH: `${stubs}:${process.env.PATH ?? ''}`, RC_CONF: place.path('rc.conf'), HOME: place.folder };
  const run = async (argv: readonly string[]): Promise<Ended> => {
    const [program = '', ...rest] = argv;
    const child = spawn(program, rest, { cwd: '/', env, stdio: ['ignore', 'pipe', 'pipe'] });
    const printed = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));
    await once(child, 'close');
    return { status: child.exitCode, ...printed };
  };
  const pidIn = (file: string): number =>
    Number(existsSync(place.path(file)) && readFileSync(place.path(file), 'utf8'));
  return {
    name,
    service: (word: string) => run([service, word]),
    manager: () => pidIn('vmrund.pid'),
    daemon: () => pidIn('vmrund.daemon.pid'),
    /** What `vmrun ls` says of the VM. */
    async view() {
      const { stdout } = await run([...vmrunCommand, 'ls', '--json', '--run-dir', place.runBase]);
      const [found] = JSON.parse(stdout) as readonly { readonly state: string; readonly pid?: number }[];
      return found;
    },
  };
}

test('service vmrund starts a manager, replaces it under its guests, and stops all of them', async () => {
  await inPlace(async (place) => {
    const rc = rcIn(place);
    const started = await rc.service('start');
    expect(started).toMatchObject({
      status: 0,
      stdout: 'Starting vmrund.\n',
      stderr: expect.stringContaining(': good;'),
    });
    expect(await rc.service('status')).toMatchObject({
      status: 0,
      stdout: `vmrund is running as pid ${rc.manager()}.\n`,
    });
    expect((await rc.service('start')).stdout).toBe(`vmrund runs already, as pid ${rc.daemon()}.\n`);
    await until(async () => (await rc.view())?.state === 'running');
    const [manager, guest] = [rc.manager(), (await rc.view())?.pid];
    const restarted = await rc.service('restart');
    expect(restarted).toMatchObject({ status: 0, stdout: 'Restarting vmrund; its VMs go on.\n', stderr: '' });
    expect(rc.manager()).not.toBe(manager);
    await until(async () => (await rc.view())?.state === 'running');
    expect((await rc.view())?.pid).toBe(guest);
    expect((await rc.service('reload')).status).toBe(0);
    await until(() => readFileSync(place.path('vmrund.log'), 'utf8').includes('read the specs again'));
    expect(await rc.service('stop')).toMatchObject({ status: 0, stdout: 'Stopping vmrund and its VMs.\n' });
    expect(isRunning(guest ?? 0)).toBe(false);
    await until(() => place.processes().length === 0);
    expect(await rc.service('status')).toMatchObject({ status: 1, stdout: 'vmrund is not running.\n' });
    expect((await rc.service('stop')).stdout).toBe('vmrund is not running.\n');
  });
});

test('service vmrund tells what is wrong with the configuration, and starts nothing', async () => {
  await inPlace(async (place) => {
    const rc = rcIn(place);
    place.write('manager.json', '{ "spec": 1 }');
    const started = await rc.service('start');
    expect(started.status).toBe(1);
    expect(started.stderr).toContain('"spec" is not a field here');
    expect(existsSync(place.path('vmrund.daemon.pid'))).toBe(false);
  });
});

test('daemon starts a manager again that was killed, and that takes its guests over', async () => {
  await inPlace(async (place) => {
    const rc = rcIn(place);
    await rc.service('start');
    await until(async () => (await rc.view())?.state === 'running');
    const [manager, guest] = [rc.manager(), (await rc.view())?.pid];
    process.kill(manager, 'SIGKILL');
    await until(async () => {
      const pid = rc.manager();
      return (
        pid !== manager &&
        Number(existsSync(place.path('vmrund.ready.pid')) && readFileSync(place.path('vmrund.ready.pid'), 'utf8')) ===
          pid &&
        pid > 0 &&
        (await rc.view())?.state === 'running'
      );
    });
    expect((await rc.view())?.pid).toBe(guest);
    await rc.service('stop');
    expect(place.processes()).toEqual([]);
  });
});
