import { setMaxListeners } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { hostname } from 'node:os';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ProblemsError } from '../base/problem.js';
import { abort } from '../host/abort.js';
import { readListenAddress, type ListenAddress } from './addresses.js';
import { readCertificate, selfSignedCertificate, type Certificate } from './certificate.js';
import { failedLogins } from './failed-logins.js';
import { connectionCounter, usualLimits, type Limits } from './limits.js';
import { trustedProxies } from './proxies.js';
import { respond, type Site } from './respond.js';
import type { ServerOptions } from './options.js';
import { makeRouter } from './router.js';
import { sessionStore } from './sessions.js';
import { listenAtPath, listening } from './unix-socket.js';

/** A server that listens. */
export interface Server {
  /** As they were given; a port 0 is the one that was taken. */
  readonly addresses: readonly string[];
  /** Where TLS is spoken. */
  readonly certificate?: Pick<Certificate, 'fingerprint' | 'isSelfSigned'>;
  /**
   * Takes no more requests, tells who listens to events, and lets what is under way end, for a short time. Resolves when
   * every connection is closed and the socket is removed.
   */
  readonly close: () => Promise<void>;
}

/**
 * Listens at every address, or at none.
 * @throws ProblemsError for the first that it cannot listen at
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const addresses = options.listen.map(readListenAddress);
  const limits = { ...usualLimits, ...options.limits };
  const certificate = addresses.some((address) => address.kind === 'tcp' && address.isSecure)
    ? await certificateFor(options)
    : undefined;
  const ending = new AbortController();
  // Every request listens to it.
  setMaxListeners(0, ending.signal);
  const proxies = trustedProxies(options.trustedProxies ?? []);
  const site = {
    ...{ options, limits, proxies, ending: ending.signal },
    router: makeRouter(options.routes),
    sessions: sessionStore(options.accounts, options.clock),
    failures: failedLogins(options.clock),
    hosts: new Set([...(options.hosts ?? []), hostname()].map((name) => name.toLowerCase())),
    basePath: basePathOf(options.basePath ?? ''),
  };
  const counter = connectionCounter(limits.connections, proxies.isTrusted);
  const open: HttpServer[] = [];
  const told: string[] = [];
  try {
    for (const address of addresses) {
      const server = serverFor(address, certificate, limits, site);
      server.on('connection', (socket: Socket) => {
        counter.take(socket);
      });
      open.push(server);
      told.push(await listen(server, address));
    }
  } catch (error) {
    await Promise.all(open.map((server) => closed(server)));
    throw error;
  }
  return {
    addresses: told,
    ...(certificate === undefined
      ? {}
      : { certificate: { fingerprint: certificate.fingerprint, isSelfSigned: certificate.isSelfSigned } }),
    async close() {
      abort(ending);
      const over = Promise.all(open.map((server) => closed(server)));
      const isOver = new AbortController();
      const timer = options.clock.sleep(limits.endingMs, isOver.signal).then(() => {
        for (const server of open) server.closeAllConnections();
      });
      await over;
      abort(isOver);
      await timer;
    },
  };
}

const certificateFor = ({ tls, stateFolder, run, clock }: ServerOptions): Certificate | Promise<Certificate> =>
  tls === undefined ? selfSignedCertificate(stateFolder, { run, clock }) : readCertificate(tls);

function basePathOf(path: string): string {
  if (path === '' || /^(?:\/[\w.~-]+)+$/.test(path)) return path;
  const message = `${JSON.stringify(path)} cannot stand in front of paths`;
  const fix = 'write it as /vmrun, without a slash at its end';
  throw new ProblemsError('usage', path, [{ code: 'base-path', severity: 'error', message, fix }]);
}

function serverFor(
  address: ListenAddress,
  certificate: Certificate | undefined,
  limits: Limits,
  site: Site,
): HttpServer {
  const common = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.idleMs,
    // Node.js looks so often even where nobody is connected: a server at rest is to cost nothing.
    connectionsCheckingInterval: limits.headersMs / 2,
    maxHeaderSize: 16 * 1024,
    insecureHTTPParser: false,
    requireHostHeader: true,
  };
  const isSecure = address.kind === 'tcp' && address.isSecure;
  const server =
    isSecure && certificate !== undefined
      ? createTlsServer({
          ...common,
          cert: certificate.certificate,
          key: certificate.key,
          minVersion: 'TLSv1.2',
          handshakeTimeout: limits.headersMs,
        })
      : createHttpServer(common);
  const way = { isUnixSocket: address.kind === 'unix', isSecure };
  const inTurn = takenInTurn();
  const take = (request: IncomingMessage, response: ServerResponse, waitsForContinue: boolean): void => {
    // A client that breaks off is no fault of ours.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    inTurn(request.socket, () => respond(request, response, { ...way, waitsForContinue }, site));
  };
  server.on('request', (request, response) => {
    take(request, response, false);
  });
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    take(request, response, true);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    refuseGarbage(error, socket);
  });
  return server;
}

/** So many requests of one connection may wait for their turn; nobody but those who want to hurt us sends more. */
const mostInTurn = 100;

/**
 * One request of a connection at a time: a client that sends a thousand at once, and reads nothing, has the memory of one
 * answer and not of a thousand.
 */
function takenInTurn(): (socket: Socket, answer: () => Promise<void>) => void {
  const waiting = new WeakMap<Socket, (() => Promise<void>)[]>();
  return (socket, answer) => {
    const others = waiting.get(socket);
    if (others !== undefined) {
      if (others.length >= mostInTurn) socket.destroy();
      else others.push(answer);
      return;
    }
    const line = [answer];
    waiting.set(socket, line);
    void (async () => {
      for (let next = line[0]; next !== undefined && !socket.destroyed; next = line[0]) {
        await next();
        line.shift();
      }
      waiting.delete(socket);
    })();
  };
}

/** What is no HTTP, or takes too long, is told so where it still listens. */
function refuseGarbage({ code }: NodeJS.ErrnoException, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

async function listen(server: HttpServer, address: ListenAddress): Promise<string> {
  if (address.kind === 'unix') {
    await listenAtPath(server, address.path);
    return `unix:${address.path}`;
  }
  const { host, port, isSecure } = address;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  server.listen({ host, port });
  await listening(server, `${shownHost}:${port}`);
  const taken = server.address();
  const used = typeof taken === 'object' && taken !== null ? taken.port : port;
  return `${isSecure ? 'https' : 'http'}://${shownHost}:${used}`;
}

const closed = (server: HttpServer): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeIdleConnections();
  });
