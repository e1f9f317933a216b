import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openDescriptors } from '../../src/host/process/child-descriptors.js';
import type { Survivor } from '../../src/host/process/spawn-options.js';
import { systemClock } from '../../src/host/clock.js';
import { makeOutput, type OutputFile, type OutputOptions } from '../../src/host/process/output-file.js';
import { makePrivateFolder, privateFolder, type PrivateFolder } from '../../src/host/files/private-folder.js';
import { identify, type ProcessIdentity } from '../../src/host/process/process-identity.js';
import { openRunDirectory, type RunDirectory } from '../../src/host/run-directory/run-directory.js';
import { outputFiles, type Note } from '../../src/host/run-directory/run-files.js';
import type { RunState } from '../../src/host/run-directory/run-state.js';
import { endOfStatus, stayingShell, type ProcessEnd } from '../../src/host/process/staying-shell.js';
import { runTool } from '../../src/host/process/tools.js';
import type { Place } from '../e2e/support/place.js';

/** A bhyve whose guest does what the test says. */
export interface Puppet {
  /** The program; it says `up PID` on stderr when the guest hears SIGTERM, which powers it off. */
  readonly file: string;
  /** Ends the running one with this status. */
  readonly end: (status: number) => void;
}

/** @param onSigterm a shell command; '' for a guest that is deaf */
export function puppet(place: Place, { name = 'bhyve', onSigterm = 'bye 1' } = {}): Puppet {
  const fifo = place.path(`${name}.fifo`);
  execFileSync('mkfifo', [fifo]);
  const file = place.script(
    name,
    'bye() { echo "last words $1" >&2; exit "$1"; }',
    `trap '${onSigterm}' TERM`,
    `exec 9<> '${fifo}'`,
    'echo "up $$" >&2',
    'read -r status <&9',
    'bye "$status"',
  );
  return {
    file,
    end: (status) => {
      // Nobody reads it where the program has ended: an error, and no wait for ever.
      const writer = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
      writeFileSync(writer, `${status}\n`);
      closeSync(writer);
    },
  };
}

/** A bhyve without supervisor. */
export interface Orphan {
  readonly pid: number;
  /** The shell that waits for it, its parent. */
  readonly shell: number;
  /** Resolves when that shell has ended; undefined where it was killed. */
  readonly ended: Promise<ProcessEnd | undefined>;
}

export interface About {
  readonly role?: 'bhyve' | 'loader';
  readonly boot?: number;
  readonly target?: string;
  /** Of the state file, beside what every run writes; of the process itself `identity` tells. */
  readonly state?: (identity: ProcessIdentity) => Partial<RunState>;
}

/** A number that no process has. */
export const deadPid = 2 ** 30;

export async function openPlace({ runBase, name }: Place): Promise<RunDirectory> {
  const directory = await openRunDirectory(runBase, name);
  if ('heldBy' in directory) throw new Error(`held by ${directory.heldBy}`);
  return directory;
}

export const stateOf = ({ name }: Place, more: Partial<RunState> = {}): RunState => ({
  version: 1,
  name,
  supervisor: deadPid,
  since: '2026-01-01T00:00:00.000Z',
  ...more,
});

export async function identityOf(pid: number): Promise<ProcessIdentity> {
  const identity = await identify(pid, runTool);
  if (identity === undefined) throw new Error(`there is no process ${pid}`);
  return identity;
}

/** What a supervisor that was killed leaves: a child that holds the lock of the VM, its note, and the state file. */
export async function orphanOf(place: Place, { file }: Puppet, about: About = {}): Promise<Orphan> {
  const { role = 'bhyve', boot = 1, target = 'default' } = about;
  const found = (identity: ProcessIdentity): Partial<RunState> => ({
    phase: 'running',
    boot,
    target,
    [role]: identity,
  });
  const { state = found } = about;
  const directory = await openPlace(place);
  await directory.takeVm();
  const child = await startedBy(await survivorOf(directory, { role, boot, target }), file, (options) =>
    directory.makeOutput('stderr', options),
  );
  directory.saveState(stateOf(place, state(await identityOf(child.pid))));
  directory.abandon();
  return child;
}

/** The same where the lock could not be had, and the state file alone tells. */
export async function unlockedOrphanOf(
  place: Place,
  { file }: Puppet,
  role: 'bhyve' | 'loader' = 'bhyve',
): Promise<Orphan> {
  const child = await startedBy(
    { noteFile: '/dev/null', note: '', lock: undefined, endFile: undefined, tag: '', lifeLine: undefined },
    file,
    (options) => makeOutput(privateFolderOf(place), outputFiles.stderr, options),
  );
  const identity = await identityOf(child.pid);
  const { version, name, supervisor, since } = stateOf(place);
  writeState(place, JSON.stringify({ version, name, supervisor, since, [role]: identity }));
  return child;
}

async function survivorOf(directory: RunDirectory, note: Omit<Note, 'pid'>) {
  await directory.clearNote(runTool);
  return directory.survivor(note);
}

type MakeOutput = (options: OutputOptions) => OutputFile | undefined;

/** As `spawnChild` starts it. What it writes later nobody reads, its life line neither: the next supervisor is in this process. */
async function startedBy(survivor: Survivor, file: string, make: MakeOutput): Promise<Orphan> {
  let up: (pid: number) => void = () => undefined;
  const isUp = new Promise<number>((resolve) => (up = resolve));
  const stderr = (): OutputFile | undefined =>
    make({
      onText: (text) => {
        const [, pid] = /^up (\d+)$/m.exec(text) ?? [];
        if (pid !== undefined) up(Number(pid));
      },
      onGap: () => undefined,
      onTrouble: (error) => {
        throw new Error(error);
      },
      clock: systemClock,
    });
  const descriptors = openDescriptors({
    stdin: 'ignore',
    stdout: () => undefined,
    stderr,
    ownSession: true,
    survivor,
  });
  if (descriptors.reader !== undefined) closeSync(descriptors.reader);
  const stdio = descriptors.stdio.map((to) => (to === 'pipe' ? 'ignore' : to));
  const shell = spawn('/bin/sh', stayingShell([file], survivor), { stdio, detached: true });
  descriptors.close();
  const ended = new Promise<ProcessEnd | undefined>((resolve) => {
    shell.once('exit', (status, signal) => {
      resolve(signal === null ? endOfStatus(status ?? 0) : undefined);
    });
  });
  descriptors.stderr?.start();
  const pid = await isUp;
  await descriptors.stderr?.end();
  return { pid, shell: shell.pid ?? deadPid, ended };
}

function privateFolderOf({ runBase, name }: Place): PrivateFolder {
  const folder = path.join(runBase, name);
  makePrivateFolder(runBase, folder);
  return privateFolder(runBase, folder);
}

export function writeState({ runBase, name }: Place, text: string | Uint8Array): void {
  mkdirSync(path.join(runBase, name), { recursive: true, mode: 0o700 });
  writeFileSync(path.join(runBase, name, 'state.json'), text);
}
