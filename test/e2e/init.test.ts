import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { quoteCommand } from '../../src/base/shell.js';
import { askVmrun } from './support/ask.js';
import { inPlace, until, vmrunCommand, type Place } from './support/place.js';
import { heldBack, inTerminal, openTerminal, typeAhead } from './support/terminal.js';

const textOf = (place: Place, ...names: readonly string[]): string => readFileSync(place.path(...names), 'utf8');

/** What a dry run of a target prints. */
async function dryRun(place: Place, file: string, target = 'default'): Promise<string> {
  const { status, stdout, stderr } = await askVmrun(place, ['-c', file, '-t', target, '--dry-run']);
  expect([status, stderr]).toEqual([0, expect.stringMatching(/^(vmrun: stdio is two FIFOs here, .*\n)?$/)]);
  return stdout;
}

describe('by options', () => {
  test('a spec is written whose targets both run, and what to do next is said', () =>
    inPlace(async (place) => {
      const words = ['init', '--yes', '--name', 'web', '--mem', '4G', '--cpu', '3', '--iso', 'disc1.iso'];
      const { status, stdout, stderr } = await askVmrun(place, words);
      expect([status, stdout]).toEqual([0, '']);
      expect(readdirSync(place.folder)).toEqual(['web.yaml']);
      const command = await dryRun(place, 'web.yaml');
      expect(command).toContain('-c cpus=3,sockets=1,cores=1,threads=3 -m 4G');
      expect(command).toContain(`virtio-blk,${place.path('web.img')}`);
      expect(command).toMatch(/virtio-net,tap0.* web\n$/);
      expect(command).not.toContain('disc1.iso');
      expect(await dryRun(place, 'web.yaml', 'install')).toContain('disc1.iso');
      expect(stderr).toContain('truncate -s 20G web.img');
      expect(stderr).toContain('vmrun check web.yaml --all-targets ');
      expect(stderr).toContain('vmrun -c web.yaml -t install');
    }));

  test('JSON where the name says so; named after the file', () =>
    inPlace(async (place) => {
      expect((await askVmrun(place, ['init', 'db.json', '--yes', '--net', 'none'])).status).toBe(0);
      expect(JSON.parse(textOf(place, 'db.json'))).toMatchObject({ name: 'db', emulations: [{ path: 'db.img' }] });
      expect(await dryRun(place, 'db.json')).not.toContain('virtio-net');
    }));

  test('on standard output, for a look', () =>
    inPlace(async (place) => {
      const { status, stdout, stderr } = await askVmrun(place, ['init', '-', '--yes']);
      expect([status, stderr, readdirSync(place.folder)]).toEqual([0, '', []]);
      expect(stdout).toMatch(/^name: vm0$/m);
    }));

  test('file names are from here, also where the spec is elsewhere', () =>
    inPlace(async (place) => {
      mkdirSync(place.path('vms'));
      writeFileSync(place.path('cd.iso'), '');
      const { stderr } = await askVmrun(place, ['init', 'vms/web.json', '--yes', '--iso', 'cd.iso']);
      expect(textOf(place, 'vms', 'web.json')).toContain('"path": "../cd.iso"');
      // The CD is there, the disk that goes beside the spec is not.
      expect(stderr).not.toContain('put the installation CD');
      expect(stderr).toContain('truncate -s 20G vms/web.img');
    }));

  test('a file is not overwritten unless it is forced', () =>
    inPlace(async (place) => {
      const file = place.write('web.yaml', 'mine');
      const { status, stderr } = await askVmrun(place, ['init', '--yes', '--name', 'web']);
      expect(status).toBe(73);
      expect(stderr).toMatch(/web\.yaml already exists\n.*--force/);
      expect(readFileSync(file, 'utf8')).toBe('mine');
      expect((await askVmrun(place, ['init', '--yes', '--name', 'web', '--force'])).status).toBe(0);
      expect(readFileSync(file, 'utf8')).toContain('name: web');
      expect(readdirSync(place.folder)).toEqual(['web.yaml']);
    }));

  test.each<[words: readonly string[], status: number, said: RegExp]>([
    [['--yes', '--mem', '2X'], 64, /error: --mem: "2X" is not digits.*\nTry vmrun init --help/],
    [['--yes', '--name', 'a b'], 64, /error: --name: "a b" is not a VM name/],
    [['--yes', '--cpu', '0'], 64, /error: --cpu: cpu must be 1 to 65535, got 0/],
    [[], 64, /there is no terminal to ask questions at; give --yes/],
    [['no-such/web.yaml', '--yes'], 73, /no such file or directory[^]*make its folder first/],
  ])('init %j writes nothing and ends with %i', (words, status, said) =>
    inPlace(async (place) => {
      const ended = await askVmrun(place, ['init', ...words]);
      expect(ended.status).toBe(status);
      expect(ended.stderr).toMatch(said);
      expect(readdirSync(place.folder)).toEqual([]);
    }),
  );
});

describe('by questions', () => {
  const ask = (place: Place, ...words: readonly string[]) =>
    openTerminal(place, quoteCommand([...vmrunCommand, 'init', ...words]), 'echo "status $?"');

  inTerminal('five answers make a spec; a bad one is asked for again, with the reason', () =>
    inPlace(async (place) => {
      place.write('taken.yaml', 'mine');
      const terminal = ask(place);
      const dialog: readonly (readonly [said: string, question: string, answer: string])[] = [
        ['', 'Name of the VM [vm0]: ', 'a b'],
        ['"a b" is not a VM name', 'Name of the VM [vm0]: ', 'taken'],
        ['taken.yaml already exists', 'Name of the VM [vm0]: ', 'web'],
        ['', 'Memory [2G]: ', '2X'],
        ['"2X" is not digits', 'Memory [2G]: ', '3G'],
        ['', 'Disk image, or none [web.img]: ', ''],
        ['', 'Installation CD, an ISO image, or none [none]: ', 'disc1.iso'],
        ['', 'Network interface, or none [tap0]: ', 'tap7'],
      ];
      for (const [said, question, answer] of dialog) {
        await until(() => {
          const shown = terminal.shown();
          return shown.includes(said) && shown.slice(shown.indexOf(said)).includes(question);
        });
        terminal.type(`${answer}\r`);
      }
      const shown = await terminal.ended;
      expect(shown).toContain('web.yaml is written');
      expect(shown).toContain('status 0');
      expect(await dryRun(place, 'web.yaml', 'install')).toMatch(/-m 3G .*virtio-blk,\S*\/web\.img.*tap7.*disc1\.iso/);
      expect(textOf(place, 'taken.yaml')).toBe('mine');
    }),
  );

  inTerminal('what an option says is not asked', () =>
    inPlace(async (place) => {
      const terminal = ask(place, '--name', 'web', '--mem', '1G', '--disk', 'none', '--iso', 'none');
      await terminal.shows('Network interface');
      terminal.type('none\r');
      const shown = await terminal.ended;
      expect(shown).toContain('status 0');
      expect(shown).not.toMatch(/Name of the VM|Memory|Disk image|Installation CD/);
      expect(await dryRun(place, 'web.yaml')).not.toMatch(/virtio/);
    }),
  );

  inTerminal('what was typed before a question is no answer to it', () =>
    inPlace(async (place) => {
      const command = quoteCommand([...vmrunCommand, 'init', '--disk', 'none', '--iso', 'none', '--net', 'none']);
      const terminal = openTerminal(place, ...heldBack, command, 'echo "status $?"');
      await typeAhead(place, terminal, 'early\r5G\r');
      await terminal.shows('Name of the VM [vm0]: ');
      terminal.type('late\r');
      await terminal.shows('Memory [2G]: ');
      terminal.type('\r');
      expect(await terminal.ended).toContain('status 0');
      expect(readdirSync(place.folder).filter((name) => name.endsWith('.yaml'))).toEqual(['late.yaml']);
      expect(await dryRun(place, 'late.yaml')).toContain('-m 2G');
    }),
  );

  inTerminal('Ctrl-D ends it without a file', () =>
    inPlace(async (place) => {
      const terminal = ask(place);
      await terminal.shows('Name of the VM');
      terminal.type('web\r');
      await terminal.shows('Memory');
      terminal.type('\u0004');
      const shown = await terminal.ended;
      expect(shown).toContain('no answer, nothing was written');
      expect(shown).toContain('status 66');
      expect(existsSync(place.path('web.yaml'))).toBe(false);
    }),
  );

  inTerminal('Ctrl-C ends it as a shell expects, without a file', () =>
    inPlace(async (place) => {
      // A shell whose command dies of the signal would die of it too.
      const command = `trap : INT; ${quoteCommand([...vmrunCommand, 'init'])}`;
      const terminal = openTerminal(place, command, 'echo "status $?"');
      await terminal.shows('Name of the VM');
      terminal.type('web\r');
      await terminal.shows('Memory');
      terminal.type('\u0003');
      const shown = await terminal.ended;
      expect(shown).toContain('status 130');
      expect(shown).not.toContain('bug');
      expect(existsSync(place.path('web.yaml'))).toBe(false);
    }),
  );
});

test.each<[what: string, file: string, content: Buffer | string, words: readonly string[]]>([
  ['the disk that it names', 'web.img', '', ['--disk', 'web.img']],
  ['the CD that it names', 'cd.iso', '', ['--iso', 'cd.iso']],
  ['a disk image', 'old.img', Buffer.alloc(4096), []],
])('--force does not write a spec over %s', async (_what, file, content, words) => {
  await inPlace(async (place) => {
    place.write(file, content);
    const { status, stderr } = await askVmrun(place, ['init', '-y', '--name', 'web', '--force', ...words, file]);
    expect({ status, stderr }).toEqual({ status: 73, stderr: expect.stringContaining('fix: choose another name') });
    expect(readFileSync(place.path(file))).toEqual(Buffer.from(content));
  });
});
