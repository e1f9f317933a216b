import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { ask as request } from '../support/served.js';
import { inPlace, isRunning, until, vmrunCommand, type Place } from './support/place.js';
import { jsonIn, managedIn, type ManagedPlace, type Serving } from './support/serving.js';

/** Ends a manager, and looks that nothing is left of its VMs. */
async function stopAll(serving: Serving, place: Place): Promise<void> {
  serving.kill('SIGTERM');
  expect(await serving.ended).toBe(0);
  expect(place.runDirectories()).toEqual([]);
}

const withManager = (use: (managed: ManagedPlace) => Promise<void>): Promise<void> =>
  inPlace((place) => use(managedIn(place)));

describe('vmrun serve', () => {
  test('starts, lists, restarts and stops the VMs of a folder', async () => {
    await withManager(async (managed) => {
      const [db, web] = [managed.vm('db'), managed.vm('web')];
      const serving = await managed.serve();
      expect(await managed.ask('ls')).toMatchObject({ status: 0, stderr: '' });
      expect(await managed.view(db)).toMatchObject({ state: 'stopped', wanted: { state: 'stopped' } });
      expect(await managed.ask('start', db)).toMatchObject({ status: 0, stderr: expect.stringContaining(': runs\n') });
      expect(await managed.ask('start', db)).toMatchObject({ status: 0, stderr: `vmrun: ${db}: runs already\n` });
      const before = await managed.view(db);
      expect(before).toMatchObject({ state: 'running', boot: 1, wanted: { state: 'running', by: 'socket' } });
      expect((await managed.ask('restart', db)).status).toBe(0);
      const after = await managed.view(db);
      expect(after.state).toBe('running');
      expect(after.pid).not.toBe(before.pid);
      expect(await managed.ask('stop', db)).toMatchObject({
        status: 0,
        stderr: expect.stringContaining(': stopped\n'),
      });
      expect(await managed.view(db)).toMatchObject({ state: 'stopped', wanted: { state: 'stopped', by: 'socket' } });
      expect(await managed.ask('stop', db)).toMatchObject({ status: 69, stderr: `vmrun: ${db}: it does not run\n` });
      // The others, and the manager, go on.
      expect((await managed.view(web)).state).toBe('stopped');
      await stopAll(serving, managed.place);
    });
  });

  test('refuses a target that the file does not have now, before anything is stopped or wanted', async () => {
    await withManager(async (managed) => {
      const web = managed.vm('web');
      const serving = await managed.serve();
      const words = /there is no target "other" fix: the only target is "default"/;
      const refuses = async (act: string): Promise<void> => {
        const seen = async () => {
          const { pid, state, wanted } = await managed.view(web);
          return { pid, state, wanted };
        };
        const before = await seen();
        const { status, stderr } = await managed.ask(act, web, '-t', 'other');
        expect([status, stderr.replace(/\s+/g, ' ')]).toEqual([69, expect.stringMatching(words)]);
        expect(await seen()).toEqual(before);
      };
      await refuses('start');
      expect((await managed.ask('start', web)).status).toBe(0);
      await refuses('restart');
      managed.vm('web', { targets: { other: {} } });
      expect((await managed.ask('restart', web, '-t', 'other')).status).toBe(0);
      expect(await managed.view(web)).toMatchObject({ state: 'running', target: 'other' });
      managed.vm('web');
      await refuses('restart');
      await stopAll(serving, managed.place);
    });
  });

  test('tells of a VM that it does not have, and where there is no manager', async () => {
    await withManager(async (managed) => {
      const alone = await managed.ask('ls');
      expect(alone).toMatchObject({ status: 69, stdout: '' });
      expect(alone.stderr).toMatch(/no manager listens there, nor at unix:.*\n\s+fix: start one with vmrun serve/);
      const serving = await managed.serve();
      const strange = await managed.ask('start', 'nobody');
      expect(strange.status).toBe(69);
      expect(strange.stderr).toContain('nobody');
      await stopAll(serving, managed.place);
    });
  });

  test('what it refuses is told by commands to type, not by requests', async () => {
    await withManager(async (managed) => {
      const { place } = managed;
      const web = managed.vm('web');
      const serving = await managed.serve();
      await managed.ask('start', web);
      const at = ` --run-dir ${place.runBase}`;
      const refusals: readonly (readonly [words: readonly string[], fix: string])[] = [
        ...['start', 'restart', 'logs', 'remove'].map(
          (word) => [[word, 'nix'], `vmrun ls${at} lists those that there are`] as const,
        ),
        [['events', '--vm', 'nix'], `vmrun ls${at} lists those that there are`],
        [['remove', web], `edit that file, or remove it, then vmrun reload${at}`],
        [['serve', 'user', 'remove', 'nix'], `vmrun serve user list${at} lists those that there are`],
        [['serve', 'token', 'remove', 'nix'], `give the id that vmrun serve token list${at} shows`],
      ];
      for (const [words, fix] of refusals) {
        const { status, stderr } = await managed.ask(...words);
        expect([words, status === 69 || status === 75, /\n {4}fix: (.*)\n/.exec(stderr)?.[1]]).toEqual([
          words,
          true,
          fix,
        ]);
      }
      await stopAll(serving, place);
    });
  });

  const asRoot = process.getuid?.() === 0 ? test : test.skip;

  asRoot('vmrun stop of a user who may not ask it says so, and not that there is no such VM', async () => {
    await withManager(async (managed) => {
      const { place } = managed;
      const web = managed.vm('web');
      const serving = await managed.serve();
      chmodSync(place.folder, 0o755);
      const [program = '', ...words] = vmrunCommand;
      const child = spawn(program, [...words, 'stop', web, '--run-dir', place.runBase], {
        ...{ uid: 65534, gid: 65534, cwd: '/', env: { PATH: process.env.PATH }, stdio: ['ignore', 'ignore', 'pipe'] },
      });
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      const [status] = (await once(child, 'close')) as [number];
      expect([status, said]).toEqual([
        69,
        expect.stringMatching(/ a manager listens at unix:.*, which you may not use\n {4}fix: be root/),
      ]);
      expect(await managed.view(web)).toMatchObject({ state: 'stopped' });
      await stopAll(serving, place);
    });
  });

  test('its VMs are listed for scripts as those of vmrun ps are', async () => {
    await withManager(async (managed) => {
      const web = managed.vm('web');
      const serving = await managed.serve();
      await managed.ask('start', web);
      const { pid } = await managed.view(web);
      const [ls, ps] = [
        await managed.ask('ls', '--format', 'lines'),
        await managed.ask('ps', '--format', 'lines', '--simulate'),
      ];
      const [cells = [], others = []] = [ls, ps].map(({ stdout }) => stdout.trimEnd().split('\t'));
      expect(cells.filter((_, index) => index !== 4)).toEqual([
        web,
        'running',
        'default',
        '1',
        String(pid),
        'running (socket)',
      ]);
      expect(cells.slice(0, 4)).toEqual(others.slice(0, 4));
      expect(JSON.parse((await managed.ask('ls', '--format', 'json')).stdout)).toMatchObject([{ name: web }]);
      await stopAll(serving, managed.place);
    });
  });

  test('keeps a spec that apply gives it, with its files where they were, until remove takes it', async () => {
    await withManager(async (managed) => {
      const { place } = managed;
      const serving = await managed.serve();
      const spec = place.spec({ bootrom: 'fw.fd', 'x-note': 'mine' }, 'vm.json');
      expect(await managed.ask('apply', spec)).toMatchObject({ status: 0, stderr: `vmrun: ${place.name}: made\n` });
      expect(jsonIn(place, 'state-simulated', 'specs', `${place.name}.json`)).toMatchObject({
        name: place.name,
        bootrom: place.path('fw.fd'),
        'x-note': 'mine',
      });
      place.write('vm.yaml', `name: ${place.name}\ncpu: 2\nmem: 64M\n`);
      expect((await managed.ask('apply', 'vm.yaml')).stderr).toContain('replaced');
      expect(jsonIn(place, 'state-simulated', 'specs', `${place.name}.json`)).toMatchObject({ cpu: 2 });
      expect((await managed.ask('start', place.name)).status).toBe(0);
      const running = await managed.ask('remove', place.name);
      expect(running.status).toBe(75);
      expect((await managed.ask('stop', place.name)).status).toBe(0);
      expect((await managed.ask('remove', place.name)).status).toBe(0);
      expect(readdirSync(place.path('state-simulated', 'specs'))).toEqual([]);
      await stopAll(serving, place);
    });
  });

  test('refuses a spec with problems, at its places, and one of a VM that has a file', async () => {
    await withManager(async (managed) => {
      const { place } = managed;
      const web = managed.vm('web');
      const serving = await managed.serve();
      const bad = await managed.ask('apply', place.spec({ cpu: 0 }, 'bad.json'));
      expect(bad.status).toBe(65);
      expect(bad.stderr).toMatch(/bad\.json:1:\d+ {2}\/cpu {2}cpu must be 1 to 65535, got 0/);
      const text = readFileSync(place.path('specs', 'web.json'), 'utf8');
      const foreign = await managed.ask('apply', 'specs/web.json');
      expect(foreign.status).not.toBe(0);
      expect(readFileSync(place.path('specs', 'web.json'), 'utf8')).toBe(text);
      expect((await managed.ask('remove', web)).status).toBe(75);
      await stopAll(serving, place);
    });
  });

  test('reads its folder again at SIGHUP and at reload', async () => {
    await withManager(async (managed) => {
      const { place } = managed;
      const serving = await managed.serve();
      const web = managed.vm('web');
      serving.kill('SIGHUP');
      await serving.saw(new RegExp(`added: ${web}`));
      expect((await managed.view(web)).state).toBe('stopped');
      place.write('specs/bad.json', '{ "name": "bad" }');
      rmSync(place.path('specs', 'web.json'));
      const reloaded = await managed.ask('reload');
      expect(reloaded.status).toBe(65);
      expect(reloaded.stderr).toContain(`vmrun: removed: ${web}\n`);
      expect(reloaded.stderr).toContain('cpu is required');
      await stopAll(serving, place);
    });
  });

  test('tells what of its configuration takes effect with the next manager', async () => {
    await withManager(async (managed) => {
      const { place } = managed;
      const serving = await managed.serve();
      const said = { specs: 'specs', state: 'elsewhere', run_dir: place.runBase, stop_budget: '1min' };
      place.write('manager.json', JSON.stringify(said));
      serving.kill('SIGHUP');
      await serving.saw(/state of the configuration has changed: that takes effect with the next manager/);
      place.write('manager.json', '{ "spec": 1 }');
      serving.kill('SIGHUP');
      await serving.saw(/manager\.json:1:3 {2}\/spec {2}"spec" is not a field here/);
      await stopAll(serving, place);
    });
  });

  test('is refused with all that is wrong with its configuration, and checks it with --dry-run', async () => {
    await withManager(async (managed) => {
      const { place } = managed;
      const good = managed.begin('--dry-run');
      expect([await good.ended, good.said()]).toEqual([0, expect.stringContaining('manager.json: good; ')]);
      place.write('manager.json', '{ "listen": ["tcp:1"], "stop_budget": "soon" }');
      const bad = managed.begin();
      expect(await bad.ended).toBe(65);
      expect(bad.said()).toContain('/listen/0');
      expect(bad.said()).toContain('/stop_budget');
      expect(existsSync(place.path('state-simulated'))).toBe(false);
    });
  });

  test('lets go of no guest when it hands over: the next manager goes on with them', async () => {
    await withManager(async (managed) => {
      const { place } = managed;
      const web = managed.vm('web');
      const first = await managed.serve();
      await managed.ask('start', web);
      const before = await managed.view(web);
      first.kill('SIGUSR2');
      expect(await first.ended).toBe(0);
      expect(isRunning(before.pid ?? 0)).toBe(true);
      const second = await managed.serve();
      const after = await managed.inState(web, 'running');
      expect(after).toMatchObject({ pid: before.pid, boot: 1, bootSince: before.bootSince });
      await stopAll(second, place);
      expect(isRunning(before.pid ?? 0)).toBe(false);
    });
  });

  test('takes over what a manager that was killed has left', async () => {
    await withManager(async (managed) => {
      const { place } = managed;
      const web = managed.vm('web');
      const first = await managed.serve();
      await managed.ask('start', web);
      const { pid } = await managed.view(web);
      first.kill('SIGKILL');
      await first.ended;
      const second = await managed.serve();
      expect(await managed.inState(web, 'running')).toMatchObject({ pid });
      await stopAll(second, place);
    });
  });

  test('is spoken of where it is gone: who stops a VM then hears that the next one starts it again', async () => {
    await withManager(async (managed) => {
      const { place } = managed;
      const web = managed.vm('web');
      const first = await managed.serve();
      await managed.ask('start', web);
      const { pid = 0 } = await managed.view(web);
      first.kill('SIGKILL');
      await first.ended;
      const { stdout } = await managed.ask('ps');
      expect(stdout).toContain('its manager is gone; the next vmrun serve takes it over');
      expect(stdout).not.toContain('--adopt');
      const { status, stderr } = await managed.ask('stop', web);
      expect(status).toBe(0);
      expect(stderr).toContain(`${web}: warning: its manager is gone and does not know of this: the next vmrun serve`);
      expect(isRunning(pid)).toBe(false);
      const second = await managed.serve();
      await managed.inState(web, 'running');
      await stopAll(second, place);
    });
  });

  test('starts again what was wanted when it was stopped, and leaves alone what was not', async () => {
    await withManager(async (managed) => {
      const { place } = managed;
      const [db, web] = [managed.vm('db'), managed.vm('web')];
      const first = await managed.serve();
      for (const name of [db, web]) await managed.ask('start', name);
      await managed.ask('stop', db);
      await stopAll(first, place);
      const second = await managed.serve();
      await managed.inState(web, 'running');
      expect(await managed.view(db)).toMatchObject({ state: 'stopped' });
      await stopAll(second, place);
    });
  });

  test('is alone on its state folder: a second one is told who is there', async () => {
    await withManager(async (managed) => {
      const serving = await managed.serve();
      const other = managed.begin();
      expect(await other.ended).toBe(75);
      expect(other.said()).toContain(String(serving.pid));
      expect((await managed.ask('ls')).status).toBe(0);
      await stopAll(serving, managed.place);
    });
  });

  test('stops its VMs at the second signal without waiting for them', async () => {
    await withManager(async (managed) => {
      const { place } = managed;
      const web = managed.vm('web');
      const serving = await managed.serve('--script', `${web}=deaf`);
      await managed.ask('start', web);
      serving.kill('SIGTERM');
      await serving.saw(/asked the guest to power off/);
      serving.kill('SIGINT');
      expect(await serving.ended).toBe(0);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('tells its events to who listens, as lines and as JSON, until it ends', async () => {
    await withManager(async (managed) => {
      const { place } = managed;
      const web = managed.vm('web');
      const serving = await managed.serve();
      const listeners = [[], ['--json', '--vm', web]].map((words) => {
        const [program = '', ...rest] = vmrunCommand;
        const child = spawn(
          program,
          [...rest, 'events', '--once', '--after', 'before-1', ...words, '--run-dir', place.runBase],
          {
            cwd: place.folder,
            stdio: ['ignore', 'pipe', 'inherit'],
          },
        );
        const printed = { text: '', ended: once(child, 'close').then(() => child.exitCode) };
        child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.text += text));
        return printed;
      });
      const [lines, json] = listeners;
      if (lines === undefined || json === undefined) throw new Error('two listeners');
      // Nobody knows the event that they ask to go on from, and that is told as soon as they are heard.
      await until(() => lines.text.includes('missing') && json.text.includes('"gap"'));
      expect((await managed.ask('start', web)).status).toBe(0);
      await stopAll(serving, place);
      expect(await Promise.all(listeners.map(({ ended }) => ended))).toEqual([0, 0]);
      expect(lines.text).toMatch(new RegExp(`${web}: boot 1 (?:powered off|was killed by SIGTERM)`));
      const kinds = json.text
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { readonly kind: string }).kind);
      expect(kinds).toContain('run');
    });
  });

  test('tells what is missing since it began to listen, though it had heard nothing by then', async () => {
    await inPlace(async (place) => {
      const socket = place.path('m.sock');
      const asked: unknown[] = [];
      const gap = { id: 'b-0', time: '2026-01-01T00:00:00Z', kind: 'gap' };
      // A manager that is killed before anything happens, and the next one.
      const manager = createServer((request, response) => {
        asked.push(request.headers['last-event-id']);
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        if (asked.length === 1) response.write('id: a-7\nretry: 1000\n\n', () => response.destroy());
        else response.write(`retry: 1000\n\nid: b-0\nevent: gap\ndata: ${JSON.stringify(gap)}\n\n`);
      }).listen(socket);
      const [program = '', ...rest] = vmrunCommand;
      const child = spawn(program, [...rest, 'events', '--json', '--manager', `unix:${socket}`], {
        cwd: place.folder,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
      expect(JSON.parse(line)).toEqual(gap);
      expect(asked).toEqual([undefined, 'a-7']);
      child.kill('SIGTERM');
      await once(child, 'close');
      manager.closeAllConnections();
      await promisify(manager.close.bind(manager))();
    });
  });

  test('has users and tokens: made, listed and removed by commands, and good over TCP', async () => {
    await withManager(async (managed) => {
      const { place } = managed;
      const said = { specs: 'specs', state: 'state', run_dir: place.runBase };
      const socket = `unix:${place.runBase}-simulated/manager.sock`;
      place.write('manager.json', JSON.stringify({ ...said, listen: [socket, 'http://127.0.0.1:0'] }));
      const web = managed.vm('web');
      const serving = await managed.serve();
      const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(serving.said()) ?? [];
      const denied = await managed.ask('ls', '--manager', url);
      expect([denied.status, denied.stdout]).toEqual([69, '']);
      expect(denied.stderr).toContain('fix: give a token with --token-file;');
      const nowhere = await managed.ask('ls', '--manager', `${url}/nowhere`);
      expect(nowhere.stderr).toContain('there is nothing here\n    fix: check the address, and the path in it;');
      const noTls = await managed.ask('ls', '--manager', url.replace('http:', 'https:'));
      expect(noTls.stderr).toContain('it does not speak TLS there\n    fix: write http:// in place of https://\n');
      const made = await managed.ask('serve', 'token', 'add', 'test', '--role', 'view');
      expect(made).toMatchObject({ status: 0, stdout: expect.stringMatching(/^vmrun_\S+\n$/) });
      place.write('token', made.stdout, 0o600);
      const tcp = ['--manager', url, '--token-file', 'token'];
      expect((await managed.ask('ls', ...tcp)).stdout).toContain(web);
      const forbidden = await managed.ask('start', web, ...tcp);
      expect(forbidden.status).toBe(69);
      expect(forbidden.stderr).toContain(
        `this needs the role operate on root, the group of ${web}: root has it, but this token has not\n` +
          '    fix: make one that has it: vmrun serve token add NAME --user root --role operate\n',
      );
      const lastAdmin = await managed.ask('serve', 'user', 'remove', 'root');
      expect([lastAdmin.status, lastAdmin.stderr]).toEqual([
        75,
        expect.stringContaining(
          'root is the last user with the role admin on root\n    fix: make another one first: vmrun',
        ),
      ]);
      const inVain = await managed.ask('ls', '--manager', socket, '--token-file', 'token');
      expect([inVain.status, inVain.stderr]).toEqual([64, expect.stringContaining('needs no token')]);
      const listed = await managed.ask('serve', 'token', 'list');
      const [id = ''] = /^[0-9a-f]{16}\b/m.exec(listed.stdout) ?? [];
      expect((await managed.ask('serve', 'token', 'remove', id)).status).toBe(0);
      expect((await managed.ask('ls', ...tcp)).status).toBe(69);
      const gone = await managed.ask('serve', 'token', 'add', 'x', '--user', 'nobody-here');
      expect([gone.status, gone.stderr]).toEqual([69, expect.stringContaining('vmrun serve user list')]);
      const anna = { name: 'anna', password: 'a good one', grants: [{ group: 'root', role: 'admin' }] };
      const atSocket = { socketPath: socket.slice('unix:'.length), method: 'POST', body: anna };
      expect((await request('http://localhost/api/v1/users', atSocket)).status).toBe(201);
      expect((await managed.ask('serve', 'user', 'remove', 'root')).status).toBe(0);
      const ofNobody = await managed.ask('serve', 'token', 'add', 'x');
      expect([ofNobody.status, ofNobody.stderr]).toEqual([
        69,
        expect.stringContaining('fix: say whose it is: --user NAME'),
      ]);
      expect((await managed.ask('serve', 'user', 'list')).stdout).toContain('anna');
      const refused = [
        [['user', 'passwd', 'anna', '--group', 'web'], '--group needs --role: what may be done on web'],
        [['user', 'list', '--role', 'view'], '--role is for add and passwd'],
        [['user', 'add', 'anna', '--ends', '1d'], "unknown option '--ends'"],
        [['token', 'add', 'x', '--ends', '3651d'], 'It is a time such as 12h, 90d or 365d, at most 3650d.'],
        [['usr', 'list'], 'usr is no command of vmrun serve; did you mean vmrun serve user?'],
      ] as const;
      for (const [words, why] of refused)
        expect(await managed.ask('serve', ...words)).toMatchObject({
          status: 64,
          stderr: expect.stringContaining(why),
        });
      await stopAll(serving, place);
    });
  });

  test('and vmrun -c know each other', async () => {
    await withManager(async (managed) => {
      const { place } = managed;
      const web = managed.vm('web');
      const serving = await managed.serve();
      await managed.ask('start', web);
      const other = await managed.ask('-c', 'specs/web.json', '--simulate=run');
      expect(other.status).toBe(75);
      expect((await managed.ask('ps')).stdout).toContain(web);
      // It asks the manager, which goes on.
      expect((await managed.ask('stop', web)).status).toBe(0);
      expect(isRunning(serving.pid)).toBe(true);
      expect(await managed.view(web)).toMatchObject({ state: 'stopped' });
      await stopAll(serving, place);
    });
  });
});
