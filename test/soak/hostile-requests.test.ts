import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { inPlace } from '../e2e/support/place.js';
import { managedIn } from '../e2e/support/serving.js';
import { randomNumbers } from '../support/random-numbers.js';
import { ask, inAnHour } from '../support/served.js';

const requests = 10_000;
/** At a time; with those that are never ended they are fewer than an address may have. */
const atOnce = { cheap: 36, costly: 6 };
const left = 40;
/** Of all requests; each takes the time of dozens of others. */
const costlyRequests = 60;
/** These wait until the server gives up on them, a minute: they are sent first, all at once, and waited for last. */
const stalledRequests = 9;
const seed = 23;
/** The most that the manager's process may have: what it has when it does nothing is about 100 MiB. */
const mostMiB = 500;

/** A client of another address, where there are several on this host; else ours is at the socket. */
const isElsewhere = process.platform === 'linux';
const hostileAddress = isElsewhere ? { localAddress: '127.0.0.2' } : {};

interface Attack {
  /** What is sent. */
  readonly text: string;
  /** Of each answer; undefined: there may be none. */
  readonly statuses?: readonly number[];
  /** So many answers at most: one that comes from what another client's proxy would have taken for a body is one too many. */
  readonly most?: number;
}

const pick = <T>(random: () => number, all: readonly [T, ...T[]]): T =>
  all[Math.floor(random() * all.length)] ?? all[0];
const head = (line: string, ...more: readonly string[]): string =>
  [`${line} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...more, '', ''].join('\r\n');
const withBody = (line: string, body: string, ...more: readonly string[]): string =>
  head(line, 'Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, ...more) + body;

type Kind = readonly [name: string, make: (random: () => number) => Attack];
type Attacks = readonly [Kind, ...Kind[]];

/** @param token of somebody who may look at everything, and do nothing */
function attacksOf(token: string): {
  readonly cheap: Attacks;
  readonly costly: Attacks;
  readonly stalled: Attacks;
} {
  const mine = `Authorization: Bearer ${token}`;
  const inside = [
    '/etc/passwd',
    '/../state/accounts.json',
    '/api/v1/vms/..%2f..%2fstate',
    '/api/v1/vms/%2e%2e',
    '/%2e%2e/',
  ];
  const paths = [
    ...inside,
    '/api/v1/vms/%00',
    '/api/v1/vms/a%00b',
    '/api/v1/vms/%c0%ae',
    '/%zz',
    '//api/v1/vms',
    '/api/v1//vms',
  ];
  const weird = [
    ...paths,
    '/api/v1/vms/..;/',
    '\\..\\',
    '/api/v1/vms/web%2fstart',
    `/${'a/'.repeat(3000)}`,
    `/api/v1/vms/${'%41'.repeat(4000)}`,
  ];
  const [first = '/', ...others] = weird;
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'] as const;
  const refused = [400, 401, 403, 404, 405, 408, 411, 413, 415, 422, 431, 501, 503];
  const smuggled = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n';
  const bad = (...lines: readonly string[]): string =>
    ['POST /api/v1/login HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n');
  const cheap: Attacks = [
    [
      'paths',
      (random) => ({
        text: head(`${pick(random, methods)} ${pick(random, [first, ...others])}`, mine),
        statuses: [204, ...refused],
      }),
    ],
    [
      'smuggling',
      (random) => ({
        text:
          pick(random, [
            bad('Content-Length: 4', 'Content-Length: 40'),
            bad('Content-Length: 4', 'Transfer-Encoding: chunked'),
            bad('Transfer-Encoding: chunked', 'Transfer-Encoding: identity'),
            bad('Transfer-Encoding: xchunked'),
            bad('Transfer-Encoding : chunked'),
            bad('Content-Length: +4'),
            bad('Content-Length: 0x4'),
            bad('Content-Length: 99999999999999999999999'),
            'POST /api/v1/login HTTP/1.1\nHost: a\nContent-Length: 4\n\n',
            bad('Content-Length : 4'),
            bad(' Content-Length: 4'),
            bad('X: a\0b'),
            bad('X: a\rb'),
            bad('Host: b'),
          ]) + `0\r\n\r\n${smuggled}`,
        statuses: [400],
        most: 1,
      }),
    ],
    [
      'other pages and names',
      (random) => ({
        text: [
          `${pick(random, ['GET /api/v1/vms', 'POST /api/v1/vms/web/stop', 'DELETE /api/v1/vms/web', 'POST /api/v1/logout'])} HTTP/1.1`,
          `Host: ${pick(random, ['evil.example', '127.0.0.1.evil.example', 'localhost', '[::1', 'a b', ''])}`,
          'Origin: https://evil.example',
          'Connection: close',
          `Cookie: vmrun_session=${'x'.repeat(43)}`,
          '',
          '',
        ].join('\r\n'),
        statuses: refused,
      }),
    ],
    [
      'what he may not',
      (random) => ({
        text: head(`POST /api/v1/vms/web/${pick(random, ['stop', 'start', 'reset', 'pause', 'restart'])}`, mine),
        statuses: [403],
      }),
    ],
    [
      'many headers',
      (random) => ({
        text: head(
          'GET /healthz',
          ...Array.from(
            { length: Math.floor(random() * 3000) },
            (_, at) => `X-${at}: ${'y'.repeat(Math.floor(random() * 20))}`,
          ),
        ),
        statuses: [200, 431],
      }),
    ],
    [
      'pipelines',
      () => ({
        text: `GET /api/v1/vms/web HTTP/1.1\r\nHost: a\r\n${mine}\r\n\r\n`.repeat(20) + head('GET /healthz'),
        statuses: [200],
      }),
    ],
    [
      'bodies',
      (random) => ({
        text: pick(random, [
          withBody('POST /api/v1/login', '['.repeat(100_000)),
          withBody('POST /api/v1/login', `{"a":`.repeat(50_000)),
          withBody('POST /api/v1/login', `{"name":"root","password":"","x":"${'x'.repeat(900_000)}"}`),
          withBody('POST /api/v1/login', `{${Array.from({ length: 20_000 }, (_, at) => `"k${at}":1`).join()}}`),
          head('POST /api/v1/login', 'Content-Type: application/json', 'Content-Length: 1000000000'),
          withBody('POST /api/v1/login', '\xff\xfe{}'),
        ]),
        statuses: refused,
      }),
    ],
  ];
  // Each of these takes the time of many others.
  const costly: Attacks = [
    [
      'passwords',
      (random) => ({
        text: withBody('POST /api/v1/login', JSON.stringify({ name: 'root', password: String(random()) })),
        statuses: [401, 503],
      }),
    ],
    [
      'drafts',
      (random) => ({
        text: pick(random, [
          withBody(
            'POST /api/v1/plan',
            JSON.stringify({
              name: 'a',
              cpu: 1,
              mem: '64M',
              emulations: Array.from({ length: 2000 }, () => ({ device: 'virtio-rnd' })),
            }),
            mine,
          ),
          withBody('POST /api/v1/plan', '{"name":', mine),
        ]),
        statuses: [200, 422, 503],
      }),
    ],
    [
      'what costs',
      (random) => ({
        text: head(
          `GET ${pick(random, ['/api/v1/host', '/metrics', '/api/v1/vms', '/api/v1/openapi.json', '/api/v1/vms/web/graph?format=svg', '/api/v1/vms/web/check'])}`,
          mine,
        ),
        statuses: [200],
      }),
    ],
  ];
  const chunked = (text: string): Attack => ({
    text: head('POST /api/v1/login', 'Content-Type: application/json', 'Transfer-Encoding: chunked') + text,
    statuses: refused,
  });
  const stalled: Attacks = [
    ['a chunk that does not come', () => chunked('ffffffffffffffff\r\n')],
    ['a long extension of a chunk', () => chunked(`1;${'x'.repeat(20_000)}\r\n`)],
    [
      'a body that does not come',
      () => ({
        text: head('POST /api/v1/login', 'Content-Type: application/json', 'Content-Length: 9'),
        statuses: refused,
      }),
    ],
  ];
  return { cheap, costly, stalled };
}

/** Bytes, and whatever is answered, until the connection is closed. */
async function attack(url: URL, text: string): Promise<string> {
  const socket = connect({ port: Number(url.port), host: url.hostname, ...hostileAddress });
  let found = '';
  socket.setEncoding('latin1').on('data', (more: string) => (found += more));
  // It is cut off in the middle of what it sends.
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.write(Buffer.from(text, 'latin1'));
  await closed;
  return found;
}

/** Connections that nobody ends: half a request, a body that does not come, an answer or a stream that nobody reads. */
function leaveOpen(url: URL, token: string, random: () => number): Socket {
  const socket = connect({ port: Number(url.port), host: url.hostname, ...hostileAddress });
  socket.on('error', () => undefined).pause();
  const mine = `Authorization: Bearer ${token}`;
  socket.write(
    pick(random, [
      'GET / HTTP/1.1\r\nHost: a\r\nX: ',
      '',
      'POST /api/v1/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{',
      `GET /api/v1/events HTTP/1.1\r\nHost: a\r\n${mine}\r\n\r\n`,
      `GET /api/v1/events HTTP/1.1\r\nHost: a\r\n${mine}\r\n\r\n`.repeat(20),
      `GET /api/v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(1000),
      `GET /api/v1/operations/none?wait=10m HTTP/1.1\r\nHost: a\r\n${mine}\r\n\r\n`.repeat(1000),
    ]),
  );
  return socket;
}

/** The most memory that a process has had, in MiB; where only the present is known, that. */
function memoryOf(pid: number): number {
  const file = `/proc/${pid}/status`;
  if (existsSync(file)) return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(file, 'utf8'))?.[1]) / 1024;
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;
}

test('ten thousand requests of a hostile client, and one that works beside him sees nothing of it', async () => {
  await inPlace(async (place) => {
    const managed = managedIn(place);
    const socketPath = place.path('m.sock');
    const listen = [`unix:${socketPath}`, 'http://127.0.0.1:0'];
    place.write('manager.json', JSON.stringify({ specs: 'specs', state: 'state', run_dir: place.runBase, listen }));
    place.spec({ name: 'web', restart: { delay: 0 } }, 'specs/web.json');
    const serving = await managed.serve();
    const url = new URL(/http:\/\/127\.0\.0\.1:\d+/.exec(serving.said())?.[0] ?? '');
    const tokenOf = async (role: string): Promise<string> => {
      const body = { user: 'root', name: role, ends: inAnHour(), grants: [{ group: 'root', role }] };
      const { json } = await ask('http://localhost/api/v1/tokens', { socketPath, method: 'POST', body });
      return (json as { readonly token: string }).token;
    };
    const [looks, works] = [await tokenOf('view'), await tokenOf('admin')];
    const ours = isElsewhere ? { token: works } : { socketPath };
    const base = isElsewhere ? url.origin : 'http://localhost';

    // He who works: what he sees of the events has no gap, and each of his requests the answer that it should have.
    const asked = httpGet(`${base}/api/v1/events`, {
      agent: false,
      ...(isElsewhere ? { headers: { authorization: `Bearer ${works}` } } : { socketPath }),
    });
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    let told = '';
    response.setEncoding('utf8').on('data', (more: string) => (told += more));
    let hasEnded = false;
    response.on('close', () => (hasEnded = true)).on('error', () => (hasEnded = true));
    let isOver = false;
    let rounds = 0;
    const work = async (): Promise<void> => {
      for (; !isOver || rounds < 5; rounds += 1)
        for (const [line, answer] of [
          ['GET /vms', { vms: [{ name: 'web', state: 'stopped' }] }],
          ['POST /vms/web/start?wait=10m', { state: 'done', kind: 'start', hadEffect: true }],
          ['GET /vms/web', { state: 'running', wanted: { state: 'running' } }],
          ['POST /vms/web/stop?wait=10m', { state: 'done', kind: 'stop', hadEffect: true }],
          ['GET /vms/web', { state: 'stopped' }],
        ] as const) {
          const [method = '', path = ''] = line.split(' ');
          const body = path.includes('stop') ? { body: { now: true } } : {};
          const reply = await ask(`${base}/api/v1${path}`, { method, ...body, ...ours });
          expect({ line, status: reply.status, json: reply.json }).toMatchObject({ line, status: 200, json: answer });
        }
    };

    const random = randomNumbers(seed);
    const { cheap, costly, stalled } = attacksOf(looks);
    const statuses = new Map<string, Map<number, number>>();
    const open: Socket[] = [];
    let sent = 0;
    let isGivenUp = false;
    /** @param count how many are left to be sent */
    const hostile = async (kinds: Attacks, count: { left: number }): Promise<void> => {
      while (count.left > 0 && !isGivenUp) {
        count.left -= 1;
        sent += 1;
        const [name, make] = kinds[count.left] ?? pick(random, kinds);
        const { text, statuses: right, most } = make(random);
        const found = [...(await attack(url, text)).matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) =>
          Number(status),
        );
        const own = statuses.get(name) ?? new Map<number, number>();
        statuses.set(name, own);
        for (const status of found) own.set(status, (own.get(status) ?? 0) + 1);
        const wrong = found.filter((status) => right?.includes(status) === false);
        expect([name, text.slice(0, 200), wrong, found.length > (most ?? Infinity)]).toEqual([
          name,
          text.slice(0, 200),
          [],
          false,
        ]);
        if (sent % 50 === 0) {
          open.push(leaveOpen(url, looks, random));
          if (open.length > left) open.shift()?.destroy();
        }
      }
    };
    const sideBySide = (length: number, kinds: Attacks, all: number): Promise<unknown> => {
      const count = { left: all };
      return Promise.all(Array.from({ length }, () => hostile(kinds, count)));
    };
    const all = Promise.all([
      sideBySide(stalledRequests, stalled, stalledRequests),
      sideBySide(atOnce.costly, costly, costlyRequests),
      sideBySide(atOnce.cheap, cheap, requests - costlyRequests - stalledRequests),
    ]).finally(() => (isOver = true));
    try {
      await Promise.all([all, work()]);
    } finally {
      isGivenUp = true;
      for (const socket of open) socket.destroy();
    }

    expect(hasEnded).toBe(false);
    const last = await ask(`${base}/api/v1/vms/web/start?wait=10m`, { method: 'POST', ...ours });
    const id = (last.json as { readonly id: string }).id;
    while (!new RegExp(`^data: .*"id":"${id}".*"state":"done"`, 'm').test(told)) await once(response, 'data');
    asked.destroy();
    const numbers = [...told.matchAll(/^id: \w+-(\d+)$/gm)].map(([, number]) => Number(number));
    expect(told).not.toContain('event: gap');
    expect(numbers).toEqual(numbers.map((_, at) => (numbers[0] ?? 0) + at));
    expect(serving.said()).not.toContain('bug');
    expect(sent).toBe(requests);
    // Each kind was answered, and not only cut off.
    expect([...statuses.keys()].sort()).toEqual([...cheap, ...costly, ...stalled].map(([name]) => name).sort());
    for (const [name, own] of statuses) expect([name, own.size > 0]).toEqual([name, true]);
    expect(memoryOf(serving.pid)).toBeLessThan(mostMiB);
    serving.kill('SIGTERM');
    expect(await serving.ended).toBe(0);
  });
});
