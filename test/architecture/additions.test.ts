import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { patienceMs } from '../support/patience.js';

/** What a copy of the sources knows of a device model and a flag that were added to it, and to nothing else of it. */
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
