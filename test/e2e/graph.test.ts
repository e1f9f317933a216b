import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { quoteCommand } from '../../src/base/shell.js';
import { askVmrun } from './support/ask.js';
import { inPlace, vmrunCommand, type Place } from './support/place.js';
import { inTerminal, openTerminal } from './support/terminal.js';
import { type Said, type Surroundings } from './support/vmrun.js';

const fileOf = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const golden = (format: string): string =>
  readFileSync(fileOf(`test/golden/rescue/default/graph-${format}.txt`), 'utf8');

/** `vmrun graph` on the example, in its folder, so that its files have the names that it gives them. */
const graph = (place: Place, words: readonly string[], about: Surroundings = {}): Promise<Said> =>
  askVmrun(place, ['graph', '-c', 'rescue.json', ...words], { cwd: fileOf('examples'), ...about });

describe('vmrun graph', () => {
  test.each(['mermaid', 'dot', 'svg'])('--format %s is the reviewed picture, on standard output', async (format) => {
    await inPlace(async (place) => {
      const ended = await graph(place, ['--format', format]);
      expect(ended).toMatchObject({ status: 0, stdout: golden(format), stderr: '' });
    });
  });

  test('draws text by default, in ASCII where that is not for a terminal', async () => {
    await inPlace(async (place) => {
      const { stdout } = await graph(place, [], { env: { LC_ALL: 'C.UTF-8' } });
      expect(stdout).toMatch(/^[ -~\n]+$/);
      expect(stdout).toContain('* default\n|- reboot');
    });
  });

  inTerminal('draws lines on a terminal whose locale has them, and the reviewed picture of them', async () => {
    await inPlace(async (place) => {
      const command = quoteCommand([...vmrunCommand, 'graph', '--no-color', '-c', 'rescue.json']);
      const shownWith = async (locale: string): Promise<string> => {
        const terminal = openTerminal(place, `cd '${fileOf('examples')}'`, `LC_ALL=${locale} ${command}`);
        return (await terminal.ended).replaceAll('\r', '');
      };
      expect(await shownWith('C.UTF-8')).toBe(golden('text'));
      expect(await shownWith('C')).toMatch(/^[ -~\n]+$/);
    });
  });

  test('colours only where it is asked to, there being no terminal', async () => {
    await inPlace(async (place) => {
      const plain = await graph(place, []);
      const colourful = await graph(place, ['--color'], { env: { NO_COLOR: '1' } });
      expect(plain.stdout).not.toContain('\u001b');
      expect(colourful.stdout).toContain('\u001b[1mdefault\u001b[22m');
      expect((await graph(place, ['--color', '--format', 'svg'])).stdout).toBe(golden('svg'));
    });
  });

  test('draws one of the two, for the target that is named', async () => {
    await inPlace(async (place) => {
      const boots = await graph(place, ['--what', 'boots', '-t', 'install']);
      expect(boots.stdout).toContain('not reached from install');
      expect(boots.stdout).not.toContain('PCI');
      const machine = await graph(place, ['--what', 'machine', '-t', 'rescue']);
      expect(machine.stdout).toContain('rescue: machine of target rescue\n2 vCPUs (1 socket, 1 core, 2 threads), 2G');
      expect(machine.stdout).not.toContain('boot sequence');
    });
  });

  test('reads a spec on standard input, and looks at nothing of the host', async () => {
    await inPlace(async (place) => {
      const disk = place.path('no-such.img');
      const input = `name: vm\ncpu: 1\nmem: 1G\nemulations:\n  - device: virtio-blk\n    path: ${disk}\n`;
      const words = ['graph', '-c', '-', '--input-format', 'yaml', '--format', 'dot'];
      const ended = await askVmrun(place, words, { input });
      expect(ended).toMatchObject({ status: 0, stderr: '' });
      expect(ended.stdout).toContain(`label="${disk} (disk)"`);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test.each<[words: string, status: number, complaint: string]>([
    ['-c vm.json --format png', 64, 'Allowed choices are text, mermaid, dot, svg.'],
    ['-c vm.json --what all', 64, 'Allowed choices are both, boots, machine.'],
    ['-c vm.json -t instal', 64, 'did you mean "install"?'],
    ['', 64, "required option '-c, --config <file>'"],
    ['-c wrong.json', 65, 'wrong.json: 1 problem'],
    ['-c missing.json', 66, 'missing.json'],
  ])('%s is refused with status %i', async (words, status, complaint) => {
    await inPlace(async (place) => {
      place.spec({ targets: { install: {} } });
      place.write('wrong.json', '{ "name": "vm", "cpu": 0, "mem": "1G" }');
      const ended = await askVmrun(place, ['graph', ...words.split(' ').filter((word) => word !== '')]);
      expect(ended).toMatchObject({ status, stdout: '' });
      expect(ended.stderr).toContain(complaint);
    });
  });
});
