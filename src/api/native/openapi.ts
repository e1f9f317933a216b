import type { AnswerRow, Schema } from '../../server/route.js';
import { requestSchemas } from './request-schemas.js';
import { rows, type Row } from './rows.js';

/**
 * The description of the API: OpenAPI 3.1.
 * @param documents schemas of what is answered, by name
 */
export const openApi = (version: string, documents: Readonly<Record<string, Schema>>): Schema => ({
  openapi: '3.1.0',
  info: {
    title: 'vmrun',
    version,
    summary: 'bhyve virtual machines of one host.',
    description:
      'The API of `vmrun serve`. Programs send `Authorization: Bearer TOKEN`; browsers sign in for a session; whoever may write to ' +
      'the UNIX socket needs neither. Errors are documents of RFC 9457. All members of a request are known by name: others are errors.',
    license: { name: 'BSD-2-Clause', identifier: 'BSD-2-Clause' },
  },
  jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
  security: [{ token: [] }, { session: [] }],
  paths: paths(),
  components: {
    securitySchemes: {
      token: { type: 'http', scheme: 'bearer', description: 'Made by POST /api/v1/tokens.' },
      session: { type: 'apiKey', in: 'cookie', name: 'vmrun_session', description: 'Given by POST /api/v1/login.' },
    },
    responses: { Error: errorResponse },
    schemas: documents,
  },
});

const errorResponse = {
  description: 'What is wrong, and what to do.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/ErrorDocument' } } },
};

function paths(): Readonly<Record<string, Schema>> {
  const found = new Map<string, Schema>();
  for (const row of rows) {
    const path = row.path.replaceAll(/:(\w+)/g, '{$1}');
    found.set(path, { ...found.get(path), [row.method.toLowerCase()]: operation(row) });
  }
  return Object.fromEntries(found);
}

function operation({ id, summary, right, path, query, headers, body, answers }: Row): Schema {
  const parameters = [
    ...[...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
      ...{ name, in: 'path', required: true },
      schema: { type: 'string', minLength: 1 },
    })),
    ...Object.entries<Schema>(query === undefined ? {} : requestSchemas[query].properties).map(([name, schema]) => ({
      ...{ name, in: 'query', schema },
    })),
    ...Object.entries(headers ?? {}).map(([name, { words: description, schema }]) => ({
      ...{ name, in: 'header', description, schema },
    })),
  ];
  return {
    operationId: id,
    summary,
    description: rightWords(right),
    ...(right === 'nobody' ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: requestBody(body) }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, response(answer)])),
      default: { $ref: '#/components/responses/Error' },
    },
  };
}

function rightWords(right: Row['right']): string {
  if (right === 'nobody') return 'For everybody.';
  if (right === 'anybody') return 'For every user.';
  return `For the role \`${right.role}\` on ${right.on === 'vm' ? 'the group of the VM' : 'the root group'}.`;
}

function requestBody(body: NonNullable<Row['body']>): Schema {
  if (body.kind === 'json') {
    return {
      required: body.isOptional !== true,
      content: { 'application/json': { schema: requestSchemas[body.schema] } },
    };
  }
  return {
    description: body.words,
    required: true,
    content: Object.fromEntries(body.types.map((type) => [type, { schema: body.schema ?? {} }])),
  };
}

const response = ({ words, schema, type = 'application/json', otherTypes = [], headers }: AnswerRow): Schema => ({
  description: words,
  ...(headers === undefined
    ? {}
    : {
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
        ),
      }),
  ...(schema === undefined ? {} : { content: { [type]: { schema }, ...Object.fromEntries(otherTypes.map(textOf)) } }),
});

const textOf = (type: string): readonly [string, Schema] => [type, { schema: { type: 'string' } }];
