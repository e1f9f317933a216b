import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as tlsRequest, type RequestOptions as TlsOptions } from 'node:https';
import { connect, type Socket } from 'node:net';
import Ajv, { type AnySchema } from 'ajv';
import { systemClock } from '../../src/host/clock.js';
import { runTool } from '../../src/host/process/tools.js';
import { openAccounts, type Accounts } from '../../src/manager/accounts/accounts.js';
import { passwordHashing } from '../../src/manager/accounts/passwords.js';
import type { Schema, Validate } from '../../src/server/route.js';
import type { ServerOptions } from '../../src/server/options.js';
import { createServer, type Server } from '../../src/server/server.js';
import { inPlace, type Place } from '../e2e/support/place.js';

/** Quick ones: what they cost is tested where they are. */
export const quickPasswords = () => passwordHashing([16, 1, 1]);

export const rootPassword = 'first password';

/** What ajv makes of a schema when it is not the build that asks. */
export function validatorOf(schema: Schema): Validate {
  const validate = new Ajv.default({ allErrors: true, messages: false }).compile(schema as AnySchema);
  const check: Validate = (value) => {
    const isGood = validate(value) === true;
    check.errors = validate.errors ?? null;
    return isGood;
  };
  return check;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Of a body that is JSON. */
  readonly json: unknown;
}

export interface Ask extends TlsOptions {
  readonly body?: string | object;
  readonly token?: string;
}

/** A request to `http://127.0.0.1:1/path`, or at a socket. */
export function ask(url: string, { body, token, headers, ...options }: Ask = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const send = url.startsWith('https:') ? tlsRequest : httpRequest;
    const asked = send(url, {
      agent: false,
      ...options,
      headers: {
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(headers as Readonly<Record<string, string>>),
      },
    });
    asked.on('error', reject);
    asked.on('response', (response) => {
      let found = '';
      response.setEncoding('utf8').on('data', (more: string) => (found += more));
      response.on('error', reject);
      response.on('end', () => {
        const isJson = (response.headers['content-type'] ?? '').includes('json') && found !== '';
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: found,
          json: isJson ? (JSON.parse(found) as unknown) : undefined,
        });
      });
    });
    asked.end(text);
  });
}

/** Bytes on a connection, as a client that has its own mind would send them. @returns all that comes until it is closed */
export async function speak(address: string, ...parts: readonly string[]): Promise<string> {
  const socket = dial(address);
  let found = '';
  socket.setEncoding('latin1').on('data', (more: string) => (found += more));
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const part of parts) socket.write(part, 'latin1');
  await closed;
  return found;
}

/** A connection to an address as the server tells it. */
export function dial(address: string): Socket {
  if (address.startsWith('unix:')) return connect(address.slice('unix:'.length));
  const { hostname, port } = new URL(address);
  return connect(Number(port), hostname.replaceAll(/[[\]]/g, ''));
}

export interface Served {
  readonly place: Place;
  readonly server: Server;
  readonly accounts: Accounts;
  /** Of the first address that is no UNIX socket. */
  readonly url: string;
  readonly socketPath: string;
  readonly bugs: readonly unknown[];
  /** A token of root's, for the root group. */
  readonly token: string;
}

export type ServedOptions = Partial<ServerOptions> | ((place: Place, accounts: Accounts) => Partial<ServerOptions>);

/** A server of the test's own, on a UNIX socket and on loopback, which is closed afterwards. */
export async function withServer(options: ServedOptions, use: (served: Served) => Promise<void>): Promise<void> {
  await inPlace(async (place) => {
    const socketPath = place.path('m.sock');
    const { accounts } = await openAccounts({
      file: place.path('accounts.json'),
      initialPasswordFile: place.write('password', rootPassword, 0o600),
      clock: systemClock,
      passwords: quickPasswords(),
    });
    const bugs: unknown[] = [];
    const own = typeof options === 'function' ? options(place, accounts) : options;
    const server = await createServer({
      listen: [`unix:${socketPath}`, 'http://127.0.0.1:0'],
      ...{ accounts, clock: systemClock, run: runTool, stateFolder: place.folder },
      routes: [],
      groupOf: () => undefined,
      onBug: (error) => bugs.push(error),
      ...own,
    });
    const { token } = accounts.makeToken({ user: 'root', name: 'test', ends: inAnHour(), grants: adminOfAll });
    const url = server.addresses.find((address) => !address.startsWith('unix:')) ?? '';
    try {
      await use({ place, server, accounts, url, socketPath, bugs, token });
    } finally {
      await server.close();
    }
  });
}

export const adminOfAll = [{ group: 'root', role: 'admin' }] as const;

export const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();
