import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Ajv from 'ajv/dist/2020.js';
import { ProblemsError } from '../../src/base/problem.js';
import { configurationSchema } from '../../src/manager/configuration-schema.js';
import { readConfiguration, usualConfiguration, type Configuration } from '../../src/manager/configuration.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'configuration-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const root = { env: {}, uid: 0 };

async function read(text: string, file = 'manager.conf', who: object = root): Promise<Configuration> {
  writeFileSync(path.join(folder, file), text);
  return readConfiguration(file, { ...root, ...who, workingDirectory: folder });
}

/** What is told of a text, each as a line. */
async function told(text: string, file = 'manager.json'): Promise<readonly string[]> {
  try {
    await read(text, file);
    return [];
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
    return error.problems.map(
      ({ code, place, message }) =>
        `${place?.file ?? '-'}:${place?.line ?? 0}:${place?.column ?? 0} ${place?.pointer ?? ''} ${code}: ${message}`,
    );
  }
}

describe('the configuration of a manager', () => {
  test('has defaults for root, without any file', async () => {
    expect(await readConfiguration(undefined, { ...root, workingDirectory: '/' })).toEqual({
      file: undefined,
      specs: '/usr/local/etc/vmrun',
      state: '/var/db/vmrun',
      runBase: '/var/run/vmrun',
      bhyve: undefined,
      listen: ['unix:/var/run/vmrun/manager.sock'],
      tls: undefined,
      hosts: [],
      basePath: undefined,
      trustedProxies: [],
      initialPasswordFile: '/var/db/vmrun/initial-password',
      stopBudgetMs: 80_000,
    });
    expect(usualConfiguration(root)).toBe('/usr/local/etc/vmrun-manager.conf');
  });

  test('has defaults for other users, in their own folders', async () => {
    const env = { HOME: '/home/me', XDG_RUNTIME_DIR: '/run/user/7', XDG_STATE_HOME: '/home/me/state' };
    const who = { env, uid: 7, workingDirectory: '/' };
    expect(await readConfiguration(undefined, who)).toMatchObject({
      specs: '/home/me/.config/vmrun',
      state: '/home/me/state/vmrun',
      runBase: '/run/user/7/vmrun',
      listen: ['unix:/run/user/7/vmrun/manager.sock'],
    });
    expect(usualConfiguration(who)).toBe('/home/me/.config/vmrun-manager.conf');
  });

  test('keeps what simulated VMs leave apart from real ones', async () => {
    const simulated = { ...root, workingDirectory: '/', isSimulated: true };
    expect(await readConfiguration(undefined, simulated)).toMatchObject({
      specs: '/usr/local/etc/vmrun',
      state: '/var/db/vmrun-simulated',
      runBase: '/var/run/vmrun-simulated',
      listen: ['unix:/var/run/vmrun-simulated/manager.sock'],
    });
  });

  test.each([
    ['manager.json', '{ "specs": "specs", "run_dir": "/run/x", "stop_budget": "1min", "x-note": 1 }'],
    ['manager.yaml', 'specs: specs\nrun_dir: /run/x\nstop_budget: 1min\nx-note: 1\n'],
    ['manager.conf', 'specs = specs\nrun_dir = "/run/x"\nstop_budget = "1min"\nx-note = 1\n'],
  ])('is read from %s, and its files are beside it', async (file, text) => {
    expect(await read(text, file)).toMatchObject({
      file: path.join(folder, file),
      specs: path.join(folder, 'specs'),
      runBase: '/run/x',
      listen: ['unix:/run/x/manager.sock'],
      stopBudgetMs: 60_000,
    });
  });

  test('takes one address where a list is meant', async () => {
    const { listen } = await read('listen = "https://0.0.0.0:8443"');
    expect(listen).toEqual(['https://0.0.0.0:8443']);
  });

  test.each<[text: string, told: readonly string[]]>([
    ['[]', ['manager.json:1:1  wrong-type: the configuration must be an object, got a list of 0']],
    [
      '{\n  "spec": "/x",\n  "stop_budget": "soon"\n}',
      [
        'manager.json:2:3 /spec unknown-field: "spec" is not a field here',
        'manager.json:3:18 /stop_budget wrong-text: "soon" is not seconds, or text with a unit such as "90s", "5min" or "500ms"',
      ],
    ],
    [
      '{ "listen": ["tcp:1", "unix:relative"] }',
      [
        'manager.json:1:14 /listen/0 wrong-text: "tcp:1" is not an address such as "unix:/var/run/vmrun/manager.sock", whose path is absolute, or "https://0.0.0.0:8443"',
        'manager.json:1:23 /listen/1 wrong-text: "unix:relative" is not an address such as "unix:/var/run/vmrun/manager.sock", whose path is absolute, or "https://0.0.0.0:8443"',
      ],
    ],
    [
      '{ "tls": { "certificate": "/a" } }',
      ['manager.json:1:10 /tls/key required: key is required: its private key, PEM, which nobody else may read'],
    ],
    [
      '{ "tls": { "certificate": "/a", "key": "/b" } }',
      ['manager.json:1:10 /tls tls-unused: nothing listens with TLS'],
    ],
    ['{ "listen": ["unix:/a", "unix:/a"] }', ['manager.json:1:25 /listen/1 listen-twice: this is listed twice']],
    ['{ "storage": {} }', ['manager.json:1:3 /storage unknown-field: "storage" is not a field here']],
    ['{ "specs": ', ['manager.json:1:12  syntax: the text ends where a value is expected']],
    ['  \n', ['-:0:0  empty: the file is empty']],
  ])('of %j is refused, with the place of each mistake', async (text, expected) => {
    expect(await told(text)).toEqual(expected);
  });

  test('given twice in UCL is told where', async () => {
    expect(await told('specs = /a\nspecs = /b\n', 'manager.conf')).toEqual([
      'manager.conf:2:1 /specs given-twice: specs is given twice',
    ]);
  });

  test('that is not there is told, and that none is needed', async () => {
    await expect(readConfiguration('none.conf', { ...root, workingDirectory: folder })).rejects.toMatchObject({
      kind: 'unreadable',
      problems: [
        { message: 'there is no such file', fix: 'check the path, or leave -c out: everything has a default' },
      ],
    });
  });

  test('has a published schema that takes its own examples, and what its fields show', () => {
    const published = JSON.parse(readFileSync('schemas/manager.schema.json', 'utf8')) as object;
    const ajv = new Ajv.default({ strict: false });
    const validate = ajv.compile(published);
    const examples = Object.entries(configurationSchema.properties ?? {}).flatMap(([field, { examples: own = [] }]) =>
      own.map((value) => ({ [field]: value })),
    );
    expect(examples.length).toBeGreaterThan(8);
    for (const example of [...(configurationSchema.examples ?? []), ...examples]) {
      expect([example, validate(example)]).toEqual([example, true]);
    }
    expect(validate({ storage: {} })).toBe(false);
  });
});
