import type { IncomingMessage } from 'node:http';
import { child, steps } from '../base/json-pointer.js';
import { limited, type Problem } from '../base/problem.js';
import { shown } from '../base/text.js';
import { parseJson } from '../spec/json.js';
import { limitWords } from '../spec/limit-words.js';
import { linesOf } from '../spec/locate.js';
import { find, toValue, type SourceNode } from '../spec/source-tree.js';
import { HttpError, httpError } from './http-error.js';
import type { BodyRow, Schema, Validate, Violation } from './route.js';

/** The most that a body may have. */
export const mostBodyBytes = 1024 * 1024;
/** Far more values than any request of an API needs. */
const mostValues = 100_000;

/** A body that was read. */
export interface ReadBody {
  readonly body: unknown;
  readonly text: string;
  readonly type: string;
}

/** Reads what a route takes. @throws HttpError where it is something else */
export async function readBody(
  request: IncomingMessage,
  row: BodyRow | undefined,
  sayContinue: () => void,
): Promise<ReadBody> {
  const { headers } = request;
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  const type = mediaType(headers['content-type'] ?? '');
  if (!hasBody) {
    if (row === undefined || (row.kind === 'json' && row.isOptional === true)) return { body: {}, text: '', type };
    throw httpError(400, 'no-body', 'this request needs a body', `send it as ${typesOf(row).join(' or ')}`);
  }
  if (row === undefined) throw httpError(400, 'unexpected-body', 'this request takes no body', 'leave it out');
  const types = typesOf(row);
  if (!types.includes(type)) {
    const found = type === '' ? 'the body has no Content-Type' : `a body of ${JSON.stringify(type)} is not taken`;
    throw httpError(415, 'media-type', found, `send it as ${types.join(' or ')}`);
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw httpError(415, 'content-encoding', 'a body that is compressed is not taken', 'send it as it is');
  if (Number(headers['content-length'] ?? 0) > mostBodyBytes) throw tooLarge();
  sayContinue();
  const text = decoded(await allOf(request));
  return { body: row.kind === 'json' ? jsonIn(text, row) : undefined, text, type };
}

const typesOf = (row: BodyRow): readonly string[] => (row.kind === 'json' ? ['application/json'] : row.types);

export const mediaType = (header: string): string => (header.split(';')[0] ?? '').trim().toLowerCase();

const tooLarge = (): HttpError =>
  httpError(413, 'too-large', `a body may have ${mostBodyBytes} bytes`, 'send less', { connection: 'close' });

async function allOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > mostBodyBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    // A client that goes in the middle of it is no fault of ours, and nobody reads this.
    throw httpError(400, 'broken-off', 'the body was broken off');
  }
  return Buffer.concat(chunks, length);
}

function decoded(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw httpError(400, 'encoding', 'the body is not UTF-8');
  }
}

function jsonIn(text: string, row: Judged): unknown {
  const parsed = parseJson(text, { what: 'body', maxValues: mostValues });
  if (!parsed.ok) {
    throw new HttpError(
      400,
      parsed.problems.map(({ message, offset, fix }) => ({
        ...{ code: 'syntax', severity: 'error' as const, message },
        ...(fix === undefined ? {} : { fix }),
        place: { file: 'body', ...linesOf(text).at(offset), pointer: '' },
      })),
    );
  }
  const { root } = parsed;
  const value = toValue(root);
  refuseViolations(row, value, (pointer) => placeIn(text, root, pointer));
  return value;
}

function placeIn(text: string, root: SourceNode, pointer: string): Problem['place'] {
  const { node, entry } = find(root, steps(pointer));
  return { file: 'body', ...linesOf(text).at(entry?.keyStart ?? node.start), pointer };
}

/** A schema, and what the build makes of it. */
interface Judged {
  readonly schema: Schema;
  readonly validate: Validate;
}

/** @throws HttpError with all that a schema finds wrong */
export function refuseViolations(
  { schema, validate }: Judged,
  value: unknown,
  placeOf: (pointer: string) => Problem['place'],
  whole = 'the body',
): void {
  if (validate(value)) return;
  const problems = (validate.errors ?? []).flatMap((violation): readonly Problem[] => {
    const found = sentenceOf(violation, value, { schema, whole });
    if (found === undefined) return [];
    const place = placeOf(found.pointer);
    const { code, message } = found;
    return [{ code, severity: 'error', message, ...(place === undefined ? {} : { place }) }];
  });
  throw new HttpError(400, limited(problems));
}

interface Sentence {
  readonly code: string;
  readonly message: string;
  readonly pointer: string;
}

/** @returns undefined for what another violation says better */
function sentenceOf(
  { instancePath: pointer, keyword, params }: Violation,
  root: unknown,
  { schema, whole }: { readonly schema: Schema; readonly whole: string },
): Sentence | undefined {
  const at = pointer === '' ? whole : pointer;
  // Nobody wants to see a password again.
  const found = (): string => (pointer.endsWith('password') ? 'another value' : shown(valueAt(root, pointer)));
  const say = (code: string, message: string, where = pointer): Sentence => ({ code, message, pointer: where });
  switch (keyword) {
    case 'required':
      return say('missing', `${at} has no ${JSON.stringify(params.missingProperty)}`);
    case 'additionalProperties': {
      const name = String(params.additionalProperty);
      return say('unknown-member', `${JSON.stringify(name)} is not known here`, child(pointer, name));
    }
    case 'type':
      return say('wrong-type', `${at} has to be ${listed(params.type)}, found ${found()}`);
    case 'enum':
      return say('wrong-value', `${at} has to be ${listed(params.allowedValues)}, found ${found()}`);
    case 'if':
    case 'oneOf':
    case 'anyOf':
      return undefined;
    case 'pattern': {
      const words = schemaAt(schema, pointer)?.patternErrorMessage;
      const form = typeof words === 'string' ? words : `like ${String(params.pattern)}`;
      return say('wrong-value', `${at} has to be ${form}, found ${found()}`);
    }
    default: {
      const words = limitWords(keyword, params.limit);
      const said = words === undefined ? `breaks the rule ${JSON.stringify(keyword)}` : `has to ${words}`;
      return say('wrong-value', `${at} ${said}, found ${found()}`);
    }
  }
}

/** The part of a schema that speaks about a value. */
const schemaAt = (whole: Schema, pointer: string): Schema | undefined =>
  steps(pointer).reduce<unknown>(
    (schema, step) => memberOf(memberOf(schema, 'properties'), step) ?? memberOf(schema, 'items'),
    whole,
  ) as Schema | undefined;

const listed = (words: unknown): string => (Array.isArray(words) ? words.join(' or ') : String(words));

const valueAt = (root: unknown, pointer: string): unknown => steps(pointer).reduce(memberOf, root);

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
