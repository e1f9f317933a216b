import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { inPlace, vmrunCommand } from './support/place.js';
import { managedIn, type ManagedPlace, type Serving } from './support/serving.js';

const page = readFileSync(fileURLToPath(new URL('../../docs/manager.md', import.meta.url)), 'utf8');
const [, table = ''] = /\| message or symptom \| what to do \|\n\|[-|]+\|\n((?:\|.*\n)+)/.exec(page) ?? [];
/** The rows of the table: what is seen, and what to do. */
const rows = new Map(
  table
    .trimEnd()
    .split('\n')
    .map((row) => {
      const [, seen = '', todo = ''] = row.split('|').map((cell) => cell.trim());
      return [seen, todo] as const;
    }),
);

/** The place with its manager, which listens on the UNIX socket, with TLS and without; and VMs: `web` waits for `db`. */
interface Trouble extends ManagedPlace {
  readonly serving: Serving;
  readonly socket: string;
  readonly http: string;
  readonly https: string;
  readonly db: string;
  readonly web: string;
  /** Ends with an error. */
  readonly bad: string;
}

/** What a command prints, in one line of text. */
const said = async ({ ask }: ManagedPlace, ...words: readonly string[]): Promise<string> => {
  const { stdout, stderr } = await ask(...words);
  return stdout + stderr;
};

/** What a command says that is given a line, or started by a user who may do nothing. */
async function saidOf(
  words: readonly string[],
  { input, uid }: { readonly input?: string; readonly uid?: number },
): Promise<string> {
  const [program = '', ...rest] = vmrunCommand;
  const child = spawn(program, [...rest, ...words], {
    ...{ cwd: '/', env: { PATH: process.env.PATH } },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  child.stdin.end(input);
  child.stdout.resume();
  const [status] = (await once(child, 'close')) as [number];
  return `${status} ${text}`;
}

async function token(trouble: Trouble): Promise<readonly string[]> {
  const { stdout } = await trouble.ask('serve', 'token', 'add', 'test', '--role', 'view');
  trouble.place.write('token', stdout, 0o600);
  return ['--token-file', 'token'];
}

/** How somebody gets to see what a row begins with; and, by what it says to do, out of it. */
const provoked: Readonly<Record<string, (trouble: Trouble) => Promise<void>>> = {
  'no manager listens there': async (trouble) => {
    const { ask, place } = trouble;
    const elsewhere = await said(trouble, 'ls', '--manager', `unix:${place.path('none.sock')}`);
    expect(elsewhere).toContain('no manager listens there');
    expect((await ask('ls')).status).toBe(0);
  },
  'you may not use this socket': async (trouble) => {
    const { place, socket, http } = trouble;
    const [, file = ''] = /^unix:(.*)$/.exec(socket) ?? [];
    const isRoot = process.getuid?.() === 0;
    // Nobody but root can be somebody else.
    if (isRoot) chmodSync(place.folder, 0o755);
    else chmodSync(file, 0);
    const denied = await saidOf(['ls', '--manager', socket], isRoot ? { uid: 65534 } : {});
    expect(denied).toContain(
      'you may not use this socket\n    fix: be root or in its group, or use --manager and --token-file\n',
    );
    if (!isRoot) chmodSync(file, 0o660);
    expect((await trouble.ask('ls', '--manager', http, ...(await token(trouble)))).status).toBe(0);
  },
  'this needs an account': async (trouble) => {
    const denied = await said(trouble, 'ls', '--manager', trouble.http);
    expect(denied).toContain('this needs an account');
    expect(denied).toContain('--token-file; vmrun serve token add makes one');
    expect((await trouble.ask('ls', '--manager', trouble.http, ...(await token(trouble)))).status).toBe(0);
  },
  'it does not speak TLS there': async (trouble) => {
    const denied = await said(trouble, 'ls', '--manager', trouble.http.replace('http:', 'https:'));
    expect(denied).toContain('it does not speak TLS there\n    fix: write http:// in place of https://\n');
  },
  'what answers there speaks no HTTP': async (trouble) => {
    const denied = await said(trouble, 'ls', '--manager', trouble.https.replace('https:', 'http:'));
    expect(denied).toMatch(
      /what answers there speaks no HTTP.*\n {4}fix: check the address; a port with TLS needs https:\/\/\n/,
    );
  },
  'nobody knows a host of this name': async (trouble) => {
    // Longer than a name may be: no name server is asked.
    const denied = await said(trouble, 'ls', '--manager', `http://${'a'.repeat(64)}:1`);
    expect(denied).toContain('nobody knows a host of this name\n    fix: check the name in the address\n');
  },
  'self-signed certificate': async (trouble) => {
    const words = ['ls', '--manager', trouble.https, ...(await token(trouble))];
    const denied = await said(trouble, ...words);
    expect(denied).toMatch(/self-signed certificate\n {4}fix: trust its certificate with --ca-file\n/);
    const [, folder = ''] = /`tls-certificate\.pem` in its (state) folder/.exec(page) ?? [];
    expect((await trouble.ask(...words, '--ca-file', `${folder}-simulated/tls-certificate.pem`)).status).toBe(0);
  },
  'another manager uses this state folder': async ({ begin, serving }) => {
    const other = begin();
    expect(await other.ended).toBe(75);
    expect(other.said()).toContain('another manager uses this state folder');
    expect(other.said()).toContain(String(serving.pid));
  },
  'a VM is `failed` in `vmrun ls`': async (trouble) => {
    const { ask, bad, inState } = trouble;
    await ask('start', bad);
    await inState(bad, 'failed');
    expect(await said(trouble, 'ls')).toMatch(new RegExp(`${bad} +failed .*\\n {2}\\S`));
    expect((await ask('logs', bad)).status).toBe(0);
  },
  'a VM is `queued`': async (trouble) => {
    await trouble.inState(trouble.web, 'queued');
    expect(await said(trouble, 'ls')).toMatch(new RegExp(`queued[^]*waits for ${trouble.db}`));
  },
  'a spec has problems': async (trouble) => {
    trouble.place.write('specs/wrong.json', '{\n "mem": "much" }');
    expect(await said(trouble, 'reload')).toContain('wrong.json:2:');
  },
  'a spec was changed and nothing happened': async (trouble) => {
    const { ask, place, vm, view, inState } = trouble;
    const third = vm('third');
    await ask('reload');
    await ask('start', third);
    await inState(third, 'running');
    place.write('specs/third.json', readFileSync(place.path('specs/third.json'), 'utf8').replace('"cpu":1', '"cpu":2'));
    const before = await view(third);
    await ask('reload');
    expect(await view(third)).toMatchObject({ pid: before.pid, spec: { isChanged: true } });
    await ask('restart', third);
    expect(await view(third)).toMatchObject({ state: 'running', spec: { isChanged: false } });
    expect((await view(third)).pid).not.toBe(before.pid);
  },
  'nobody knows the password of `root`': async (trouble) => {
    const { place, http } = trouble;
    const reset = await saidOf(['serve', 'user', 'passwd', 'root', '--run-dir', place.runBase], {
      input: 'a good one\n',
    });
    expect(reset).toMatch(/^0 /);
    const login = await fetch(`${http}/api/v1/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'root', password: 'a good one' }),
    });
    expect(login.ok).toBe(true);
  },
};

describe('what docs/manager.md says to do when something is wrong', () => {
  test('each row of its table is tried here', () => {
    expect([...rows.keys()]).toEqual(Object.keys(provoked));
    for (const todo of rows.values()) expect(todo).not.toBe('');
  });

  test('what a row begins with is what is seen, and what it says to do helps', async () => {
    await inPlace(async (place) => {
      const managed = managedIn(place);
      const socket = `unix:${place.runBase}-simulated/manager.sock`;
      const listen = [socket, 'http://127.0.0.1:0', 'https://127.0.0.1:0'];
      place.write('manager.json', JSON.stringify({ specs: 'specs', state: 'state', run_dir: place.runBase, listen }));
      // Nobody listens on the first port.
      const db = managed.vm('db', { autostart: { ready: { tcp: '127.0.0.1:1', timeout: '1h' } } });
      const web = managed.vm('web', { autostart: { after: [db] } });
      const bad = managed.vm('bad');
      const serving = await managed.serve('--script', `${bad}=error`);
      const [http = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(serving.said()) ?? [];
      const [https = ''] = /https:\/\/127\.0\.0\.1:\d+/.exec(serving.said()) ?? [];
      const trouble: Trouble = { ...managed, serving, socket, http, https, db, web, bad };
      for (const [seen, provoke] of Object.entries(provoked)) {
        try {
          await provoke(trouble);
        } catch (error) {
          throw new Error(`${seen}: ${String(error)}`, { cause: error });
        }
      }
      serving.kill('SIGTERM');
      expect(await serving.ended).toBe(0);
      expect(place.runDirectories()).toEqual([]);
    });
  });
});
