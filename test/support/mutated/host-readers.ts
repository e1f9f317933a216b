import { checkHost } from '../../../src/host/look/check.js';
import { recordedView } from '../../../src/host/look/facts.js';
import { readLedger } from '../../../src/host/repair/ledger-lines.js';
import { parseIfconfig } from '../../../src/host/look/probes/ifconfig.js';
import { parseKldstat } from '../../../src/host/look/probes/kldstat.js';
import { parsePciconf } from '../../../src/host/look/probes/pciconf.js';
import { parseSysctl } from '../../../src/host/look/probes/sysctl.js';
import { readFacts } from '../../../src/host/look/read-facts.js';
import { holderWords, isSigned, noteIn, noteWords, supervisorIn } from '../../../src/host/run-directory/run-files.js';
import { stateIn } from '../../../src/host/run-directory/run-state.js';
import { explainLoad } from '../../../src/explain/explain-load.js';
import { explainEnd } from '../../../src/explain/explain-end.js';
import { readEnd } from '../../../src/explain/run-end.js';
import { messages } from '../../explain/messages.js';
import { planOf } from '../specs.js';
import { nothingTold, type Readers } from './reader.js';
import { specs, textsIn } from './texts.js';

const state = {
  ...{ version: 1, name: 'vm', supervisor: 4711, since: '2026-01-01T00:00:00.000Z', phase: 'running', target: 'disk' },
  ...{ boot: 3, bootSince: '2026-01-01T00:00:01.000Z', isMonitored: true, stopTimeoutMs: 90000 },
  bhyve: { pid: 4712, start: 'Thu Jan  1 00:00:00 2026', program: 'bhyve' },
  sockets: { paths: ['/vm/vm.sock'], before: [{ path: '/vm/vm.sock', device: '1', inode: '2' }] },
  last: { boot: 2, at: '2026-01-01T00:00:00.000Z', end: 'failed', why: { cause: 'a', evidence: ['b'], next: 'c' } },
  degraded: { log: 'ENOSPC' },
};

const ledger = [
  { id: 1, undo: { kind: 'destroy-interface', name: 'tap0' } },
  { id: 2, undo: { kind: 'remove-member', bridge: 'bridge0', member: 'tap0' } },
  { id: 3, undo: { kind: 'release-card', address: { bus: 2, slot: 0, func: 0 }, formerDriver: 'em0' } },
  { id: 1, settled: true },
];

/** A host, and the same looked at by another user, without modules, with nothing that answered. */
function variantsOf(text: string): readonly string[] {
  const facts = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const error = { error: 'ENOENT' };
  const changes: readonly object[] = [
    {},
    { uid: 1001, modules: [], sysctls: {}, vms: ['vm0'] },
    { interfaces: error, cards: error, modules: error, sysctls: error, vms: error },
    { interfaces: [], cards: [], files: {}, sockets: {}, ports: {}, freeBytes: {} },
    { system: 'linux', platform: {} },
  ];
  return changes.map((change) => JSON.stringify({ ...facts, ...change }));
}

/** A number that is handed to kill(2) names one process, or none. */
function expectPid(pid: number): void {
  if (!Number.isSafeInteger(pid) || pid <= 0) throw new Error(`${pid} is taken for a pid`);
}

export const hostReaders: Readers = {
  'a captured host': async () => {
    const machines = await Promise.all(specs.map((text) => planOf(text)));
    const requirements = machines.flatMap((machine) => machine.requirements);
    return {
      seeds: textsIn('examples/hosts', /json$/).flatMap(variantsOf),
      share: 1,
      read: async (text) => {
        const read = readFacts(text, 'host.json');
        if (!read.ok) return { problems: read.problems, outcome: 'refused' };
        const { findings } = await checkHost(requirements, { view: recordedView(read.value) });
        return { problems: read.warnings, outcome: [...new Set(findings.map(({ problem }) => problem.code))].join() };
      },
    };
  },
  'a ledger': () => ({
    seeds: [`${ledger.map((line) => JSON.stringify(line)).join('\n')}\n`],
    share: 6,
    read: (text) => {
      const { entries, unreadable } = readLedger(Buffer.from(text));
      return nothingTold(`${Math.min(entries.length, 9)} ${Math.min(unreadable.length, 9)}`);
    },
  }),
  'the state of a run': () => ({
    seeds: [JSON.stringify(state), JSON.stringify({ ...state, loader: state.bhyve, phase: 'loading' })],
    share: 6,
    read: (text) => {
      const read = stateIn(text);
      if (read === undefined) return nothingTold('none');
      for (const pid of [read.supervisor, read.bhyve?.pid, read.loader?.pid]) if (pid !== undefined) expectPid(pid);
      return nothingTold(Object.keys(read).length);
    },
  }),
  'the note of a child, and who holds a lock': () => ({
    seeds: [
      noteWords({ role: 'bhyve', boot: 3, target: 'disk' }).replace('%', '4711') + '\n',
      noteWords({ role: 'loader', boot: 1, target: 'default' }).replace('%', '4712') + '\n',
      holderWords(4711, '2026-01-01T00:00:00.000Z'),
    ],
    share: 6,
    read: (text) => {
      const note = noteIn(text);
      const supervisor = supervisorIn(text);
      for (const pid of [note?.pid, supervisor]) if (pid !== undefined) expectPid(pid);
      return nothingTold(`${note?.role} ${supervisor === undefined} ${isSigned(text)}`);
    },
  }),
  'what tools of the host print': () => ({
    seeds: textsIn('test/fixtures/host', /\.txt$/),
    share: 6,
    read: (text) =>
      nothingTold(
        [parseIfconfig, parseKldstat, parsePciconf, parseSysctl].map((parse) => parse(text) === undefined).join(),
      ),
  }),
  'what bhyve and loaders say at their end': () => ({
    seeds: Object.values(messages).flatMap((rows) => rows.map(([stderr]) => stderr)),
    share: 6,
    read: (text) => {
      const { cause, next, evidence } = explainEnd(readEnd({ kind: 'exited', status: 1 }, text), text);
      const load = explainLoad('grub-bhyve', { kind: 'exited', status: 1 }, { stderr: text, stdout: text });
      if ([cause, next, ...evidence, load.cause].some((line) => line.includes('\n'))) throw new Error(cause);
      return nothingTold(cause);
    },
  }),
};
