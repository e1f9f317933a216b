import { errorWords } from '../base/error-words.js';
import { Option, type Command, type OptionValues } from '@commander-js/extra-typings';
import { request as plainRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import path from 'node:path';
import { readBoundedText } from '../base/bounded-file.js';
import { codeOf } from '../base/error-code.js';
import { ProblemsError, type Problem } from '../base/problem.js';
import { quoteWord } from '../base/shell.js';
import { isThere } from '../host/files/new-file.js';
import { socketIn } from '../manager/socket.js';
import type { Context } from './context.js';
import type { Call } from './define-command.js';
import { runBasesOf } from './run-base.js';
import { runDirOption } from './shared-options.js';

/** Which manager a command speaks to. */
export interface ManagerChoice {
  readonly manager?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly runDir?: string | undefined;
  /** Absent: a real one, else one that simulates. */
  readonly simulate?: boolean | undefined;
}

/**
 * Declares the options for it, whose values `managerClient` reads by itself: the types of as many more would take the
 * compiler minutes for each command.
 */
export function managerOptions<Args extends unknown[], Opts extends OptionValues>(
  command: Command<Args, Opts>,
): Command<Args, Opts> {
  command.addOption(new Option('--manager <url>', 'where the manager listens: unix:PATH, http:// or https://'));
  command.addOption(new Option('--token-file <file>', 'file with a token, for http:// and https://'));
  command.addOption(new Option('--ca-file <file>', 'certificate to trust with https://, PEM'));
  command.addOption(runDirOption);
  command.addOption(new Option('--simulate', 'only one that simulates; --no-simulate: only one that does not'));
  command.addOption(new Option('--no-simulate').hideHelp());
  return command;
}

/** A manager that can be asked. */
export interface ManagerClient {
  /** For messages: `unix:/var/run/vmrun/manager.sock`. */
  readonly where: string;
  /**
   * @param path from `/api/v1` on
   * @returns what it answers
   * @throws ProblemsError where it refuses, with its own words, or where there is none
   */
  readonly ask: (method: Method, path: string, more?: Asking) => Promise<Answered>;
  /** Server-sent events as they come, until the connection ends. @throws ProblemsError as `ask` */
  readonly listen: (path: string, headers?: Readonly<Record<string, string>>) => AsyncIterable<StreamedEvent>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface Asking {
  /** Sent as JSON. */
  readonly body?: object;
  /** In its place: as it is. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Answered {
  readonly status: number;
  /** The document; undefined where there is none. */
  readonly document: unknown;
}

export interface StreamedEvent {
  readonly id: string | undefined;
  readonly kind: string;
  /** Undefined: where the stream begins is told, and no event. */
  readonly data: unknown;
}

const base = '/api/v1';
/** A list of hundreds of VMs has some hundred KiB. */
const mostBytes = 64 * 1024 * 1024;
const mostTokenBytes = 4096;

/**
 * The manager that a command line means.
 * @throws ProblemsError `usage` where its options contradict one another
 */
export function managerClient({
  command,
  context,
}: Pick<Call<unknown[], never>, 'command' | 'context'>): ManagerClient {
  return clientFor(command.opts(), context);
}

/** The managers of the places where runs are looked for, as far as one may listen there; of a command line that names one, that. */
export function managersOf(choice: ManagerChoice, context: Context): readonly ManagerClient[] {
  if (choice.manager !== undefined) return [clientFor(choice, context)];
  return runBasesOf(choice, context)
    .map(({ runBase }) => path.resolve(context.workingDirectory, socketIn(runBase)))
    .filter((socket) => isThere(socket))
    .map((socket) => clientFor({ ...choice, manager: `unix:${socket}` }, context));
}

/** The same without a command line. */
function clientFor(choice: ManagerChoice, context: Context): ManagerClient {
  const [url = '', ...others] = choice.manager === undefined ? usualManagers(choice, context) : [choice.manager];
  const target = { ...targetOf(url, choice, context), others, options: optionsFor(choice) };
  return {
    where: url,
    ask: (method, to, more) => ask(target, method, to, more),
    listen: (to, headers) => listen(target, to, headers),
  };
}

/** What another command has to be told to ask the same manager, each after a blank. */
const optionsFor = ({ manager, tokenFile, caFile, runDir, simulate }: ManagerChoice): string =>
  [
    ['--run-dir', manager === undefined ? runDir : undefined],
    ['--manager', manager],
    ['--token-file', tokenFile],
    ['--ca-file', caFile],
  ]
    .flatMap(([option = '', value]) => (value === undefined ? [] : [` ${option} ${quoteWord(value)}`]))
    .join('') + (manager !== undefined || simulate === undefined ? '' : simulate ? ' --simulate' : ' --no-simulate');

/** The socket of the first that is there, of a real one and of one that simulates; of neither: both of them. */
function usualManagers(choice: ManagerChoice, context: Context): readonly string[] {
  const sockets = runBasesOf(choice, context).map(({ runBase }) =>
    path.resolve(context.workingDirectory, socketIn(runBase)),
  );
  const found = sockets.find((socket) => isThere(socket));
  return (found === undefined ? sockets : [found]).map((socket) => `unix:${socket}`);
}

interface Target extends Address {
  /** Where one was looked for as well. */
  readonly others: readonly string[];
  /** For another command that is to ask the same manager. */
  readonly options: string;
}

interface Address {
  readonly where: string;
  readonly request: RequestOptions & { readonly ca?: string };
  readonly isSecure: boolean;
  /** In front of every path. */
  readonly basePath: string;
}

function targetOf(url: string, { tokenFile, caFile }: ManagerChoice, context: Context): Address {
  const where = url;
  if (url.startsWith('unix:')) {
    for (const [option, value] of [
      ['--token-file', tokenFile],
      ['--ca-file', caFile],
    ] as const) {
      if (value === undefined) continue;
      throw usage(
        option,
        `${option} is for a manager at http:// or https://, and this one is asked at ${url}`,
        `say where it listens with --manager, or leave ${option} out: whoever may write to the socket needs no token`,
      );
    }
    const socketPath = path.resolve(context.workingDirectory, url.slice('unix:'.length));
    return { where, request: { socketPath, headers: {} }, isSecure: false, basePath: '' };
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw usage(
      '--manager',
      `${url} is not the address of a manager`,
      'write unix:PATH, http://HOST:PORT or https://HOST:PORT',
    );
  }
  const token = tokenFile === undefined ? undefined : readToken(tokenFile, context);
  const ca = caFile === undefined ? undefined : readOption(caFile, '--ca-file', mostBytes, context);
  return {
    where,
    isSecure: parsed.protocol === 'https:',
    basePath: parsed.pathname.replace(/\/+$/, ''),
    request: {
      hostname: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: parsed.port,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      ...(ca === undefined ? {} : { ca }),
    },
  };
}

function readToken(file: string, context: Context): string {
  const token = readOption(file, '--token-file', mostTokenBytes, context).trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw usage('--token-file', `${file} holds no token`, 'put the token alone into the file, with mode 0600');
}

function readOption(file: string, option: string, most: number, { workingDirectory }: Context): string {
  let text: string | undefined;
  try {
    text = readBoundedText(path.resolve(workingDirectory, file), { most, isRegular: true });
  } catch (error) {
    const why = errorWords(error);
    throw usage(option, `${file} cannot be read: ${why}`, 'check the file');
  }
  if (text === undefined) throw usage(option, `${file} is too large`, 'check the file');
  return text;
}

const usage = (source: string, message: string, fix: string): ProblemsError =>
  new ProblemsError('usage', source, [{ code: 'usage', severity: 'error', message, fix }]);

/** Sends a request. @returns the beginning of the answer */
async function send(
  target: Target,
  method: Method,
  to: string,
  { body, text, headers = {} }: Asking,
): Promise<IncomingMessage> {
  const { request: usual, isSecure, basePath } = target;
  const content = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const request = isSecure ? (await import('node:https')).request : plainRequest;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        ...usual,
        method,
        path: `${basePath}${base}${to}`,
        // One connection a request: nothing is to keep the command from ending.
        agent: false,
        headers: {
          ...(usual.headers as Readonly<Record<string, string>>),
          ...headers,
          ...(content === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(content)) }),
        },
      },
      resolve,
    );
    sent.on('error', (error) => {
      reject(unreachable(target, error));
    });
    sent.end(content);
  });
}

async function ask(target: Target, method: Method, to: string, more: Asking = {}): Promise<Answered> {
  const response = await send(target, method, to, more);
  const text = await textOf(response, target);
  const { statusCode: status = 0 } = response;
  const document = parsed(text);
  if (status >= 200 && status < 300) return { status, document };
  throw refused(target, status, document, to);
}

async function* listen(
  target: Target,
  to: string,
  headers: Readonly<Record<string, string>> = {},
): AsyncGenerator<StreamedEvent> {
  const response = await send(target, 'GET', to, { headers: { accept: 'text/event-stream', ...headers } });
  const { statusCode: status = 0 } = response;
  if (status !== 200) throw refused(target, status, parsed(await textOf(response, target)), to);
  let rest = '';
  response.setEncoding('utf8');
  try {
    for await (const piece of response as AsyncIterable<string>) {
      const blocks = (rest + piece).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = eventIn(block);
        if (event !== undefined) yield event;
      }
    }
  } catch (error) {
    // The manager was killed: what it has sent was told, and there is no more.
    if (codeOf(error) !== 'ECONNRESET') throw unreachable(target, error);
  } finally {
    response.destroy();
  }
}

/** A block of a stream of server-sent events; undefined: a comment, or what only says how to connect again. */
function eventIn(block: string): StreamedEvent | undefined {
  const fields = new Map(
    block.split('\n').flatMap((line) => {
      const [, field = '', value = ''] = /^(\w+): ?(.*)$/s.exec(line) ?? [];
      return field === '' ? [] : [[field, value] as const];
    }),
  );
  const [id, data] = [fields.get('id'), fields.get('data')];
  return id === undefined && data === undefined
    ? undefined
    : { id, kind: fields.get('event') ?? 'message', data: parsed(data ?? '') };
}

async function textOf(response: IncomingMessage, target: Target): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > mostBytes) throw new Error('the answer is too large');
      pieces.push(piece);
    }
  } catch (error) {
    throw unreachable(target, error);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

function unreachable({ where, others, isSecure }: Target, error: unknown): ProblemsError {
  const isSocket = where.startsWith('unix:');
  const code = codeOf(error);
  const problem = ((): Omit<Problem, 'severity'> => {
    if (code === 'ENOENT' || code === 'ECONNREFUSED') {
      const message = ['no manager listens there', ...others.map((other) => `nor at ${other}`)].join(', ');
      const fix = isSocket
        ? 'start one with vmrun serve, or say where it listens with --run-dir or --manager'
        : 'check the address, and that the manager runs';
      return { code: 'no-manager', message, fix };
    }
    if (code === 'EACCES' || code === 'EPERM') {
      return {
        code: 'no-right',
        message: 'you may not use this socket',
        fix: 'be root or in its group, or use --manager and --token-file',
      };
    }
    const [message, fix] = connectionWords(error, isSecure);
    return { code: 'unreachable', message: `the manager cannot be asked: ${message}`, ...(fix && { fix }) };
  })();
  return Object.assign(new ProblemsError('host', where, [{ severity: 'error', ...problem }]), { cause: error });
}

/** What keeps a connection from being made, and what to do. */
function connectionWords(error: unknown, isSecure: boolean): readonly [message: string, fix?: string] {
  const message = errorWords(error);
  const code = codeOf(error);
  if (code === 'ENOTFOUND') return ['nobody knows a host of this name', 'check the name in the address'];
  if (code === 'EPROTO' && /wrong version number|packet length too long/i.test(message))
    return ['it does not speak TLS there', 'write http:// in place of https://'];
  if (!isSecure && (code === 'ECONNRESET' || code.startsWith('HPE_')))
    return [`what answers there speaks no HTTP (${code})`, 'check the address; a port with TLS needs https://'];
  if (/self.signed|unable to (get|verify)/i.test(message)) return [message, 'trust its certificate with --ca-file'];
  return [message];
}

/** What its refusals mean for the exit code. */
function refused(target: Target, status: number, document: unknown, to: string): ProblemsError {
  const { where } = target;
  const kind = status === 409 || status === 412 ? 'in-use' : status === 400 || status === 422 ? 'spec' : 'host';
  const problems = problemsIn(document);
  if (problems.length > 0) return new ProblemsError(kind, where, inWordsOfCommands(problems, target, to));
  const message = `what answers there is not a manager: it answers with status ${status}`;
  const fix = 'check the address, and the path in it where the manager is behind a proxy';
  return new ProblemsError(kind, where, [{ code: 'refused', severity: 'error', message, fix }]);
}

/** What to do about a refusal, where a manager speaks of requests: for who types commands. */
const commandFixes: Readonly<Record<string, (options: string, vm: string) => string>> = {
  'unknown-vm': (options) => `vmrun ls${options} lists those that there are`,
  'unknown-user': (options) => `vmrun serve user list${options} lists those that there are`,
  'unknown-token': (options) => `give the id that vmrun serve token list${options} shows`,
  'no-credentials': () => 'give a token with --token-file; vmrun serve token add makes one, on the host of the manager',
  'not-found': () => 'check the address, and the path in it; or this vmrun and the manager are of different versions',
  'bad-token': () => 'make another one with vmrun serve token add, on the host of the manager',
  running: (options, vm) => `stop it first: vmrun stop ${quoteWord(vm)}${options}`,
  'not-ours': (options) => `edit that file, or remove it, then vmrun reload${options}`,
};

/** @param to what was asked for, which names the VM */
function inWordsOfCommands(problems: readonly Problem[], { options }: Target, to: string): readonly Problem[] {
  const [, vm = 'NAME'] = /^\/vms\/([^/?]+)/.exec(to) ?? [];
  return problems.map((problem) => {
    const fix = commandFixes[problem.code]?.(options, decodeURIComponent(vm));
    return fix === undefined ? problem : { ...problem, fix };
  });
}

/** Those of an error document: RFC 9457, with the problems of the library. */
function problemsIn(document: unknown): readonly Problem[] {
  const list = typeof document === 'object' && document !== null && 'problems' in document ? document.problems : [];
  return Array.isArray(list) ? list.filter(isProblem) : [];
}

const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' &&
  value !== null &&
  'code' in value &&
  'message' in value &&
  typeof value.code === 'string' &&
  typeof value.message === 'string';
