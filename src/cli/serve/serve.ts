import { readFileSync } from 'node:fs';
import path from 'node:path';
import { nativeApi, type NativeApi } from '../../api/native/routes.js';
import { groupBy } from '../../base/group-by.js';
import { listWords } from '../../base/text.js';
import { ProblemsError } from '../../base/problem.js';
import { openStateFolder } from '../../host/files/state-folder.js';
import { systemHost, type Host } from '../../host/host.js';
import { othersWrite } from '../../host/look/others-write.js';
import { holderWords } from '../../host/run-directory/run-files.js';
import type { Programs } from '../../machine/loader.js';
import { openAccounts } from '../../manager/accounts/accounts.js';
import type { Configuration } from '../../manager/configuration.js';
import { createManager, stateFolders } from '../../manager/create-manager.js';
import type { Manager } from '../../manager/manager.js';
import { createServer, type Server } from '../../server/server.js';
import { createPidFile } from '../../supervisor/pid-files.js';
import type { Colours } from '../colours.js';
import type { Context } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { notStartedWords } from '../not-started.js';
import { packageFile } from '../package-file.js';
import { programsOf } from '../programs.js';
import { formatProblem } from '../show-problems.js';
import { simulation } from '../simulation.js';
import { stopSignals } from '../stop-signals.js';
import { draftPlanner } from './drafts.js';
import { foreseen, foundWords } from './foreseen.js';
import { managerVoice, type ManagerVoice, type Says } from './voice.js';
import type { Scripts } from './simulated-scripts.js';

declare const VMRUN_VERSION: string;

interface ServeRequest {
  readonly configuration: Configuration;
  /** Reads the configuration once more. @throws ProblemsError */
  readonly read: () => Promise<Configuration>;
  readonly isSimulated: boolean;
  readonly scripts: Scripts;
  /** The program that the command line names. */
  readonly bhyve: string | undefined;
  readonly pidFile: string | undefined;
  readonly says: Says;
  readonly colours: Colours;
}

/** Runs a manager until a signal ends it. @returns the exit code */
export async function serve(context: Context, request: ServeRequest): Promise<number> {
  const { configuration, isSimulated, scripts } = request;
  const { state: stateFolder, specs, runBase } = configuration;
  const voice = managerVoice(context, request);
  const played = isSimulated ? simulation(({ name }) => scripts[name]) : undefined;
  const host = played?.host ?? systemHost();
  const programs = programsFor(context, request);
  warnOfOthers(request, voice, context);
  for (const problem of foreseen(configuration)) voice.lines(formatProblem(problem, request.colours), 'problem');
  // Nobody else has the state from here on, and nothing is made before that is sure.
  const state = await openStateFolder(stateFolder, {
    folders: stateFolders,
    holder: holderWords(host.pid, host.clock.now().toISOString()),
  });
  const pidFile =
    request.pidFile === undefined
      ? undefined
      : await createPidFile('manager', path.resolve(context.workingDirectory, request.pidFile));
  const signals = heard(context, host);
  let served: Served | undefined;
  let isHandedOver = false;
  try {
    const { accounts, firstPassword } = await openAccounts({
      file: state.file('accounts.json'),
      initialPasswordFile: configuration.initialPasswordFile,
      clock: host.clock,
    });
    if (firstPassword?.isMade === true)
      voice.say(`root's password is in ${firstPassword.file}: it is needed over TCP alone`);
    const socket = configuration.listen.find((address) => address.startsWith('unix:'))?.slice('unix:'.length);
    const manager = await createManager({
      ...{ specs, state, runBase, host, ...programs },
      platform: context.hostBhyve,
      ...(socket === undefined ? {} : { socket }),
      ...(played === undefined ? {} : { env: played.env, check: false }),
      beforeStart: async (known) => {
        voice.follow(known);
        voice.say(foundWords(specs, known));
        served = await listen(known, {
          configuration,
          context,
          host,
          programs,
          accounts,
          hasBhyve: !isSimulated,
          voice,
        });
        pidFile?.write(host.pid);
      },
    });
    isHandedOver = (await untilEnded(manager, signals, { request, voice })) === 'hand-over';
  } finally {
    signals.close();
    await served?.server.close();
    await served?.api.end();
    pidFile?.remove();
    // The kernel lets go of it with the VMs, so that nobody takes them over before.
    if (isHandedOver) context.leave?.();
    else state.release();
    await voice.end();
  }
  return exitCodes.ok;
}

interface Served {
  readonly server: Server;
  readonly api: NativeApi;
}

interface Listening {
  readonly configuration: Configuration;
  readonly context: Context;
  readonly host: Host;
  readonly programs: Programs;
  readonly accounts: Awaited<ReturnType<typeof openAccounts>>['accounts'];
  readonly hasBhyve: boolean;
  readonly voice: ManagerVoice;
}

async function listen(manager: Manager, listening: Listening): Promise<Served> {
  const { configuration, context, host, programs, accounts, hasBhyve, voice } = listening;
  const { listen: addresses, tls, hosts, basePath, trustedProxies, state, runBase } = configuration;
  const api = nativeApi({
    ...{ manager, accounts, programs, runBase, hasBhyve },
    clock: host.clock,
    run: host.run,
    version: VMRUN_VERSION,
    pid: host.pid,
    features: ['events', 'operations', 'metrics'],
    description: () => readFileSync(packageFile(context, 'docs', 'openapi.json'), 'utf8'),
    hostBhyve: context.hostBhyve,
    planDraft: draftPlanner(packageFile(context, 'dist', 'bin', 'lazy', 'draft-thread.js'), host.clock),
  });
  try {
    const server = await createServer({
      ...{
        listen: addresses,
        routes: api.routes,
        accounts,
        groupOf: api.groupOf,
        stateFolder: state,
        hosts,
        trustedProxies,
      },
      clock: host.clock,
      run: host.run,
      ...(tls === undefined ? {} : { tls }),
      ...(basePath === undefined ? {} : { basePath }),
      onBug: (error) => {
        voice.say(
          `this is a bug in vmrun, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
          'problem',
        );
      },
    });
    voice.say(`listens at ${listWords(server.addresses)} (pid ${host.pid})`);
    const { certificate } = server;
    if (certificate?.isSelfSigned === true)
      voice.say(`its own certificate has the fingerprint ${certificate.fingerprint}`);
    return { server, api };
  } catch (error) {
    await api.end();
    throw error;
  }
}

/** What came from outside, one after the other. */
type Wish = 'stop' | 'now' | 'hand-over' | 'reload';

interface Heard {
  readonly next: () => Promise<Wish>;
  readonly close: () => void;
}

/** Signals as wishes. They are listened to until the process ends: one that comes late must not end it half way. */
function heard({ onSignals }: Context, { clock }: Host): Heard {
  const wishes: Wish[] = [];
  let wake: (() => void) | undefined;
  const isStop = stopSignals({ clock, needsTerminal: false, hasLostTerminal: () => false });
  let hasStopped = false;
  const add = (wish: Wish): void => {
    wishes.push(wish);
    wake?.();
  };
  onSignals(['SIGTERM', 'SIGINT', 'SIGQUIT'], (signal) => {
    if (!isStop(signal)) return;
    add(hasStopped ? 'now' : 'stop');
    hasStopped = true;
  });
  onSignals(['SIGUSR2'], () => {
    add('hand-over');
  });
  onSignals(['SIGHUP'], () => {
    add('reload');
  });
  // Else it would start the debugger of Node.js.
  onSignals(['SIGUSR1'], () => undefined);
  return {
    async next() {
      for (;;) {
        const wish = wishes.shift();
        if (wish !== undefined) return wish;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    close: () => {
      wake = undefined;
    },
  };
}

async function untilEnded(
  manager: Manager,
  signals: Heard,
  { request, voice }: { readonly request: ServeRequest; readonly voice: ManagerVoice },
): Promise<'stop' | 'hand-over'> {
  let how: 'stop' | 'hand-over' = 'stop';
  let { stopBudgetMs } = request.configuration;
  let ending: Promise<void> | undefined;
  let isEnded = false;
  while (!isEnded) {
    const wish = await Promise.race([
      signals.next(),
      ...(ending === undefined ? [] : [ending.then(() => 'ended' as const)]),
    ]);
    switch (wish) {
      case 'ended':
        isEnded = true;
        break;
      case 'stop':
        voice.say('stops all VMs');
        ending = manager.end({ kind: 'stop', budgetMs: stopBudgetMs });
        break;
      case 'now':
        voice.say('stops all VMs at once');
        ending = manager.end({ kind: 'stop', budgetMs: 0 });
        break;
      case 'hand-over':
        if (ending !== undefined) break;
        voice.say('ends, and leaves its VMs running for the next manager');
        how = 'hand-over';
        ending = manager.end({ kind: 'hand-over' });
        break;
      case 'reload':
        if (ending === undefined) stopBudgetMs = (await reload(manager, request, voice)) ?? stopBudgetMs;
        break;
    }
  }
  return how;
}

/** @returns the budget of a stop that the configuration says now; undefined: it has problems */
async function reload(
  manager: Manager,
  { read, configuration: before, colours }: ServeRequest,
  voice: ManagerVoice,
): Promise<number | undefined> {
  const { added, changed, removed, notStarted, problems } = await manager.reload({ by: 'signal' });
  const found = Object.entries({ added, changed, removed }).flatMap(([what, names]) =>
    names.length === 0 ? [] : [`${what}: ${listWords(names)}`],
  );
  voice.say(`read the specs again: ${found.length === 0 ? 'nothing has changed' : found.join('; ')}`);
  if (notStarted !== undefined) voice.say(notStartedWords(notStarted));
  for (const problem of problems) voice.lines(formatProblem(problem, colours), 'problem');
  try {
    const now = await read();
    const waiting = changedKeys(before, now);
    if (waiting.length > 0) {
      voice.say(
        `${listWords(waiting)} of the configuration ${waiting.length === 1 ? 'has' : 'have'} changed: that takes effect with the next manager`,
      );
    }
    return now.stopBudgetMs;
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
    voice.say(`${error.source} has problems, and the configuration stays as it was`, 'problem');
    for (const problem of error.problems) voice.lines(formatProblem(problem, colours), 'problem');
    return undefined;
  }
}

/** What cannot change while a manager runs, by the names of the file. */
function changedKeys(before: Configuration, now: Configuration): readonly string[] {
  const keys = {
    ...{
      specs: 'specs',
      state: 'state',
      runBase: 'run_dir',
      bhyve: 'bhyve',
      listen: 'listen',
      tls: 'tls',
      hosts: 'hosts',
    },
    ...{ basePath: 'base_path', trustedProxies: 'trusted_proxies' },
  } as const;
  const changed = (Object.keys(keys) as (keyof typeof keys)[]).filter(
    (key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]),
  );
  return changed.map((key) => keys[key]);
}

function programsFor(context: Context, { isSimulated, bhyve, configuration }: ServeRequest): Programs {
  const named = bhyve ?? configuration.bhyve;
  return programsOf({ bhyve: named, simulate: isSimulated ? '' : undefined }, context);
}

/** Whoever can write a spec is root here, and so is who can write the configuration. */
function warnOfOthers(
  { configuration: { file, specs }, colours }: ServeRequest,
  voice: ManagerVoice,
  { workingDirectory }: Context,
): void {
  const files = [
    ...(file === undefined ? [] : [{ path: file, owner: 'the configuration' }]),
    { path: specs, owner: 'the folder of specs' },
  ];
  const found = othersWrite(files, { folder: workingDirectory, severity: 'warning' });
  for (const problem of groupBy(found, ({ message }) => message).values()) {
    voice.lines(
      problem.slice(0, 1).flatMap((each) => formatProblem(each, colours)),
      'problem',
    );
  }
}
