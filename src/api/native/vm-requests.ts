import { parseDurationMs } from '../../base/duration.js';
import { ProblemsError } from '../../base/problem.js';
import type { Result } from '../../base/result.js';
import { abort, anyOf } from '../../host/abort.js';
import type { Operation } from '../../manager/operations.js';
import type { VmView } from '../../manager/vm-view.js';
import { HttpError, httpError } from '../../server/http-error.js';
import { statusOf } from '../../server/respond.js';
import type { Answer, Asked } from '../../server/route.js';
import type { GuestAct } from '../../supervisor/guest-act.js';
import type { NativeSite } from './site.js';

const longestWaitMs = 10 * 60_000;

/** Answers at once, or when it has ended, or when the client has waited as long as it wanted to. */
export async function answerOperation(site: NativeSite, operation: Operation, asked: Asked): Promise<Answer> {
  const { wait } = asked.query;
  const found = wait === undefined ? operation : await waitedFor(site, operation, parseDurationMs(wait) ?? 0, asked);
  const isOver = found.state !== 'running';
  return {
    status: isOver ? 200 : 202,
    document: found,
    ...(isOver ? {} : { headers: { location: `/api/v1/operations/${found.id}` } }),
  };
}

export async function waitedFor(
  { manager, clock }: NativeSite,
  operation: Operation,
  ms: number,
  { signal }: Pick<Asked, 'signal'>,
): Promise<Operation> {
  if (operation.state !== 'running') return operation;
  const enough = new AbortController();
  const over = anyOf(signal, enough.signal);
  const timer = clock.sleep(Math.min(ms, longestWaitMs), over.signal).then(() => {
    abort(enough);
  });
  try {
    return (await manager.operations.ended(operation.id, over.signal)) ?? operation;
  } finally {
    abort(enough);
    over.release();
    await timer;
  }
}

interface StopBody {
  readonly target?: string;
  readonly now?: boolean;
  readonly timeout?: string | number;
}

/** What the schema of the route has found to be so. */
const bodyOf = ({ body }: Asked): StopBody => body as StopBody;

function stopRequest({ now, timeout }: StopBody) {
  const timeoutMs = timeout === undefined ? undefined : parseDurationMs(timeout);
  return { ...(now === undefined ? {} : { now }), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}

const targetOf = ({ target }: StopBody) => (target === undefined ? {} : { target });

const nameIn = ({ params: { name = '' } }: Asked): string => name;

export const startVm = async (site: NativeSite, asked: Asked): Promise<Answer> => {
  await site.manager.readSpecOf(nameIn(asked));
  return answerOperation(site, site.manager.start(nameIn(asked), targetOf(bodyOf(asked)), asked.asker), asked);
};

export const stopVm = (site: NativeSite, asked: Asked): Promise<Answer> =>
  answerOperation(site, site.manager.stop(nameIn(asked), stopRequest(bodyOf(asked)), asked.asker), asked);

export const restartVm = async (site: NativeSite, asked: Asked): Promise<Answer> => {
  await site.manager.readSpecOf(nameIn(asked));
  const body = bodyOf(asked);
  const request = { ...stopRequest(body), ...targetOf(body) };
  return answerOperation(site, site.manager.restart(nameIn(asked), request, asked.asker), asked);
};

export const actOnGuest =
  (what: GuestAct) =>
  (site: NativeSite, asked: Asked): Promise<Answer> =>
    answerOperation(site, site.manager.act(nameIn(asked), what, asked.asker), asked);

/** What cannot be written is told by its problems. */
function written(result: Result<VmView>, source: string): VmView {
  if (result.ok) return result.value;
  const { problems } = result;
  throw new HttpError(statusOf(new ProblemsError('spec', source, problems)), problems);
}

const locationOf = (name: string): Readonly<Record<string, string>> => ({
  location: `/api/v1/vms/${encodeURIComponent(name)}`,
});

export async function addVm({ manager }: NativeSite, { text, asker }: Asked): Promise<Answer> {
  const view = written(await manager.writeSpec({ text, ifMatch: 'none' }, asker), 'spec');
  return { status: 201, document: view, headers: locationOf(view.name) };
}

export async function putSpec({ manager }: NativeSite, asked: Asked): Promise<Answer> {
  const name = nameIn(asked);
  const before = manager.specText(name);
  const ifMatch = conditionIn(asked);
  const result = await manager.writeSpec(
    { name, text: asked.text, ...(ifMatch === undefined ? {} : { ifMatch }) },
    asked.asker,
  );
  if (!result.ok && asked.headers['if-none-match'] !== undefined && result.problems[0]?.code === 'exists')
    throw new HttpError(412, result.problems);
  const view = written(result, name);
  return before === undefined ? { status: 201, document: view, headers: locationOf(name) } : { document: view };
}

/** RFC 9110, 13.1, as `writeSpec` has it: one tag. @throws HttpError for what cannot be told it, or never holds */
function conditionIn({ headers }: Asked): string | undefined {
  const match = headers['if-match']?.trim();
  const noneMatch = headers['if-none-match']?.trim();
  if (noneMatch !== undefined && noneMatch !== '*')
    throw httpError(400, 'condition', 'If-None-Match may only be * here', 'use If-Match with one ETag');
  const [, tag] = /^"([\x21\x23-\x7e]*)"$/.exec(match ?? '') ?? [];
  if (match !== undefined && match !== '*' && tag === undefined)
    throw httpError(400, 'condition', 'If-Match has to be one ETag in double quotes, or *');
  if (match === undefined) return noneMatch === undefined ? undefined : 'none';
  // What is there cannot be missing, and no spec has such a tag.
  if (noneMatch !== undefined || (tag !== undefined && !/^[0-9a-f]+$/.test(tag)))
    throw httpError(412, 'changed', 'the spec is not the one that If-Match names', 'read it again');
  return tag ?? match;
}

export function getSpec({ manager }: NativeSite, asked: Asked): Answer {
  const name = nameIn(asked);
  const found = manager.specText(name);
  if (found === undefined) throw httpError(404, 'unknown-vm', `${JSON.stringify(name)} has no spec`);
  const { file, text, etag } = found;
  const type = typeOf(file);
  return { text: { type, content: text }, etag };
}

const typeOf = (file: string): string => {
  if (/\.ya?ml$/.test(file)) return 'application/yaml';
  return file.endsWith('.json') ? 'application/json' : 'application/ucl';
};

export async function deleteVm({ manager }: NativeSite, asked: Asked): Promise<Answer> {
  const problem = await manager.remove(nameIn(asked), asked.asker);
  if (problem !== undefined) throw new HttpError(409, [problem]);
  return {};
}

/** @throws HttpError 422 where there is no such group, 507 where it cannot be kept */
export function setGroup({ manager, accounts }: NativeSite, asked: Asked): Answer {
  const name = nameIn(asked);
  const { group = '' } = asked.body as { readonly group?: string };
  if (!accounts.groups().includes(group))
    throw httpError(422, 'unknown-group', `there is no group ${JSON.stringify(group)}`, 'make the group first');
  const problem = manager.setGroup(name, group);
  if (problem !== undefined) throw new HttpError(507, [{ ...problem, severity: 'error' }]);
  return { document: manager.vm(name) };
}

/** Takes an operation back. @throws HttpError where it has begun to act */
export function cancelled({ manager }: NativeSite, operation: Operation): Answer {
  const problem = manager.operations.cancel(operation.id);
  if (problem !== undefined) throw new HttpError(409, [problem]);
  return { document: manager.operations.get(operation.id) ?? operation };
}
