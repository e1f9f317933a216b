import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from '@jest/globals';
import { ProblemsError, type Problem } from '../../src/base/problem.js';
import { recordedView } from '../../src/host/look/facts.js';
import { loadFacts } from '../../src/host/look/load-facts.js';
import { lockIdentity } from '../../src/machine/lock-identity.js';
import { checkDocument, refusalDocument } from '../../src/report/check-document.js';
import { compareSpecs } from '../../src/report/comparison.js';
import type { LoadedWithLock } from '../../src/report/load-with-lock.js';
import { planDocument } from '../../src/report/plan-document.js';
import { planReport } from '../../src/report/plan-report.js';
import { runsDocument } from '../../src/report/runs-document.js';
import type { Spec } from '../../src/spec/parse-spec.js';
import { readiness } from '../../src/supervisor/readiness.js';
import { exampleNames, exampleSpec } from '../support/examples.js';
import { machineOf } from '../support/specs.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** That they are what the types give is seen in test/library/exports.test.ts. */
const schemas = ['plan', 'comparison', 'check', 'runs'].map(
  (name) => [name, JSON.parse(readFileSync(path.join(root, `schemas/${name}.schema.json`), 'utf8')) as object] as const,
);
const hostBhyve = { release: 15, arch: 'amd64' } as const;
const request = {
  programs: { bhyve: ['bhyve'], loaders: {} },
  hostBhyve,
  runBase: '/var/run/vmrun',
  isExplained: true,
};
const place = { file: 'vm.json', line: 1, column: 2, pointer: '/cpu' };
const problem: Problem = { code: 'odd', severity: 'warning', message: 'odd', fix: 'even', subject: 'cpu', place };

function lockedAs(spec: Spec, like: Spec): LoadedWithLock {
  const locked = lockIdentity(like, hostBhyve);
  if (!locked.ok) throw new Error('an example can be locked');
  const { identity } = locked.value;
  return { spec, warnings: [problem], locked: { file: 'vm.lock.json', identity, warnings: [] } };
}

const specs = await Promise.all(exampleNames.map(async (name) => [name, await exampleSpec(name)] as const));
const rescue = await exampleSpec('rescue.json');
const facts = loadFacts('examples/hosts/server.json', root);

/** A document of each kind for each example. */
const documents: readonly (readonly [schema: string, example: string, document: unknown])[] = [
  ...specs.map(([name, spec]) => {
    const loaded = { spec, warnings: [problem], locked: undefined };
    return ['plan', name, planDocument(planReport(loaded, spec.targets, request))] as const;
  }),
  ...specs.map(([name, spec]) => {
    const report = planReport(lockedAs(spec, rescue), spec.targets, request);
    return ['plan', `${name} with a lock`, planDocument(report)] as const;
  }),
  ...specs.map(([name, spec]) => {
    const names = [...new Set([...spec.targets, ...rescue.targets])];
    return ['comparison', name, compareSpecs(lockedAs(spec, spec), lockedAs(rescue, rescue), names, request)] as const;
  }),
  ...(await Promise.all(
    specs.map(async ([name, spec]) => {
      const machines = spec.targets.map((target) => machineOf(spec, target, hostBhyve));
      const targets = await readiness(machines, { view: recordedView(facts) });
      const report = { name: spec.name, source: spec.source, warnings: [problem], targets };
      return [
        'check',
        name,
        checkDocument({ ...report, host: { system: 'freebsd', ...hostBhyve, captured: facts.taken } }),
      ] as const;
    }),
  )),
  ['check', 'a spec that is not good', refusalDocument(new ProblemsError('spec', 'vm.json', [problem]))],
  ['runs', 'none', runsDocument([], [])],
  [
    'runs',
    'two',
    runsDocument(
      [
        {
          name: 'web',
          status: 'supervised',
          pid: 2,
          supervisor: 1,
          state: {
            version: 1,
            name: 'web',
            supervisor: 1,
            since: '2026-01-01T00:00:00.000Z',
            phase: 'running',
            target: 'default',
            boot: 2,
            bootSince: '2026-01-01T00:00:00.000Z',
            bhyve: { pid: 2, start: 'x', program: 'bhyve' },
            isMonitored: true,
            stopTimeoutMs: 1,
            sockets: { paths: ['/x'], before: [{ path: '/x', device: '1', inode: '2' }] },
            last: { boot: 1, at: 'x', end: 'failed', reason: 'error', why: { cause: 'x', evidence: ['y'], next: 'z' } },
            degraded: { log: 'no room' },
          },
        },
      ],
      [{ name: 'db', status: 'left' }],
    ),
  ],
];

/** Every key has to be in the schema: what a reader of documents does not do, but who writes them. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const parts = Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, closed(part)]));
  return 'properties' in parts && !('additionalProperties' in parts) && parts.type === 'object'
    ? { ...parts, additionalProperties: false }
    : parts;
}

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
const validators = new Map(schemas.map(([name, schema]) => [name, ajv.compile(closed(schema) as object)]));
const faultsOf = (name: string, document: unknown): unknown => {
  const validate = validators.get(name);
  if (validate === undefined) throw new Error(`there is no schema ${name}`);
  return validate(JSON.parse(JSON.stringify(document))) ? [] : validate.errors;
};

describe('a document says what its schema says, and nothing else', () => {
  test.each(documents)('%s: %s', (name, _example, document) => {
    expect(faultsOf(name, document)).toEqual([]);
  });

  test.each(schemas.map(([name]) => name))(
    '%s: one that lacks a key, has another, or has it otherwise is none',
    (name) => {
      const [, , document] = documents.findLast(([kind]) => kind === name) ?? [];
      const object = (Array.isArray(document) ? document[0] : document) as Readonly<Record<string, unknown>>;
      const as = (other: object): unknown => (Array.isArray(document) ? [other] : other);
      const [first = ''] = Object.keys(object);
      const { [first]: _gone, ...rest } = object;
      for (const other of [rest, { ...object, other: 1 }, { ...object, [first]: [] }]) {
        expect(faultsOf(name, as(other))).not.toEqual([]);
      }
    },
  );
});
