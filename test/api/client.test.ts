import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import { expect, test } from '@jest/globals';
import { inPlace, type Place } from '../e2e/support/place.js';
import { description, withApi } from './support.js';

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const generator = path.join(root, 'node_modules/openapi-typescript/bin/cli.js');
const withGenerator = existsSync(generator) ? test : test.skip;

/** What somebody would write who has the types that openapi-typescript makes of docs/openapi.json, and fetch. */
const client = `
import type { paths } from './api.js';

type Json<T> = T extends { content: { 'application/json': infer Body } } ? Body : undefined;
type Good<T> = T extends { responses: infer R } ? Json<R[Extract<keyof R, 200 | 201 | 202>]> : never;
type Body<T> = T extends { requestBody?: infer B } ? Json<NonNullable<B>> : undefined;
type PathOf<M extends string> = { [P in keyof paths]: paths[P] extends Record<M, object> ? P : never }[keyof paths];

interface Call<T> {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Body<T>;
}

export const makeClient = (url: string, token: string) =>
  async <M extends 'get' | 'post' | 'put' | 'delete' | 'patch', P extends PathOf<M>>(
    method: M,
    path: P,
    call: Call<paths[P][M & keyof paths[P]]> = {},
  ): Promise<Good<paths[P][M & keyof paths[P]]>> => {
    const filled = path.replaceAll(/\\{(\\w+)\\}/g, (_, name: string) => encodeURIComponent(call.path?.[name] ?? ''));
    const query = new URLSearchParams(call.query).toString();
    const response = await fetch(url + filled + (query === '' ? '' : '?' + query), {
      method: method.toUpperCase(),
      headers: { authorization: 'Bearer ' + token, ...(call.body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return (text === '' ? undefined : JSON.parse(text)) as Good<paths[P][M & keyof paths[P]]>;
  };

export async function fromMakingToRemoval(url: string, token: string): Promise<readonly string[]> {
  const call = makeClient(url, token);
  const made = await call('post', '/api/v1/vms', { body: { name: 'web', cpu: 1, mem: '64M', restart: { delay: 0 } } });
  const said: string[] = [made.name + ' ' + made.state];
  const path = { name: made.name };
  const started = await call('post', '/api/v1/vms/{name}/start', { path, query: { wait: '60s' }, body: {} });
  said.push(started.kind + ' ' + started.state);
  const { vms } = await call('get', '/api/v1/vms');
  said.push(...vms.map(({ name, state, wanted }) => name + ' ' + state + ' ' + wanted.by));
  const stopped = await call('post', '/api/v1/vms/{name}/stop', { path, query: { wait: '60s' }, body: { now: true } });
  said.push(stopped.kind + ' ' + stopped.state + ' ' + String(stopped.problems.length));
  await call('delete', '/api/v1/vms/{name}', { path });
  said.push(String((await call('get', '/api/v1/vms')).vms.length));
  return said;
}
`;

/** What the compiler has against each of some programs that use the client: most of its work is the same for all. */
function mistakes(place: Place, programs: readonly string[]): readonly (readonly string[])[] {
  const files = programs.map((program, index) => place.write(`program${index}.ts`, program));
  const compiled = ts.createProgram(files, {
    ...{
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      noEmit: true,
    },
    ...{
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
    },
    ...{ types: ['node'], typeRoots: [path.join(root, 'node_modules/@types')] },
  });
  const found = ts.getPreEmitDiagnostics(compiled).map(({ messageText, file }) => ({
    file: file?.fileName ?? '',
    message: ts.flattenDiagnosticMessageText(messageText, ' '),
  }));
  // What is wrong elsewhere, in the client or its types, is wrong for each of them.
  return files.map((file) =>
    found
      .filter(({ file: at }) => at === file || !files.includes(at))
      .map(({ file: at, message }) => `${at}: ${message}`),
  );
}

const makeTypes = (place: Place): void => {
  place.write('package.json', '{ "type": "module" }');
  execFileSync(process.execPath, [generator, description, '-o', place.path('api.ts')], { stdio: 'ignore' });
  place.write('client.ts', client);
};

withGenerator('a client that is made of docs/openapi.json type-checks, and what is wrong does not', async () => {
  await inPlace((place) => {
    makeTypes(place);
    const use = (line: string) =>
      `import { makeClient } from './client.js';\nconst call = makeClient('', '');\n${line}\n`;
    const wrong = [
      "await call('get', '/api/v1/nothing');",
      "await call('post', '/api/v1/host');",
      "await call('post', '/api/v1/vms/{name}/stop', { body: { now: 'yes' } });",
      "(await call('get', '/api/v1/vms')).vms[0]?.nothing;",
    ];
    const [ofGood, ofWrong] = mistakes(place, [use("await call('get', '/api/v1/vms');"), use(wrong.join('\n'))]);
    expect(ofGood).toEqual([]);
    expect(ofWrong).toHaveLength(wrong.length);
    return Promise.resolve();
  });
});

test('such a client runs a VM from its making to its removal', async () => {
  await withApi({}, async ({ url, token, place }) => {
    // Its types are no part of what runs.
    const { outputText } = ts.transpileModule(client, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
    });
    writeFileSync(place.path('client.mjs'), outputText);
    // Jest's own modules cannot be made of what was written just now.
    const script = `const { fromMakingToRemoval } = await import(${JSON.stringify(pathToFileURL(place.path('client.mjs')).href)});
      console.log(JSON.stringify(await fromMakingToRemoval(${JSON.stringify(url)}, ${JSON.stringify(token)})));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    expect(JSON.parse(stdout)).toEqual(['web stopped', 'start done', 'web running root', 'stop done 0', '0']);
  });
});
