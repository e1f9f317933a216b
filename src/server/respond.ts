import type { IncomingMessage, ServerResponse } from 'node:http';
import { ProblemsError, type Problem } from '../base/problem.js';
import { abort, anyOf, type Linked } from '../host/abort.js';
import { rootGroup } from '../manager/accounts/grants.js';
import { hostKey, isLoopback } from './addresses.js';
import { TooBusy } from '../manager/accounts/passwords.js';
import { mediaType, readBody, refuseViolations } from './body.js';
import { writeEvents } from './event-stream.js';
import type { FailedLogins } from './failed-logins.js';
import { errorDocument, HttpError, httpError, WrongCredentials } from './http-error.js';
import type { Limits } from './limits.js';
import type { Proxies } from './proxies.js';
import type { Answer, Asked, Route, Visitor } from './route.js';
import type { Router } from './router.js';
import type { ServerOptions } from './options.js';
import type { Sessions } from './sessions.js';
import { cookieOf, lacksRole, refuseForeign, sessionCookie, setCookie, visitorOf } from './visitor.js';

/** What all requests of a server share. */
export interface Site {
  readonly options: ServerOptions;
  readonly limits: Limits;
  readonly router: Router;
  readonly sessions: Sessions;
  readonly failures: FailedLogins;
  readonly proxies: Proxies;
  readonly hosts: ReadonlySet<string>;
  readonly basePath: string;
  /** Aborted when the server is to end. */
  readonly ending: AbortSignal;
}

/** How a request came in. */
interface Entry {
  readonly isUnixSocket: boolean;
  readonly isSecure: boolean;
  /** The client sends the body when we say so. */
  readonly waitsForContinue: boolean;
}

/** On every answer: nothing is run, framed, guessed or kept. */
const everyAnswer = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** Takes one request to its end; never rejects. */
export async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  entry: Entry,
  site: Site,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => {
    abort(gone);
  });
  response.once('finish', () => {
    if (site.ending.aborted) request.socket.end();
  });
  const signals = anyOf(gone.signal, site.ending);
  try {
    await answer(request, response, entry, site, signals);
  } catch (error) {
    await refuse(request, response, asHttpError(error, site), site);
  } finally {
    signals.release();
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  entry: Entry,
  site: Site,
  { signal }: Linked,
): Promise<void> {
  if (site.ending.aborted) throw httpError(503, 'ending', 'the manager ends', 'try again', { connection: 'close' });
  const { options, proxies } = site;
  const peer = request.socket.remoteAddress ?? '';
  const isProxied = !entry.isUnixSocket && proxies.isTrusted(peer);
  const address = entry.isUnixSocket
    ? undefined
    : proxies.clientOf(peer, isProxied ? headerOf(request, 'x-forwarded-for') : undefined);
  refuseBlocked(site, address);
  const isSecure = entry.isSecure || (isProxied && headerOf(request, 'x-forwarded-proto') === 'https');
  const way = { isUnixSocket: entry.isUnixSocket, isSecure, hosts: site.hosts };
  const { path, search } = targetOf(request, site.basePath);
  if (request.method === 'OPTIONS') {
    const allowed = path === '*' ? ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'] : site.router.allowed(path);
    if (allowed.length === 0) throw httpError(404, 'not-found', 'there is nothing here');
    await write(request, response, { status: 204, headers: { allow: allowed.join(', ') } }, site);
    return;
  }
  const { route, params } = site.router.find(request.method ?? '', path);
  const asker = visitorOf(request, way, { accounts: options.accounts, sessions: site.sessions });
  // A page of somebody else must not sign its visitor in, or out.
  if (route.right === 'nobody' && route.method !== 'GET' && request.headers.origin !== undefined && !way.isUnixSocket)
    refuseForeign(request, way);
  refuseWithoutRight(route, params, asker, options);
  const asked: Asked = {
    ...{ asker, params, signal, from: shareOf(address) },
    query: queryOf(search, route),
    headers: headersOf(request, route),
    ...(await readBody(request, route.body, () => {
      if (entry.waitsForContinue) response.writeContinue();
    })),
    preferred: (types) => preferredOf(headerOf(request, 'accept') ?? '*/*', types),
  };
  const given = await called(route, asked, site, address);
  const cookies = cookieHeaders(request, given, { isSecure, site });
  await write(request, response, { ...given, headers: { ...given.headers, ...cookies } }, site, asker);
}

/** All of loopback is one host; so is the UNIX socket. */
const shareOf = (address: string | undefined): string =>
  address === undefined ? 'socket' : isLoopback(address) ? 'loopback' : hostKey(address);

async function called(route: Route, asked: Asked, site: Site, address: string | undefined): Promise<Answer> {
  try {
    const given = await route.handle(asked);
    // Of logins that were sent side by side those that come after one too many are not told whether they were right.
    if (given.signIn !== undefined) refuseBlocked(site, address);
    return given;
  } catch (error) {
    if (error instanceof WrongCredentials) {
      site.failures.failed(address);
      // The one that is too many is told at once.
      refuseBlocked(site, address);
    }
    throw error;
  }
}

function refuseBlocked({ failures }: Site, address: string | undefined): void {
  const seconds = Math.ceil(failures.blockedMs(address) / 1000);
  if (seconds === 0) return;
  const message = 'too many logins from this address have failed';
  throw httpError(429, 'blocked', message, `wait ${Math.ceil(seconds / 60)} minutes`, {
    'retry-after': String(seconds),
  });
}

/** @throws HttpError 401, 403, or 404 where somebody may not even know that there is such a VM */
function refuseWithoutRight(
  { right, path }: Route,
  params: Asked['params'],
  asker: Visitor,
  { groupOf }: ServerOptions,
): void {
  if (right === 'nobody') return;
  if (asker.via === 'nothing') {
    const fix = 'send Authorization: Bearer TOKEN, or sign in';
    throw httpError(401, 'no-credentials', 'this needs an account', fix, {
      'www-authenticate': 'Bearer realm="vmrun"',
    });
  }
  if (right === 'anybody') return;
  if (right.on === 'root') {
    if (asker.may(right.role, rootGroup)) return;
    throw lacksRole(asker, right.role, rootGroup);
  }
  const name = params.name ?? '';
  const group = groupOf(name);
  if (group === undefined || !asker.may('view', group))
    throw httpError(404, 'unknown-vm', `there is no VM ${JSON.stringify(name)}`, 'GET /api/v1/vms lists them');
  if (!asker.may(right.role, group)) throw lacksRole(asker, right.role, group, name);
  if (!path.includes(':name')) throw new Error(`the path ${path} names no VM`);
}

/** The path, as it is encoded, and the query. Only a proxy is sent whole URLs. @throws HttpError */
function targetOf(
  { url = '', rawHeaders }: IncomingMessage,
  basePath: string,
): { readonly path: string; readonly search: string } {
  // RFC 9112, 3.2: whoever stands between us may have believed the other one.
  if (rawHeaders.filter((each, at) => at % 2 === 0 && each.toLowerCase() === 'host').length > 1)
    throw httpError(400, 'two-hosts', 'the request has more than one Host', undefined, { connection: 'close' });
  if (url === '*') return { path: '*', search: '' };
  if (!url.startsWith('/')) throw httpError(400, 'bad-target', 'the target of the request is no path');
  const at = url.indexOf('?');
  const [whole, search] = at === -1 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
  if (!whole.startsWith(`${basePath}/`))
    throw httpError(404, 'not-found', 'there is nothing here', `every path begins with ${basePath}/`);
  return { path: whole.slice(basePath.length), search };
}

/** @throws HttpError for what the route does not know, or is given twice */
function queryOf(search: string, { query }: Route): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(search)) {
    if (query === undefined || !Object.hasOwn(query.schema.properties, name)) {
      const known = Object.keys(query?.schema.properties ?? {});
      const fix = known.length === 0 ? 'leave it out' : `there are: ${known.join(', ')}`;
      throw httpError(400, 'unknown-parameter', `there is no parameter ${JSON.stringify(name.slice(0, 60))} here`, fix);
    }
    if (Object.hasOwn(values, name))
      throw httpError(400, 'repeated-parameter', `${name} is given twice`, 'keep one of the two');
    values[name] = value;
  }
  if (query !== undefined) refuseViolations(query, values, (pointer) => ({ file: 'query', pointer }), 'the query');
  return values;
}

const headerOf = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
};

const headersOf = (request: IncomingMessage, route: Route): Asked['headers'] =>
  Object.fromEntries(Object.keys(route.headers ?? {}).map((name) => [name, headerOf(request, name)]));

/** RFC 9110, 12.5.1, as far as a client says that it likes one better. */
function preferredOf(accept: string, types: readonly [string, ...string[]]): string {
  const ranges = accept.split(',').map((part) => {
    const [, q = '1'] = /;\s*q=([\d.]+)/i.exec(part) ?? [];
    return { range: mediaType(part), quality: Number(q) };
  });
  const qualityOf = (type: string): number => {
    const wider = [type, `${type.split('/')[0] ?? ''}/*`, '*/*'];
    return wider.map((each) => ranges.find(({ range }) => range === each)?.quality).find((q) => q !== undefined) ?? 0;
  };
  return types.reduce((best, type) => (qualityOf(type) > qualityOf(best) ? type : best));
}

function cookieHeaders(
  request: IncomingMessage,
  { signIn, signOut }: Answer,
  { isSecure, site }: { readonly isSecure: boolean; readonly site: Site },
): Readonly<Record<string, string>> {
  const path = `${site.basePath}/`;
  if (signIn !== undefined) return { 'set-cookie': setCookie(site.sessions.begin(signIn), path, isSecure) };
  if (signOut === undefined) return {};
  site.sessions.end(cookieOf(request.headers.cookie ?? '', sessionCookie) ?? '');
  return { 'set-cookie': setCookie('', path, isSecure) };
}

async function write(
  request: IncomingMessage,
  response: ServerResponse,
  given: Answer,
  site: Site,
  asker?: Visitor,
): Promise<void> {
  const { document, text, events, etag } = given;
  const isHead = request.method === 'HEAD';
  const headers = { ...everyAnswer, ...(etag === undefined ? {} : { etag: `"${etag}"` }), ...given.headers };
  if (events !== undefined) {
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    if (isHead) response.end();
    else {
      const { clock } = site.options;
      const isWelcome = (): boolean => asker?.isWelcome() !== false;
      await writeEvents(response, events(), {
        ...{ clock, isWelcome, ending: site.ending, patienceMs: site.limits.readMs },
      });
    }
    return;
  }
  if (etag !== undefined && isKnown(request.headers['if-none-match'] ?? '', etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  const content = text?.content ?? (document === undefined ? undefined : `${JSON.stringify(document)}\n`);
  const status = given.status ?? (content === undefined ? 204 : 200);
  if (content === undefined) response.writeHead(status, headers).end();
  else {
    const bytes = Buffer.from(content);
    response.writeHead(status, {
      'content-type': text?.type ?? 'application/json',
      'content-length': bytes.length,
      ...headers,
    });
    response.end(isHead ? undefined : bytes);
  }
  await read(response, site);
}

const isKnown = (header: string, etag: string): boolean =>
  header === '*' || header.split(',').some((each) => each.trim().replace(/^W\//, '') === `"${etag}"`);

/** A client that does not read its answer keeps memory of ours. */
async function read(response: ServerResponse, { options, limits }: Site): Promise<void> {
  if (response.writableFinished || response.destroyed) return;
  const done = new AbortController();
  const end = (): void => {
    abort(done);
  };
  response.once('finish', end).once('close', end);
  await options.clock.sleep(limits.readMs, done.signal);
  if (!done.signal.aborted) response.destroy();
}

function asHttpError(error: unknown, { options }: Site): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof ProblemsError) return new HttpError(statusOf(error), error.problems);
  if (error instanceof TooBusy)
    return httpError(503, 'busy', 'too many passwords are being checked', 'try again', { 'retry-after': '2' });
  options.onBug(error);
  return httpError(500, 'bug', 'this is a fault of vmrun', 'its log says more');
}

/** By the code of the first problem; by what the problems are in where nothing is said of it. */
const statuses: ReadonlyMap<string, number> = new Map(
  Object.entries({
    403: ['too-wide'],
    404: ['unknown-vm', 'no-such-vm', 'unknown-user', 'unknown-token', 'unknown-operation', 'unknown-target'],
    409: ['exists', 'not-ours', 'running', 'in-use', 'not-stopped', 'last-admin'],
    412: ['changed'],
    422: ['bad-name', 'bad-password', 'bad-time', 'unknown-group'],
    507: ['not-kept', 'not-written'],
  }).flatMap(([status, codes]) => codes.map((code) => [code, Number(status)] as const)),
);

/** What the library refuses, as a status. */
export const statusOf = ({ kind, problems }: Pick<ProblemsError, 'kind' | 'problems'>): number =>
  statuses.get(problems.find(isError)?.code ?? '') ?? kindStatuses[kind];

const isError = ({ severity }: Problem): boolean => severity === 'error';

const kindStatuses: Readonly<Record<ProblemsError['kind'], number>> = {
  spec: 422,
  unreadable: 422,
  usage: 400,
  host: 409,
  'in-use': 409,
  'cannot-create': 507,
};

/** Once an answer has begun nothing can be said any more. */
async function refuse(request: IncomingMessage, response: ServerResponse, error: HttpError, site: Site): Promise<void> {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  // What is left of the body is read by nobody.
  const isUnread = !request.complete;
  const bytes = Buffer.from(`${JSON.stringify(errorDocument(error))}\n`);
  response.writeHead(error.status, {
    ...everyAnswer,
    'content-type': 'application/problem+json',
    'content-length': bytes.length,
    ...(isUnread ? { connection: 'close' } : {}),
    ...error.headers,
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
  await read(response, site);
}
