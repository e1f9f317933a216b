import type { BodyRow, Route, Schema } from '../../server/route.js';
import { requestSchemas } from './request-schemas.js';

/** A route without what only runs: the validators, which the build compiles, and the handler. */
export interface Row extends Omit<Route, 'handle' | 'query' | 'body'> {
  readonly query?: keyof typeof requestSchemas;
  readonly body?: BodyName;
}

type BodyName =
  | { readonly kind: 'json'; readonly schema: keyof typeof requestSchemas; readonly isOptional?: true }
  | (BodyRow & { readonly kind: 'text' });

/** A document of `documents.ts`. */
const document = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
/** What has a schema of its own elsewhere. */
const anyObject: Schema = { type: 'object', additionalProperties: true };
const ok = (name: string, words: string) => ({ 200: { words, schema: document(name) } });
const done = (words: string) => ({ 204: { words } });

const admin = { role: 'admin', on: 'root' } as const;
const viewer = { role: 'view', on: 'root' } as const;
const ofVm = (role: 'view' | 'operate') => ({ right: { role, on: 'vm' } as const });

const operation = {
  200: { words: 'It has ended; there may have been nothing to do.', schema: document('Operation') },
  202: {
    words: 'It goes on.',
    schema: document('Operation'),
    headers: { location: 'Where the operation is to be found.' },
  },
};

const v1 = '/api/v1';
const vm = `${v1}/vms/:name`;

const operate = (
  act: string,
  summary: string,
  body?: 'startVmBody' | 'stopVmBody' | 'restartVmBody',
): Row & { readonly id: string } => ({
  ...{ method: 'POST', path: `${vm}/${act}`, id: `${camel(act)}Vm`, summary, ...ofVm('operate'), answers: operation },
  query: 'operateQuery',
  ...(body === undefined ? {} : { body: { kind: 'json', schema: body, isOptional: true } }),
});

const camel = (words: string): string => words.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());

const specBody: BodyName = {
  kind: 'text',
  types: ['application/json'],
  words: 'A spec, as it is to be in its file: docs/spec.md, schemas/vm.schema.json.',
  schema: anyObject,
};

/** The native API: a row for each route, in the order of its description. */
export const rows: readonly Row[] = [
  {
    ...{ method: 'GET', path: `${v1}/`, id: 'getService', right: 'anybody' },
    summary: 'What answers here, and what it can do.',
    answers: ok('ServiceDocument', 'The service.'),
  },
  {
    ...{ method: 'GET', path: `${v1}/openapi.json`, id: 'getDescription', right: 'nobody' },
    summary: 'This description.',
    answers: { 200: { words: 'OpenAPI 3.1.', schema: anyObject } },
  },
  {
    ...{ method: 'GET', path: `${v1}/host`, id: 'getHost', right: viewer },
    summary: 'What vmrun sees of the host, as `vmrun facts` prints it.',
    answers: { 200: { words: 'The host: schemas/host.schema.json.', schema: anyObject } },
  },
  {
    ...{ method: 'GET', path: `${v1}/vms`, id: 'listVms', right: 'anybody' },
    summary: 'The VMs that the asker may see.',
    answers: ok('VmListDocument', 'The VMs, by name.'),
  },
  {
    ...{ method: 'POST', path: `${v1}/vms`, id: 'addVm', right: admin },
    summary: 'Makes a VM of a spec. Whoever may do that is root on the host: a spec names programs that are run.',
    body: specBody,
    answers: {
      201: { words: 'It is there.', schema: document('VmDocument'), headers: { location: 'Where the VM is.' } },
    },
  },
  {
    ...{ method: 'GET', path: vm, id: 'getVm', ...ofVm('view') },
    summary: 'A VM.',
    answers: ok('VmDocument', 'The VM.'),
  },
  {
    ...{ method: 'DELETE', path: vm, id: 'deleteVm', right: admin },
    summary: 'Removes a VM that an API has made and that is stopped. Its disks stay.',
    query: 'deleteVmQuery',
    answers: done('It is gone.'),
  },
  {
    ...{ method: 'GET', path: `${vm}/spec`, id: 'getSpec', right: admin },
    summary: 'The spec as it is written, with the passwords in it.',
    answers: {
      200: {
        words: 'The text of the file.',
        schema: anyObject,
        otherTypes: ['application/yaml', 'application/ucl'],
        headers: { etag: 'For If-Match.' },
      },
    },
  },
  {
    ...{ method: 'PUT', path: `${vm}/spec`, id: 'putSpec', right: admin },
    summary: 'Replaces a spec that an API has made, or makes it. One with problems is refused whole.',
    headers: {
      'if-match': {
        words: 'Only where the spec has this ETag; `*`: only where there is one.',
        schema: { type: 'string', pattern: '^([*]|"[0-9a-f]+")$' },
      },
      'if-none-match': { words: '`*`: only where there is none.', schema: { type: 'string', enum: ['*'] } },
    },
    body: specBody,
    answers: {
      200: { words: 'It is replaced; it takes effect at the next boot.', schema: document('VmDocument') },
      201: { words: 'It is made.', schema: document('VmDocument'), headers: { location: 'Where the VM is.' } },
    },
  },
  {
    ...{ method: 'PUT', path: `${vm}/group`, id: 'setGroup', right: admin },
    summary: 'Puts a VM into a group: who has a role there, or above, has it on the VM.',
    body: { kind: 'json', schema: 'setGroupBody' },
    answers: ok('VmDocument', 'The VM.'),
  },
  operate('start', 'Starts a VM. One that runs stays as it is.', 'startVmBody'),
  operate('stop', 'Stops a VM by its power button, or at once.', 'stopVmBody'),
  operate('restart', 'Stops a VM, then starts it.', 'restartVmBody'),
  operate('reset', 'Resets the guest, as the button of a machine does.'),
  operate('pause', 'Pauses the guest.'),
  operate('resume', 'Lets a paused guest go on.'),
  operate('nmi', 'Sends the guest a non-maskable interrupt.'),
  operate('power-button', 'Presses the power button, and waits for nothing.'),
  {
    ...{ method: 'GET', path: `${vm}/plan`, id: 'planVm', ...ofVm('view') },
    summary: 'What the next boot would be, as `vmrun plan` has it.',
    query: 'planVmQuery',
    answers: ok('PlanDocument', 'The plan.'),
  },
  {
    ...{ method: 'GET', path: `${vm}/check`, id: 'checkVm', ...ofVm('view') },
    summary: 'What the next boot would find, as `vmrun check` has it.',
    query: 'checkVmQuery',
    answers: ok('CheckDocument', 'Whether it is ready, and what stands between.'),
  },
  {
    ...{ method: 'GET', path: `${vm}/graph`, id: 'graphVm', ...ofVm('view') },
    summary: 'A picture of the boots and of the machine, as `vmrun graph` draws it.',
    query: 'graphVmQuery',
    answers: {
      200: {
        words: 'What is to be drawn; SVG or text where that is asked for.',
        schema: anyObject,
        otherTypes: ['image/svg+xml', 'text/plain; charset=utf-8'],
      },
    },
  },
  {
    ...{ method: 'GET', path: `${vm}/changes`, id: 'changesOfVm', ...ofVm('view') },
    summary: 'What would be different after the next boot.',
    answers: ok('ChangesDocument', 'What bhyve is told otherwise, and what the guest notices.'),
  },
  {
    ...{ method: 'GET', path: `${vm}/why`, id: 'whyVm', ...ofVm('view') },
    summary: 'Why the VM is in the state that it is in.',
    answers: ok('WhyDocument', 'The cause, and what to do.'),
  },
  {
    ...{ method: 'GET', path: `${vm}/log`, id: 'logVm', ...ofVm('view') },
    summary: 'What bhyve, its loader and its hooks wrote.',
    query: 'logVmQuery',
    answers: ok('LogDocument', 'The newest lines.'),
  },
  {
    ...{ method: 'POST', path: `${v1}/plan`, id: 'planSpec', right: viewer },
    summary: 'Plans a spec that is not kept: for editors.',
    body: {
      kind: 'text',
      types: ['application/json', 'application/yaml', 'application/ucl'],
      words: 'A spec.',
      schema: {},
    },
    answers: ok('DraftDocument', 'All problems, and the plan where it has none.'),
  },
  {
    ...{ method: 'GET', path: `${v1}/events`, id: 'listenToEvents', right: 'anybody' },
    summary: 'What happens, as server-sent events, as long as the client stays.',
    query: 'eventsQuery',
    headers: {
      'last-event-id': {
        words: 'Begin after this one; what is not known any more is told as a gap.',
        schema: { type: 'string' },
      },
    },
    answers: {
      200: {
        words: 'Events: the name is the kind, the data is a ManagerEvent.',
        type: 'text/event-stream',
        schema: document('ManagerEvent'),
      },
    },
  },
  {
    ...{ method: 'GET', path: `${v1}/operations`, id: 'listOperations', right: 'anybody' },
    summary: 'What goes on, and what has ended in the last 24 hours.',
    answers: ok('OperationListDocument', 'Operations, newest first.'),
  },
  {
    ...{ method: 'GET', path: `${v1}/operations/:id`, id: 'getOperation', right: 'anybody' },
    summary: 'An operation.',
    query: 'operateQuery',
    answers: ok('Operation', 'The operation.'),
  },
  {
    ...{ method: 'DELETE', path: `${v1}/operations/:id`, id: 'cancelOperation', right: 'anybody' },
    summary: 'Takes back an operation that has not begun to act.',
    answers: ok('Operation', 'It has ended.'),
  },
  {
    ...{ method: 'POST', path: `${v1}/reload`, id: 'reload', right: admin },
    summary: 'Reads the folder of specs again.',
    answers: ok('ReloadOutcome', 'What was found.'),
  },
  {
    ...{ method: 'POST', path: `${v1}/login`, id: 'login', right: 'nobody' },
    summary: 'Begins a session: for browsers. Programs use tokens.',
    body: { kind: 'json', schema: 'loginBody' },
    answers: {
      200: {
        words: 'Who has signed in.',
        schema: document('AskerDocument'),
        headers: { 'set-cookie': 'The session.' },
      },
    },
  },
  {
    ...{ method: 'POST', path: `${v1}/logout`, id: 'logout', right: 'nobody' },
    summary: 'Ends the session.',
    answers: done('It is over.'),
  },
  {
    ...{ method: 'GET', path: `${v1}/session`, id: 'getAsker', right: 'anybody' },
    summary: 'Who asks, and what he may do.',
    answers: ok('AskerDocument', 'The asker.'),
  },
  {
    ...{ method: 'POST', path: `${v1}/password`, id: 'changePassword', right: 'anybody' },
    summary: "Changes the asker's own password; all his sessions end.",
    body: { kind: 'json', schema: 'changePasswordBody' },
    answers: done('It is changed.'),
  },
  {
    ...{ method: 'GET', path: `${v1}/users`, id: 'listUsers', right: admin },
    summary: 'All users.',
    answers: ok('UserListDocument', 'Users.'),
  },
  {
    ...{ method: 'POST', path: `${v1}/users`, id: 'addUser', right: admin },
    summary: 'Makes a user.',
    body: { kind: 'json', schema: 'addUserBody' },
    answers: { 201: { words: 'He is there.', schema: document('UserView') } },
  },
  {
    ...{ method: 'PATCH', path: `${v1}/users/:user`, id: 'changeUser', right: admin },
    summary: 'Changes the password or the roles of a user.',
    body: { kind: 'json', schema: 'changeUserBody' },
    answers: ok('UserView', 'The user.'),
  },
  {
    ...{ method: 'DELETE', path: `${v1}/users/:user`, id: 'removeUser', right: admin },
    summary: 'Removes a user, with all tokens.',
    answers: done('He is gone.'),
  },
  {
    ...{ method: 'GET', path: `${v1}/tokens`, id: 'listTokens', right: 'anybody' },
    summary: "The asker's own tokens; all of them for admins of the root group.",
    query: 'listTokensQuery',
    answers: ok('TokenListDocument', 'Tokens, without what is secret in them.'),
  },
  {
    ...{ method: 'POST', path: `${v1}/tokens`, id: 'addToken', right: 'anybody' },
    summary: 'Makes a token, for programs.',
    body: { kind: 'json', schema: 'addTokenBody' },
    answers: { 201: { words: 'The token: nobody can see it again.', schema: document('NewTokenDocument') } },
  },
  {
    ...{ method: 'DELETE', path: `${v1}/tokens/:id`, id: 'removeToken', right: 'anybody' },
    summary: 'Removes a token of the own; any for admins of the root group.',
    answers: done('It is gone.'),
  },
  {
    ...{ method: 'GET', path: `${v1}/groups`, id: 'listGroups', right: 'anybody' },
    summary: 'The groups that the asker may see.',
    answers: ok('GroupListDocument', 'Paths.'),
  },
  {
    ...{ method: 'POST', path: `${v1}/groups`, id: 'addGroup', right: admin },
    summary: 'Makes a group.',
    body: { kind: 'json', schema: 'addGroupBody' },
    answers: done('It is there.'),
  },
  {
    ...{ method: 'DELETE', path: `${v1}/groups/:path`, id: 'removeGroup', right: admin },
    summary: 'Removes a group that nobody needs: no VM is in it, nobody has a role on it, no group is below it.',
    answers: done('It is gone.'),
  },
  {
    ...{ method: 'GET', path: '/metrics', id: 'getMetrics', right: viewer },
    summary: 'OpenMetrics, for Prometheus.',
    answers: {
      200: { words: 'Numbers.', type: 'application/openmetrics-text', schema: { type: 'string' } },
    },
  },
  {
    ...{ method: 'GET', path: '/healthz', id: 'getHealth', right: 'nobody' },
    summary: 'Whether the manager answers.',
    answers: ok('HealthDocument', 'It does.'),
  },
];
