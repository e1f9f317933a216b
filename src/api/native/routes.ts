import type { Answer, Asked, Route } from '../../server/route.js';
import type { HealthDocument, OperationListDocument, ServiceDocument, UsageDocument, VmDocument } from './documents.js';
import { listenToEvents } from './events.js';
import validators from './generated/validate-requests.js';
import * as people from './people.js';
import { requestSchemas } from './request-schemas.js';
import type { VmView } from '../../manager/vm-view.js';
import { rows, type Row } from './rows.js';
import type { NativeSite } from './site.js';
import { tallyOf, type Tally } from './tally.js';
import { usageWatch, type UsageWatch } from './usage.js';
import { mayOnVm, operationOf, vmOf } from './visible.js';
import * as reports from './vm-reports.js';
import * as requests from './vm-requests.js';
import { parseDurationMs } from '../../base/duration.js';

/** What the handlers of one API share. */
interface Shared {
  readonly tally: Tally;
  readonly usage: UsageWatch;
  readonly vmText: TellVm;
  readonly since: string;
}

/** The VMs of `VmListDocument`, as text. */
type TellVm = (view: VmView, usage: UsageDocument | undefined) => string;

/** Many ask for many VMs, of which few have changed: a view and a usage are made into text once. */
function vmTeller(): TellVm {
  const told = new WeakMap<VmView, { readonly usage: UsageDocument | undefined; readonly text: string }>();
  return (view, usage) => {
    const known = told.get(view);
    if (known !== undefined && known.usage === usage) return known.text;
    const document: VmDocument = usage === undefined ? view : { ...view, usage };
    const text = JSON.stringify(document);
    told.set(view, { usage, text });
    return text;
  };
}

type Handler = (site: NativeSite, asked: Asked, shared: Shared) => Answer | Promise<Answer>;

/** By the id of the row. */
const handlers: Readonly<Record<string, Handler>> = {
  getService: ({ version, pid, features }, _asked, { since }) => {
    const document: ServiceDocument = { service: 'vmrun', version, api: 1, pid, since, features };
    return { document };
  },
  getDescription: ({ description }) => ({ text: { type: 'application/json', content: description() } }),
  getHost: async (site) => ({ document: await reports.hostFacts(site) }),
  listVms: async (site, { asker }, { usage, vmText }) => {
    const seen = site.manager.vms().filter(({ group }) => asker.may('view', group));
    const taken = await usage.of(seen.flatMap(({ pid }) => (pid === undefined ? [] : [pid])));
    const texts = seen.map((view) => vmText(view, view.pid === undefined ? undefined : taken.get(view.pid)));
    return { text: { type: 'application/json', content: `{"vms":[${texts.join()}]}\n` } };
  },
  addVm: requests.addVm,
  getVm: async (site, { params: { name = '' } }, { usage }) => {
    const view = vmOf(site, name);
    const { pid } = view;
    const own = pid === undefined ? undefined : (await usage.of([pid])).get(pid);
    const document: VmDocument = own === undefined ? view : { ...view, usage: own };
    return { document };
  },
  deleteVm: requests.deleteVm,
  getSpec: requests.getSpec,
  putSpec: requests.putSpec,
  setGroup: requests.setGroup,
  startVm: requests.startVm,
  stopVm: requests.stopVm,
  restartVm: requests.restartVm,
  resetVm: requests.actOnGuest('reset'),
  pauseVm: requests.actOnGuest('pause'),
  resumeVm: requests.actOnGuest('resume'),
  nmiVm: requests.actOnGuest('nmi'),
  powerButtonVm: requests.actOnGuest('power-button'),
  planVm: reports.planVm,
  checkVm: reports.checkVm,
  graphVm: reports.graphVm,
  changesOfVm: reports.changesOfVm,
  whyVm: reports.whyVm,
  logVm: reports.logVm,
  planSpec: reports.planSpec,
  listenToEvents,
  listOperations: (site, { asker }) => {
    const operations = site.manager.operations.list().filter(({ vm }) => mayOnVm(site, asker, 'view', vm));
    const document: OperationListDocument = { operations };
    return { document };
  },
  getOperation: async (site, asked) => {
    const found = operationOf(site, asked.asker, asked.params.id ?? '', 'view');
    const { wait } = asked.query;
    if (wait === undefined) return { document: found };
    return { document: await requests.waitedFor(site, found, parseDurationMs(wait) ?? 0, asked) };
  },
  cancelOperation: (site, { asker, params: { id = '' } }) => {
    const found = operationOf(site, asker, id, 'operate');
    return requests.cancelled(site, found);
  },
  reload: async ({ manager }, { asker }) => ({ document: await manager.reload(asker) }),
  login: people.login,
  logout: people.logout,
  getAsker: people.getAsker,
  changePassword: people.changePassword,
  listUsers: people.listUsers,
  addUser: people.addUser,
  changeUser: people.changeUser,
  removeUser: people.removeUser,
  listTokens: people.listTokens,
  addToken: people.addToken,
  removeToken: people.removeToken,
  listGroups: people.listGroups,
  addGroup: people.addGroup,
  removeGroup: people.removeGroup,
  getMetrics: async (site, _asked, shared) => {
    const { metricsText } = await import('./metrics.js');
    return { text: await metricsText(site, shared) };
  },
  getHealth: ({ version, pid }, { asker }) => {
    const document: HealthDocument = { status: 'ok', version, ...(asker.via === 'socket' ? { pid } : {}) };
    return { document };
  },
};

/** vmrun's own API, for a server. */
export interface NativeApi {
  readonly routes: readonly Route[];
  /** Of a VM, for the right to it. */
  readonly groupOf: (vm: string) => string | undefined;
  /** Listens to the manager no longer. */
  readonly end: () => Promise<unknown>;
}

export function nativeApi(site: NativeSite): NativeApi {
  const tally = tallyOf(site.manager.events);
  const shared = {
    ...{ tally, usage: usageWatch(site.run, site.clock), vmText: vmTeller() },
    since: site.clock.now().toISOString(),
  };
  return {
    routes: rows.map((row) => routeOf(row, site, shared)),
    groupOf: (vm) => site.manager.vm(vm)?.group,
    end: tally.end,
  };
}

function routeOf({ query, body, ...row }: Row, site: NativeSite, shared: Shared): Route {
  const handler = handlers[row.id];
  if (handler === undefined) throw new Error(`nobody handles ${row.id}`);
  return {
    ...row,
    ...(query === undefined ? {} : { query: { schema: requestSchemas[query], validate: validatorOf(query) } }),
    ...(body === undefined
      ? {}
      : {
          body:
            body.kind === 'text'
              ? body
              : { ...body, schema: requestSchemas[body.schema], validate: validatorOf(body.schema) },
        }),
    handle: (asked) => handler(site, asked, shared),
  };
}

function validatorOf(name: keyof typeof requestSchemas) {
  const validate = validators[name];
  if (validate === undefined) throw new Error(`the build has compiled nothing for ${name}`);
  return validate;
}
