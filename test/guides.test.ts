import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { anchor } from '../scripts/docs/markdown.js';
import { deviceModels } from '../src/devices/registry.js';
import { phases } from '../src/host/run-state.js';
import { vmSchema } from '../src/spec/schema.js';
import { exitReasons } from '../src/fields/exits.js';
import { hookFields } from '../src/fields/hooks.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');

/** Documents that are written by hand. */
const guides = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'docs/library.md',
  'docs/running.md',
  'docs/comparison.md',
  'docs/freebsd.md',
];

describe.each(guides)('%s', (name) => {
  const text = read(name).replaceAll(/^```[^]*?^```$/gm, '');
  const links = [...text.matchAll(/\]\((?!https:)([^)#]*)#?([^)]*)\)/g)].map(([, file = '', heading = '']) => {
    return { target: file === '' ? name : path.normalize(path.join(path.dirname(name), file)), heading };
  });

  test('has links that lead somewhere', () => {
    expect(links.map(({ target }) => target).filter((target) => !existsSync(path.join(root, target)))).toEqual([]);
    const missing = links.filter(({ target, heading }) => {
      if (heading === '') return false;
      const anchors = [...read(target).matchAll(/^#+ (.*)$/gm)].map(([, words = '']) => anchor(words));
      return !anchors.includes(`#${heading}`);
    });
    expect(missing).toEqual([]);
  });
});

/** The cells of the table of a document whose first line begins so. */
function tableOf(document: string, head: string): readonly (readonly string[])[] {
  const text = read(document);
  const [, ...lines] =
    text
      .slice(text.indexOf(`| ${head} |`))
      .split('\n\n')[0]
      ?.split('\n')
      .slice(1) ?? [];
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

describe('README.md', () => {
  const named = (head: string): readonly string[] =>
    tableOf('README.md', head).flatMap(([cell = '']) => cell.split(/, | … /));

  test('names every field of a spec, and every device, in its tables', () => {
    const fields = Object.keys(vmSchema.properties ?? {}).filter((field) => field !== '$schema');
    const ports = fields.filter((field) => /^com[23]$/.test(field));
    expect(fields.filter((field) => !named('field').includes(field))).toEqual(ports);
    expect(deviceModels.map(({ model }) => model).filter((model) => !named('device').includes(model))).toEqual([]);
  });
});

describe('docs/running.md', () => {
  const table = (head: string): readonly (readonly string[])[] => tableOf('docs/running.md', head);
  const first = (head: string): readonly string[] => table(head).map(([cell = '']) => cell);

  test('knows the states of a run, the reasons of an end and the hooks', () => {
    expect(first('state')).toEqual([...phases, 'orphaned', 'left']);
    expect([...first('reason')].sort()).toEqual([...exitReasons].sort());
    expect(first('hook')).toEqual([...hookFields]);
  });

  test('says of each setting of rc.d/vmrun what it is by default', () => {
    const script = read('rc.d/vmrun');
    const defaults = [...script.matchAll(/^: "\$\{(vmrun_\w+):?=(.*)\}"$/gm)].map(([, name = '', value = '']) => [
      name,
      value === '' ? 'none' : value,
    ]);
    const told = table('in `/etc/rc.conf`').filter(([name]) => name?.includes('NAME') === false);
    // Where run directories and pid files are is the system's, and a service jail is not for VMs.
    const silent = ['vmrun_piddir', 'vmrun_svcj'];
    expect(Object.fromEntries(told.map(([name, , value]) => [name, value]))).toEqual(
      Object.fromEntries(defaults.filter(([name = '']) => !silent.includes(name))),
    );
  });
});
