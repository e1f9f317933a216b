import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { patienceMs } from '../support/patience.js';

/** What a copy of the sources knows of a device model, a flag and commands that were added to it, and to nothing else. */
const known = JSON.parse(
  execFileSync(process.execPath, [path.join(path.dirname(fileURLToPath(import.meta.url)), 'additions.mjs')], {
    encoding: 'utf8',
    timeout: patienceMs,
  }),
) as Readonly<Record<string, readonly string[]>>;

describe('a device model is added by its file and a line in the registry, and then', () => {
  test('a spec may have it, and bhyve is told of it', () => {
    expect(known.argv).toContain('0:1:0,virtio-abacus,/beads.img,beads=7,ro');
    expect(known.variables).toEqual(expect.arrayContaining(['pci.0.1.0.beads=7', 'pci.0.1.0.ro=true']));
    expect(known.schema).toEqual([true, true]);
  });

  test('what it asks of the host is looked at, and pictures have what it is connected to', () => {
    expect(known.required).toEqual(['file /beads.img']);
    expect(known.connections).toEqual([{ kind: 'file', name: '/beads.img', notes: ['read-only'] }]);
  });

  test('importers read it back', () => {
    expect(known.readDevice).toEqual({
      device: 'virtio-abacus',
      fields: { path: '/beads.img', beads: 7, ro: true },
    });
  });
});

describe('a flag is added by a line of its family, and then', () => {
  test('bhyve is told of it, and the command says where it comes from', () => {
    expect(known.argv).toContain('-Z');
    expect(known.variables).toContain('x86.count_sheep=true');
    expect(known.source).toBe('/count_sheep');
  });

  test('a bhyve that does not have it is not asked for it', () => {
    expect(known.tooOld).toEqual(['release /count_sheep']);
    expect(known.onArm).toEqual(['arch /count_sheep']);
  });

  test('importers read it back, and write it where a reader looks for it', () => {
    expect(known.readFlag).toEqual({ value: true, variables: ['x86.count_sheep'] });
    expect(known.written).toEqual(['yield_on_hlt', 'yield_on_pause', 'count_sheep', 'strict_io']);
  });

  test('the document of fields has it in its chapter', () => {
    expect(known.chapter).toBe('How it is run');
  });
});

describe('a command is added by its file and an entry in the list, and then', () => {
  test('it is run with what was typed, in the colours that are wanted', () => {
    expect(known.ran).toEqual([0, '\u001b[1mdolly woolly sheep\u001b[22m\n']);
    expect(known.wrong).toEqual([
      64,
      "error: unknown option '--wooly'\n(Did you mean --woolly?)\nTry vmrun sheep --help.\n",
    ]);
  });

  test('it has a help like the others, and is listed', () => {
    expect(known.help).toBe(`Usage: vmrun sheep [NAME] [options]

Counts sheep.

Options:
  --woolly    only woolly ones
  --color     colours, also without a terminal
  --no-color  no colours
  -h, --help  print this help

They do not mind.

Examples:
  vmrun sheep --woolly
`);
    expect(known.listed).toEqual([
      expect.stringMatching(/^ {2}sheep +count sheep$/m),
      expect.stringMatching(/^ {2}.*\bsheep\b/m),
    ]);
  });

  test('completion, the manual page and the document have it', () => {
    expect(known.offered?.[0]).toContain('--woolly');
    expect(known.documents?.[0]).toContain('\n## sheep\n');
    expect(known.documents?.[1]).toContain('\n.Ss sheep\n');
  });
});

describe('a command behind another is added in the entry of that, and then', () => {
  test('it is run by the words of both, and has its help', () => {
    const [ran, help, list] = known.behind ?? [];
    expect(ran).toEqual([0, 'dolly is in the flock\n']);
    expect(help).toEqual([0, expect.stringMatching(/^Usage: vmrun flock add NAME\n\nAdds a sheep\./)]);
    expect(list).toEqual([0, expect.stringContaining('\nCommands:\n  add  add a sheep\n\nExamples:\n')]);
  });

  test('the first alone does nothing, and says what may follow', () => {
    expect(known.refused).toEqual([
      [64, 'error: a command is missing: add\nTry vmrun flock --help.\n'],
      [64, 'error: ad is no command of vmrun flock; did you mean vmrun flock add?\nTry vmrun flock --help.\n'],
      [64, "error: missing required argument 'name'\nTry vmrun flock add --help.\n"],
      [64, 'error: flock shear is no command; try vmrun flock --help\nTry vmrun help --help.\n'],
    ]);
  });

  test('completion, the manual page and the document have it', () => {
    expect(known.offered?.slice(1)).toEqual([expect.stringContaining('add'), expect.stringContaining('add')]);
    expect(known.documents?.[0]).toContain('\n## flock add\n\n```\nvmrun flock add NAME\n```\n');
    expect(known.documents?.[1]).toContain('\n.Ss flock add\n.D1 Nm vmrun Cm flock Cm add Ar name\n');
  });
});
