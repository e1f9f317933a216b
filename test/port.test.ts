import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { isHashed, portPlist } from '../scripts/port-plist.mjs';
import { inPlace, type Place } from './e2e/support/place.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');
const { version } = JSON.parse(read('package.json')) as { readonly version: string };

/** The files of the package as npm would pack it. */
const packed = ((): readonly string[] => {
  const said = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ files }] = JSON.parse(said) as [{ readonly files: readonly { readonly path: string }[] }];
  return files.map((file) => file.path);
})();

test('the package has no source map, which would be half of it, and no compiled code of one Node.js', () => {
  expect(packed.filter((file) => /\.(map|cache)$/.test(file))).toEqual([]);
  expect(read('dist/index.js')).not.toContain('sourceMappingURL');
});

describe('port/pkg-plist', () => {
  test('has what the package holds; if not, run the build', () => {
    expect(packed.length).toBeGreaterThan(200);
    expect(read('port/pkg-plist')).toBe(portPlist(packed));
  });

  test('leaves out the library, and what changes its name with each build', () => {
    const listed = read('port/pkg-plist');
    expect(listed).not.toMatch(/dist\/(index|types)|chunk-/);
    const lazy = packed.filter((file) => file.startsWith('dist/bin/lazy/'));
    expect(lazy.filter((file) => !isHashed(file)).every((file) => listed.includes(`/${file}\n`))).toBe(true);
    // The pattern of the Makefile takes the very same ones.
    const [, hash = ''] = /^HASH=\t+(.*)$/m.exec(read('port/Makefile')) ?? [];
    expect(lazy.filter(isHashed).length).toBeGreaterThan(10);
    expect(lazy.filter((file) => new RegExp(`-${hash}\\.js$`).test(file))).toEqual(lazy.filter(isHashed));
  });
});

const hasBmake = spawnSync('bmake', ['-V', '.MAKE'], { cwd: root }).error === undefined;
const withBmake = hasBmake ? test : test.skip;

/** What a plist names as files or folders, with places for its variables. */
const namedIn = (plist: string): readonly string[] =>
  plist
    .split('\n')
    .filter((line) => line !== '' && !/^@(postexec|preunexec)/.test(line))
    .map((line) =>
      line
        .replace(/^@\S+ /, '')
        .replaceAll(/%%PORT(DOCS|EXAMPLES)%%/g, '')
        .replace('%%DOCSDIR%%', 'share/doc/vmrun')
        .replace('%%EXAMPLESDIR%%', 'share/examples/vmrun'),
    );

/** Stages the port as `make stage` of FreeBSD's ports would. */
function stage(place: Place): { readonly status: number | null; readonly said: string } {
  // The port has no use for the library, most of the package.
  for (const name of packed.filter((each) => !/^dist\/(index|types)/.test(each))) {
    mkdirSync(path.dirname(place.path('work/package', name)), { recursive: true });
    cpSync(path.join(root, name), place.path('work/package', name));
  }
  mkdirSync(place.path('stage/usr/local/bin'), { recursive: true });
  const variables = {
    PREFIX: '/usr/local',
    LOCALBASE: '/usr/local',
    NODE: process.execPath,
    WRKDIR: place.path('work'),
    STAGEDIR: place.path('stage'),
    FILESDIR: path.join(root, 'port/files'),
    TMPPLIST: place.path('plist'),
  };
  const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const { status, stdout, stderr } = spawnSync(
    'bmake',
    ['-r', '-m', path.join(root, 'test/fixtures/port'), '-f', path.join(root, 'port/Makefile'), ...words, 'stage'],
    { cwd: place.folder, encoding: 'utf8' },
  );
  return { status, said: stdout + stderr };
}

const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory() || readdirSync(path.join(entry.parentPath, entry.name)).length === 0)
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));

withBmake(`port/Makefile installs what pkg-plist names${hasBmake ? '' : ' (skipped: no bmake here)'}`, () =>
  inPlace((place) => {
    const { status, said } = stage(place);
    expect(status === 0 ? '' : said).toBe('');
    const staged = filesIn(place.path('stage'))
      .map((file) => path.relative('usr/local', file).replace(/^(?:\.\.\/)+/, '/'))
      // The framework compresses manual pages.
      .map((file) => file.replace(/^(share\/man\/.*)$/, '$1.gz'));
    const named = [...namedIn(read('port/pkg-plist')), ...namedIn(readFileSync(place.path('plist'), 'utf8'))];
    expect([...staged].sort()).toEqual([...named].sort());
    const vmrun = execFileSync(
      process.execPath,
      [place.path('stage/usr/local/lib/node_modules/vmrun/bin/vmrun.js'), '-V'],
      {
        encoding: 'utf8',
      },
    );
    expect(vmrun).toBe(`${version}\n`);
    expect(readFileSync(place.path('stage/usr/local/share/zsh/site-functions/_vmrun'), 'utf8')).toMatch(
      /^#compdef vmrun\n/,
    );
    return Promise.resolve();
  }),
);

describe('port/Makefile', () => {
  const makefile = read('port/Makefile');

  test('is for this version', () => {
    expect(/^DISTVERSION=\t(.*)$/m.exec(makefile)?.[1]).toBe(version);
  });

  test('uses every file of port/files, and none that is not there', () => {
    const used = /^SUB_FILES=\t(.*)$/m.exec(makefile)?.[1]?.split(' ') ?? [];
    expect(used.map((name) => `${name}.in`).sort()).toEqual(readdirSync(path.join(root, 'port/files')).sort());
  });
});

/** A file of the port with its place filled in, and its commands played by these. */
function script(place: Place, name: string, commands: Readonly<Record<string, readonly string[]>>) {
  mkdirSync(place.path('bin'));
  for (const [command, lines] of Object.entries(commands)) place.script(`bin/${command}`, ...lines);
  const file = place.write(name, read(`port/files/${name}.in`).replaceAll('%%PREFIX%%', place.folder), 0o755);
  return (env: Readonly<Record<string, string>> = {}) =>
    spawnSync('/bin/sh', [file], {
      encoding: 'utf8',
      env: { PATH: `${place.path('bin')}:${process.env.PATH ?? ''}`, ...env },
    });
}

describe('450.vmrun', () => {
  const ps = (state: string): Readonly<Record<string, readonly string[]>> => ({
    vmrun: [
      'case "$*" in',
      `*lines*) printf 'web\\t%s\\tdefault\\n' ${state} ;;`,
      '*) echo "web in a table" ;;',
      'esac',
    ],
  });

  test.each([
    ['running', 0],
    ['orphaned', 3],
    ['left', 3],
  ])('has the list in the daily report; with a VM that is %s its status is %i', (state, status) =>
    inPlace((place) => {
      const ended = script(place, '450.vmrun', ps(state))({ daily_status_vmrun_enable: 'YES' });
      expect(ended.status).toBe(status);
      expect(ended.stdout).toContain('VMs that vmrun runs:\n\nweb in a table\n');
      return Promise.resolve();
    }),
  );

  test('says nothing unless it is asked for', () =>
    inPlace((place) => {
      const { status, stdout } = script(place, '450.vmrun', ps('left'))();
      expect([status, stdout]).toEqual([0, '']);
      return Promise.resolve();
    }));
});

test('vmrun-reopen-logs signals who holds the lock of each pid file of rc.d/vmrun, and fails for none', () =>
  inPlace((place) => {
    const run = script(place, 'vmrun-reopen-logs', { pkill: [`echo "$*" >>'${place.path('said')}'`, 'exit 1'] });
    expect(run({ VMRUN_PIDDIR: place.folder }).status).toBe(0);
    place.write('vmrun_db.pid', '1\n');
    place.write('vmrun_web.pid', '2\n');
    expect(run({ VMRUN_PIDDIR: place.folder }).status).toBe(0);
    expect(readFileSync(place.path('said'), 'utf8')).toBe(
      ['db', 'web'].map((name) => `-USR1 -L -F ${place.path(`vmrun_${name}.pid`)}\n`).join(''),
    );
    return Promise.resolve();
  }));
