import { existsSync, readFileSync, rmSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { VmView } from '../../src/manager/vm-view.js';
import { inPlace, until } from './support/place.js';
import { managedIn, type ManagedPlace, type Serving } from './support/serving.js';
import { startVmrun } from './support/vmrun.js';

/** A manager of a folder that the test makes, and what it is asked and says. */
const serving = (
  use: (managed: ManagedPlace, serving: Serving) => Promise<void>,
  before: (managed: ManagedPlace) => void = () => undefined,
): Promise<void> =>
  inPlace(async (place) => {
    const managed = managedIn(place);
    before(managed);
    const manager = await managed.serve();
    let isGood = false;
    try {
      await use(managed, manager);
      isGood = true;
    } finally {
      manager.kill(isGood ? 'SIGTERM' : 'SIGKILL');
    }
    expect(await manager.ended).toBe(0);
    expect(place.runDirectories()).toEqual([]);
  });

/** Where a problem is and what it says, as each command writes it. */
interface Told {
  readonly file: string;
  readonly at: string;
  readonly pointer: string;
  readonly message: string;
}

const toldOf = (vms: readonly VmView[]): readonly Told[] =>
  vms.flatMap(({ spec }) =>
    spec.problems.map(({ place, message }) => ({
      file: place?.file ?? '',
      at: `${place?.line ?? ''}:${place?.column ?? ''}`,
      pointer: place?.pointer ?? '',
      message,
    })),
  );

test('names that no VM has and loops are told alike by all, at the line and column of their file', async () => {
  const names = (managed: ManagedPlace) => ['a', 'b', 'lost', 'self'].map((name) => `${name}.${managed.place.name}`);
  await serving(
    async (managed, manager) => {
      const { place } = managed;
      const [a, b] = names(managed);
      const vms = JSON.parse((await managed.ask('ls', '--json')).stdout) as readonly VmView[];
      const told = toldOf(vms);
      expect(told.map(({ file, pointer }) => [file, pointer])).toEqual([
        [place.path('specs/a.json'), '/autostart/after/0'],
        [place.path('specs/b.json'), '/autostart/after/0'],
        [place.path('specs/lost.json'), '/autostart/after/1'],
        [place.path('specs/self.json'), '/autostart/after/0'],
      ]);
      expect(told[0]?.message).toContain(b ?? '');
      expect(told[1]?.message).toContain(a ?? '');
      expect(told[2]?.message).toContain('nobody');
      const atOf = (file: string, word: string): string => {
        const lines = readFileSync(place.path('specs', file), 'utf8').split('\n');
        return `4:${(lines[3] ?? '').indexOf(`"${word}"`) + 1}`;
      };
      expect(told.map(({ at }) => at)).toEqual([
        ...[atOf('a.json', b ?? ''), atOf('b.json', a ?? ''), atOf('lost.json', 'nobody')],
        atOf('self.json', `self.${place.name}`),
      ]);

      // Which plan --all reads without a manager, and tells as the folder was named.
      const plan = await startVmrun(place, ['plan', '--all', 'specs']).ended;
      expect(plan.status).toBe(65);
      const list = (await managed.ask('ls')).stdout;
      const reloaded = await managed.ask('reload');
      expect(reloaded.status).toBe(65);
      const before = manager.said();
      manager.kill('SIGHUP');
      await manager.saw(/read the specs again: nothing has changed/);
      await until(() => told.every(({ at, file }) => manager.said().slice(before.length).includes(`${file}:${at}`)));
      const again = manager.said().slice(before.length);
      for (const { file, at, pointer, message } of told) {
        const line = `${file}:${at}  ${pointer}  ${message}\n`;
        expect(before).toContain(line);
        expect(again).toContain(line);
        expect(reloaded.stderr).toContain(line);
        expect(plan.stderr).toContain(line.replace(`${place.folder}/`, ''));
        expect(list).toContain(`  ${file}:${at}: ${message}\n`);
      }
    },
    (managed) => {
      const [a = '', b = '', lost = '', self = ''] = names(managed);
      const write = (file: string, name: string, ...after: readonly string[]) =>
        managed.place.write(
          `specs/${file}.json`,
          `{ "name": "${name}",\n  "cpu": 1,\n  "mem": "64M",\n  "autostart": { "after": [ ${after.map((each) => `"${each}"`).join(', ')} ] } }\n`,
        );
      write('a', a, b);
      write('b', b, a);
      write('lost', lost, self, 'nobody');
      write('self', self, self);
    },
  );
});

test('what a reload has found is said by name, and what will start by itself with the next manager', async () => {
  await serving(
    async (managed, manager) => {
      const { place } = managed;
      const [auto, web] = [managed.vm('auto', { autostart: true }), managed.vm('web', { cpu: 2 })];
      const plain = managed.vm('plain');
      const gone = `gone.${place.name}`;
      rmSync(place.path('specs/gone.json'));
      const waits = `${auto} starts by itself with the next manager; vmrun start starts it now`;
      expect(await managed.ask('reload')).toEqual({
        status: 0,
        stdout: '',
        stderr: `vmrun: added: ${auto} and ${plain}\nvmrun: changed: ${web}\nvmrun: removed: ${gone}\nvmrun: ${waits}\n`,
      });
      expect((await managed.view(auto)).state).toBe('stopped');
      expect((await managed.ask('reload')).stderr).toBe('vmrun: nothing has changed\n');
      expect((await managed.ask('reload', '-q')).stderr).toBe('');
      const [more, most] = [managed.vm('more', { autostart: true }), managed.vm('most', { autostart: true })];
      rmSync(place.path('specs/plain.json'));
      manager.kill('SIGHUP');
      await manager.saw(
        new RegExp(
          [
            `read the specs again: added: ${more} and ${most}; removed: ${plain}\n`,
            `${more} and ${most} start by themselves with the next manager; vmrun start starts them now\n`,
          ]
            .map((line) => `vmrun: ${line}`)
            .join('[^\n]*'),
        ),
      );
      expect((await managed.view(most)).state).toBe('stopped');
    },
    (managed) => {
      managed.vm('web');
      managed.vm('gone');
    },
  );
});

test('a VM with autostart that apply makes is said to start with the next manager, and not when it is replaced', async () => {
  await serving(async (managed) => {
    const { place } = managed;
    const spec = place.spec({ autostart: true }, 'vm.json');
    expect(await managed.ask('apply', spec)).toEqual({
      status: 0,
      stdout: '',
      stderr: `vmrun: ${place.name}: made\nvmrun: ${place.name} starts by itself with the next manager; vmrun start starts it now\n`,
    });
    expect((await managed.view(place.name)).state).toBe('stopped');
    place.spec({ autostart: true, cpu: 2 }, 'vm.json');
    expect((await managed.ask('apply', spec)).stderr).toBe(
      `vmrun: ${place.name}: replaced: it takes effect at the next boot\n`,
    );
    expect((await managed.ask('apply', spec)).stderr).toBe(`vmrun: ${place.name}: unchanged\n`);
    await managed.ask('start', place.name);
    const removed = await managed.ask('remove', place.name);
    expect([removed.status, removed.stderr]).toEqual([
      75,
      expect.stringContaining(`fix: stop it first: vmrun stop ${place.name} --run-dir`),
    ]);
  });
});

test('vmrun ls has below a VM each of its problems at its place, up to five, and what it boots until they are mended', async () => {
  await serving(
    async (managed) => {
      const { place } = managed;
      const lines = (await managed.ask('ls')).stdout.split('\n');
      const below = (name: string): readonly string[] => {
        const at = lines.findIndex((line) => line.startsWith(`${name} `));
        const end = lines.findIndex((line, index) => index > at && !line.startsWith('  '));
        return lines.slice(at + 1, end);
      };
      expect(below(`bad.${place.name}`)).toEqual([
        `  ${place.path('specs/bad.json')}:2:10: cpu must be 1 to 65535, got 0`,
      ]);
      expect(below('empty')).toEqual([`  ${place.path('specs/empty.json')}: the file is empty`]);
      const many = below(`many.${place.name}`);
      expect(many.slice(0, 5).every((line) => line.startsWith(`  ${place.path('specs/many.json')}:`))).toBe(true);
      expect(many.slice(5)).toEqual(['  and 2 problems more']);
      expect(below(`good.${place.name}`)).toEqual([]);
      place.write('specs/good.json', '{ "name"');
      await managed.ask('reload');
      const cut = (await managed.ask('ls')).stdout;
      expect(cut).toMatch(/specs\/good\.json:1:\d+: .*\n {2}until then it boots what its file said before\n/);
    },
    (managed) => {
      const { place } = managed;
      managed.vm('good');
      place.write('specs/empty.json', '');
      place.write('specs/bad.json', `{ "name": "bad.${place.name}",\n  "cpu": 0, "mem": "64M" }`);
      const strange = Array.from({ length: 7 }, (_, index) => `"strange${index}": 1`).join(', ');
      place.write('specs/many.json', `{ "name": "many.${place.name}", "cpu": 1, "mem": "64M", ${strange} }`);
    },
  );
});

test('a new user or token may do no more than was asked for, and both say what that is', async () => {
  await serving(async ({ place, ask }) => {
    const user = (...words: readonly string[]) =>
      startVmrun(place, ['serve', 'user', ...words, '--run-dir', place.runBase], { input: 'a good password\n' }).ended;
    expect(await user('add', 'anna')).toMatchObject({ status: 0, stderr: 'vmrun: anna: made, view on root\n' });
    expect(await user('passwd', 'anna')).toMatchObject({ stderr: 'vmrun: anna: the password is changed\n' });
    expect(await user('passwd', 'anna', '--role', 'operate')).toMatchObject({
      stderr: 'vmrun: anna: the password is changed, operate on root\n',
    });
    const ends = String.raw`until \d{4}-\S+Z\n`;
    expect(await ask('serve', 'token', 'add', 'narrow')).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(new RegExp(`^vmrun: narrow: made, view on root, for root, ${ends}$`)),
    });
    expect(await ask('serve', 'token', 'add', 'wide', '--role', 'admin')).toMatchObject({
      stderr: expect.stringMatching(new RegExp(`^vmrun: wide: made, admin on root, for root, ${ends}$`)),
    });
    const { stdout: tokens } = await ask('serve', 'token', 'list');
    expect(tokens).toMatch(/narrow +root +view on root/);
    expect(tokens).toMatch(/wide +root +admin on root/);
    expect((await ask('serve', 'user', 'list')).stdout).toMatch(/anna +operate on root/);
    expect(await ask('serve', 'token', 'add', 'x', '--group', 'root/none')).toMatchObject({
      stderr: expect.stringContaining('there is no group "root/none"'),
    });
  });
});

test('a start by hand waits for nobody, and takes a queued VM out of the queue', async () => {
  await serving(
    async (managed) => {
      const [db, web] = ['db', 'web'].map((name) => `${name}.${managed.place.name}`) as [string, string];
      await managed.inState(db, 'running');
      expect(await managed.view(web)).toMatchObject({ state: 'queued', waitsFor: [db] });
      expect(await managed.ask('start', web)).toMatchObject({ status: 0 });
      expect(await managed.view(web)).toMatchObject({ state: 'running' });
      expect(await managed.ask('restart', web, '--now')).toMatchObject({ status: 0 });
      expect(await managed.view(web)).toMatchObject({ state: 'running' });
    },
    (managed) => {
      const ready = { command: ['/usr/bin/test', '-e', managed.place.path('go')], timeout: '1h' };
      const db = managed.vm('db', { autostart: { ready } });
      managed.vm('web', { autostart: { after: [db] } });
    },
  );
});

test('a start says which folder is read, how many VMs it has and how many start by themselves', async () => {
  await serving(
    async ({ place }, manager) => {
      await manager.saw(/ listens at /);
      expect(manager.said()).toContain(`reads ${place.path('specs')}: 3 VMs, 1 of them starts by itself\n`);
      expect(manager.said()).not.toContain('there is no folder');
    },
    (managed) => {
      managed.vm('auto', { autostart: true });
      managed.vm('plain');
      managed.vm('wrong', { autostart: true, mem: '2Gg' });
    },
  );
});

test('a folder of specs that is not there, and a manager without a socket, are warned of', async () => {
  await inPlace(async (place) => {
    const managed = managedIn(place);
    const socket = `unix:${place.runBase}-simulated/manager.sock`;
    const said = { specs: 'spces', state: 'state', run_dir: place.runBase, listen: ['http://127.0.0.1:0'] };
    place.write('manager.json', JSON.stringify(said));
    const warnings = [
      `warning: there is no folder ${place.path('spces')}: vmrun serve makes it, and finds no VM in it`,
      'warning: "listen" names no UNIX socket, so there is none: commands on this host, too, need --manager and a token',
      `fix: add "${socket}" to "listen"`,
    ];
    const dry = managed.begin('--dry-run');
    expect(await dry.ended).toBe(0);
    for (const warning of warnings) expect(dry.said()).toContain(warning);
    expect(existsSync(place.path('spces'))).toBe(false);
    const manager = await managed.serve();
    for (const warning of warnings) expect(manager.said()).toContain(warning);
    expect(manager.said()).toContain(`reads ${place.path('spces')}: 0 VMs\n`);
    manager.kill('SIGTERM');
    expect(await manager.ended).toBe(0);
    place.write('manager.json', JSON.stringify({ ...said, listen: [...said.listen, socket] }));
    const quiet = managed.begin('--dry-run');
    expect([await quiet.ended, quiet.said()]).toEqual([0, expect.not.stringContaining('warning')]);
  });
});

(process.platform === 'freebsd' ? test.skip : test)(
  'without a bhyve it starts no manager, and --dry-run warns; one that is named is good',
  async () => {
    await inPlace(async (place) => {
      managedIn(place);
      const serve = (...words: readonly string[]) =>
        startVmrun(place, ['serve', '-c', 'manager.json', ...words], { env: { HOME: place.folder } }).ended;
      const why = `bhyve runs only on FreeBSD, and this system is ${process.platform}`;
      const fix = 'fix: try it with --simulate, or name a program with --bhyve';
      const real = await serve();
      expect([real.status, real.stderr]).toEqual([69, expect.stringContaining(why)]);
      expect(real.stderr).toContain(fix);
      expect(existsSync(place.path('state'))).toBe(false);
      const dry = await serve('--dry-run');
      expect([dry.status, dry.stderr]).toEqual([0, expect.stringContaining(`warning: ${why}`)]);
      expect((await serve('--dry-run', '--bhyve', '/usr/bin/true')).stderr).not.toContain('warning');
    });
  },
);

test('a start and a restart after an edit with a mistake warn, with its line, of what runs instead', async () => {
  await serving(async (managed) => {
    const { place } = managed;
    const web = managed.vm('web');
    await managed.ask('reload');
    const edited = (mem: string) => {
      place.write('specs/web.json', `{ "name": "${web}",\n  "cpu": 1,\n  "mem": "${mem}" }\n`);
    };
    edited('2Gg');
    const old = `  warning: ${web} runs with its spec from before the last change: its file has problems\n`;
    const at = `  ${place.path('specs/web.json')}:3:10  /mem  warning: `;
    for (const words of [['start'], ['restart', '--now'], ['restart', '--now', '-q']]) {
      const { status, stderr } = await managed.ask(...words, web);
      expect([status, stderr]).toEqual([0, expect.stringContaining(old)]);
      expect(stderr).toContain(at);
    }
    edited('128M');
    const good = await managed.ask('restart', '--now', web);
    expect([good.status, good.stderr]).toEqual([0, expect.not.stringContaining('warning')]);
  });
});

test('a start of a VM that runs with another target says which, and how that is changed', async () => {
  await serving(async (managed) => {
    const web = managed.vm('web', { targets: { install: {} } });
    await managed.ask('reload');
    expect((await managed.ask('start', web, '-t', 'install')).status).toBe(0);
    const said = async (...words: readonly string[]) => (await managed.ask('start', web, ...words)).stderr;
    expect(await said()).toBe(`vmrun: ${web}: runs already\n`);
    expect(await said('-t', 'install')).toBe(`vmrun: ${web}: runs already\n`);
    expect(await said('-t', 'default')).toBe(
      `vmrun: ${web}: runs already, with target install; vmrun restart ${web} -t default boots the other\n`,
    );
  });
});
