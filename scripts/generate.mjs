// Writes what is generated from the sources: the compiled validators, the published schemas, and the documents in docs/ and man/.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import Ajv from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';
import { format } from 'prettier';
import { loadSource } from './load-source.mjs';
import { apiSchemas, reportSchemas } from './report-schemas.mjs';

/** What does not decide whether a value is valid; ajv would carry it along in the code. */
const annotations = new Set([
  ...['title', 'description', 'default', 'examples', 'deprecated', 'patternErrorMessage'],
  ...['isFile', 'takesDigits', 'isSecret'],
]);

/** @param isMap the keys are names of the user's, not keywords */
function withoutAnnotations(schema, isMap = false) {
  if (Array.isArray(schema)) return schema.map((part) => withoutAnnotations(part));
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key]) => isMap || !annotations.has(key))
      .map(([key, part]) => [
        key,
        withoutAnnotations(part, !isMap && ['properties', 'patternProperties', '$defs'].includes(key)),
      ]),
  );
}

/**
 * ajv copies all errors so far for each item that has some: with thousands of such items that takes minutes.
 * @param hasParts the schema has definitions, which are functions of their own
 */
function withAppending(code, hasParts) {
  const appending = code.replaceAll(/vErrors\.concat\((\w+\.errors)\)/g, 'appended(vErrors, $1)');
  if (!hasParts) return code;
  if (appending === code) throw new Error('ajv writes other code than it did: look how it joins errors');
  return `${appending}\nfunction appended(to, more) { for (const each of more) to.push(each); return to; }\n`;
}

const ajvOptions = {
  allErrors: true,
  allowUnionTypes: true,
  messages: false,
  strict: true,
  code: { source: true, esm: true, lines: false },
};

/** Code of ajv's, made self-contained: no ajv at run time. */
async function bundled(root, contents, plugins = []) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: 'js' },
    plugins,
    bundle: true,
    platform: 'node',
    format: 'esm',
    minify: true,
    write: false,
  });
  return outputFiles[0].text;
}

async function compileValidator(root, schema) {
  // The schemas use no keyword that is newer than draft 7, whose compiled code is a good deal smaller.
  const ajv = new Ajv.default({
    ...ajvOptions,
    inlineRefs: false,
    discriminator: true,
    strictRequired: false,
    allowMatchingProperties: true,
  });
  const hasParts = Object.keys(schema.$defs).length > 0;
  return bundled(root, withAppending(standaloneCode.default(ajv, ajv.compile(withoutAnnotations(schema))), hasParts));
}

/** The same for several schemas in one module, by name: `export default { name: validate, … }`. */
async function compileValidators(root, schemas) {
  const ajv = new Ajv.default(ajvOptions);
  for (const [name, schema] of Object.entries(schemas)) ajv.addSchema(withoutAnnotations(schema), name);
  const code = standaloneCode.default(ajv, Object.fromEntries(Object.keys(schemas).map((name) => [name, name])));
  return bundled(root, `import * as all from 'validators'; export default { ...all };`, [
    {
      name: 'validators',
      setup(bundle) {
        bundle.onResolve({ filter: /^validators$/ }, () => ({ path: 'validators', namespace: 'made' }));
        bundle.onLoad({ filter: /.*/, namespace: 'made' }, () => ({ contents: code, resolveDir: root }));
      },
    },
  ]);
}

/** Writes a file only where it changes, so that builds that run beside one another do not disturb each other. */
async function update(file, content) {
  const old = await readFile(file, 'utf8').catch(() => undefined);
  if (old !== content) await writeFile(file, content);
}

export async function generate(root) {
  const { sharedSchema, publishedSchema, publishedDocumentSchema } = await loadSource(
    root,
    'src/spec/published-schema.ts',
  );
  const { factsSchema, publishedFactsSchema } = await loadSource(root, 'src/host/look/facts-schema.ts');
  const { configurationSchema } = await loadSource(root, 'src/manager/configuration-schema.ts');
  const { visibleLines } = await loadSource(root, 'src/base/visible.ts');
  const file = (name) => path.join(root, name);
  const { requestSchemas } = await loadSource(root, 'src/api/native/request-schemas.ts');
  for (const folder of ['src/spec', 'src/host/look', 'src/manager', 'src/api/native'])
    await mkdir(file(`${folder}/generated`), { recursive: true });
  await update(file('src/api/native/generated/validate-requests.js'), await compileValidators(root, requestSchemas));
  await update(file('src/spec/generated/validate-vm.js'), await compileValidator(root, sharedSchema()));
  await update(file('src/host/look/generated/validate-host.js'), await compileValidator(root, factsSchema));
  await update(
    file('src/manager/generated/validate-configuration.js'),
    await compileValidator(root, configurationSchema),
  );
  await update(
    file('schemas/manager.schema.json'),
    await schemaText(publishedDocumentSchema('manager', configurationSchema), visibleLines),
  );
  await update(file('schemas/vm.schema.json'), await schemaText(publishedSchema(), visibleLines));
  await update(file('schemas/host.schema.json'), await schemaText(publishedFactsSchema(), visibleLines));
}

/** @param program that of the library */
export async function generateReportSchemas(root, program) {
  const { visibleLines } = await loadSource(root, 'src/base/visible.ts');
  for (const [name, schema] of reportSchemas(root, program)) {
    await update(path.join(root, `schemas/${name}.schema.json`), await schemaText(schema, visibleLines));
  }
}

/** The description of the native API. @param program of the library, with `src/api/native/documents.ts` */
export async function generateOpenApi(root, program) {
  await update(path.join(root, 'docs/openapi.json'), await openApiText(root, program));
}

export async function openApiText(root, program) {
  const { visibleLines } = await loadSource(root, 'src/base/visible.ts');
  const { openApi } = await loadSource(root, 'src/api/native/openapi.ts');
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  return schemaText(openApi(version, apiSchemas(root, program)), visibleLines);
}

/** Needs what `generate` writes. */
export async function generateDocuments(root) {
  for (const folder of ['docs', 'man']) await mkdir(path.join(root, folder), { recursive: true });
  const { documents } = await loadSource(root, 'scripts/docs/documents.ts');
  for (const [name, text] of await documents()) await update(path.join(root, name), text);
}

/** A schema as it is checked in; a drift test compares with it. What cannot be seen is escaped. */
const schemaText = (schema, visibleLines) =>
  format(visibleLines(JSON.stringify(schema)), { parser: 'json', printWidth: 120 });
