import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { systemHost, type Host } from '../../../src/host/host.js';
import { runTool } from '../../../src/host/process/tools.js';
import { vmmOf } from '../../../src/host/look/vmm.js';
import { loadSpecText } from '../../../src/machine/load-spec.js';
import type { LoaderPrograms } from '../../../src/machine/loader.js';
import type { Spec } from '../../../src/spec/parse-spec.js';
import type { RunEvent } from '../../../src/supervisor/events.js';
import { run } from '../../../src/supervisor/run.js';
import type { Run, RunOptions } from '../../../src/supervisor/run-options.js';
import { simulatorCommand, smallVm, type Place } from './place.js';

type EventOf<Kind extends RunEvent['kind']> = Extract<RunEvent, { readonly kind: Kind }>;

/** A run in this process whose events and stderr are written down as they come. */
export interface Supervised extends Run {
  /** So far; all of them once `over` has resolved. */
  readonly seen: readonly RunEvent[];
  /** Resolves when the last event has been read, whatever became of the run. */
  readonly over: Promise<void>;
  /** The nth event of a kind; rejects where the run ends without. */
  readonly event: <Kind extends RunEvent['kind']>(kind: Kind, nth?: number) => Promise<EventOf<Kind>>;
  /** Resolves when bhyve's stderr contains the text. */
  readonly said: (text: string) => Promise<void>;
  readonly stderr: () => string;
  readonly hookOutput: () => string;
}

/**
 * The simulator with its console on stderr, where a test reads it: a guest that has said its boot number answers
 * SIGTERM. For this the words of `consoleWords` are needed too.
 */
export const simulator: readonly string[] = ['/bin/sh', '-c', 'exec "$0" "$@" >&2', ...simulatorCommand];
export const consoleWords: readonly string[] = ['-l', 'com1,stdio'];

/** The simulator as each loader. @param before words of a program that runs it */
export const simulatedLoaders = (...before: readonly string[]): LoaderPrograms => {
  const play = (program: string): readonly string[] => [
    '/usr/bin/env',
    `VMRUN_SIM_PROGRAM=${program}`,
    ...before,
    ...simulatorCommand,
  ];
  return { bhyveload: play('bhyveload'), 'grub-bhyve': play('grub-bhyve') };
};

export async function loadVm({ name }: Place, fields: object = {}): Promise<Spec> {
  const text = JSON.stringify({ ...smallVm(name), ...fields });
  const loaded = await loadSpecText({ name: 'vm.json', text, format: 'json', resolveFile: (path) => path });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.value;
}

/** Runs a VM of a place with the simulator; the script says what its guest does. */
export async function supervise(
  place: Place,
  script: string,
  fields: object = {},
  options: Partial<Omit<RunOptions, 'env'>> & { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Supervised> {
  const spec = await loadVm(place, fields);
  const printed = { stderr: '', hook: '' };
  const seen: RunEvent[] = [];
  const watchers = new Set<() => void>();
  const changed = (): void => {
    for (const watcher of watchers) watcher();
  };
  const vm = run(spec, {
    bhyve: simulator,
    extraArguments: consoleWords,
    runBase: place.runBase,
    check: false,
    loaders: simulatedLoaders(),
    onStderr: (text) => {
      printed.stderr += text;
      changed();
    },
    onHookOutput: (text) => {
      printed.hook += text;
    },
    ...options,
    env: { VMRUN_SIM_SCRIPT: script, ...options.env },
  });
  let isOver = false;
  const over = (async () => {
    for await (const event of vm.events) {
      seen.push(event);
      changed();
    }
    isOver = true;
    changed();
  })();
  const wait = <T>(what: string, look: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const watcher = (): void => {
        const found = look();
        if (found === undefined && !isOver) return;
        watchers.delete(watcher);
        if (found === undefined) reject(new Error(`the run ended before ${what}: ${JSON.stringify(seen)}`));
        else resolve(found);
      };
      watchers.add(watcher);
      watcher();
    });
  return {
    ...vm,
    seen,
    over,
    event: (kind, nth = 1) => wait(`event ${nth} of kind ${kind}`, () => ofKind(seen, kind)[nth - 1]),
    said: async (text) => {
      await wait(`bhyve said ${text}`, () => (printed.stderr.includes(text) ? true : undefined));
    },
    stderr: () => printed.stderr,
    hookOutput: () => printed.hook,
  };
}

export const ofKind = <Kind extends RunEvent['kind']>(
  events: readonly RunEvent[],
  kind: Kind,
): readonly EventOf<Kind>[] => events.filter((event): event is EventOf<Kind> => event.kind === kind);

/** What the simulated guest says once it runs. */
export const booted = (boot: number): string => `boot ${boot}, as bhyve`;

/** A host whose VMs are files of a folder; each holds the pid of its bhyve. */
export interface FakeKernel {
  readonly host: Host;
  /** What bhyvectl was asked for, without the VM's name. */
  readonly calls: () => readonly string[];
  readonly file: string;
  readonly exists: () => boolean;
}

/**
 * bhyvectl is a script here: `--destroy` removes the VM, and what it forces on a guest is a signal to its bhyve, as
 * simulator/kernel.ts has them.
 * @param onDestroy a shell command in place of the removal of `$vm`
 */
export function fakeKernel({ path, script, name }: Place, onDestroy = 'rm "$vm"'): FakeKernel {
  mkdirSync(path('vmm'));
  const bhyvectl = script(
    'bhyvectl',
    `echo "$2" >> '${path('calls')}'`,
    `vm='${path('vmm')}'/"\${1#--vm=}"`,
    `case $2 in --destroy) ${onDestroy} ;;`,
    ...[
      ['--force-poweroff', 'USR2'] as const,
      ['--force-reset', 'USR1'] as const,
      ['--inject-nmi', 'URG'] as const,
    ].map(([option, signal]) => `${option}) kill -${signal} "$(cat "$vm")" ;;`),
    `*) exit 64 ;; esac`,
  );
  const system = systemHost();
  const vmm = vmmOf({ run: runTool, clock: system.clock, directory: path('vmm'), bhyvectl, isAvailable: true });
  const file = path('vmm', name);
  return {
    host: { ...system, vmm },
    calls: () => (existsSync(path('calls')) ? readFileSync(path('calls'), 'utf8').trim().split('\n') : []),
    file,
    exists: () => existsSync(file),
  };
}

const creating = (kernel: FakeKernel): readonly string[] => [
  '/bin/sh',
  '-c',
  `echo $$ > '${kernel.file}'; VMRUN_SIM_KERNEL=yes exec "$0" "$@" >&2`,
];

/** The simulator on a fake kernel: its VM appears before the guest runs, and stays. */
export const simulatorOn = (kernel: FakeKernel): readonly string[] => [...creating(kernel), ...simulatorCommand];

/** The same for loaders: it is they who make the VM. */
export const loadersOn = (kernel: FakeKernel): LoaderPrograms => simulatedLoaders(...creating(kernel));

/** A bhyve on a fake kernel that ignores SIGTERM; a forced power-off ends it with status 1, unless it hangs. */
export const deafBhyveOn = (kernel: FakeKernel, about: { readonly hangs?: boolean } = {}): readonly string[] => [
  process.execPath,
  '-e',
  `process.on('SIGTERM', () => undefined);
   process.on('SIGUSR2', () => ${about.hangs === true ? 'undefined' : 'process.exit(1)'});
   setInterval(() => undefined, 1e9);
   require('fs').writeFileSync(${JSON.stringify(kernel.file)}, String(process.pid));
   console.error('deaf bhyve is up');`,
  '--',
];
