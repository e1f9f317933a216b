import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { namesSecret } from '../../src/base/secrets.js';
import { loadFacts } from '../../src/host/look/load-facts.js';
import { recordedView } from '../../src/host/look/facts.js';
import { doctorDocument, type Private } from '../../src/report/doctor-document.js';
import { doctorReport, type DoctorReport } from '../../src/report/doctor-report.js';
import { vmSchema } from '../../src/spec/schema.js';
import { canary, mutated, piecesIn, secretSpecs, type SecretSpec } from '../support/canary.js';

const nobody: Private = { hostName: 'localhost', env: {} };

/** What a report says of a spec. */
async function reportOf(
  { text, format }: SecretSpec,
  known = nobody,
  log: readonly string[] = [],
  { lock, state }: { readonly lock?: string; readonly state?: object } = {},
): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'vmrun-doctor-'));
  try {
    writeFileSync(path.join(folder, `web.${format}`), text);
    if (lock !== undefined) writeFileSync(path.join(folder, 'web.lock.json'), lock);
    if (state !== undefined) {
      mkdirSync(path.join(folder, 'run', 'web'), { recursive: true });
      writeFileSync(path.join(folder, 'run', 'web', 'state.json'), JSON.stringify(state));
    }
    writeFileSync(path.join(folder, 'web.log'), log.map((line) => `${line}\n`).join(''));
    const report = await doctorReport({
      versions: { vmrun: '1.2.3' },
      view: recordedView(loadFacts('examples/hosts/server.json', process.cwd())),
      loading: { workingDirectory: folder, hostBhyve: {} },
      planning: { programs: { bhyve: ['bhyve'], loaders: {} }, hostBhyve: {}, runBase: '/var/run/vmrun' },
      runBases: { real: path.join(folder, 'run'), simulated: path.join(folder, 'run-simulated') },
      spec: { config: `web.${format}` },
      logOf: () => path.join(folder, 'web.log'),
    });
    return words(report, known);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const words = (report: DoctorReport, known: Private): string =>
  doctorDocument(report, known)
    .flatMap(({ title, lines }) => [`## ${title}`, ...lines])
    .join('\n');

const json = (spec: object): SecretSpec => ({
  format: 'json',
  text: JSON.stringify({ name: 'web', cpu: 2, mem: '1G', ...spec }),
});

describe('a report has no secret', () => {
  test.each(secretSpecs.map(({ format, text }) => [format, text] as const))(
    'of a spec in %s: %s',
    async (format, text) => {
      const report = await reportOf({ format, text });
      expect(report).toMatch(/^## Plan$|width is given without height/m);
      expect(piecesIn(report)).toEqual([]);
    },
  );

  test('of a spec with stray changes near it', async () => {
    await fc.assert(
      fc.asyncProperty(mutated(secretSpecs), async (spec) => {
        expect(piecesIn(await reportOf(spec))).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  test.each<[where: string, spec: object, shown: string]>([
    ['an argument of a hook', { hooks: { pre_start: ['curl', '-u', canary] } }, '"pre_start": ["curl", "***"]'],
    ['a hook that is a text', { hooks: { post_stop: `notify --key ${canary}` } }, '"post_stop": ["notify", "***"]'],
    ['post_start_script', { post_start_script: `notify ${canary}` }, '"post_start_script": ["notify", "***"]'],
    ['a hook of a target', { targets: { a: { hooks: { pre_reboot: ['x', canary] } } } }, '["x", "***"]'],
    [
      'what fw_cfg tells the guest',
      { fwcfg: 'qemu', fw_cfg_files: [{ name: 'opt/org.example/key', string: `key is ${canary}` }] },
      'name=opt/org.example/key,string=***',
    ],
    [
      'a word that a loader is given',
      {
        emulations: [{ device: 'virtio-blk', path: 'd' }],
        loader: { kind: 'grub-bhyve', commands: [`linux /vmlinuz password=${canary}`, 'boot'] },
      },
      '"boot"',
    ],
  ])('in %s', async (_where, spec, shown) => {
    const report = await reportOf(json(spec));
    expect(report).toContain(shown);
    expect(piecesIn(report)).toEqual([]);
  });

  test('that a log has of addresses, headers and scripts of hooks, and the lines behind it stay', async () => {
    const spec = {
      text: JSON.stringify({
        name: 'web',
        cpu: 1,
        mem: '1G',
        hooks: { pre_start: ['sh', '-c', `fetch -q k3y-${canary}`] },
      }),
      format: 'json',
    } as const;
    const log = [
      `pre_start: GET https://bob:${canary}@nas.example/image`,
      `pre_start: > Authorization: Basic ${canary} ${canary}`,
      `pre_start: Set-Cookie: id=${canary}; path=/`,
      `pre_start: psk=${canary} channel=6`,
      `pre_start: it was k3y-${canary}`,
      `command: bhyve -o "a.passphrase=one two`,
      'bhyve: there is no disk',
    ];
    const report = await reportOf(spec, nobody, log);
    expect(piecesIn(report)).toEqual([]);
    for (const kept of [
      'https://***@nas.example/image',
      'Authorization: ***',
      'psk=*** channel=6',
      'bhyve: there is no disk',
    ])
      expect(report).toContain(kept);
  });

  test('that the environment or the log tells, or that the spec knows and the log repeats', async () => {
    const spec = json({ graphic: { password: canary } });
    const log = [
      `pre_start: logged in with ${canary}`,
      `bhyve: password is Zq1Zq1`,
      `{"kind":"hook","token":"q1Zq1Z"}`,
      `pre_start: 1Zq1Zq"1 is the key`,
      'vmrun: boot 1 powered off',
    ];
    const report = await reportOf(spec, { hostName: 'localhost', env: { MY_API_KEY: '1Zq1Zq"1', PATH: '/bin' } }, log);
    expect(report).toContain('pre_start: logged in with ***');
    expect(report).toContain('vmrun: boot 1 powered off');
    expect(piecesIn(report)).toEqual([]);
  });
});

describe('a report of a lock file has nothing that does not belong there', () => {
  const lockOf = (fields: object): string => JSON.stringify({ version: 1, name: 'web', targets: {}, ...fields });

  test.each<[what: string, lock: string]>([
    ['a key', lockOf({ [canary]: 1 })],
    ['a value', lockOf({ uuid: canary })],
    ['a version', lockOf({ version: canary })],
    ['a key of a target', lockOf({ targets: { default: { [canary]: {}, devices: [] } } })],
    ['a MAC address', lockOf({ targets: { default: { devices: [{ slot: '0:1:0', model: 'x', mac: canary }] } } })],
    ['what is not JSON', `export KEY=${canary}`],
    ['a text without an end', `{"version": 1, "name": "${canary}`],
    ['two texts where one belongs', `{"version": 1 "${canary}"}`],
  ])('%s', async (_what, lock) => {
    const report = await reportOf(json({}), nobody, [], { lock });
    expect(report).toContain('## Problems of web.json');
    expect(piecesIn(report)).toEqual([]);
  });
});

test('a report of a run has no secret that its state repeats', async () => {
  const texts = [
    `https://bob:${canary}@nas.example is not there`,
    `Authorization: Basic ${canary}`,
    `-s 9,fbuf,password=${canary},wait is not understood`,
    `the disk is full`,
  ];
  const state = {
    ...{ version: 1, name: 'web', supervisor: 1, since: '2026-01-02T03:04:05.000Z', phase: 'waiting' },
    degraded: { log: texts.join('; '), state: texts[3] },
    last: {
      ...{ boot: 1, at: '2026-01-02T03:04:05.000Z', end: 'failed' },
      why: { cause: texts[2], evidence: texts, next: `token=${canary}` },
    },
  };
  const report = await reportOf(json({}), nobody, [], { state });
  expect(report).toContain('## Runs of web');
  expect(report).toContain('"the disk is full"');
  expect(report).toContain('https://***@nas.example is not there');
  expect(piecesIn(report)).toEqual([]);
});

test.each<[where: string, spec: SecretSpec]>([
  ['an argument of a hook', { format: 'json', text: `{"name": "web", "hooks": {"pre_start": ["x", "${canary}"}}` }],
  ['an own key', { format: 'json', text: `{"name": "web", "x-note": "${canary}" "cpu": 1}` }],
  ['a hook of YAML', { format: 'yaml', text: `name: web\nhooks: {pre_start: [x, ${canary}}\n` }],
  ['an own key of YAML', { format: 'yaml', text: `name: web\nx-note: ${canary}: ${canary}\n` }],
  ['a text of fw_cfg', { format: 'yaml', text: `name: web\nfw_cfg_files: [{name: opt/a, string: "${canary}}]\n` }],
  ['a hook of UCL', { format: 'ucl', text: `name = web;\nhooks { pre_start = [x, ${canary}; }\n` }],
  ['a hook that is no command', json({ hooks: { pre_start: `x '${canary}` } })],
  ['a hook of a wrong type', json({ hooks: { pre_start: { [canary]: canary } } })],
  ['an unknown key of a hook', json({ hooks: { [canary]: 'x' } })],
])('a report of a spec with a mistake in %s has nothing of its text', async (_where, spec) => {
  const report = await reportOf(spec);
  expect(report).toMatch(/## Problems of web\.(json|yaml|ucl)/);
  expect(report).not.toContain('"excerpt"');
  expect(piecesIn(report)).toEqual([]);
});

test('a report names neither its host nor others in its domain', async () => {
  const spec = json({
    gdb: 'w127.0.0.1:1234',
    emulations: [{ device: 'virtio-blk', path: '/net/nas.example.org/db1.img' }],
  });
  const known = { hostName: 'db1.example.org', env: {} };
  const report = await reportOf(spec, known, ['bhyve: DB1 says: nas.example.org is gone']);
  expect(report).toContain('bhyve: HOST says: HOST is gone');
  expect(report).toContain('/net/HOST/');
  expect(report).toContain('127.0.0.1:1234');
  expect(report).not.toMatch(/db1|nas\.|example/i);
});

test('a report of a spec that is wrong says what is wrong with it, and nothing of its text', async () => {
  const report = await reportOf(json({ cpuu: 3, hooks: { pre_start: ['x', canary] } }));
  expect(report).toContain('## Problems of web.json');
  expect(report).toContain('did you mean');
  expect(report).not.toContain('## Spec');
  expect(piecesIn(report)).toEqual([]);
});

test('every field that the schema calls a secret has a name that tells so', () => {
  const secrets: string[] = [];
  const walk = (value: unknown, name: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('isSecret' in value) secrets.push(name);
    for (const [key, item] of Object.entries(value))
      walk(item, isKeyword(key) ? name : key.replaceAll(/\[.(.)\]|\$$/g, '$1'));
  };
  walk(vmSchema, '');
  expect(secrets.length).toBeGreaterThan(0);
  expect(secrets.filter((name) => !namesSecret(name))).toEqual([]);
});

/** A key of a schema, not of what it describes; a pattern is spelled in both cases. */
const isKeyword = (key: string): boolean =>
  ['items', 'properties', 'patternProperties', 'additionalProperties', 'oneOf'].includes(key);
