import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { draftOf } from '../../src/api/native/draft.js';
import type { NativeSite } from '../../src/api/native/site.js';
import { nativeApi } from '../../src/api/native/routes.js';
import { systemClock } from '../../src/host/clock.js';
import { runTool } from '../../src/host/process/tools.js';
import type { Grant } from '../../src/manager/accounts/grants.js';
import { openAccounts } from '../../src/manager/accounts/accounts.js';
import type { ManagerOptions } from '../../src/manager/options.js';
import type { ServerOptions } from '../../src/server/options.js';
import { createServer } from '../../src/server/server.js';
import { inPlace, type Place } from '../e2e/support/place.js';
import { addSpec, endNow, guestsOf, manage, type Guests, type Managing } from '../manager/support.js';
import { adminOfAll, ask, inAnHour, quickPasswords, rootPassword, type Ask, type Reply } from '../support/served.js';

export const description = fileURLToPath(new URL('../../docs/openapi.json', import.meta.url));

/** A manager of guests that are scripts, and its API on loopback and on a socket. */
export interface Api extends Managing {
  readonly place: Place;
  readonly guests: Guests;
  readonly url: string;
  readonly socketPath: string;
  /** Over the socket: `GET /vms` and so on, below `/api/v1`. */
  readonly call: (line: string, options?: Ask) => Promise<Reply>;
  /** The same over TCP, as a new user with these rights. */
  readonly as: (
    name: string,
    grants: readonly Grant[],
  ) => Promise<{ readonly call: Api['call']; readonly token: string }>;
  /** Of root. */
  readonly token: string;
  readonly bugs: readonly unknown[];
}

export interface ApiOptions {
  /** Names of VMs whose specs are there from the first moment, and what these say beside it. */
  readonly specs?: Readonly<Record<string, object>>;
  readonly onSigterm?: string;
  readonly site?: Partial<NativeSite>;
  readonly server?: Partial<ServerOptions>;
  readonly manager?: Partial<ManagerOptions>;
}

export async function withApi(options: ApiOptions, use: (api: Api) => Promise<void>): Promise<void> {
  await inPlace(async (place) => {
    const guests = guestsOf(place, options.onSigterm);
    for (const [name, fields] of Object.entries(options.specs ?? {})) addSpec(place, name, fields);
    const managing = await manage(place, guests, options.manager);
    const { accounts } = await openAccounts({
      file: place.path('state/accounts.json'),
      initialPasswordFile: place.write('password', rootPassword, 0o600),
      clock: systemClock,
      passwords: quickPasswords(),
    });
    const native = nativeApi({
      ...{ manager: managing.manager, accounts, clock: systemClock, run: runTool },
      ...{ version: '1.2.3', pid: process.pid, features: [], description: () => readFileSync(description, 'utf8') },
      ...{ programs: { bhyve: [guests.file], loaders: {} }, hostBhyve: {}, runBase: place.runBase, hasBhyve: false },
      planDraft: async (request) => JSON.stringify(await draftOf(request)),
      ...options.site,
    });
    const socketPath = place.path('m.sock');
    const bugs: unknown[] = [];
    const server = await createServer({
      listen: [`unix:${socketPath}`, 'http://127.0.0.1:0'],
      ...{ accounts, clock: systemClock, run: runTool, stateFolder: place.folder },
      ...{ routes: native.routes, groupOf: native.groupOf, onBug: (error) => bugs.push(error) },
      ...options.server,
    });
    const url = server.addresses[1] ?? '';
    const over = (base: string, common: Ask): Api['call'] => {
      return (line, more = {}) => {
        const [method = '', path = ''] = line.split(' ');
        const whole = /^\/(metrics|healthz)/.test(path) ? path : `/api/v1${path}`;
        return ask(`${base}${whole}`, { method, ...common, ...more });
      };
    };
    try {
      await use({
        ...{ ...managing, place, guests, url, socketPath, bugs },
        call: over('http://localhost', { socketPath }),
        async as(name, grants) {
          await accounts.addUser({ name, password: 'a good one', grants });
          const { token } = accounts.makeToken({ user: name, name: 'test', ends: inAnHour(), grants });
          return { token, call: over(url, { token }) };
        },
        token: accounts.makeToken({ user: 'root', name: 'test', ends: inAnHour(), grants: adminOfAll }).token,
      });
    } finally {
      await endNow(managing);
      await native.end();
      await server.close();
    }
    if (bugs.length > 0) throw new AggregateError(bugs, 'the API has a fault');
  });
}
