import type { Spec } from '../spec/parse-spec.js';
import type { Machine } from './machine.js';
import { plan, type PlanOptions } from './plan.js';
import { programsIn } from '../fields/programs-in.js';

/** A path that a machine is started with, and who names it. */
export interface NamedFile {
  readonly path: string;
  /** For people: `emulations[0] virtio-blk "disk.img"`, `hook post_start`. */
  readonly owner: string;
  /** It stands among the arguments of a program of the user's: the program itself, or what that reads or writes. */
  readonly isArgument?: true;
}

/**
 * Every path that the words of a machine name: what it asks of the host, the settings and words of bhyve, `raw` devices
 * and extra options among them, its loader's and its hooks'. A word that could be a path counts as one: who asks wants to
 * know whether a given file is among them. The first that names a path is its owner.
 */
export function namedFiles(machine: Machine): readonly NamedFile[] {
  const { requirements, ephemerals, devices, variables, argv, loader, privateConfig, policy } = machine;
  const files = new Map<string, NamedFile>();
  const add = (path: string | undefined, owner: string, isArgument?: true): void => {
    if (path === undefined || path === '' || files.has(path)) return;
    files.set(path, { path, owner, ...(isArgument === undefined ? {} : { isArgument }) });
  };
  for (const { need, subject } of requirements) {
    if (need.kind === 'file') add(need.path, subject);
    if (need.kind === 'file') add(need.template, subject);
    if (need.kind === 'free-socket') add(need.path, subject);
  }
  for (const { path } of ephemerals) add(path, 'a socket of the VM');
  for (const { model, id, label, variables: own } of devices) {
    const owner = [model, id ?? label].filter((word) => word !== undefined).join(' ');
    for (const { key, value } of own) for (const path of pathsIn(key, value)) add(path, owner);
  }
  for (const { key, value } of variables) for (const path of pathsIn(key, value)) add(path, `variable ${key}`);
  // What `raw` devices and extra options say stands here alone; the name of the VM, the last, is no file.
  for (const word of argv.slice(0, -1)) for (const piece of piecesOf(word)) add(piece, "bhyve's command line");
  for (const word of loader?.argv.slice(0, -1) ?? [])
    for (const piece of piecesOf(word)) add(piece, loader?.kind ?? '');
  for (const { file } of privateConfig?.fromFiles ?? []) add(file.path, 'a password file');
  const { preStart, postStart, preReboot, postStop } = policy.hooks;
  const hooks = { pre_start: preStart, post_start: postStart, pre_reboot: preReboot, post_stop: postStop };
  for (const [name, command = []] of Object.entries(hooks)) {
    for (const program of programsIn(command)) add(program, `hook ${name}`);
    for (const word of command.slice(1)) add(word, `hook ${name}`, true);
  }
  return [...files.values()];
}

/** The same of every target of a spec, one after the other. */
export function* filesOfTargets(spec: Spec, options: PlanOptions = {}): Generator<NamedFile> {
  for (const target of spec.targets) {
    const planned = plan(spec, target, options);
    if (planned.ok) yield* namedFiles(planned.value);
  }
}

/** Last steps of the variables whose value is the name of a file even where there is no slash in it. */
const fileKeys: ReadonlySet<string> = new Set(['path', 'bootrom', 'bootvars', 'rom', 'dev', 'file', 'play', 'rec']);

const pathsIn = (key: string, value: string): readonly string[] =>
  value.includes('/') || fileKeys.has(key.slice(key.lastIndexOf('.') + 1)) ? [value] : [];

/** `3,virtio-blk,/disk.img,ro`, `pci.0.3.0.path=/disk.img`, `-k/vm.conf`: the whole word, and what its marks divide. */
function piecesOf(word: string): readonly string[] {
  const behindLetter = /^-[A-Za-z](.+)/s.exec(word)?.[1];
  const words = behindLetter === undefined ? [word] : [word, behindLetter];
  const divided = words.flatMap((each) => (each.includes(',') ? [each, ...each.split(',')] : [each]));
  return divided.flatMap((each) => (each.includes('=') ? [each, each.slice(each.indexOf('=') + 1)] : [each]));
}
