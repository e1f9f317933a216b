import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { readTraffic } from '../../src/api/native/metrics.js';
import { readUsage, usageWatch } from '../../src/api/native/usage.js';
import type { RunTool } from '../../src/host/process/tools.js';
import { inPlace, smallVm, until } from '../e2e/support/place.js';
import { addSpec } from '../manager/support.js';
import { dial, rootPassword, type Reply } from '../support/served.js';
import { steppedClock } from '../support/stepped-clock.js';
import { withApi, type Api } from './support.js';

const fact = (value: unknown, ...names: readonly string[]): unknown =>
  names.reduce<unknown>(
    (found, name) => (typeof found === 'object' && found !== null ? Reflect.get(found, name) : undefined),
    value,
  );
const codeOf = ({ json }: Reply): unknown => fact(json, 'problems', '0', 'code');
const spec = (name: string, more: object = {}) => JSON.stringify({ ...smallVm(name), ...more });

/** What it was asked with, as one line: `202 Operation`. */
const statusOf = async (reply: Promise<Reply>): Promise<number> => (await reply).status;

describe('the service', () => {
  test('says what it is, what it can do, and that it is well', async () => {
    await withApi({}, async ({ call, url, as }) => {
      expect((await call('GET /')).json).toMatchObject({
        service: 'vmrun',
        version: '1.2.3',
        api: 1,
        pid: process.pid,
      });
      expect((await call('GET /healthz')).json).toEqual({ status: 'ok', version: '1.2.3', pid: process.pid });
      const { call: nobody } = await as('nobody-much', []);
      expect((await nobody('GET /healthz')).json).toEqual({ status: 'ok', version: '1.2.3' });
      expect((await nobody('GET /')).status).toBe(200);
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      expect((await fetch(`${url}/api/v1/`)).status).toBe(401);
    });
  });

  test('serves its own description to everybody', async () => {
    await withApi({}, async ({ url }) => {
      const found: unknown = await (await fetch(`${url}/api/v1/openapi.json`)).json();
      expect(fact(found, 'openapi')).toBe('3.1.0');
    });
  });

  test('tells what it sees of the host', async () => {
    await withApi({}, async ({ call }) => {
      expect((await call('GET /host')).json).toMatchObject({ version: 1, system: process.platform });
    });
  });
});

describe('VMs', () => {
  test('are made of a spec, seen, started, stopped and removed', async () => {
    await withApi({}, async ({ call, place }) => {
      const made = await call('POST /vms', { body: spec('web') });
      expect([made.status, made.headers.location]).toEqual([201, '/api/v1/vms/web']);
      expect(made.json).toMatchObject({ name: 'web', state: 'stopped', group: 'root', spec: { isOurs: true } });
      expect(existsSync(place.path('state/specs/web.json'))).toBe(true);
      expect(codeOf(await call('POST /vms', { body: spec('web') }))).toBe('exists');
      const started = await call('POST /vms/web/start?wait=60s');
      expect([started.status, fact(started.json, 'state'), fact(started.json, 'by')]).toEqual([200, 'done', 'socket']);
      const seen = await call('GET /vms');
      expect(fact(seen.json, 'vms', '0')).toMatchObject({ name: 'web', state: 'running', wanted: { by: 'socket' } });
      expect(fact(seen.json, 'vms', '0', 'usage', 'memoryBytes')).toBeGreaterThan(0);
      expect(fact((await call('GET /vms/web')).json, 'usage', 'cpuSeconds')).toBeGreaterThanOrEqual(0);
      expect([await statusOf(call('DELETE /vms/web')), await statusOf(call('DELETE /vms/none'))]).toEqual([409, 404]);
      const stopped = await call('POST /vms/web/stop?wait=60s', { body: { timeout: '30s' } });
      expect(stopped.json).toMatchObject({ kind: 'stop', state: 'done', hadEffect: true });
      expect(await statusOf(call('DELETE /vms/web?disks=keep'))).toBe(204);
      expect(await statusOf(call('GET /vms/web'))).toBe(404);
      expect(existsSync(place.path('state/specs/web.json'))).toBe(false);
    });
  });

  test('are not made of a spec with mistakes: all are told, with their places', async () => {
    await withApi({}, async ({ call }) => {
      const { status, json } = await call('POST /vms', { body: '{\n "name": "web",\n "cpu": "many",\n "mem": "x"\n}' });
      expect(status).toBe(422);
      expect((fact(json, 'problems') as readonly unknown[]).map((problem) => fact(problem, 'place', 'line'))).toEqual([
        3, 4,
      ]);
      expect(fact((await call('GET /vms')).json, 'vms')).toEqual([]);
    });
  });

  test("of an admin's file are not removed or replaced", async () => {
    await withApi({ specs: { db: {} } }, async ({ call, place }) => {
      const before = readFileSync(place.path('specs/db.json'), 'utf8');
      expect(codeOf(await call('DELETE /vms/db'))).toBe('not-ours');
      expect(codeOf(await call('PUT /vms/db/spec', { body: spec('db', { cpu: 2 }) }))).toBe('not-ours');
      expect(readFileSync(place.path('specs/db.json'), 'utf8')).toBe(before);
    });
  });
});

describe('a spec', () => {
  test('is replaced only where it is the one that was seen', async () => {
    await withApi({}, async ({ call }) => {
      const put = (body: string, headers: Readonly<Record<string, string>> = {}) =>
        call('PUT /vms/web/spec', { body, headers: { 'content-type': 'application/json', ...headers } });
      expect(codeOf(await put(spec('web'), { 'if-match': '*' }))).toBe('no-such-vm');
      expect(await statusOf(put(spec('web'), { 'if-none-match': '*' }))).toBe(201);
      expect(await statusOf(put(spec('web'), { 'if-none-match': '*' }))).toBe(412);
      const first = await call('GET /vms/web/spec');
      const { etag = '' } = first.headers;
      expect([first.text, first.headers['content-type']]).toEqual([spec('web'), 'application/json']);
      expect(await statusOf(call('GET /vms/web/spec', { headers: { 'if-none-match': etag } }))).toBe(304);
      expect(await statusOf(put(spec('web', { cpu: 2 }), { 'if-match': etag }))).toBe(200);
      expect(await statusOf(put(spec('web', { cpu: 3 }), { 'if-match': etag }))).toBe(412);
      expect((await call('GET /vms/web/spec')).text).toBe(spec('web', { cpu: 2 }));
      for (const [name, value, status] of [
        ['if-match', 'none', 400],
        ['if-match', '"a", "b"', 400],
        ['if-none-match', '"a"', 400],
        ['if-match', '"none"', 412],
        ['if-match', '"*"', 412],
      ] as const)
        expect([value, await statusOf(put(spec('web'), { [name]: value }))]).toEqual([value, status]);
      expect(await statusOf(put(spec('web'), { 'if-match': '*', 'if-none-match': '*' }))).toBe(412);
    });
  });

  test('with problems, or of another name, changes nothing', async () => {
    await withApi({}, async ({ call }) => {
      await call('POST /vms', { body: spec('web') });
      expect(await statusOf(call('PUT /vms/web/spec', { body: spec('web', { cpu: 'x' }) }))).toBe(422);
      expect(await statusOf(call('PUT /vms/web/spec', { body: spec('other') }))).toBe(422);
      expect((await call('GET /vms/web/spec')).text).toBe(spec('web'));
    });
  });

  test('is for admins of the root group alone, to read and to write', async () => {
    await withApi({ specs: { web: {} } }, async ({ as }) => {
      const { call } = await as('anna', [{ group: 'root', role: 'operate' }]);
      expect(await statusOf(call('GET /vms/web/spec'))).toBe(403);
      expect(await statusOf(call('PUT /vms/web/spec', { body: spec('web') }))).toBe(403);
      expect(await statusOf(call('POST /vms', { body: spec('new') }))).toBe(403);
      expect(await statusOf(call('DELETE /vms/web'))).toBe(403);
      expect(await statusOf(call('POST /reload'))).toBe(403);
      expect(await statusOf(call('GET /vms/web'))).toBe(200);
    });
  });

  test('that has changed says what the next boot brings', async () => {
    await withApi({ specs: { web: {} } }, async ({ call, place }) => {
      await call('POST /vms/web/start?wait=60s');
      addSpec(place, 'web', { cpu: 2, emulations: [{ device: 'virtio-rnd' }] });
      expect((await call('POST /reload')).json).toEqual({ added: [], changed: ['web'], removed: [], problems: [] });
      const { json } = await call('GET /vms/web/changes');
      expect(json).toMatchObject({ name: 'web', isChanged: true, problems: [] });
      expect(fact(json, 'changes')).toContainEqual(
        expect.objectContaining({ kind: 'device-added', device: 'virtio-rnd' }),
      );
      expect(fact(json, 'guest')).toContainEqual(expect.objectContaining({ kind: 'added' }));
    });
  });
});

describe('a request', () => {
  test('that takes a while is an operation, to be asked for and to be waited for', async () => {
    await withApi({ specs: { web: {} }, onSigterm: ':' }, async ({ call, guests }) => {
      await call('POST /vms/web/start?wait=60s');
      const asked = await call('POST /vms/web/stop');
      expect(asked.status).toBe(202);
      const { location = '' } = asked.headers;
      expect(location).toBe(`/api/v1/operations/${String(fact(asked.json, 'id'))}`);
      const path = location.slice('/api/v1'.length);
      expect((await call(`GET ${path}?wait=10ms`)).json).toMatchObject({ state: 'running', kind: 'stop' });
      expect(codeOf(await call(`DELETE ${path}`))).toBeDefined();
      const waiting = call(`GET ${path}?wait=60s`);
      void guests.end('web', 1);
      expect((await waiting).json).toMatchObject({ state: 'done' });
      expect(fact((await call('GET /operations')).json, 'operations', '0', 'id')).toBe(fact(asked.json, 'id'));
      expect(await statusOf(call('GET /operations/none'))).toBe(404);
    });
  });

  test('to start is answered while the guest is not up yet, and as often as somebody asks', async () => {
    const gate = ['/bin/sh', '-c', 'mkfifo "$0" 2>/dev/null; read -r go < "$0"'];
    await inPlace(async (outside) => {
      const fifo = outside.path('gate');
      const web = { hooks: { pre_start: [...gate, fifo], timeout: '1h' } };
      await withApi({ specs: { web } }, async ({ call, guests }) => {
        const asked = await call('POST /vms/web/start');
        expect([asked.status, fact(asked.json, 'state')]).toEqual([202, 'running']);
        const again = await call('POST /vms/web/start');
        expect(again.status).toBe(202);
        const path = `/operations/${String(fact(again.json, 'id'))}`;
        expect((await call(`GET ${path}?wait=10ms`)).json).toMatchObject({ state: 'running' });
        expect(guests.log()).toEqual([]);
        await until(() => existsSync(fifo));
        writeFileSync(fifo, 'go\n');
        expect((await call(`GET ${path}?wait=60s`)).json).toMatchObject({ state: 'done' });
      });
    });
  });

  test('that has nothing to do is done at once', async () => {
    await withApi({ specs: { web: {} } }, async ({ call }) => {
      const stopped = await call('POST /vms/web/stop');
      expect([stopped.status, fact(stopped.json, 'hadEffect')]).toEqual([200, false]);
      await call('POST /vms/web/start?wait=60s');
      const started = await call('POST /vms/web/start');
      expect([started.status, fact(started.json, 'hadEffect')]).toEqual([200, false]);
    });
  });

  test('to stop now does not wait for the guest', async () => {
    await withApi({ specs: { web: {} }, onSigterm: ':' }, async ({ call }) => {
      await call('POST /vms/web/start?wait=60s');
      await call('POST /vms/web/stop');
      const now = await call('POST /vms/web/stop?wait=60s', { body: { now: true } });
      expect([now.status, fact(now.json, 'state')]).toEqual([200, 'done']);
    });
  });

  test('to restart is one operation', async () => {
    await withApi({ specs: { web: {} } }, async ({ call, guests }) => {
      await call('POST /vms/web/start?wait=60s');
      const again = await call('POST /vms/web/restart?wait=60s', { body: { now: true } });
      expect(again.json).toMatchObject({ kind: 'restart', state: 'done' });
      // It runs before it has written that.
      await until(() => guests.log().filter((line) => line.startsWith('up web')).length === 2);
    });
  });

  test.each(['pause', 'resume', 'reset', 'nmi', 'power-button'])(
    'to %s a guest that does not run is told why not',
    async (act) => {
      await withApi({ specs: { web: {} } }, async ({ call }) => {
        const { json } = await call(`POST /vms/web/${act}?wait=10s`);
        expect(json).toMatchObject({ kind: act, state: 'failed', problems: [{ code: 'not-running' }] });
      });
    },
  );

  test.each([
    ['POST /vms/web/stop', { body: { now: 'yes' } }, 'wrong-type'],
    ['POST /vms/web/stop', { body: { timeout: 'soon' } }, 'wrong-value'],
    ['POST /vms/web/stop', { body: { timeout: -1 } }, 'wrong-value'],
    ['POST /vms/web/stop', { body: { force: true } }, 'unknown-member'],
    ['POST /vms/web/stop?wait=forever', {}, 'wrong-value'],
    ['POST /vms/web/start', { body: { target: '' } }, 'wrong-value'],
    ['POST /vms/web/pause', { body: {} }, 'unexpected-body'],
    ['GET /vms/web/graph?format=png', {}, 'wrong-value'],
  ])('%s %j is refused: %s', async (line, options, code) => {
    await withApi({ specs: { web: {} } }, async ({ call }) => {
      const reply = await call(line, options);
      expect([reply.status, codeOf(reply)]).toEqual([400, code]);
    });
  });
});

describe('what there is to know of a VM', () => {
  test('is what the commands print', async () => {
    await withApi({ specs: { web: { targets: { rescue: { cpu: 2 } } } } }, async ({ call, place }) => {
      const { json: plan } = await call('GET /vms/web/plan?target=rescue&explain=true');
      expect(plan).toMatchObject({
        name: 'web',
        source: place.path('specs/web.json'),
        targets: [{ target: 'rescue' }],
      });
      expect(fact(plan, 'targets', '0', 'command')).toContain('-c');
      expect(fact(plan, 'targets', '0', 'explained')).toBeDefined();
      const { json: check } = await call('GET /vms/web/check');
      expect(check).toMatchObject({ name: 'web', host: { system: process.platform } });
      expect(await statusOf(call('GET /vms/web/plan?target=none'))).toBe(404);
      addSpec(place, 'bad', { cpu: 'many' });
      await call('POST /reload');
      const bad = await call('GET /vms/bad/plan');
      expect([bad.status, fact(bad.json, 'problems', '0', 'place', 'pointer')]).toEqual([409, '/cpu']);
      expect((await call('GET /vms/web/why')).json).toEqual({
        ...{ name: 'web', state: 'stopped', waitsFor: [], problems: [], degraded: {} },
      });
    });
  });

  test('is a picture as well', async () => {
    await withApi({ specs: { web: {} } }, async ({ call }) => {
      expect((await call('GET /vms/web/graph')).json).toMatchObject({
        boots: { name: 'web' },
        machine: { name: 'web' },
      });
      expect((await call('GET /vms/web/graph?what=boots')).json).not.toHaveProperty('machine');
      for (const options of [{ headers: { accept: 'image/svg+xml, application/json;q=0.5' } }, undefined]) {
        const svg = await call(`GET /vms/web/graph${options === undefined ? '?format=svg' : ''}`, options);
        expect(svg.text).toMatch(/^<svg/);
        expect(svg.headers['content-type']).toBe('image/svg+xml');
        expect(svg.headers['content-security-policy']).toContain("default-src 'none'");
      }
      expect((await call('GET /vms/web/graph?format=mermaid')).text).toContain('flowchart');
    });
  });

  test('is what it wrote, and how it ended', async () => {
    await withApi({ specs: { web: {} } }, async ({ call, guests, boots }) => {
      await call('POST /vms/web/start?wait=60s');
      await until(async () => fact((await call('GET /vms/web/log')).json, 'lines', '0') !== undefined);
      expect(fact((await call('GET /vms/web/log?lines=1')).json, 'lines')).toEqual([
        expect.stringContaining('words of web'),
      ]);
      expect(fact((await call('GET /vms/web/log?lines=0')).json, 'lines')).toEqual([]);
      void guests.end('web', 0);
      await boots('web', 2);
      expect((await call('GET /vms/web/why')).json).toMatchObject({ last: { boot: 1, reason: 'reboot' } });
    });
  });
});

describe('a draft', () => {
  test('is planned, and nothing is kept', async () => {
    await withApi({}, async ({ call }) => {
      const { json } = await call('POST /plan', { body: spec('draft') });
      expect(json).toMatchObject({ ok: true, problems: [], plan: { name: 'draft' } });
      expect(fact(json, 'plan', 'targets', '0', 'explained')).toBeDefined();
      expect(fact((await call('GET /vms')).json, 'vms')).toEqual([]);
    });
  });

  test.each([
    ['application/yaml', 'name: draft\ncpu: 1\nmem: 64M\n', true],
    ['application/ucl', 'name = draft; cpu = 1; mem = 64M;', true],
    ['application/json', '{"name": "draft",}', false],
    ['application/yaml', 'name: draft\ncpu: many\n', false],
  ])('in %s: %j is fine: %s', async (type, body, isFine) => {
    await withApi({}, async ({ call }) => {
      const { status, json } = await call('POST /plan', { body, headers: { 'content-type': type } });
      expect([status, fact(json, 'ok')]).toEqual([200, isFine]);
      expect((fact(json, 'problems') as readonly unknown[]).length > 0).toBe(!isFine);
      if (!isFine) expect(fact(json, 'problems', '0', 'place', 'line')).toBeDefined();
    });
  });
});

/** Reads a stream of events. */
function listen({ socketPath }: Pick<Api, 'socketPath'>, path: string, ...headers: readonly string[]) {
  const socket = dial(`unix:${socketPath}`);
  let text = '';
  socket.setEncoding('utf8').on('data', (more: string) => (text += more));
  socket.write([`GET /api/v1${path} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n'));
  const events = () =>
    [...text.matchAll(/^id: (.*)\nevent: (.*)\ndata: (.*)\n/gm)].map(([, id = '', event = '', data = '']) => ({
      ...{ id, event },
      data: JSON.parse(data) as unknown,
    }));
  return { events, text: () => text, close: () => socket.destroy() };
}

describe('events', () => {
  test('come as they happen, and again from where a client was', async () => {
    await withApi({ specs: { web: {}, db: {} } }, async (api) => {
      const first = listen(api, '/events');
      await until(() => first.text().includes('retry'));
      await api.call('POST /vms/web/start?wait=60s');
      await api.call('POST /vms/db/start?wait=60s');
      await until(
        () =>
          first.events().filter(({ event, data }) => event === 'run' && fact(data, 'event', 'kind') === 'boot')
            .length === 2,
      );
      first.close();
      const all = first.events();
      expect(all.every(({ id, data }) => id === fact(data, 'id'))).toBe(true);
      const from = all.findIndex(({ event }) => event === 'run');
      const again = listen(api, '/events', `Last-Event-ID: ${all[from]?.id ?? ''}`);
      await until(() => again.events().length >= all.length - from - 1);
      expect(again.events().slice(0, all.length - from - 1)).toEqual(all.slice(from + 1));
      again.close();
      const own = listen(api, '/events?vm=db', `Last-Event-ID: ${all[0]?.id ?? ''}`);
      await until(() => own.events().length > 2);
      expect(new Set(own.events().map(({ data }) => fact(data, 'vm')))).toEqual(new Set(['db']));
      own.close();
    });
  });

  test('are missed by no client that is cut off before the first of them', async () => {
    await withApi({ specs: { web: {}, db: {} } }, async (api) => {
      const first = listen(api, '/events?vm=web');
      await until(() => first.text().includes('retry'));
      first.close();
      const [, id = ''] = /^id: (.*)$/m.exec(first.text()) ?? [];
      await api.call('POST /vms/web/start?wait=60s');
      const again = listen(api, '/events?vm=web', `Last-Event-ID: ${id}`);
      await until(() => again.events().length > 0);
      expect(again.events()[0]).toMatchObject({ event: 'wanted', data: { wanted: { state: 'running' } } });
      again.close();
      const another = listen(api, '/events', 'Last-Event-ID: of-another-7');
      await until(() => another.events().length > 0);
      another.close();
      // Who is to be told of a gap may be cut off before that as well.
      expect(another.text().indexOf('id: ')).toBeGreaterThan(another.text().indexOf('retry'));
    });
  });

  test('of another manager are a gap', async () => {
    await withApi({ specs: { web: {} } }, async (api) => {
      const listener = listen(api, '/events', 'Last-Event-ID: of-another-7');
      await until(() => listener.events().length > 0);
      expect(listener.events()[0]?.event).toBe('gap');
      listener.close();
      expect(await statusOf(api.call('GET /events?vm=none'))).toBe(404);
    });
  });
});

describe('people', () => {
  test('see the VMs of their groups, and nothing of others', async () => {
    await withApi({ specs: { web: {} } }, async ({ as, call }) => {
      await call('POST /groups', { body: { path: 'root/other' } });
      const { call: other } = await as('anna', [{ group: 'root/other', role: 'admin' }]);
      await call('POST /vms/web/start?wait=60s');
      const { json } = await call('GET /operations');
      const id = String(fact(json, 'operations', '0', 'id'));
      expect(fact((await other('GET /vms')).json, 'vms')).toEqual([]);
      expect(fact((await other('GET /operations')).json, 'operations')).toEqual([]);
      expect(fact((await other('GET /groups')).json, 'groups')).toEqual(['root/other']);
      for (const line of [
        'GET /vms/web',
        'POST /vms/web/stop',
        `GET /operations/${id}`,
        `DELETE /operations/${id}`,
        'GET /events?vm=web',
      ])
        expect([line, await statusOf(other(line))]).toEqual([line, 404]);
      for (const line of ['GET /host', 'GET /metrics', 'GET /users'])
        expect([line, await statusOf(other(line))]).toEqual([line, 403]);
    });
  });

  test('are made, changed and removed by admins', async () => {
    await withApi({}, async ({ call, url }) => {
      const grants = [{ group: 'root', role: 'view' }];
      const made = await call('POST /users', { body: { name: 'anna', password: 'a good one', grants } });
      expect([made.status, fact(made.json, 'name'), fact(made.json, 'grants')]).toEqual([201, 'anna', grants]);
      expect(codeOf(await call('POST /users', { body: { name: 'anna', password: 'a good one', grants } }))).toBe(
        'exists',
      );
      const short = await call('POST /users', { body: { name: 'bert', password: 'x', grants } });
      expect([short.status, short.text.includes('"x"')]).toEqual([400, false]);
      expect(fact(short.json, 'problems', '0', 'message')).toBe(
        '/password has to have at least 8 characters, found another value',
      );
      expect(await statusOf(call('PATCH /users/anna', { body: { grants: [] } }))).toBe(200);
      expect(await statusOf(call('PATCH /users/none', { body: { grants: [] } }))).toBe(404);
      expect(
        (fact((await call('GET /users')).json, 'users') as readonly unknown[]).map((user) => fact(user, 'name')),
      ).toEqual(['root', 'anna']);
      expect((await call('GET /users')).text).not.toContain('hash');
      expect(await statusOf(call('DELETE /users/anna'))).toBe(204);
      expect(await statusOf(call('DELETE /users/anna'))).toBe(404);
      expect((await fetch(`${url}/api/v1/login`, { method: 'POST' })).status).toBe(400);
    });
  });

  test('sign in for a session, change their password in it, and sign out', async () => {
    await withApi({}, async ({ url }) => {
      const origin = url;
      const post = async (path: string, body: object | undefined, cookie = '') =>
        fetch(`${url}/api/v1${path}`, {
          method: 'POST',
          headers: { origin, cookie, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
      const cookieIn = (response: Response): string => response.headers.get('set-cookie')?.split(';')[0] ?? '';
      expect((await post('/login', { name: 'root', password: '' })).status).toBe(401);
      const first = cookieIn(await post('/login', { name: 'root', password: rootPassword }));
      const who = async (cookie: string) => (await fetch(`${url}/api/v1/session`, { headers: { cookie } })).status;
      expect(await who(first)).toBe(200);
      expect((await post('/password', { current: 'a wrong one', password: 'another one' }, first)).status).toBe(401);
      expect((await post('/password', { current: rootPassword, password: 'another one' }, first)).status).toBe(204);
      expect(await who(first)).toBe(401);
      expect((await post('/login', { name: 'root', password: rootPassword })).status).toBe(401);
      const second = cookieIn(await post('/login', { name: 'root', password: 'another one' }));
      expect((await post('/logout', undefined, second)).status).toBe(204);
      expect(await who(second)).toBe(401);
    });
  });

  test('make tokens that are no wider than they are, and a token makes none', async () => {
    await withApi({}, async ({ call, as, url }) => {
      const grants = [{ group: 'root', role: 'operate' }] as const;
      const { call: byToken } = await as('anna', grants);
      expect(await statusOf(byToken('POST /tokens', { body: { name: 'more' } }))).toBe(403);
      expect(
        await statusOf(byToken('POST /password', { body: { current: 'a good one', password: 'another one' } })),
      ).toBe(403);
      const login = await fetch(`${url}/api/v1/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'anna', password: 'a good one' }),
      });
      const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
      const make = (body: object) => call('POST /tokens', { body: { name: 'ci', ...body } });
      const inSession = (body: object) =>
        fetch(`${url}/api/v1/tokens`, {
          method: 'POST',
          headers: { cookie, origin: url, 'content-type': 'application/json' },
          body: JSON.stringify({ name: 'ci', ...body }),
        });
      expect((await inSession({ grants: [{ group: 'root', role: 'admin' }] })).status).toBe(403);
      expect((await inSession({ ends: '2001-01-01T00:00:00Z' })).status).toBe(422);
      expect((await inSession({ user: 'root' })).status).toBe(403);
      const made = await inSession({});
      expect(made.status).toBe(201);
      const document: unknown = await made.json();
      expect(document).toMatchObject({
        user: 'anna',
        name: 'ci',
        grants,
        token: expect.stringMatching(/^vmrun_/) as unknown,
      });
      expect(codeOf(await make({}))).toBe('no-user');
      expect(await statusOf(make({ user: 'root' }))).toBe(201);
      expect(fact((await byToken('GET /tokens')).json, 'tokens')).toHaveLength(2);
      expect(fact((await call('GET /tokens')).json, 'tokens')).toHaveLength(4);
      const { json: all } = await call('GET /tokens?user=root');
      const other = String(fact(all, 'tokens', '0', 'id'));
      expect(await statusOf(byToken(`DELETE /tokens/${other}`))).toBe(404);
      expect(await statusOf(call(`DELETE /tokens/${other}`))).toBe(204);
    });
  });

  test('are in groups, whose paths are in URLs', async () => {
    await withApi({}, async ({ call }) => {
      expect(await statusOf(call('POST /groups', { body: { path: 'root/a' } }))).toBe(204);
      expect(await statusOf(call('POST /groups', { body: { path: 'nowhere' } }))).toBe(400);
      expect(fact((await call('GET /groups')).json, 'groups')).toEqual(['root', 'root/a']);
      expect(await statusOf(call('DELETE /groups/root%2Fa'))).toBe(204);
      expect(await statusOf(call('DELETE /groups/root'))).toBe(409);
      expect(await statusOf(call('DELETE /groups/root%2Fa'))).toBe(404);
    });
  });
});

describe('metrics', () => {
  const netstat = [
    'Name       Mtu Network       Address              Ipkts Ierrs Idrop     Ibytes    Opkts Oerrs     Obytes  Coll',
    'tap0      1500 <Link#4>      58:9c:fc:10:ff:aa     1234     0     0     567890     4321     0      98765     0',
    'tap0         - fe80::%tap0/6 fe80::5a9c:fcff:f        0     -     -          0        1     -         76     -',
    'lo0      16384 <Link#2>      lo0                    100     0     0       5000      100     0       5000     0',
    'vm-wan*   1500 <Link#5>                               1     0     0          2        3     0          4     0',
  ].join('\n');

  test('come from one ps and one netstat, whatever the number of VMs', async () => {
    const calls: string[] = [];
    const run: RunTool = (argv) => {
      calls.push(argv[0] ?? '');
      const pids = (argv.at(-1) ?? '').split(',');
      const stdout = argv[0] === 'ps' ? pids.map((pid) => `${pid} 2048  1:02.50`).join('\n') : netstat;
      return Promise.resolve({ argv, exitCode: 0, stdout, stderr: '' });
    };
    const net = { emulations: [{ device: 'virtio-net', name: 'tap0' }] };
    const db = { restart: { max: 3, window: '1h', stable: '1h' } };
    await withApi({ specs: { web: net, db, off: {} }, site: { run } }, async ({ call, guests, boots }) => {
      await Promise.all([call('POST /vms/web/start?wait=60s'), call('POST /vms/db/start?wait=60s')]);
      void guests.end('db', 0);
      await boots('db', 2);
      calls.splice(0);
      const { text, headers } = await call('GET /metrics');
      expect(calls.sort()).toEqual(['netstat', 'ps']);
      expect(headers['content-type']).toMatch(/^application\/openmetrics-text; version=1.0.0/);
      const lines = text.split('\n');
      for (const line of [
        'vmrun_vm_state{vm="web",state="running"} 1',
        'vmrun_vm_state{vm="off",state="stopped"} 1',
        'vmrun_vm_wanted{vm="off"} 0',
        'vmrun_vm_boots_total{vm="db"} 2',
        'vmrun_vm_exits_total{vm="db",reason="reboot"} 1',
        'vmrun_vm_restart_budget_left{vm="db"} 2',
        'vmrun_vm_cpu_seconds_total{vm="web"} 62.5',
        'vmrun_vm_memory_bytes{vm="web"} 2097152',
        'vmrun_vm_interface_received_bytes_total{vm="web",interface="tap0"} 567890',
        'vmrun_vm_interface_sent_bytes_total{vm="web",interface="tap0"} 98765',
      ])
        expect([line, lines.includes(line)]).toEqual([line, true]);
      // No limit, no number.
      expect(text).not.toContain('vmrun_vm_restart_budget_left{vm="web"}');
      expect(text).not.toContain('vmrun_vm_restart_budget_left{vm="off"}');
      expect(text.trimEnd()).toMatch(/# EOF$/);
    });
  });

  test('read what netstat(1) says of links, also of those without an address', () => {
    expect([...readTraffic(netstat)]).toEqual([
      ['tap0', { received: 567890, sent: 98765 }],
      ['lo0', { received: 5000, sent: 5000 }],
      ['vm-wan', { received: 2, sent: 4 }],
    ]);
    expect(readTraffic('').size).toBe(0);
  });

  test('read what ps(1) says on FreeBSD and on Linux', () => {
    expect([...readUsage('  12 2048   1:02.50\n 345 1  00:01:02\n6 7 1-02:03:04\nnonsense\n')]).toEqual([
      [12, { cpuSeconds: 62.5, memoryBytes: 2_097_152 }],
      [345, { cpuSeconds: 62, memoryBytes: 1024 }],
      [6, { cpuSeconds: 93_784, memoryBytes: 7168 }],
    ]);
  });

  test('look again after some seconds, and for another process at that one alone', async () => {
    const looks: string[] = [];
    const run: RunTool = (argv) => {
      looks.push(argv.at(-1) ?? '');
      const stdout = (argv.at(-1) ?? '').split(',').map((pid) => `${pid} 1 0:00.10`);
      return Promise.resolve({ argv, exitCode: 0, stdout: stdout.join('\n'), stderr: '' });
    };
    const clock = steppedClock();
    const usage = usageWatch(run, clock);
    await Promise.all([usage.of([1, 2]), usage.of([1]), usage.of([])]);
    expect(looks).toEqual(['1,2']);
    // One that is new keeps nobody waiting who asks for many.
    expect([...(await usage.of([1, 2, 3])).keys()]).toEqual([1, 2]);
    expect([...(await usage.of([3])).keys()]).toEqual([3]);
    expect([...(await usage.of([1, 2, 3])).keys()]).toEqual([1, 2, 3]);
    expect(looks).toEqual(['1,2', '3']);
    clock.advance(5001);
    // What was found is told while it is looked again, but not for ever.
    expect([...(await usage.of([1, 3])).keys()]).toEqual([1, 3]);
    await usage.of([3, 1]);
    expect(looks).toEqual(['1,2', '3', '1,3']);
    clock.advance(10_001);
    await usage.of([1, 2]);
    expect(looks).toEqual(['1,2', '3', '1,3', '1,2']);
  });
});
