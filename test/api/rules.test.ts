import { createHook } from 'node:async_hooks';
import { once } from 'node:events';
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { createServer as createHttpServer, get as httpGet, type IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { streamOf } from '../../src/api/native/events.js';
import { rows } from '../../src/api/native/rows.js';
import { passwordHashing } from '../../src/manager/accounts/passwords.js';
import { eventRing } from '../../src/manager/event-ring.js';
import { commentMs } from '../../src/server/event-stream.js';
import { WrongCredentials } from '../../src/server/http-error.js';
import { listenAtPath } from '../../src/server/unix-socket.js';
import { inPlace, until } from '../e2e/support/place.js';
import { ask, dial, rootPassword, speak, withServer, type Reply } from '../support/served.js';
import { steppedClock } from '../support/stepped-clock.js';
import { removeSpec } from '../manager/support.js';
import { withApi } from './support.js';

const fact = (value: unknown, ...names: readonly string[]): unknown =>
  names.reduce<unknown>(
    (found, name) => (typeof found === 'object' && found !== null ? Reflect.get(found, name) : undefined),
    value,
  );
const codeOf = ({ json }: Reply): unknown => fact(json, 'problems', '0', 'code');
const withRoot = process.getuid?.() === 0 ? test : test.skip;

/** A request that a row is for, of the VM `name`; without the body that it may need. */
const lineOf = ({ method, path }: { readonly method: string; readonly path: string }, name: string): string => {
  const filled = path.replace('/vms/:name', `/vms/${name}`).replaceAll(/:\w+/g, 'none');
  return `${method} ${filled.replace('/api/v1', '')}`;
};
const inWeb = (role: 'view' | 'operate' | 'admin') => [{ group: 'root/web', role }] as const;

describe('of the routes there are', () => {
  test('those that are for somebody answer nobody', async () => {
    await withApi({ specs: { web: {} } }, async ({ url }) => {
      const closed = rows.filter(({ right }) => right !== 'nobody');
      expect(rows.length - closed.length).toBe(4);
      for (const row of closed) {
        const { method, path } = row;
        const reply = await ask(`${url}${path.replace(':name', 'web')}`, { method });
        expect([row.id, reply.status, codeOf(reply)]).toEqual([row.id, 401, 'no-credentials']);
      }
    });
  });

  test('those about the host, specs and people are for roles on the root group, whatever somebody is elsewhere', async () => {
    await withApi({ specs: { web: {} } }, async ({ as, call, manager }) => {
      await call('POST /groups', { body: { path: 'root/web' } });
      expect((await call('PUT /vms/web/group', { body: { group: 'root/web' } })).status).toBe(200);
      const { call: admin } = await as('anna', inWeb('admin'));
      const ofRoot = rows.filter(({ right }) => typeof right === 'object' && right.on === 'root');
      const ids = ofRoot.map(({ id }) => id);
      for (const id of ['addVm', 'deleteVm', 'getSpec', 'putSpec', 'setGroup', 'reload', 'addUser', 'addGroup'])
        expect(ids).toContain(id);
      for (const row of ofRoot) {
        const reply = await admin(lineOf(row, 'web'));
        expect([row.id, reply.status, codeOf(reply)]).toEqual([row.id, 403, 'no-right']);
        expect([row.id, (await admin(lineOf(row, 'nowhere'))).status]).toEqual([row.id, 403]);
      }
      expect(manager.vm('web')?.group).toBe('root/web');
    });
  });

  test('those that write specs, or make people and groups, are for admins: who operates all VMs may not', async () => {
    await withApi({ specs: { web: {} } }, async ({ as }) => {
      const { call: operator } = await as('anna', [{ group: 'root', role: 'operate' }]);
      const open = ['getHost', 'planSpec', 'getMetrics'];
      const ofRoot = rows.filter(
        ({ id, right }) => typeof right === 'object' && right.on === 'root' && !open.includes(id),
      );
      expect(ofRoot.length).toBeGreaterThan(10);
      for (const row of ofRoot) expect([row.id, (await operator(lineOf(row, 'web'))).status]).toEqual([row.id, 403]);
    });
  });

  test('those about a VM say to who may not see it that there is none', async () => {
    await withApi({ specs: { web: {} } }, async ({ as, call }) => {
      for (const path of ['root/web', 'root/db', 'root/website']) await call('POST /groups', { body: { path } });
      await call('PUT /vms/web/group', { body: { group: 'root/website' } });
      const ofVm = rows.filter(({ right }) => typeof right === 'object' && right.on === 'vm');
      expect(ofVm.length).toBeGreaterThan(10);
      for (const [name, grants] of [
        ['nothing', []],
        ['beside', [{ group: 'root/db', role: 'admin' }]],
        ['alike', [{ group: 'root/web', role: 'admin' }]],
      ] as const) {
        const { call: other } = await as(name, grants);
        for (const row of ofVm) {
          const reply = await other(lineOf(row, 'web'));
          expect([row.id, reply.status]).toEqual([row.id, 404]);
          const none = await other(lineOf(row, 'nowhere'));
          // Nothing tells the one from the other.
          expect(reply.text.replaceAll('web', 'nowhere')).toBe(none.text);
        }
        expect(fact((await other('GET /vms')).json, 'vms')).toEqual([]);
      }
    });
  });
});

describe('a role', () => {
  test.each([
    ['view', 'root/web', 200, 403],
    ['operate', 'root/web', 200, 200],
    ['admin', 'root/web', 200, 200],
    ['view', 'root', 200, 403],
    ['operate', 'root', 200, 200],
    ['admin', 'root/web/one', 404, 404],
  ] as const)('%s on %s, of a VM of root/web: to see it is %i, to stop it %i', async (role, group, see, stop) => {
    await withApi({ specs: { web: {} } }, async ({ as, call }) => {
      for (const path of ['root/web', 'root/web/one']) await call('POST /groups', { body: { path } });
      await call('PUT /vms/web/group', { body: { group: 'root/web' } });
      const { call: own } = await as('anna', [{ group, role }]);
      expect([(await own('GET /vms/web')).status, (await own('POST /vms/web/stop')).status]).toEqual([see, stop]);
    });
  });

  test('to view shows operations, and takes none back', async () => {
    await withApi({ specs: { web: {} } }, async ({ as, call }) => {
      const { json } = await call('POST /vms/web/stop');
      const path = `/operations/${String(fact(json, 'id'))}`;
      const { call: own } = await as('anna', [{ group: 'root', role: 'view' }]);
      expect([(await own(`GET ${path}`)).status, (await own(`DELETE ${path}`)).status]).toEqual([200, 403]);
    });
  });

  test('that is taken away is gone at once, from tokens, too', async () => {
    await withApi({ specs: { web: {} } }, async ({ as, call }) => {
      const { call: own } = await as('anna', [{ group: 'root', role: 'operate' }]);
      expect((await own('POST /vms/web/stop')).status).toBe(200);
      await call('PATCH /users/anna', { body: { grants: [{ group: 'root', role: 'view' }] } });
      expect((await own('POST /vms/web/stop')).status).toBe(403);
      await call('PATCH /users/anna', { body: { grants: [] } });
      expect((await own('GET /vms/web')).status).toBe(404);
    });
  });
});

describe('a token', () => {
  test('may do no more than it was made for, whatever its owner may', async () => {
    await withApi({ specs: { web: {} } }, async ({ call, url }) => {
      const grants = [{ group: 'root', role: 'view' }];
      const made = await call('POST /tokens', { body: { user: 'root', name: 'looks', grants } });
      const token = String(fact(made.json, 'token'));
      expect((await ask(`${url}/api/v1/vms/web`, { token })).status).toBe(200);
      expect((await ask(`${url}/api/v1/vms/web/stop`, { token, method: 'POST' })).status).toBe(403);
      expect((await ask(`${url}/api/v1/users`, { token })).status).toBe(403);
    });
  });

  test('that lacks a role is told so, and its owner only where he lacks it, too', async () => {
    await withApi({ specs: { web: {} } }, async ({ as, call, url }) => {
      await call('POST /groups', { body: { path: 'root/web' } });
      await call('PUT /vms/web/group', { body: { group: 'root/web' } });
      const { call: operator } = await as('anna', [{ group: 'root/web', role: 'operate' }]);
      const grants = [{ group: 'root/web', role: 'view' }];
      const { json } = await call('POST /tokens', { body: { user: 'anna', name: 'looks', grants } });
      const token = String(fact(json, 'token'));
      const stop = await ask(`${url}/api/v1/vms/web/stop`, { token, method: 'POST' });
      expect(fact(stop.json, 'problems', '0')).toEqual({
        ...{ code: 'no-right', severity: 'error' },
        message: 'this needs the role operate on root/web, the group of web: anna has it, but this token has not',
        fix: 'make one that has it: vmrun serve token add NAME --user anna --role operate --group root/web',
      });
      const { json: made } = await call('POST /vms/web/stop');
      const cancel = await ask(`${url}/api/v1/operations/${String(fact(made, 'id'))}`, { token, method: 'DELETE' });
      expect(cancel.json).toMatchObject({ detail: expect.stringContaining('anna has it, but this token has not') });
      expect(fact((await operator('GET /users')).json, 'problems', '0')).toMatchObject({
        message: 'this needs the role admin on the group root: anna does not have it',
        fix: 'ask an admin of root for that role',
      });
    });
  });
});

describe('events', () => {
  test('of a VM are for who may see it, now', async () => {
    await withApi({ specs: { web: {}, db: {} } }, async ({ as, call, url }) => {
      for (const path of ['root/web', 'root/db']) await call('POST /groups', { body: { path } });
      for (const name of ['web', 'db']) await call(`PUT /vms/${name}/group`, { body: { group: `root/${name}` } });
      const { token } = await as('anna', inWeb('view'));
      const asked = httpGet(`${url}/api/v1/events`, { agent: false, headers: { authorization: `Bearer ${token}` } });
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      let told = '';
      response.setEncoding('utf8').on('data', (more: string) => (told += more));
      response.on('error', () => undefined);
      await until(() => told.includes('retry:'));
      for (const name of ['db', 'web', 'db']) {
        await call(`POST /vms/${name}/start?wait=60s`);
        await call(`POST /vms/${name}/stop?wait=60s`, { body: { now: true } });
      }
      // What is hidden comes after this no more: events are told in their order.
      await call('PUT /vms/db/group', { body: { group: 'root/web' } });
      await until(() => told.includes('"kind":"group","vm":"db"'));
      asked.destroy();
      const seen = [...told.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data) as unknown);
      expect(seen.filter((event) => fact(event, 'vm') === 'db').map((event) => fact(event, 'kind'))).toEqual(['group']);
      expect(seen.filter((event) => fact(event, 'vm') === 'web').length).toBeGreaterThan(2);
    });
  });

  test('of a VM that is gone are for who could see it, that of its removal too, and so are its operations', async () => {
    await withApi({ specs: { web: {}, db: {}, mark: {} } }, async ({ as, call, seen, url, place }) => {
      for (const path of ['root/web', 'root/db']) await call('POST /groups', { body: { path } });
      for (const name of ['web', 'db']) await call(`PUT /vms/${name}/group`, { body: { group: `root/${name}` } });
      const { call: own, token } = await as('anna', inWeb('view'));
      const stopped = (await call('POST /vms/web/stop')).json as { readonly id: string };
      const hidden = (await call('POST /vms/db/stop')).json as { readonly id: string };
      for (const name of ['web', 'db']) removeSpec(place, `${name}.json`);
      await call('POST /reload');
      await call('PUT /vms/mark/group', { body: { group: 'root/web' } });
      // Who reads late hears the same.
      const asked = httpGet(`${url}/api/v1/events`, {
        ...{ agent: false, headers: { authorization: `Bearer ${token}`, 'last-event-id': seen[0]?.id ?? '' } },
      });
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      let told = '';
      response.setEncoding('utf8').on('data', (more: string) => (told += more));
      response.on('error', () => undefined);
      await until(() => told.includes('"kind":"group","vm":"mark"'));
      asked.destroy();
      const all = [...told.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data) as unknown);
      expect(all.filter((event) => fact(event, 'vm') === 'db')).toEqual([]);
      expect(all.filter((event) => fact(event, 'what') === 'removed')).toMatchObject([{ kind: 'spec', vm: 'web' }]);
      expect((await own(`GET /operations/${stopped.id}`)).status).toBe(200);
      expect((await own(`GET /operations/${hidden.id}`)).status).toBe(404);
    });
  });
});

describe('a VM', () => {
  test('is in the root group until an admin puts it elsewhere, and stays there', async () => {
    await withApi({ specs: { web: {} } }, async ({ as, call, seen, place }) => {
      const { call: own } = await as('anna', [{ group: 'root', role: 'view' }]);
      expect((await own('GET /vms/web')).json).toMatchObject({ group: 'root' });
      expect(codeOf(await call('PUT /vms/web/group', { body: { group: 'root/web' } }))).toBe('unknown-group');
      expect(codeOf(await call('PUT /vms/none/group', { body: { group: 'root' } }))).toBe('unknown-vm');
      await call('POST /groups', { body: { path: 'root/web' } });
      const moved = await call('PUT /vms/web/group', { body: { group: 'root/web' } });
      expect([moved.status, fact(moved.json, 'group')]).toEqual([200, 'root/web']);
      expect(seen.filter(({ kind }) => kind === 'group')).toMatchObject([{ vm: 'web', group: 'root/web' }]);
      expect(readFileSync(place.path('specs/web.json'), 'utf8')).not.toContain('root/web');
      // Neither a start nor another spec moves it.
      await call('POST /vms/web/start?wait=60s');
      await call('POST /reload');
      expect((await call('GET /vms/web')).json).toMatchObject({ group: 'root/web', state: 'running' });
    });
  });

  test('keeps its group from being removed', async () => {
    await withApi({ specs: { web: {} } }, async ({ call }) => {
      await call('POST /groups', { body: { path: 'root/web' } });
      await call('PUT /vms/web/group', { body: { group: 'root/web' } });
      const refused = await call('DELETE /groups/root%2Fweb');
      expect([refused.status, codeOf(refused), refused.text.includes('web is in it')]).toEqual([409, 'in-use', true]);
      await call('PUT /vms/web/group', { body: { group: 'root' } });
      expect((await call('DELETE /groups/root%2Fweb')).status).toBe(204);
    });
  });
});

describe('the UNIX socket', () => {
  withRoot.each([
    ['wheel:*:0:root\nvmrun:*:4242:anna\n', 4242],
    ['wheel:*:4243:root\nstaff:*:20:\n', 4243],
  ])('with the groups %j belongs to %i, and nobody else may use it', async (groups, gid) => {
    await inPlace(async (place) => {
      const server = createHttpServer();
      try {
        await listenAtPath(server, place.path('m.sock'), place.write('group', groups));
        const { uid, gid: found, mode } = statSync(place.path('m.sock'));
        expect([uid, found, mode & 0o777]).toEqual([0, gid, 0o660]);
      } finally {
        await new Promise((resolve) => server.close(resolve));
      }
    });
  });
});

describe('the key of a certificate', () => {
  test.each([
    [0o604, /can be read by everybody/],
    [0o602, /can be written by everybody/],
    [0o600, undefined],
  ])('of mode %o is refused: %s', async (mode, why) => {
    await withServer({ listen: ['https://127.0.0.1:0'] }, async ({ place, accounts }) => {
      const tls = { certificate: place.path('tls-certificate.pem'), key: place.path('tls-key.pem') };
      // Else nobody gets to the file.
      chmodSync(place.folder, 0o755);
      chmodSync(tls.key, mode);
      const served = withServer({ listen: ['https://127.0.0.1:0'], tls, accounts }, () => Promise.resolve());
      if (why === undefined) await served;
      else await expect(served).rejects.toThrow(why);
    });
  });
});

describe('a password', () => {
  test('is computed when no other is, whoever asks', async () => {
    const underWay = new Set<number>();
    let most = 0;
    let all = 0;
    const hook = createHook({
      init: (id, type) => {
        if (type !== 'SCRYPTREQUEST') return;
        underWay.add(id);
        all += 1;
        most = Math.max(most, underWay.size);
      },
      before: (id) => underWay.delete(id),
    }).enable();
    try {
      const passwords = passwordHashing([2 ** 10, 8, 1]);
      const kept = await passwords.make('a good one');
      await Promise.all([
        ...Array.from({ length: 10 }, () => passwords.make('another one')),
        ...Array.from({ length: 10 }, () => passwords.matches('a good one', kept)),
        ...Array.from({ length: 10 }, () => passwords.matches('a good one', undefined)),
      ]);
    } finally {
      hook.disable();
    }
    expect([all, most]).toEqual([31, 1]);
  });
});

/** A manager behind a proxy that says for whom it asks, and how its login answers. */
const withLogin = (
  use: (site: {
    readonly login: (password: string, address?: string) => Promise<Reply>;
    readonly socketLogin: (password: string) => Promise<Reply>;
  }) => Promise<void>,
): Promise<void> =>
  withApi({ server: { trustedProxies: ['127.0.0.1'] } }, ({ url, call }) => {
    const body = (password: string) => ({ name: 'root', password });
    return use({
      login: (password, address) =>
        ask(`${url}/api/v1/login`, {
          method: 'POST',
          body: body(password),
          ...(address === undefined ? {} : { headers: { 'x-forwarded-for': address } }),
        }),
      socketLogin: (password) => call('POST /login', { body: body(password) }),
    });
  });

describe('five failed logins', () => {
  test('with wrong and with empty passwords block their address, also for what is right', async () => {
    await withLogin(async ({ login, socketLogin }) => {
      const bad = '203.0.113.7';
      for (const [password, status] of [
        ['a wrong one', 401],
        ['', 401],
        ['a wrong one', 401],
        ['', 401],
        ['', 429],
        [rootPassword, 429],
      ] as const)
        expect([password, (await login(password, bad)).status]).toEqual([password, status]);
      expect((await login(rootPassword, '203.0.113.8')).status).toBe(200);
      expect((await login(rootPassword)).status).toBe(200);
      expect((await socketLogin(rootPassword)).status).toBe(200);
    });
  });

  test('count as well where somebody tries passwords in a session', async () => {
    await withApi({ server: { trustedProxies: ['127.0.0.1'] } }, async ({ url }) => {
      const body = { name: 'root', password: rootPassword };
      const reply = await ask(`${url}/api/v1/login`, { method: 'POST', body });
      const cookie = reply.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
      const headers = { cookie, origin: url, 'x-forwarded-for': '203.0.113.7' };
      const change = { method: 'POST', headers, body: { current: 'a wrong one', password: 'another one' } };
      const statuses: number[] = [];
      for (let times = 0; times < 6; times += 1) statuses.push((await ask(`${url}/api/v1/password`, change)).status);
      expect(statuses).toEqual([401, 401, 401, 401, 429, 429]);
    });
  });

  test('block neither loopback nor the UNIX socket', async () => {
    await withLogin(async ({ login, socketLogin }) => {
      for (let times = 0; times < 7; times += 1) {
        expect((await login('')).status).toBe(401);
        expect((await socketLogin('')).status).toBe(401);
      }
      expect((await login(rootPassword)).status).toBe(200);
      expect((await socketLogin(rootPassword)).status).toBe(200);
    });
  });

  test('that are sent side by side are five all the same: what comes after is not told whether it was right', async () => {
    const waiting: ((isRight: boolean) => void)[] = [];
    await withServer(
      (_place, accounts) => ({
        trustedProxies: ['127.0.0.1'],
        routes: [
          {
            ...{ method: 'POST', path: '/login', id: 'login', summary: '', right: 'nobody', answers: {} },
            handle: async () => {
              const isRight = await new Promise<boolean>((resolve) => waiting.push(resolve));
              const user = accounts.user('root');
              if (!isRight || user === undefined) throw new WrongCredentials();
              return { signIn: user };
            },
          },
        ],
      }),
      async ({ url }) => {
        const headers = { 'x-forwarded-for': '203.0.113.7' };
        const statuses: number[] = [];
        const all = Array.from({ length: 9 }, async () => {
          const reply = await ask(`${url}/login`, { method: 'POST', headers });
          statuses.push(reply.status);
          expect([reply.status, reply.headers['set-cookie'] === undefined]).toEqual([reply.status, true]);
        });
        await until(() => waiting.length === 9);
        for (const [at, answer] of waiting.entries()) {
          answer(at >= 7);
          await until(() => statuses.length === at + 1);
        }
        await Promise.all(all);
        expect(statuses).toEqual([401, 401, 401, 401, 429, 429, 429, 429, 429]);
        expect((await ask(`${url}/login`, { method: 'POST', headers })).status).toBe(429);
      },
    );
  });
});

describe('a session', () => {
  const change = ['POST', 'PUT', 'PATCH', 'DELETE'] as const;
  const signIn = async (url: string): Promise<string> => {
    const reply = await ask(`${url}/api/v1/login`, { method: 'POST', body: { name: 'root', password: rootPassword } });
    return reply.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  };

  test('changes nothing for a page of another origin, by whichever method', async () => {
    await withApi({ specs: { web: {} } }, async ({ url }) => {
      const cookie = await signIn(url);
      const changing = rows.filter(({ method, right }) => method !== 'GET' && right !== 'nobody');
      expect(new Set(changing.map(({ method }) => method))).toEqual(new Set(change));
      for (const row of changing)
        for (const origin of [undefined, 'null', 'https://evil.example', `${url}.evil.example`]) {
          const [method = '', path = ''] = lineOf(row, 'web').split(' ');
          const headers = { cookie, ...(origin === undefined ? {} : { origin }) };
          const reply = await ask(`${url}/api/v1${path}`, { method, headers });
          expect([row.id, reply.status, codeOf(reply)]).toEqual([row.id, 403, 'foreign-origin']);
        }
    });
  });

  test('alone is asked where it comes from, and by which name: a token is not', async () => {
    await withApi({ specs: { web: {} } }, async ({ url, token }) => {
      const cookie = await signIn(url);
      const foreign = { origin: 'https://evil.example', host: 'evil.example' };
      const stop = (more: object) => ask(`${url}/api/v1/vms/web/stop`, { method: 'POST', ...more });
      expect((await stop({ headers: foreign, token })).status).toBe(200);
      expect(codeOf(await stop({ headers: { ...foreign, cookie } }))).toBe('foreign-host');
      const seen = await ask(`${url}/api/v1/vms`, { headers: { host: 'evil.example', cookie } });
      expect([seen.status, codeOf(seen)]).toEqual([403, 'foreign-host']);
    });
  });

  test('over TLS has a cookie that is never sent without', async () => {
    const listen = ['https://127.0.0.1:0'];
    await withApi({ server: { listen: ['http://127.0.0.1:0', ...listen] } }, async ({ url }) => {
      const options = { method: 'POST', body: { name: 'root', password: rootPassword }, rejectUnauthorized: false };
      const { headers } = await ask(`${url}/api/v1/login`, options);
      expect(headers['set-cookie']?.[0]).toMatch(/; HttpOnly; SameSite=Strict; Secure$/);
    });
  });
});

describe('what keeps a browser from running anything', () => {
  test('is on every answer, whatever it is', async () => {
    await withApi({ specs: { web: {} } }, async ({ url, token }) => {
      for (const [method, path, more] of [
        ['GET', '/api/v1/vms', { token }],
        ['GET', '/api/v1/vms', {}],
        ['GET', '/nothing', {}],
        ['OPTIONS', '/api/v1/vms', {}],
        ['GET', '/api/v1/vms/web/graph?format=svg', { token }],
        ['GET', '/api/v1/openapi.json', {}],
        ['POST', '/api/v1/login', { body: {} }],
      ] as const) {
        const { headers } = await ask(`${url}${path}`, { method, ...more });
        expect([path, headers['content-security-policy']]).toEqual([
          path,
          expect.stringContaining("default-src 'none'"),
        ]);
        expect([path, headers['x-content-type-options'], headers['x-frame-options']]).toEqual([
          path,
          'nosniff',
          'DENY',
        ]);
      }
    });
  });
});

describe('a request', () => {
  test('with two Hosts is refused, whatever it asks for', async () => {
    await withApi({}, async ({ url }) => {
      for (const line of ['GET /api/v1/vms', 'GET /healthz', 'OPTIONS *', 'GET http://a/healthz'])
        for (const hosts of ['Host: a\r\nHost: a', 'Host: a\r\nhOST: b']) {
          const reply = await speak(url, `${line} HTTP/1.1\r\n${hosts}\r\n\r\n`);
          expect([line, reply.slice(0, 12)]).toEqual([line, 'HTTP/1.1 400']);
        }
    });
  });
});

test('an address has 100 connections, and no more', async () => {
  await withServer({}, async ({ url }) => {
    const sockets = Array.from({ length: 100 }, () => dial(url));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const request = 'GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    expect(await speak(url, request)).toBe('');
    // All hundred are served.
    for (const socket of sockets) {
      socket.write(request);
      const [first] = (await once(socket, 'data')) as [Buffer];
      expect(first.toString('latin1')).toMatch(/^HTTP\/1.1 404 /);
    }
    for (const socket of sockets) socket.destroy();
  });
});

test('a reader of events who is slow loses none without being told how many', async () => {
  const clock = steppedClock();
  const ring = eventRing(clock);
  const count = 3000;
  await withServer(
    {
      clock,
      routes: [
        {
          ...{ method: 'GET', path: '/events', id: 'events', summary: '', right: 'nobody', answers: {} },
          handle: () => ({ events: () => streamOf(ring.subscribe(), () => true) }),
        },
      ],
    },
    async ({ url }) => {
      const asked = httpGet(`${url}/events`, { agent: false });
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      await until(() => clock.asleep().includes(commentMs));
      // It reads nothing yet.
      const problem = { code: 'x', severity: 'warning', message: 'x'.repeat(20_000) } as const;
      for (let number = 0; number < count; number += 1) ring.tell({ kind: 'warning', problem });
      await until(() => clock.asleep().includes(60_000));
      let last = 0;
      let gaps = 0;
      let rest = '';
      for await (const chunk of response.setEncoding('latin1') as AsyncIterable<string>) {
        const lines = `${rest}${chunk}`.split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines.filter((each) => each.startsWith('data:'))) {
          const event: unknown = JSON.parse(line.slice('data:'.length));
          const missing = fact(event, 'kind') === 'gap' ? Number(fact(event, 'count')) : 1;
          if (missing > 1) gaps += 1;
          const number = Number(String(fact(event, 'id')).split('-')[1]);
          expect(number).toBe(last + missing);
          last = number;
        }
        if (last === count) break;
      }
      expect(gaps).toBeGreaterThan(0);
      asked.destroy();
    },
  );
});
