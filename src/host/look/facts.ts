import { dirname } from 'node:path';
import { unreachable } from '../../base/unreachable.js';
import type { Platform } from '../../devices/device.js';
import type { MachineRequirement } from '../../machine/machine.js';
import { listenHost } from './probes/ports.js';
import { vmmControl } from './probes/privilege.js';
import type { NetworkInterface } from './probes/ifconfig.js';
import type { PciCard } from './probes/pciconf.js';
import type { ToolAnswer } from '../process/tool-answer.js';
import type { FileView, HostView, NotCaptured, PortView, ProgramView, SocketView } from './view.js';

/** The form of `HostFacts` that this vmrun writes and reads. */
export const factsVersion = 1;

/** Why there is no answer: a tool is missing, failed, or printed something else. */
export interface NoAnswer {
  readonly error: string;
}

export type FileFacts = Exclude<FileView, NotCaptured>;
export type SocketFacts = Exclude<SocketView, NotCaptured>;
type PortFacts = Exclude<PortView, NotCaptured>;

/** All that a view can say of a host: plain JSON, for another machine or a later day. `readFacts` reads it back. */
export interface HostFacts {
  readonly version: typeof factsVersion;
  /** When the host was looked at: ISO 8601, UTC. */
  readonly taken: string;
  readonly system: string;
  readonly platform: Partial<Platform>;
  /** Of the user who looked, and whose rights `files` tells. */
  readonly uid?: number;
  readonly interfaces: readonly NetworkInterface[] | NoAnswer;
  readonly cards: readonly PciCard[] | NoAnswer;
  readonly modules: readonly string[] | NoAnswer;
  readonly sysctls: Readonly<Record<string, string>> | NoAnswer;
  readonly vms: readonly string[] | NoAnswer;
  /** By path, absolute as `vmrun facts` writes it; in a file, a relative one starts at the file's folder. */
  readonly files: Readonly<Record<string, FileFacts>>;
  readonly sockets: Readonly<Record<string, SocketFacts>>;
  /** By address and port: `127.0.0.1 5900`. */
  readonly ports: Readonly<Record<string, PortFacts>>;
  /** By path; one whose file system nobody knows is absent. */
  readonly freeBytes: Readonly<Record<string, number>>;
}

/** What to capture besides that which every host has: nobody can record every path. */
export interface HostAsks {
  readonly paths: readonly string[];
  /** Places where bhyve is to bind UNIX sockets. */
  readonly sockets: readonly string[];
  readonly ports: readonly { readonly host: string; readonly port: number }[];
}

/** What some machines' requirements name, each once: what a check of those machines will ask. */
export function asksOf(requirements: readonly MachineRequirement[]): HostAsks {
  const paths = new Set<string>();
  const sockets = new Set<string>();
  const ports = new Map<string, HostAsks['ports'][number]>();
  for (const { need } of requirements) {
    switch (need.kind) {
      case 'file':
        paths.add(need.path);
        if (need.firmware !== undefined) paths.add(need.firmware);
        if (need.template !== undefined) {
          paths.add(need.template);
          paths.add(dirname(need.path));
        }
        break;
      case 'free-socket':
        sockets.add(need.path);
        break;
      case 'tcp-port': {
        const host = listenHost(need);
        ports.set(portKey(host, need.port), { host, port: need.port });
        break;
      }
      case 'program':
        if (need.program.includes('/')) paths.add(need.program);
        break;
      case 'space':
        paths.add(need.path);
        break;
      case 'privilege':
        paths.add(vmmControl);
        break;
      // Captured whole, whoever asks.
      case 'interface':
      case 'host-card':
      case 'module':
      case 'memory':
      case 'vcpus':
      case 'virtualization':
      case 'iommu':
        break;
      default:
        unreachable(need);
    }
  }
  return { paths: [...paths], sockets: [...sockets], ports: [...ports.values()] };
}

const portKey = (host: string, port: number): string => `${host} ${port}`;

/**
 * Asks a view all that it can say. What has no answer is captured as that: on a system that is no FreeBSD the tools
 * are missing.
 */
export async function captureFacts(view: HostView, asks: HostAsks, now = new Date()): Promise<HostFacts> {
  const folders = asks.sockets.map((path) => dirname(path));
  const [interfaces, cards, modules, sysctls, vms, files, sockets, ports, freeBytes] = await Promise.all([
    view.interfaces(),
    view.cards(),
    view.modules(),
    view.sysctls(),
    view.vms(),
    // A socket is judged with the folder that it is in.
    capture([...asks.paths, ...folders], view.file),
    capture(asks.sockets, view.socket),
    Promise.all(asks.ports.map(async ({ host, port }) => [portKey(host, port), await view.port(host, port)] as const)),
    capture(asks.paths, view.freeBytes),
  ]);
  return {
    version: factsVersion,
    taken: now.toISOString(),
    system: view.system,
    platform: view.platform,
    ...(view.uid === undefined ? {} : { uid: view.uid }),
    interfaces: factOf(interfaces, (all) => [...all.values()]),
    cards: factOf(cards, (all) => all),
    modules: factOf(modules, (all) => [...all]),
    sysctls: factOf(sysctls, (all) => Object.fromEntries(all)),
    vms: factOf(vms, (all) => all),
    files: record(files.filter(isCaptured)),
    sockets: record(sockets.filter(isCaptured)),
    ports: record(ports.filter(isCaptured)),
    freeBytes: record(freeBytes.filter((entry): entry is [string, number] => entry[1] !== undefined)),
  };
}

const capture = <T>(paths: readonly string[], look: (path: string) => Promise<T>): Promise<(readonly [string, T])[]> =>
  Promise.all([...new Set(paths)].map(async (path) => [path, await look(path)] as const));

const record = <T>(entries: readonly (readonly [string, T])[]): Readonly<Record<string, T>> =>
  Object.fromEntries(entries);

/** A recorded view may itself be captured, and says of some things that it does not know. */
const isCaptured = <T extends { readonly kind: string }>(
  entry: readonly [string, T],
): entry is readonly [string, Exclude<T, NotCaptured>] => entry[1].kind !== 'not-captured';

const factOf = <T, Fact>(answer: ToolAnswer<T>, fact: (value: T) => Fact): Fact | NoAnswer =>
  answer.ok ? fact(answer.value) : { error: answer.error };

/** The host of some facts, as it was then. */
export function recordedView(facts: HostFacts): HostView {
  const { system, platform, uid } = facts;
  return {
    system,
    platform,
    uid,
    interfaces: always(answerOf(facts.interfaces, (all) => new Map(all.map((one) => [one.name, one])))),
    cards: always(answerOf(facts.cards, (all) => all)),
    modules: always(answerOf(facts.modules, (all) => new Set(all))),
    sysctls: always(answerOf(facts.sysctls, (all) => new Map(Object.entries(all)))),
    vms: always(answerOf(facts.vms, (all) => all)),
    file: fromRecord<FileView>(facts.files, notCaptured),
    program: (program) => Promise.resolve(programIn(facts.files, program)),
    socket: fromRecord<SocketView>(facts.sockets, notCaptured),
    port: (host, port) => fromRecord<PortView>(facts.ports, notCaptured)(portKey(host, port)),
    freeBytes: fromRecord<number | undefined>(facts.freeBytes, undefined),
  };
}

/** A path that was captured is there or not; whether it may be run is not captured, and names in PATH are not. */
function programIn(files: HostFacts['files'], program: string): ProgramView {
  const seen = program.includes('/') && Object.hasOwn(files, program) ? files[program] : undefined;
  if (seen === undefined) return notCaptured;
  return seen.kind === 'missing'
    ? { kind: 'refused', reason: 'missing', why: `${program} is not there` }
    : { kind: 'there' };
}

const notCaptured: NotCaptured = { kind: 'not-captured' };

const always =
  <T>(value: T) =>
  (): Promise<T> =>
    Promise.resolve(value);

const fromRecord =
  <T>(facts: Readonly<Record<string, T>>, otherwise: T) =>
  (key: string): Promise<T> =>
    Promise.resolve(Object.hasOwn(facts, key) ? (facts[key] ?? otherwise) : otherwise);

const answerOf = <Fact extends object, T>(fact: Fact | NoAnswer, read: (fact: Fact) => T): ToolAnswer<T> =>
  isNoAnswer(fact) ? { ok: false, error: fact.error } : { ok: true, value: read(fact) };

/** No sysctl is called `error`: their names have a dot. */
const isNoAnswer = (fact: object): fact is NoAnswer => 'error' in fact && typeof fact.error === 'string';
