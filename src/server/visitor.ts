import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { covers, rootGroup, type Grant, type Role } from '../manager/accounts/grants.js';
import type { Accounts } from '../manager/accounts/accounts.js';
import { httpError, type HttpError } from './http-error.js';
import type { Visitor } from './route.js';
import type { Sessions } from './sessions.js';

/** The cookie of a session. */
export const sessionCookie = 'vmrun_session';

/** How a request came. */
export interface Way {
  readonly isUnixSocket: boolean;
  /** TLS, here or at a trusted proxy. */
  readonly isSecure: boolean;
  /** Names that this server may be called by; addresses always may. Lower case. */
  readonly hosts: ReadonlySet<string>;
}

const nobody: Visitor = { by: 'nobody', via: 'nothing', may: () => false, isWelcome: () => true };

/** Whoever may write to the socket is root, or one of a group that root trusts. */
const socket: Visitor = { by: 'socket', via: 'socket', may: () => true, isWelcome: () => true };

/**
 * Who sends a request.
 * @throws HttpError where what he shows is not good, or a page of another origin makes his browser send it
 */
export function visitorOf(
  request: IncomingMessage,
  way: Way,
  { accounts, sessions }: { readonly accounts: Accounts; readonly sessions: Sessions },
): Visitor {
  if (way.isUnixSocket) return socket;
  const { authorization } = request.headers;
  if (authorization !== undefined) return holderOf(authorization, accounts);
  const id = cookieOf(request.headers.cookie ?? '', sessionCookie);
  const user = id === undefined ? undefined : sessions.userOf(id);
  if (id === undefined || user === undefined) return nobody;
  refuseForeign(request, way);
  return {
    by: user.name,
    via: 'session',
    user,
    may: (role, group) => covers(sessions.userOf(id)?.grants ?? [], role, group),
    isWelcome: () => sessions.userOf(id) !== undefined,
  };
}

function holderOf(authorization: string, accounts: Accounts): Visitor {
  const [, token = ''] = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization) ?? [];
  const holder = token === '' ? undefined : accounts.byToken(token);
  if (holder === undefined) {
    const [message, fix] = /^Bearer /i.test(authorization)
      ? ['this token is not known, or has ended', 'make another one']
      : ['only Authorization: Bearer TOKEN is known here', 'make a token, or sign in for a session'];
    throw httpError(401, 'bad-token', message, fix, {
      'www-authenticate': 'Bearer realm="vmrun", error="invalid_token"',
    });
  }
  const now = (): { readonly token: readonly Grant[]; readonly user: readonly Grant[] } | undefined => {
    const found = accounts.byToken(token);
    return found && { token: found.token.grants, user: found.user.grants };
  };
  return {
    by: holder.user.name,
    via: 'token',
    user: holder.user,
    may: (role, group) => {
      const grants = now();
      return grants !== undefined && covers(grants.token, role, group) && covers(grants.user, role, group);
    },
    isWelcome: () => now() !== undefined,
  };
}

/**
 * Somebody lacks a role. Of a token it is said whether its owner has it: a new token helps then, and nothing else does.
 * @param vm whose group it is
 */
export function lacksRole({ by, via, user }: Visitor, role: Role, group: string, vm?: string): HttpError {
  const on = vm === undefined ? `the group ${group}` : `${group}, the group of ${vm}`;
  const needs = `this needs the role ${role} on ${on}`;
  if (via !== 'token' || !covers(user?.grants ?? [], role, group))
    return httpError(403, 'no-right', `${needs}: ${by} does not have it`, `ask an admin of ${rootGroup} for that role`);
  const where = group === rootGroup ? '' : ` --group ${group}`;
  const fix = `make one that has it: vmrun serve token add NAME --user ${by} --role ${role}${where}`;
  return httpError(403, 'no-right', `${needs}: ${by} has it, but this token has not`, fix);
}

/** The value of a cookie; of several with one name the first. */
export function cookieOf(header: string, name: string): string | undefined {
  for (const part of header.split(';')) {
    const at = part.indexOf('=');
    if (at !== -1 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}

/**
 * A browser sends a cookie whoever's page asks it to. So the name that it knows us by has to be one of ours: a name that
 * somebody has lead to our address by DNS is not; and what changes something has to come from our own page.
 * @throws HttpError
 */
export function refuseForeign(request: IncomingMessage, { isSecure, hosts }: Omit<Way, 'isUnixSocket'>): void {
  const { host = '', origin } = request.headers;
  if (!isOurName(host, hosts)) {
    const message = `this server is not called ${JSON.stringify(host)}`;
    throw httpError(403, 'foreign-host', message, 'use its address, or add the name to the hosts of its configuration');
  }
  if (request.method === 'GET' || request.method === 'HEAD') {
    if (request.headers.upgrade === undefined) return;
  }
  if (origin?.toLowerCase() === `${isSecure ? 'https' : 'http'}://${host.toLowerCase()}`) return;
  const message =
    origin === undefined ? 'this request has no Origin' : `this request comes from ${JSON.stringify(origin)}`;
  throw httpError(403, 'foreign-origin', message, 'use a token, which needs no Origin, or the page of this server');
}

function isOurName(host: string, hosts: ReadonlySet<string>): boolean {
  const [, bracketed, plain = ''] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(host) ?? [];
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  const name = plain.toLowerCase();
  return isIP(name) === 4 || name === 'localhost' || hosts.has(name);
}

/** What the answer to a login sets; an empty id takes it away. */
export const setCookie = (id: string, path: string, isSecure: boolean): string =>
  [
    `${sessionCookie}=${id}`,
    `Path=${path}`,
    'HttpOnly',
    'SameSite=Strict',
    ...(isSecure ? ['Secure'] : []),
    ...(id === '' ? ['Max-Age=0'] : []),
  ].join('; ');
