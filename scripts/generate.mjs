// Writes what is generated from the sources: the compiled validators, the published schemas, and the documents in docs/ and man/.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import Ajv from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';
import { format } from 'prettier';
import { loadSource } from './load-source.mjs';
import { reportSchemas } from './report-schemas.mjs';

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

/** ajv copies all errors so far for each item that has some: with thousands of such items that takes minutes. */
function withAppending(code) {
  const appending = code.replaceAll(/vErrors\.concat\((\w+\.errors)\)/g, 'appended(vErrors, $1)');
  if (appending === code) throw new Error('ajv writes other code than it did: look how it joins errors');
  return `${appending}\nfunction appended(to, more) { for (const each of more) to.push(each); return to; }\n`;
}

/** ajv's own code, made self-contained: no ajv at run time. */
async function compileValidator(root, schema) {
  // The schemas use no keyword that is newer than draft 7, whose compiled code is a good deal smaller.
  const ajv = new Ajv.default({
    allErrors: true,
    inlineRefs: false,
    discriminator: true,
    allowUnionTypes: true,
    messages: false,
    strict: true,
    strictRequired: false,
    allowMatchingProperties: true,
    code: { source: true, esm: true, lines: false },
  });
  const code = withAppending(standaloneCode.default(ajv, ajv.compile(withoutAnnotations(schema))));
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: root, loader: 'js' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    minify: true,
    write: false,
  });
  return outputFiles[0].text;
}

/** Writes a file only where it changes, so that builds that run beside one another do not disturb each other. */
async function update(file, content) {
  const old = await readFile(file, 'utf8').catch(() => undefined);
  if (old !== content) await writeFile(file, content);
}

export async function generate(root) {
  const { sharedSchema, publishedSchema } = await loadSource(root, 'src/spec/published-schema.ts');
  const { factsSchema, publishedFactsSchema } = await loadSource(root, 'src/host/look/facts-schema.ts');
  const { visibleLines } = await loadSource(root, 'src/base/visible.ts');
  const file = (name) => path.join(root, name);
  for (const folder of ['src/spec/generated', 'src/host/look/generated'])
    await mkdir(file(folder), { recursive: true });
  await update(file('src/spec/generated/validate-vm.js'), await compileValidator(root, sharedSchema()));
  await update(file('src/host/look/generated/validate-host.js'), await compileValidator(root, factsSchema));
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

/** Needs what `generate` writes. */
export async function generateDocuments(root) {
  for (const folder of ['docs', 'man']) await mkdir(path.join(root, folder), { recursive: true });
  const { documents } = await loadSource(root, 'scripts/docs/documents.ts');
  for (const [name, text] of await documents()) await update(path.join(root, name), text);
}

/** A schema as it is checked in; a drift test compares with it. What cannot be seen is escaped. */
const schemaText = (schema, visibleLines) =>
  format(visibleLines(JSON.stringify(schema)), { parser: 'json', printWidth: 120 });
