import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';
import { expect, test } from '@jest/globals';
import { requestSchemas } from '../../src/api/native/request-schemas.js';
import { rows } from '../../src/api/native/rows.js';
import { withApi, description } from './support.js';

test('the ids of routes are unique, and each schema of a request is used', () => {
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
  const used = rows.flatMap(({ query, body }) => [query, body?.kind === 'json' ? body.schema : undefined]);
  expect(Object.keys(requestSchemas).filter((name) => !used.includes(name as keyof typeof requestSchemas))).toEqual([]);
});

interface Described {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, unknown>> }>>>
  >;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

test('what is answered fits what is described', async () => {
  const described = JSON.parse(readFileSync(description, 'utf8')) as Described;
  const ajv = new Ajv2020.default({ strict: false });
  ajv.addSchema(described, 'api');
  await withApi({ specs: { web: {}, bad: { cpu: 'many' } } }, async ({ call }) => {
    await call('POST /vms/web/start?wait=60s');
    for (const [line, name, body] of [
      ['GET /', 'ServiceDocument'],
      ['GET /healthz', 'HealthDocument'],
      ['GET /vms', 'VmListDocument'],
      ['GET /vms/web', 'VmDocument'],
      ['GET /vms/web/plan?explain=true', 'PlanDocument'],
      ['GET /vms/web/check', 'CheckDocument'],
      ['GET /vms/web/changes', 'ChangesDocument'],
      ['GET /vms/web/why', 'WhyDocument'],
      ['GET /vms/web/log', 'LogDocument'],
      ['GET /operations', 'OperationListDocument'],
      ['GET /session', 'AskerDocument'],
      ['GET /users', 'UserListDocument'],
      ['GET /tokens', 'TokenListDocument'],
      ['GET /groups', 'GroupListDocument'],
      ['PUT /vms/web/group', 'VmDocument', { group: 'root' }],
      ['POST /reload', 'ReloadOutcome'],
      ['GET /nothing', 'ErrorDocument'],
    ] as const) {
      const { json } = await call(line, body === undefined ? {} : { body });
      const validate = ajv.getSchema(`api#/components/schemas/${name}`);
      expect([line, validate?.(json), validate?.errors]).toEqual([line, true, null]);
    }
  });
});
