import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer as createNetServer } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { ProblemsError } from '../../src/base/problem.js';
import { systemClock } from '../../src/host/clock.js';
import { hostKey, readListenAddress } from '../../src/server/addresses.js';
import { failedLogins } from '../../src/server/failed-logins.js';
import { httpError, WrongCredentials } from '../../src/server/http-error.js';
import { trustedProxies } from '../../src/server/proxies.js';
import type { Answer, Asked, Route, StreamEvent } from '../../src/server/route.js';
import { sessionStore } from '../../src/server/sessions.js';
import { until } from '../e2e/support/place.js';
import { adminOfAll, ask, dial, rootPassword, speak, validatorOf, withServer } from '../support/served.js';
import { steppedClock } from '../support/stepped-clock.js';

const bodySchema = {
  type: 'object',
  properties: { name: { type: 'string', pattern: '^[a-z]+$' }, count: { type: 'integer', minimum: 1 } },
  required: ['name'],
  additionalProperties: false,
};
const querySchema = {
  type: 'object',
  properties: { wait: { type: 'string', pattern: '^[0-9]+s$' } },
  additionalProperties: false,
};

const answers = { 200: { words: 'well' } };

const row = (method: Route['method'], path: string, more: Partial<Route> = {}): Route => ({
  ...{ method, path, id: `${method} ${path}`, summary: path, right: 'nobody', answers },
  handle: ({ params, query, body, text, type, asker }) => ({
    document: { params, query, body, text, type, by: asker.by },
  }),
  ...more,
});

const large = 'x'.repeat(8 * 1024 * 1024);

const routes: readonly Route[] = [
  row('GET', '/api/v1/things/:name', { query: { schema: querySchema, validate: validatorOf(querySchema) } }),
  row('DELETE', '/api/v1/things/:name'),
  row('POST', '/api/v1/things', { body: { kind: 'json', schema: bodySchema, validate: validatorOf(bodySchema) } }),
  row('PUT', '/api/v1/text', { body: { kind: 'text', types: ['text/plain'], words: 'a text' } }),
  row('GET', '/api/v1/large', { handle: () => ({ text: { type: 'text/plain', content: large } }) }),
  row('GET', '/api/v1/bug', {
    handle: () => {
      throw new Error('a secret of ours');
    },
  }),
  row('GET', '/api/v1/tagged', { handle: () => ({ document: { a: 1 }, etag: 'abc' }) }),
  row('GET', '/api/v1/mine', { right: 'anybody' }),
  row('POST', '/api/v1/change', { right: { role: 'admin', on: 'root' } }),
  row('GET', '/api/v1/vms/:name', { right: { role: 'view', on: 'vm' } }),
  row('POST', '/api/v1/vms/:name/start', { right: { role: 'operate', on: 'vm' } }),
];

const fact = (reply: unknown, ...names: readonly string[]): unknown =>
  names.reduce<unknown>(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    reply,
  );

const firstCode = (json: unknown): unknown => fact(json, 'problems', '0', 'code');

/** Rows that sign somebody in and out. */
const loginRoutes = (verify: (name: string, password: string) => Promise<Answer>): readonly Route[] => [
  row('POST', '/login', {
    body: { kind: 'text', types: ['text/plain'], words: 'NAME PASSWORD' },
    handle: ({ text }: Asked) => {
      const [name = '', ...rest] = text.split(' ');
      return verify(name, rest.join(' '));
    },
  }),
  row('POST', '/logout', { right: 'anybody', handle: () => ({ signOut: true }) }),
];

const login = (text: string, headers: Readonly<Record<string, string>> = {}) => ({
  method: 'POST',
  body: text,
  headers: { 'content-type': 'text/plain', ...headers },
});

describe('a route', () => {
  test('gets its parameters decoded, whatever a name holds', async () => {
    await withServer({ routes }, async ({ url }) => {
      const { json, status } = await ask(`${url}/api/v1/things/a%2F..%2Fb%20%C3%A9?wait=3s`);
      expect(status).toBe(200);
      expect(json).toMatchObject({ params: { name: 'a/../b é' }, query: { wait: '3s' } });
    });
  });

  test.each([
    ['GET', '/api/v1/nothing', 404, 'not-found'],
    ['GET', '/api/v1/things/a/', 404, 'not-found'],
    ['GET', '/api/v1/things/../things/a', 404, 'not-found'],
    ['GET', '//api/v1/things/a', 404, 'not-found'],
    ['GET', '/api/v1/things/%00', 400, 'bad-path'],
    ['GET', '/api/v1/things/%c0%ae', 400, 'bad-path'],
    ['GET', '/api/v1/things/%zz', 400, 'bad-path'],
    ['GET', '/api/v1/things/a?wait=3', 400, 'wrong-value'],
    ['GET', '/api/v1/things/a?what=3', 400, 'unknown-parameter'],
    ['GET', '/api/v1/things/a?wait=3s&wait=3s', 400, 'repeated-parameter'],
    ['POST', '/api/v1/things/a', 405, 'method'],
    ['BREW', '/api/v1/things/a', 405, 'method'],
  ])('%s %s is %i %s', async (method, path, status, code) => {
    await withServer({ routes }, async ({ url }) => {
      const line = `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
      const reply = await speak(url, line);
      // A method that is none is garbage to the parser.
      if (method === 'BREW') expect(reply).toMatch(/^HTTP\/1.1 400 /);
      else {
        expect(reply).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
        expect(reply).toContain(`"code":"${code}"`);
        expect(reply).toContain('application/problem+json');
      }
    });
  });

  test('says which methods it takes', async () => {
    await withServer({ routes }, async ({ url }) => {
      const wrong = await ask(`${url}/api/v1/things/a`, { method: 'PUT' });
      expect([wrong.status, wrong.headers.allow]).toEqual([405, 'GET, DELETE, HEAD, OPTIONS']);
      const options = await ask(`${url}/api/v1/things/a`, { method: 'OPTIONS' });
      expect([options.status, options.headers.allow, options.text]).toEqual([204, 'GET, DELETE, HEAD, OPTIONS', '']);
    });
  });

  test('answers HEAD as GET, without the body', async () => {
    await withServer({ routes }, async ({ url }) => {
      const get = await ask(`${url}/api/v1/large`);
      const head = await ask(`${url}/api/v1/large`, { method: 'HEAD' });
      expect(head.status).toBe(200);
      expect(head.text).toBe('');
      expect(head.headers['content-length']).toBe(get.headers['content-length']);
    });
  });

  test('is not sent again to who has it', async () => {
    await withServer({ routes }, async ({ url }) => {
      const first = await ask(`${url}/api/v1/tagged`);
      expect(first.headers.etag).toBe('"abc"');
      const again = await ask(`${url}/api/v1/tagged`, { headers: { 'if-none-match': '"x", W/"abc"' } });
      expect([again.status, again.text]).toEqual([304, '']);
      expect((await ask(`${url}/api/v1/tagged`, { headers: { 'if-none-match': '"ab"' } })).status).toBe(200);
    });
  });

  test('that has a fault tells the log, not the client', async () => {
    await withServer({ routes }, async ({ url, bugs }) => {
      const reply = await ask(`${url}/api/v1/bug`);
      expect(reply.status).toBe(500);
      expect(reply.text).not.toContain('secret');
      expect(bugs).toEqual([new Error('a secret of ours')]);
    });
  });

  test('is below the path that a proxy gives us', async () => {
    await withServer({ routes, basePath: '/vmrun' }, async ({ url }) => {
      expect((await ask(`${url}/vmrun/api/v1/things/a`)).status).toBe(200);
      expect((await ask(`${url}/api/v1/things/a`)).status).toBe(404);
      expect((await ask(`${url}/vmrunapi/v1/things/a`)).status).toBe(404);
      expect((await ask(`${url}/other/api/v1/things/a`)).status).toBe(404);
    });
  });

  test('has headers that keep a browser from running, framing and guessing', async () => {
    await withServer({ routes }, async ({ url }) => {
      for (const path of ['/api/v1/things/a', '/nothing'])
        expect((await ask(`${url}${path}`)).headers).toMatchObject({
          'content-security-policy': expect.stringContaining("default-src 'none'") as unknown,
          'x-content-type-options': 'nosniff',
          'cache-control': 'no-store',
          'referrer-policy': 'no-referrer',
        });
    });
  });
});

describe('a body', () => {
  const post = (url: string, body: string, type = 'application/json') =>
    ask(`${url}/api/v1/things`, { method: 'POST', body, headers: { 'content-type': type } });

  test('is taken as it is written', async () => {
    await withServer({ routes }, async ({ url }) => {
      const { json } = await post(url, ' {"name": "a", "count": 2} ');
      expect(json).toMatchObject({ body: { name: 'a', count: 2 } });
    });
  });

  test('that breaks rules is told all that is wrong, with places', async () => {
    await withServer({ routes }, async ({ url }) => {
      const { status, json } = await post(url, '{\n "name": "A",\n "count": "2",\n "more": 1\n}');
      expect(status).toBe(400);
      expect(json).toMatchObject({ type: expect.stringMatching(/^urn:vmrun:error:/) as unknown, status: 400 });
      const problems = fact(json, 'problems') as readonly unknown[];
      expect(
        problems.map((problem) => [
          fact(problem, 'code'),
          fact(problem, 'place', 'line'),
          fact(problem, 'place', 'pointer'),
        ]),
      ).toEqual([
        ['wrong-value', 2, '/name'],
        ['wrong-type', 3, '/count'],
        ['unknown-member', 4, '/more'],
      ]);
    });
  });

  test.each([
    ['{"name": "a", "name": "b"}', 'syntax'],
    ['{"name": "a"', 'syntax'],
    ['{"name": "a"} {}', 'syntax'],
    ["{'name': 'a'}", 'syntax'],
    ['{"name": 1}', 'wrong-type'],
    ['{"name": "a", "count": 0}', 'wrong-value'],
    ['{"name": "a", "__proto__": {}}', 'unknown-member'],
    ['[]', 'wrong-type'],
    ['{}', 'missing'],
    ['['.repeat(100_000), 'syntax'],
  ])('of %.30s is %s', async (body, code) => {
    await withServer({ routes }, async ({ url }) => {
      const { status, json } = await post(url, body);
      expect([status, firstCode(json)]).toEqual([400, code]);
    });
  });

  test('that is no UTF-8 is refused', async () => {
    await withServer({ routes }, async ({ url }) => {
      const head = 'POST /api/v1/things HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n';
      const reply = await speak(url, `${head}Content-Length: 12\r\n\r\n{"name":"\xff"}`);
      expect(reply).toContain('"code":"encoding"');
    });
  });

  test('has the type that the route takes, and no other', async () => {
    await withServer({ routes }, async ({ url }) => {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', ''])
        expect((await post(url, '{"name": "a"}', type)).status).toBe(415);
      expect((await post(url, '{"name": "a"}', 'Application/JSON; charset=utf-8')).status).toBe(200);
      const zipped = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      expect((await ask(`${url}/api/v1/things`, { method: 'POST', body: '{}', headers: zipped })).status).toBe(415);
    });
  });

  test('is refused where none is taken, and missed where one is', async () => {
    await withServer({ routes }, async ({ url }) => {
      expect((await ask(`${url}/api/v1/things/a`, { method: 'DELETE', body: '{}' })).status).toBe(400);
      expect((await ask(`${url}/api/v1/things`, { method: 'POST' })).status).toBe(400);
    });
  });

  test('has at most a MiB, whether it says so or not', async () => {
    await withServer({ routes }, async ({ url, socketPath }) => {
      const text = (bytes: number): string => 'x'.repeat(bytes);
      const put = (bytes: number) => ask(`${url}/api/v1/text`, { ...login(text(bytes)), method: 'PUT' });
      expect((await put(1024 * 1024)).status).toBe(200);
      const head = `PUT /api/v1/text HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n`;
      for (const address of [url, `unix:${socketPath}`]) {
        expect(await speak(address, `${head}Content-Length: 1048577\r\n\r\n`)).toMatch(/^HTTP\/1.1 413 /);
        const chunk = `10000\r\n${text(0x10000)}\r\n`;
        const chunks = Array.from({ length: 17 }, () => chunk);
        expect(await speak(address, `${head}Transfer-Encoding: chunked\r\n\r\n`, ...chunks)).toMatch(/^HTTP\/1.1 413 /);
      }
      // Nobody is asked for what is refused anyhow.
      const expecting = `${head}Expect: 100-continue\r\nConnection: close\r\n`;
      expect(await speak(url, `${expecting}Content-Length: 2000000\r\n\r\n`)).not.toContain('100 Continue');
      expect(await speak(url, `${expecting}Content-Length: 2\r\n\r\n`, 'ab')).toMatch(
        /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /,
      );
    });
  });
});

describe('who may do what', () => {
  const groupOf = (vm: string): string | undefined => ({ web1: 'root/web', db1: 'root/db' })[vm];

  test('on the UNIX socket: everything, without an account', async () => {
    await withServer({ routes, groupOf }, async ({ socketPath }) => {
      for (const [method, path] of [
        ['POST', '/api/v1/change'],
        ['POST', '/api/v1/vms/web1/start'],
      ] as const) {
        const reply = await ask(`http://localhost${path}`, { socketPath, method });
        expect([reply.status, fact(reply.json, 'by')]).toEqual([200, 'socket']);
      }
    });
  });

  test('on TCP: nothing without an account, and loopback is no account', async () => {
    await withServer({ routes, groupOf }, async ({ url }) => {
      for (const path of ['/api/v1/mine', '/api/v1/vms/web1']) {
        const reply = await ask(`${url}${path}`);
        expect([reply.status, reply.headers['www-authenticate']]).toEqual([401, 'Bearer realm="vmrun"']);
      }
    });
  });

  test.each([
    ['view', 'GET', '/api/v1/mine', 200],
    ['view', 'GET', '/api/v1/vms/web1', 200],
    ['view', 'POST', '/api/v1/vms/web1/start', 403],
    ['operate', 'POST', '/api/v1/vms/web1/start', 200],
    ['admin', 'POST', '/api/v1/vms/web1/start', 200],
    ['admin', 'POST', '/api/v1/change', 403],
    ['admin', 'GET', '/api/v1/vms/db1', 404],
    ['admin', 'GET', '/api/v1/vms/none', 404],
  ] as const)('%s of root/web: %s %s is %i', async (role, method, path, status) => {
    await withServer({ routes, groupOf }, async ({ url, accounts }) => {
      accounts.addGroup('root/web');
      const grants = [{ group: 'root/web', role }];
      await accounts.addUser({ name: 'anna', password: 'a good one', grants });
      const ends = new Date(Date.now() + 60_000).toISOString();
      const { token } = accounts.makeToken({ user: 'anna', name: 'ci', ends, grants });
      expect((await ask(`${url}${path}`, { method, token })).status).toBe(status);
    });
  });

  test('a token has no more rights than its owner has now, and none when it is removed', async () => {
    await withServer({ routes }, async ({ url, accounts }) => {
      await accounts.addUser({ name: 'anna', password: 'a good one', grants: adminOfAll });
      const ends = new Date(Date.now() + 60_000).toISOString();
      const { token, view } = accounts.makeToken({ user: 'anna', name: 'ci', ends, grants: adminOfAll });
      const change = () => ask(`${url}/api/v1/change`, { method: 'POST', token });
      expect((await change()).status).toBe(200);
      await accounts.changeUser('anna', { grants: [{ group: 'root', role: 'view' }] });
      expect((await change()).status).toBe(403);
      await accounts.changeUser('anna', { grants: adminOfAll });
      accounts.removeToken(view.id);
      expect((await change()).status).toBe(401);
    });
  });

  test.each([['Bearer nonsense'], ['Bearer '], ['Basic cm9vdDpmaXJzdCBwYXNzd29yZA=='], ['']])(
    'Authorization %j is 401, also where nobody needs an account',
    async (authorization) => {
      await withServer({ routes }, async ({ url }) => {
        const reply = await ask(`${url}/api/v1/mine`, { headers: { authorization } });
        expect([reply.status, firstCode(reply.json)]).toEqual([401, 'bad-token']);
      });
    },
  );
});

describe('a session', () => {
  const signedIn = async (
    use: (site: { url: string; cookie: string; header: string; host: string }) => Promise<void>,
  ): Promise<void> => {
    await withServer(
      (_place, accounts) => ({
        routes: [
          ...routes,
          ...loginRoutes(async (name, password) => {
            const user = await accounts.verify(name, password);
            if (user === undefined) throw new WrongCredentials();
            return { signIn: user };
          }),
        ],
        hosts: ['vms.example.org'],
      }),
      async ({ url }) => {
        const { headers, status } = await ask(`${url}/login`, login(`root ${rootPassword}`));
        expect(status).toBe(204);
        const [header = ''] = headers['set-cookie'] ?? [];
        await use({ url, header, cookie: header.split(';')[0] ?? '', host: new URL(url).host });
      },
    );
  };

  test('is a cookie that no script reads and no other page sends', async () => {
    await signedIn(async ({ url, header, cookie }) => {
      expect(header).toMatch(/^vmrun_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
      expect((await ask(`${url}/api/v1/mine`, { headers: { cookie } })).json).toMatchObject({ by: 'root' });
      expect((await ask(`${url}/api/v1/mine`, { headers: { cookie: 'vmrun_session=x' } })).status).toBe(401);
    });
  });

  test('changes nothing for a page of another origin', async () => {
    await signedIn(async ({ url, cookie, host }) => {
      const change = async (headers: Readonly<Record<string, string>>): Promise<unknown> => {
        const { status, json } = await ask(`${url}/api/v1/change`, { method: 'POST', headers: { cookie, ...headers } });
        return status === 200 ? 200 : firstCode(json);
      };
      expect(await change({ origin: `http://${host}` })).toBe(200);
      expect(await change({ origin: 'https://evil.example' })).toBe('foreign-origin');
      expect(await change({ origin: `https://${host}` })).toBe('foreign-origin');
      expect(await change({ origin: 'null' })).toBe('foreign-origin');
      expect(await change({})).toBe('foreign-origin');
    });
  });

  test('is not there for a name that somebody has lead to our address', async () => {
    await signedIn(async ({ url, cookie }) => {
      const look = async (host: string): Promise<unknown> => {
        const { status, json } = await ask(`${url}/api/v1/mine`, { headers: { cookie, host } });
        return status === 200 ? 200 : firstCode(json);
      };
      for (const host of ['127.0.0.1', 'localhost:8443', '[::1]:80', 'VMs.example.org', '10.1.2.3:99'])
        expect([host, await look(host)]).toEqual([host, 200]);
      for (const host of ['evil.example', 'evil.example:80', '127.0.0.1.evil.example', 'vms.example.org.evil'])
        expect([host, await look(host)]).toEqual([host, 'foreign-host']);
    });
  });

  test('cannot be begun by a page of another origin', async () => {
    await signedIn(async ({ url, host }) => {
      const other = await ask(`${url}/login`, login(`root ${rootPassword}`, { origin: 'https://evil.example' }));
      expect([other.status, other.headers['set-cookie']]).toEqual([403, undefined]);
      expect((await ask(`${url}/login`, login(`root ${rootPassword}`, { origin: `http://${host}` }))).status).toBe(204);
    });
  });

  test('ends with a logout', async () => {
    await signedIn(async ({ url, cookie, host }) => {
      const headers = { cookie, origin: `http://${host}` };
      const { headers: found } = await ask(`${url}/logout`, { method: 'POST', headers });
      expect(found['set-cookie']?.[0]).toContain('Max-Age=0');
      expect((await ask(`${url}/api/v1/mine`, { headers })).status).toBe(401);
    });
  });

  test('ends after a day without a request, after a week, with another password, and with its user', () => {
    const clock = steppedClock();
    const user = { name: 'anna', grants: [], made: '', stamp: 'one' };
    let now: typeof user | undefined = user;
    const store = sessionStore({ user: () => now }, clock);
    const day = 24 * 3_600_000;
    const [idle, busy] = [store.begin(user), store.begin(user)];
    for (let hours = 0; hours < 24 * 7 - 1; hours += 1) {
      clock.advance(day / 24);
      expect(store.userOf(busy)).toBe(user);
    }
    expect(store.userOf(idle)).toBeUndefined();
    clock.advance(day / 24);
    expect(store.userOf(busy)).toBeUndefined();
    const third = store.begin(user);
    now = { ...user, stamp: 'two' };
    expect(store.userOf(third)).toBeUndefined();
    const fourth = store.begin(now);
    now = undefined;
    expect(store.userOf(fourth)).toBeUndefined();
  });

  test('is one of at most 50 of its user', () => {
    const user = { name: 'anna', grants: [], made: '', stamp: 'one' };
    const store = sessionStore({ user: () => user }, steppedClock());
    const all = Array.from({ length: 51 }, () => store.begin(user));
    expect(all.filter((id) => store.userOf(id) === undefined)).toEqual([all[0]]);
  });
});

describe('failed logins', () => {
  test('block an address for an hour, and nobody else', () => {
    const clock = steppedClock();
    const failures = failedLogins(clock);
    const [bad, good] = ['203.0.113.7', '203.0.113.8'];
    for (let times = 0; times < 4; times += 1) failures.failed(bad);
    expect(failures.blockedMs(bad)).toBe(0);
    failures.failed(`::ffff:${bad}`);
    expect(failures.blockedMs(bad)).toBe(3_600_000);
    expect(failures.blockedMs(good)).toBe(0);
    clock.advance(3_599_999);
    expect(failures.blockedMs(bad)).toBe(1);
    clock.advance(1);
    expect(failures.blockedMs(bad)).toBe(0);
  });

  test('count for ten minutes', () => {
    const clock = steppedClock();
    const failures = failedLogins(clock);
    for (let times = 0; times < 20; times += 1) {
      failures.failed('203.0.113.7');
      clock.advance(150_001);
      expect(failures.blockedMs('203.0.113.7')).toBe(0);
    }
  });

  test.each([['127.0.0.1'], ['127.3.2.1'], ['::1'], ['::ffff:127.0.0.1'], [undefined]])('never block %s', (address) => {
    const failures = failedLogins(steppedClock());
    for (let times = 0; times < 100; times += 1) failures.failed(address);
    expect(failures.blockedMs(address)).toBe(0);
  });

  test('of one IPv6 network count together', () => {
    const failures = failedLogins(steppedClock());
    for (let times = 0; times < 5; times += 1) failures.failed(`2001:db8::${times}`);
    expect(failures.blockedMs('2001:db8:0:0:ffff::1')).toBeGreaterThan(0);
    expect(failures.blockedMs('2001:db8:0:1::1')).toBe(0);
  });

  test('of a client behind a trusted proxy are its own', async () => {
    await withServer(
      (_place, accounts) => ({
        routes: [
          ...routes,
          ...loginRoutes(async (name, password) => {
            const user = await accounts.verify(name, password);
            if (user === undefined) throw new WrongCredentials();
            return { signIn: user };
          }),
        ],
        trustedProxies: ['127.0.0.0/8'],
      }),
      async ({ url, socketPath }) => {
        const from = (address: string) => ({ 'x-forwarded-for': address });
        const wrong = (address: string) => ask(`${url}/login`, login('root ', from(address)));
        const statuses: number[] = [];
        for (let times = 0; times < 6; times += 1) statuses.push((await wrong('203.0.113.7')).status);
        expect(statuses).toEqual([401, 401, 401, 401, 429, 429]);
        const blocked = await ask(`${url}/login`, login(`root ${rootPassword}`, from('1.1.1.1, 203.0.113.7')));
        expect([blocked.status, Number(blocked.headers['retry-after']) > 3500]).toEqual([429, true]);
        expect((await wrong('203.0.113.9')).status).toBe(401);
        expect((await ask(`${url}/login`, login(`root ${rootPassword}`))).status).toBe(204);
        const here = await ask('http://localhost/api/v1/mine', { socketPath, headers: from('203.0.113.7') });
        expect(here.status).toBe(200);
      },
    );
  });
});

test.each([
  [[], '203.0.113.1', '198.51.100.2', '203.0.113.1'],
  [['203.0.113.1'], '203.0.113.1', '198.51.100.2', '198.51.100.2'],
  [['203.0.113.1'], '::ffff:203.0.113.1', '1.1.1.1, 198.51.100.2', '198.51.100.2'],
  [['203.0.113.0/24'], '203.0.113.1', '198.51.100.2, 203.0.113.77', '198.51.100.2'],
  [['203.0.113.1'], '203.0.113.1', 'nonsense', '203.0.113.1'],
  [['203.0.113.1'], '203.0.113.1', undefined, '203.0.113.1'],
  [['2001:db8::/32'], '2001:db8::1', '198.51.100.2', '198.51.100.2'],
])('with the proxies %j, %s that speaks for %s is %s', (proxies, peer, forwarded, client) => {
  expect(trustedProxies(proxies).clientOf(peer, forwarded)).toBe(client);
});

test.each([['here'], ['10.0.0.0/33'], ['10.0.0.0/'], ['10.0.0.1/x']])('%s is no proxy', (address) => {
  expect(() => trustedProxies([address])).toThrow(ProblemsError);
});

describe('an address to listen at', () => {
  test.each([
    ['unix:/var/run/vmrun/manager.sock', { kind: 'unix', path: '/var/run/vmrun/manager.sock' }],
    ['http://127.0.0.1:8080', { kind: 'tcp', isSecure: false, host: '127.0.0.1', port: 8080 }],
    ['http://[::1]:0', { kind: 'tcp', isSecure: false, host: '::1', port: 0 }],
    ['https://0.0.0.0:8443', { kind: 'tcp', isSecure: true, host: '0.0.0.0', port: 8443 }],
  ])('%s', (address, meaning) => {
    expect(readListenAddress(address)).toEqual(meaning);
  });

  test.each([
    ['http://0.0.0.0:80', /not loopback/],
    ['http://192.168.1.1:80', /not loopback/],
    ['http://127.evil.example:80', /no address/],
    ['https://example.org:80', /no address/],
    ['http://127.0.0.1', /no address/],
    ['http://127.0.0.1:70000', /no address/],
    ['unix:relative', /no absolute path/],
    [`unix:/${'x'.repeat(104)}`, /at most 103 bytes/],
    ['tcp://127.0.0.1:80', /no address/],
  ])('%s is refused', (address, message) => {
    expect(() => readListenAddress(address)).toThrow(message);
  });

  test('is told with the port that was taken, or nothing listens at all', async () => {
    await withServer({ routes }, async ({ url, place, socketPath }) => {
      expect(new URL(url).port).not.toBe('0');
      const taken = withServer({ listen: [`unix:${place.path('other')}`, url] }, () => Promise.resolve());
      await expect(taken).rejects.toThrow(/somebody listens at/);
      expect(existsSync(place.path('other'))).toBe(false);
      expect(existsSync(socketPath)).toBe(true);
    });
  });

  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:0DB8:0:0:1:2:3:4', '2001:db8:0:0::/64'],
    ['fe80::1%em0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('%s counts as %s', (address, key) => {
    expect(hostKey(address)).toBe(key);
  });
});

describe('the UNIX socket', () => {
  test('is for its owner and one group, from its first moment', async () => {
    await withServer({ routes }, async ({ socketPath }) => {
      expect(statSync(socketPath).mode & 0o777).toBe(0o660);
      await Promise.resolve();
    });
  });

  test('that a killed manager has left is replaced, and goes with the server', async () => {
    await withServer({}, async ({ place }) => {
      const left = place.path('left');
      // It ends without closing anything.
      const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
      expect(() => execFileSync(process.execPath, ['-e', script, left], { stdio: 'ignore' })).toThrow();
      expect(statSync(left).isSocket()).toBe(true);
      await withServer({ listen: [`unix:${left}`], routes }, async () => {
        expect((await ask('http://localhost/api/v1/mine', { socketPath: left })).status).toBe(200);
      });
      expect(existsSync(left)).toBe(false);
    });
  });

  test('of a manager that lives is refused, and it is said who that is', async () => {
    const health = row('GET', '/healthz', { handle: () => ({ document: { pid: 4711 } }) });
    await withServer({ routes: [health] }, async ({ place, socketPath }) => {
      const second = withServer({ listen: [`unix:${socketPath}`] }, () => Promise.resolve());
      await expect(second).rejects.toThrow('the manager with pid 4711 listens there');
      const other = createNetServer((socket) => socket.end()).listen(place.path('other'));
      await once(other, 'listening');
      try {
        const third = withServer({ listen: [`unix:${place.path('other')}`] }, () => Promise.resolve());
        await expect(third).rejects.toThrow('another program listens there');
      } finally {
        other.close();
      }
      expect((await ask('http://localhost/healthz', { socketPath })).status).toBe(200);
    });
  });

  test('does not take the place of something else', async () => {
    await withServer({}, async ({ place }) => {
      const file = place.write('notes', 'of somebody');
      await expect(withServer({ listen: [`unix:${file}`] }, () => Promise.resolve())).rejects.toThrow(
        /no socket is there/,
      );
      expect(readFileSync(file, 'utf8')).toBe('of somebody');
    });
  });
});

describe('TLS', () => {
  test('has a certificate of our own making, whose fingerprint is told and stays', async () => {
    await withServer({ listen: ['https://127.0.0.1:0'], routes }, async ({ url, server, place, accounts }) => {
      const key = place.path('tls-key.pem');
      expect(statSync(key).mode & 0o777).toBe(0o600);
      const { fingerprint, isSelfSigned } = server.certificate ?? {};
      expect(isSelfSigned).toBe(true);
      expect(fingerprint).toBe(new X509Certificate(readFileSync(place.path('tls-certificate.pem'))).fingerprint256);
      expect((await ask(`${url}/api/v1/things/a`, { rejectUnauthorized: false })).status).toBe(200);
      const ca = readFileSync(place.path('tls-certificate.pem'));
      expect((await ask(`${url}/api/v1/things/a`, { ca })).status).toBe(200);
      await withServer(
        { listen: ['https://127.0.0.1:0'], stateFolder: place.folder, accounts },
        ({ server: again }) => {
          expect(again.certificate?.fingerprint).toBe(fingerprint);
          return Promise.resolve();
        },
      );
    });
  });

  test('is 1.2 or newer', async () => {
    await withServer({ listen: ['https://127.0.0.1:0'], routes }, async ({ url }) => {
      const port = Number(new URL(url).port);
      const speakTls = async (version: 'TLSv1.1' | 'TLSv1.2'): Promise<string | null> => {
        const options = { minVersion: version, maxVersion: version, rejectUnauthorized: false } as const;
        const socket = tlsConnect({ port, host: '127.0.0.1', ciphers: 'DEFAULT@SECLEVEL=0', ...options });
        const failed = once(socket, 'error').then(() => null);
        const found = await Promise.race([once(socket, 'secureConnect').then(() => socket.getProtocol()), failed]);
        socket.destroy();
        return found;
      };
      expect(await speakTls('TLSv1.2')).toBe('TLSv1.2');
      expect(await speakTls('TLSv1.1')).toBeNull();
    });
  });

  test('takes certificates from files, and no key that others can read', async () => {
    await withServer({ listen: ['https://127.0.0.1:0'] }, async ({ place, accounts, server }) => {
      const tls = { certificate: place.path('tls-certificate.pem'), key: place.path('tls-key.pem') };
      await withServer({ listen: ['https://127.0.0.1:0'], tls, accounts }, (again) => {
        expect(again.server.certificate).toEqual({ ...server.certificate, isSelfSigned: false });
        return Promise.resolve();
      });
      const nowhere = { ...tls, key: place.path('nowhere') };
      await expect(
        withServer({ listen: ['https://127.0.0.1:0'], tls: nowhere }, () => Promise.resolve()),
      ).rejects.toThrow(/cannot be read/);
      const noPem = { ...tls, certificate: place.write('none', 'nothing') };
      await expect(
        withServer({ listen: ['https://127.0.0.1:0'], tls: noPem }, () => Promise.resolve()),
      ).rejects.toThrow(/no certificate/);
    });
  });
});

/** Events that a test sends; who has stopped reading is known. */
function source() {
  const waiting: ((result: IteratorResult<StreamEvent>) => void)[] = [];
  const ready: StreamEvent[] = [];
  let isOver = false;
  const events = {
    next: () =>
      new Promise<IteratorResult<StreamEvent>>((resolve) => {
        const [event] = ready.splice(0, 1);
        if (event !== undefined) resolve({ done: false, value: event });
        else if (isOver) resolve({ done: true, value: undefined });
        else waiting.push(resolve);
      }),
    return: () => {
      isOver = true;
      for (const resolve of waiting.splice(0)) resolve({ done: true, value: undefined });
      return Promise.resolve({ done: true as const, value: undefined });
    },
    [Symbol.asyncIterator]: () => events,
  };
  return {
    events,
    send: (event: StreamEvent) => {
      const [resolve] = waiting.splice(0, 1);
      if (resolve === undefined) ready.push(event);
      else resolve({ done: false, value: event });
    },
    isOver: () => isOver,
    unread: () => ready.length,
  };
}

describe('a stream of events', () => {
  const head = 'GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n';
  const streaming = (events: ReturnType<typeof source>, right: Route['right'] = 'nobody') => [
    ...routes,
    row('GET', '/events', { right, handle: () => ({ events: () => events.events }) }),
  ];

  test('is written as it comes, with a comment every 15 s, and its end is told', async () => {
    const clock = steppedClock();
    const events = source();
    let told = '';
    await withServer({ routes: streaming(events), clock }, async ({ url, server }) => {
      const socket = dial(url);
      socket.setEncoding('utf8').on('data', (more: string) => (told += more));
      socket.write(head);
      events.send({ id: 'a-1', event: 'run', data: { text: 'two\nlines' } });
      await until(() => told.includes('two'));
      expect(told).toContain('id: a-1\nevent: run\ndata: {"text":"two\\nlines"}\n\n');
      expect(told).toContain('text/event-stream');
      await clock.pass(15_000);
      await until(() => told.includes(':\n\n'));
      await Promise.all([once(socket, 'close'), server.close()]);
      expect(told).toContain('event: end\ndata: {"why":"the manager ends"}');
      expect(events.isOver()).toBe(true);
    });
  });

  test('is let go of when its client has gone', async () => {
    const events = source();
    await withServer({ routes: streaming(events) }, async ({ url }) => {
      const socket = dial(url);
      socket.write(head);
      await once(socket, 'data');
      socket.destroy();
      await until(events.isOver);
    });
  });

  test('is not begun for HEAD', async () => {
    await withServer({ routes: streaming(source()) }, async ({ url }) => {
      const reply = await ask(`${url}/events`, { method: 'HEAD' });
      expect([reply.status, reply.headers['content-type']]).toEqual([200, 'text/event-stream']);
    });
  });

  test('of a client that reads nothing waits, and ends, while others get theirs', async () => {
    const clock = steppedClock();
    const [slow, quick] = [source(), source()];
    const both = [slow, quick];
    const route = row('GET', '/events', { handle: () => ({ events: () => (both.shift() ?? quick).events }) });
    await withServer({ routes: [route], clock }, async ({ url }) => {
      const deaf = dial(url).pause();
      deaf.on('error', () => undefined);
      deaf.write(head);
      await until(() => both.length === 1);
      const megabyte = 'x'.repeat(1024 * 1024);
      for (let count = 0; count < 64; count += 1) slow.send({ event: 'much', data: megabyte });
      const other = dial(url);
      let heard = '';
      other.setEncoding('utf8').on('data', (more: string) => (heard += more));
      other.write(head);
      quick.send({ event: 'first', data: 1 });
      await until(() => heard.includes('first'));
      await until(() => clock.asleep().includes(60_000));
      // What was not written stays with its source, which bounds it.
      expect(slow.unread()).toBeGreaterThan(16);
      await clock.pass(60_000);
      await until(slow.isOver);
      quick.send({ event: 'second', data: 2 });
      await until(() => heard.includes('second'));
      deaf.destroy();
      other.destroy();
    });
  });

  test('ends with the token that it was asked for with', async () => {
    const clock = steppedClock();
    const events = source();
    await withServer({ routes: streaming(events, 'anybody'), clock }, async ({ url, accounts, token }) => {
      const socket = dial(url);
      let told = '';
      socket.setEncoding('utf8').on('data', (more: string) => (told += more));
      socket.write(head.replace('\r\n\r\n', `\r\nAuthorization: Bearer ${token}\r\n\r\n`));
      await until(() => told.includes('retry'));
      for (const { id } of accounts.tokens()) accounts.removeToken(id);
      await clock.pass(15_000);
      await until(events.isOver);
      await until(() => told.includes('event: end'));
      socket.destroy();
    });
  });
});

describe('a hostile client', () => {
  test('gets nowhere with what is no HTTP', async () => {
    await withServer({ routes }, async ({ url, bugs }) => {
      for (const [text, status] of [
        ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
        ['GET / HTTP/9.9\r\n\r\n', 400],
        ['GET /api/v1/things/a HTTP/1.1\r\n\r\n', 400],
        ['GET /api/v1/things/a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
        ['POST /api/v1/things HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}', 400],
        ['POST /api/v1/things HTTP/1.1\r\nHost: a\r\nContent-Length: -2\r\n\r\n{}', 400],
        [`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431],
        [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
        ['GET http://evil.example/api/v1/mine HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 400],
        ['CONNECT evil.example:80 HTTP/1.1\r\nHost: a\r\n\r\n', undefined],
      ] as const) {
        const reply = await speak(url, text);
        if (status === undefined) expect(reply).toBe('');
        else expect([text.slice(0, 40), reply.slice(0, 12)]).toEqual([text.slice(0, 40), `HTTP/1.1 ${status}`]);
      }
      expect(bugs).toEqual([]);
    });
  });

  test('that never ends its headers, or its body, is cut off', async () => {
    await withServer({ routes, limits: { headersMs: 100, requestMs: 3_600_000 } }, async ({ url }) => {
      expect(await speak(url, 'GET / HTTP/1.1\r\nHost: a\r\nX: ')).toMatch(/^(HTTP\/1.1 408 |$)/);
    });
    await withServer({ routes, limits: { headersMs: 100, requestMs: 200 } }, async ({ url }) => {
      const head =
        'POST /api/v1/things HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n';
      expect(await speak(url, `${head}{`)).toMatch(/^(HTTP\/1.1 408 |$)/);
    });
  });

  test('that goes in the middle of its body is no fault of ours', async () => {
    let faults: readonly unknown[] = ['not looked at'];
    await withServer({ routes }, async ({ url, bugs }) => {
      faults = bugs;
      for (const framing of [
        'Content-Length: 100',
        'Transfer-Encoding: chunked',
        'Content-Length: 100\r\nExpect: 100-continue',
      ])
        for (const end of ['end', 'resetAndDestroy'] as const) {
          const socket = dial(url);
          socket.on('error', () => undefined);
          const head = 'PUT /api/v1/text HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n';
          socket.write(`${head}${framing}\r\n\r\n`);
          socket.write('4\r\nabcd\r\n');
          // It is being read by then.
          expect((await ask(`${url}/api/v1/things/a`)).status).toBe(200);
          socket[end]();
        }
    });
    expect(faults).toEqual([]);
  });

  test('that does not read its answer is cut off', async () => {
    const clock = steppedClock();
    await withServer({ routes, clock }, async ({ url }) => {
      const deaf = dial(url).pause();
      deaf.on('error', () => undefined);
      deaf.write('GET /api/v1/large HTTP/1.1\r\nHost: a\r\n\r\n');
      await clock.pass(60_000);
      const closed = new Promise((resolve) => deaf.once('close', resolve));
      deaf.resume();
      await closed;
      expect(deaf.bytesRead).toBeLessThan(large.length);
    });
  });

  test('has 100 connections, and the 101st is closed', async () => {
    await withServer({ routes, limits: { connections: 5 } }, async ({ url, socketPath }) => {
      const sockets = Array.from({ length: 5 }, () => dial(url));
      await Promise.all(sockets.map((socket) => once(socket, 'connect')));
      expect(await speak(url, 'GET /api/v1/things/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toBe('');
      // Whoever comes over the socket is not counted.
      expect((await ask('http://localhost/api/v1/mine', { socketPath })).status).toBe(200);
      for (const socket of sockets) socket.destroy();
      await until(async () => {
        const reply = await ask(`${url}/api/v1/things/a`).catch(() => undefined);
        return reply?.status === 200;
      });
    });
  });

  test('that sends many requests at once gets its answers in order', async () => {
    await withServer({ routes }, async ({ url }) => {
      const requests = Array.from({ length: 50 }, (_, at) => `GET /api/v1/things/${at} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const last = 'GET /api/v1/nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
      const reply = await speak(url, requests.join('') + last);
      const names = [...reply.matchAll(/"params":\{"name":"(\d+)"\}/g)].map(([, name]) => Number(name));
      expect(names).toEqual(Array.from({ length: 50 }, (_, at) => at));
      expect(reply.match(/HTTP\/1.1 404 /g)).toHaveLength(1);
    });
  });

  test('that sends a thousand requests and reads nothing has one answered, and is cut off', async () => {
    let asked = 0;
    let content = '';
    const counted = row('GET', '/counted', {
      handle: () => {
        asked += 1;
        return { text: { type: 'text/plain', content } };
      },
    });
    await withServer({ routes: [...routes, counted] }, async ({ url }) => {
      for (const [count, isCut] of [
        [100, false],
        [1000, true],
      ] as const) {
        asked = 0;
        content = isCut ? large : 'small';
        const deaf = dial(url).pause();
        let isClosed = false;
        deaf.on('error', () => undefined).on('close', () => (isClosed = true));
        deaf.write('GET /counted HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(count));
        await until(() => asked > 0);
        deaf.resume();
        if (isCut) await until(() => isClosed);
        else await until(() => asked === count);
        expect([count, isCut ? asked <= 1 : asked]).toEqual([count, isCut || count]);
        deaf.destroy();
      }
    });
  });

  test('does not keep another from being served', async () => {
    await withServer({ routes, limits: { connections: 1000 } }, async ({ url, bugs }) => {
      const lines = [
        'GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
        'GET /api/v1/things/%2e%2e%2f%2e%2e%2fetc HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n',
        '\0\0\0\0\r\n\r\n',
        'POST /api/v1/things HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n[[[[',
        `POST /api/v1/things HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n`,
        'GET /api/v1/vms/x HTTP/1.1\r\nHost: a\r\nCookie: vmrun_session=x\r\nOrigin: http://evil\r\nConnection: close\r\n\r\n',
      ];
      const hostile = { isOver: false };
      const served = (async () => {
        let count = 0;
        for (; !hostile.isOver; count += 1) expect((await ask(`${url}/api/v1/things/a`)).status).toBe(200);
        return count;
      })();
      const half = Array.from({ length: 20 }, () => dial(url));
      for (const socket of half) socket.on('error', () => undefined).write('GET / HTTP/1.1\r\nX: ');
      for (let round = 0; round < 20; round += 1) await Promise.all(lines.map((line) => speak(url, line)));
      hostile.isOver = true;
      expect(await served).toBeGreaterThan(10);
      for (const socket of half) socket.destroy();
      expect(bugs).toEqual([]);
    });
  });
});

describe('the end of a server', () => {
  test('lets a request end, and refuses the next on its connection', async () => {
    let go: ((answer: Answer) => void) | undefined;
    const route = row('GET', '/slow', { handle: () => new Promise((resolve) => (go = resolve)) });
    await withServer({ routes: [route] }, async ({ url, server, socketPath }) => {
      const slow = ask(`${url}/slow`);
      await until(() => go !== undefined);
      const closing = server.close();
      go?.({ document: 'done' });
      expect((await slow).json).toBe('done');
      await closing;
      await expect(ask(`${url}/slow`)).rejects.toThrow();
      expect(existsSync(socketPath)).toBe(false);
    });
  });

  test('waits only so long for a handler', async () => {
    const clock = steppedClock();
    let isAsked = false;
    const route = row('GET', '/never', {
      handle: () => {
        isAsked = true;
        return new Promise<Answer>(() => undefined);
      },
    });
    await withServer({ routes: [route], clock }, async ({ url, server }) => {
      const never = ask(`${url}/never`).catch(() => 'cut');
      await until(() => isAsked);
      const closing = server.close();
      await clock.pass(5000);
      await closing;
      expect(await never).toBe('cut');
    });
  });

  test('is heard by a handler that waits', async () => {
    const route = row('GET', '/wait', {
      handle: ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            resolve({ document: 'still running' });
          });
          isAsked = true;
        }),
    });
    let isAsked = false;
    await withServer({ routes: [route] }, async ({ url, server }) => {
      const waiting = ask(`${url}/wait`);
      await until(() => isAsked);
      await Promise.all([server.close(), expect(waiting).resolves.toMatchObject({ json: 'still running' })]);
    });
  });
});

test('an error of the library is answered with its own problems', async () => {
  const problem = { code: 'exists', severity: 'error', message: 'there is one', fix: 'choose another' } as const;
  const route = row('GET', '/refused', {
    handle: () => {
      throw new ProblemsError('spec', 'vm.json', [problem]);
    },
  });
  const own = row('GET', '/own', {
    handle: () => {
      throw httpError(418, 'teapot', 'no coffee');
    },
  });
  await withServer({ routes: [route, own], clock: systemClock }, async ({ url }) => {
    const reply = await ask(`${url}/refused`);
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(reply.json).toEqual({
      ...{ type: 'urn:vmrun:error:exists', title: 'Conflict', status: 409, detail: 'there is one' },
      problems: [problem],
    });
    expect((await ask(`${url}/own`)).status).toBe(418);
  });
});
