import path from 'node:path';
import { ProblemsError, type Problem } from '../base/problem.js';
import { failure, success } from '../base/result.js';
import { isVmName } from '../base/vm-name.js';
import { describeSystemError, systemError } from '../host/errno.js';
import type { StateFolder } from '../host/files/state-folder.js';
import { unknownVm } from './refusals.js';
import type { ManagedVm } from './managed-vm.js';
import type { Manager, WrittenSpec } from './manager.js';
import { etagOf, loadText, type SpecFile, type SpecReading } from './spec-file.js';
import type { Looked, SpecShelf } from './spec-shelf.js';

export interface SpecTextsOptions {
  readonly state: StateFolder;
  readonly shelf: SpecShelf;
  readonly reading: SpecReading;
  readonly vm: (name: string) => ManagedVm | undefined;
  readonly view: Manager['vm'];
  /** Tells what a look has found. */
  readonly tell: (looked: Looked) => void;
}

/** The texts of specs, and those that the manager itself makes: files in its state folder. */
export function specTexts(options: SpecTextsOptions): Pick<Manager, 'specText' | 'writeSpec' | 'remove'> {
  const { state, shelf, reading, vm, view, tell } = options;
  let last: Promise<unknown> = Promise.resolve();

  const ownName = (name: string): string => path.join('specs', `${name}.json`);
  const filesOf = (name: string): readonly SpecFile[] => shelf.get(name)?.files ?? [];

  /** One change at a time, so that what is looked at is what is replaced. */
  function inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = last.then(change);
    last = turn.catch(() => undefined);
    return turn;
  }

  async function lookAgain(name: string): Promise<void> {
    tell(await shelf.lookAt([...new Set([...filesOf(name).map(({ file }) => file), state.file(ownName(name))])]));
  }

  async function write({ name: wanted, text, ifMatch }: WrittenSpec): ReturnType<Manager['writeSpec']> {
    const given = wanted ?? nameIn(text);
    if (given === undefined || !isVmName(given)) {
      // What is wrong with it beside its name is said, too.
      return failure(await problemsOf(text, state.file(ownName('new')), reading, noName));
    }
    const file = state.file(ownName(given));
    await lookAgain(given);
    const others = filesOf(given).filter((each) => each.file !== file);
    const [other] = others;
    if (other !== undefined) return failure([notOurs(given, other.file)]);
    const mismatch = refuseMatch(given, filesOf(given)[0]?.text, ifMatch);
    if (mismatch !== undefined) return failure([mismatch]);
    const loaded = await loadText(file, text, reading).catch((error: unknown) => {
      if (error instanceof ProblemsError) return error;
      throw error;
    });
    if (loaded instanceof ProblemsError) return failure(loaded.problems);
    if (loaded.spec.name !== given) return failure([otherName(given, loaded.spec.name, file)]);
    try {
      state.writeText(ownName(given), text);
    } catch (error) {
      // Where only the folder could not be synced, it is there all the same, until the power fails.
      await lookAgain(given);
      return failure([notWritten(file, describeSystemError(systemError(error)))]);
    }
    await lookAgain(given);
    const seen = view(given);
    if (seen === undefined) throw new Error(`${file} was written, and is not there`);
    return success(seen, loaded.warnings);
  }

  async function remove(name: string): Promise<Problem | undefined> {
    await lookAgain(name);
    const [file] = filesOf(name);
    const known = vm(name);
    if (known === undefined) throw unknownVm(name);
    if (filesOf(name).some(({ isOurs }) => !isOurs)) return notOurs(name, file?.file ?? '');
    if (known.isActive() || known.others.isThere()) return stillRuns(name);
    try {
      state.removeText(ownName(name));
    } catch (error) {
      return notWritten(state.file(ownName(name)), describeSystemError(systemError(error)));
    }
    await lookAgain(name);
    return undefined;
  }

  return {
    specText(name) {
      const [file] = filesOf(name);
      if (file?.text === undefined) return undefined;
      return { file: file.file, text: file.text, etag: etagOf(file.text), isOurs: file.isOurs };
    },
    writeSpec: (spec) => inTurn(() => write(spec)),
    remove: (name) => {
      if (vm(name) === undefined) throw unknownVm(name);
      return inTurn(() => remove(name));
    },
  };
}

/** What a text calls its VM, if it is JSON. */
function nameIn(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string'
      ? value.name
      : undefined;
  } catch {
    return undefined;
  }
}

async function problemsOf(
  text: string,
  file: string,
  reading: SpecReading,
  otherwise: Problem,
): Promise<readonly Problem[]> {
  try {
    await loadText(file, text, reading);
    return [otherwise];
  } catch (error) {
    if (error instanceof ProblemsError) return error.problems;
    throw error;
  }
}

function refuseMatch(name: string, text: string | undefined, ifMatch: string | undefined): Problem | undefined {
  if (ifMatch === undefined) return undefined;
  if (ifMatch === 'none') return text === undefined ? undefined : exists(name);
  if (text === undefined) return noSuchVm(name);
  return ifMatch === '*' || ifMatch === etagOf(text) ? undefined : changed(name);
}

const error = (code: string, message: string, fix: string): Problem => ({ code, severity: 'error', message, fix });

const noName = error('no-name', 'a spec says the name of its VM', 'write "name": "web"');
const exists = (name: string): Problem =>
  error('exists', `there is a VM ${JSON.stringify(name)} already`, 'choose another name, or replace its spec');
const noSuchVm = (name: string): Problem =>
  error('no-such-vm', `there is no VM ${JSON.stringify(name)} to be changed`, 'make it first');
const changed = (name: string): Problem =>
  error('changed', `the spec of ${name} was changed since it was read`, 'read it again, and change that');
const notOurs = (name: string, file: string): Problem =>
  error('not-ours', `the spec of ${name} is ${file}, which the manager has not made`, 'edit that file, and reload');
const stillRuns = (name: string): Problem => error('running', `${name} runs`, 'stop it first');
const otherName = (name: string, found: string, file: string): Problem => ({
  ...error(
    'name',
    `the spec has the name ${JSON.stringify(found)}, and is to be that of ${name}`,
    `write "name": "${name}"`,
  ),
  place: { file, pointer: '/name' },
});
const notWritten = (file: string, why: string): Problem =>
  error('not-written', `${file} cannot be written: ${why}`, 'make room, or let the state folder be written');
