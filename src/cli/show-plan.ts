import { formatDuration } from '../base/duration.js';
import { formatMemorySize } from '../base/memory-size.js';
import { formatAddress } from '../base/pci-address.js';
import type { Problem } from '../base/problem.js';
import { quoteCommand, quoteWord } from '../base/shell.js';
import { count, listWords } from '../base/text.js';
import type { Arch, Release } from '../devices/device.js';
import { differences, type MachineChange } from '../machine/difference.js';
import type { ExplainedArgument, Source } from '../machine/explain.js';
import { changeWords, guestChanges, type GuestChange } from '../machine/guest-changes.js';
import type { GuestNames } from '../machine/guest-names.js';
import type { Guest, GuestDevice } from '../machine/guest.js';
import type { LockComparison } from '../machine/lock-identity.js';
import type { Machine, Policy } from '../machine/machine.js';
import { exitReasons, type ExitReason } from '../spec/vm-spec.js';
import { shorten, table, type Cell } from './columns.js';
import { asLines, type OwnText } from './paint.js';
import { usualWidth, wrap } from './wrap.js';

/** One target of a plan. */
export interface TargetPlan {
  readonly machine: Machine;
  readonly guest: Guest;
  /** Words that start bhyve. */
  readonly program: readonly string[];
  /** The loader's command, where there is one. */
  readonly loader?: readonly string[];
  /** Absent: nobody asked why. */
  readonly explained?: readonly ExplainedArgument[];
}

/** What `vmrun plan` found out. */
export interface PlanReport {
  readonly name: string;
  /** The file of the spec. */
  readonly source: string;
  readonly targets: readonly TargetPlan[];
  /** The targets that a run can come to, in the order in which it may. */
  readonly boots: readonly Machine[];
  /** Of the spec, which is good nevertheless. */
  readonly warnings: readonly Problem[];
  /** Absent: there is no lock file, or it is not to be used. */
  readonly lock?: LockComparison & { readonly file: string };
}

/** The plan for people, as wide as their terminal; a word of a command that is longer stays whole. */
export function formatPlan(report: PlanReport, width = usualWidth): OwnText {
  const { targets, boots } = report;
  const lines = [
    ...targets.flatMap((target, index) => [...(index === 0 ? [] : ['']), ...targetLines(target, report, width)]),
    '',
    ...bootLines(boots, width),
    '',
    ...lockLines(report, width),
  ];
  return asLines(lines);
}

function targetLines(plan: TargetPlan, { name, source }: PlanReport, width: number): readonly string[] {
  const { machine, guest, program, loader, explained } = plan;
  const { target, release, arch, cpus, memoryBytes } = machine;
  const cpu = `${count(cpus.sockets * cpus.cores * cpus.threads, 'vCPU')}, ${formatMemorySize(memoryBytes)} of memory`;
  const head = `${name}, target ${target}: ${cpu}, for FreeBSD ${release} ${arch}`;
  const uuid = guest.uuid === undefined ? [] : [`  UUID ${guest.uuid}`];
  const before = loader === undefined ? [] : ['', '  before bhyve:', ...commandLines(loader, width)];
  const why = explained === undefined ? [] : ['', ...explainedLines(explained, program, source, width)];
  return [
    ...wrap(head, width, '  '),
    ...uuid,
    '',
    ...deviceLines(guest, machine, width),
    ...before,
    '',
    ...(explained === undefined ? commandLines([...program, ...machine.argv], width) : []),
    ...why.slice(1),
  ];
}

const heading = ['SLOT', 'DEVICE', 'ID', 'BACKEND', 'THE GUEST SEES'];

function deviceLines({ devices }: Guest, machine: Machine, width: number): readonly string[] {
  const labels = new Map(machine.devices.map(({ address, label }) => [formatAddress(address), label]));
  const rows = devices.flatMap((device): readonly (readonly Cell[])[] => {
    const slot = formatAddress(device.address);
    const drives = Object.entries(device.serials ?? {});
    const row = [slot, device.model, device.id ?? '', labels.get(slot) ?? '', seenIn(device)];
    if (drives.length === 0) return [row];
    const { freebsd = [] } = device.names ?? {};
    return [
      [...row.slice(0, 3), '', ''],
      ...drives.map(([image, serial], index) => ['', '', '', image, seen({ serial, freebsd: freebsd[index] })]),
    ];
  });
  return table([heading, ...rows], { elastic: [2, 3], indent: '  ', width });
}

const seenIn = ({ mac, serial, names = {} }: GuestDevice): readonly string[] =>
  seen({ mac, serial, linux: names.linux, freebsd: names.freebsd?.[0] });

function seen({ mac, serial, linux, freebsd }: Readonly<Record<string, string | undefined>>): readonly string[] {
  const names = [
    ...(linux === undefined ? [] : [`Linux ${linux}`]),
    ...(freebsd === undefined ? [] : [`FreeBSD ${freebsd}`]),
  ];
  return [
    ...(mac === undefined ? [] : [mac]),
    ...(serial === undefined ? [] : [`serial ${serial}`]),
    ...(names.length === 0 ? [] : [names.join(', ')]),
  ];
}

/** A command that a shell reads back as it is, broken between its options, and never in a value. */
export function commandLines(words: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  let line = '  ';
  for (const piece of inOptions(words)) {
    // Room for a blank and the backslash.
    const isFirst = line.trim() === '';
    if (isFirst || line.length + 1 + piece.length + 2 <= width) {
      line += (isFirst ? '' : ' ') + piece;
      continue;
    }
    lines.push(`${line} \\`);
    line = `    ${piece}`;
    // An option lets go of its value where that alone has room.
    const [, option = '', value] = /^(-[A-Za-z]) (.*)$/s.exec(piece) ?? [];
    if (value === undefined || line.length + 2 <= width || value.length + 8 > width) continue;
    lines.push(`    ${option} \\`);
    line = `      ${value}`;
  }
  return [...lines, line];
}

/** Words as a shell takes them, each option with its value. */
function inOptions(words: readonly string[]): readonly string[] {
  const pieces: string[] = [];
  let isOpen = false;
  for (const word of words) {
    const last = pieces.at(-1);
    const isValue: boolean = isOpen && !word.startsWith('-');
    if (isValue && last !== undefined) pieces[pieces.length - 1] = `${last} ${quoteWord(word)}`;
    else pieces.push(quoteWord(word));
    isOpen = !isValue && /^-[A-Za-z]$/.test(word);
  }
  return pieces;
}

/** What is told of an argument stands to its right from this column on, where the terminal is wide enough for both. */
const leftWidth = 30;
const leastRightWidth = 36;

/** Each argument with where it comes from beside it, or below it where it is long. */
function explainedLines(
  explained: readonly ExplainedArgument[],
  program: readonly string[],
  source: string,
  width: number,
): readonly string[] {
  const first = pair(program, ['the program: --bhyve, $BHYVE_EXEC or bhyve'], width);
  const rest = explained.flatMap(({ words, sources, details }) =>
    pair(
      words,
      [
        ...sources.map((each) => sourceWords(each, source)),
        ...details.map(({ what, source: own }) => `${what}: ${sourceWords(own, source)}`),
      ],
      width,
    ),
  );
  return [...first, ...rest];
}

function pair(words: readonly string[], right: readonly string[], width: number): readonly string[] {
  const isBeside = width - leftWidth - 2 >= leastRightWidth;
  const margin = ' '.repeat(isBeside ? leftWidth + 2 : 6);
  const left = `  ${quoteCommand(words)}`;
  const lines = right.flatMap((text) => wrap(text, width - margin.length, '  ')).map((line) => margin + line);
  if (!isBeside || left.length > leftWidth) return [...apart(left, words, width), ...lines];
  const [head = '', ...tail] = lines;
  return [left + head.slice(left.length), ...tail];
}

/** An option that has no room beside its value stands above it, where that makes both fit. */
function apart(whole: string, words: readonly string[], width: number): readonly string[] {
  const [first = '', ...rest] = words.map(quoteWord);
  const below = rest.map((word) => `    ${word}`);
  const doesFit = whole.length <= width || below.some((line) => line.length > width);
  return doesFit ? [whole] : [`  ${first}`, ...below];
}

/** `vm.json:4:10 /cpu`, `default of utc_clock`, `vm.json:9:5 passthru needs wired memory`. */
export function sourceWords(source: Source, file: string): string {
  switch (source.kind) {
    case 'spec':
      return placeWords(source.place, file);
    case 'default':
      return `default of ${source.field}`;
    case 'because':
      return source.place === undefined ? source.why : `${source.why}, ${placeWords(source.place, file)}`;
    case 'lock':
      return 'kept by the lock file';
    case 'command-line':
      return 'the command line, after --';
  }
}

/** The file's own folder says nothing here: every place is in it. */
const placeWords = ({ line, column, pointer }: NonNullable<Problem['place']>, file: string): string =>
  `${file.slice(file.lastIndexOf('/') + 1)}:${line}:${column} ${pointer}`;

/** What follows the end of a boot, by target: next_target, reboot_on, restart and on_give_up. */
function bootLines(boots: readonly Machine[], width: number): readonly string[] {
  const longest = boots.reduce((most, { target }) => Math.max(most, target.length), 0);
  const isBeside = longest <= Math.min(24, width / 3);
  const margin = ' '.repeat(isBeside ? longest + 4 : 4);
  return [
    'What follows a boot:',
    ...boots.flatMap((machine) => {
      const lines = followers(machine).flatMap((text) => wrap(text, width - margin.length, '  '));
      if (!isBeside) return [`  ${machine.target}`, ...lines.map((line) => margin + line)];
      const [first = '', ...rest] = lines;
      return [`  ${machine.target.padEnd(longest)}  ${first}`, ...rest.map((line) => margin + line)];
    }),
  ];
}

/** Where a run goes from a target; undefined: it ends. */
export function nextTargets({ target, policy }: Pick<Machine, 'target' | 'policy'>): ReadonlyMap<ExitReason, string> {
  const { rebootOn, nextTarget } = policy;
  return new Map(
    exitReasons.flatMap((reason) =>
      rebootOn.includes(reason) ? [[reason, nextTarget[reason] ?? target] as const] : [],
    ),
  );
}

function followers(machine: Machine): readonly string[] {
  const byTarget = new Map<string, ExitReason[]>();
  for (const [reason, next] of nextTargets(machine)) byTarget.set(next, [...(byTarget.get(next) ?? []), reason]);
  const steps = [...byTarget].map(([next, reasons]) => `${listWords(reasons)} -> ${next}`);
  const monitored = machine.isMonitored ? ['reboot -> the same, by bhyve itself'] : [];
  return [[...monitored, ...steps, 'else the run ends'].join('; '), ...limitWords(machine.policy)];
}

function limitWords({ restart, rebootOn, onGiveUp }: Policy): readonly string[] {
  const { max, windowMs } = restart;
  if (max === undefined || rebootOn.length === 0) return [];
  const next = onGiveUp === undefined ? 'the run ends' : `-> ${onGiveUp}, once`;
  return [`after ${count(max, 'reboot')} within ${formatDuration(windowMs)}: ${next}`];
}

function lockLines({ lock, targets }: PlanReport, width: number): readonly string[] {
  if (lock === undefined) {
    return wrap(
      'There is no lock file: an edit of the spec may move slots, MACs and serial numbers. vmrun lock keeps them.',
      width,
    );
  }
  const { file, changes, held, warnings } = lock;
  const names = targets.map(({ guest }) => guest.target);
  const others = warnings.filter(({ code }) => code === 'lock-doubt');
  const doubts = others.map(({ subject, message, fix }) =>
    [subject, message, fix].filter((words) => words !== undefined).join(': '),
  );
  const same = changes.length === 0 ? ['nothing changes for the guest'] : merged(changes, names);
  return [
    `Compared with ${shorten(file, width - 15)}:`,
    ...listed([...same, ...doubts], width),
    ...(held.length === 0 ? [] : ['It keeps, or the guest would find:', ...listed(merged(held, names), width)]),
  ];
}

const listed = (items: readonly string[], width: number): readonly string[] =>
  items.flatMap((item) => wrap(item, width - 2, '  ').map((line) => `  ${line}`));

/** Changes in words; what not all targets share is told with them. */
function merged(changes: readonly GuestChange[], targets: readonly string[]): readonly string[] {
  const byWords = new Map<string, string[]>();
  for (const change of changes) {
    const words = changeWords(change);
    const where = byWords.get(words);
    if (where === undefined) byWords.set(words, [change.target]);
    else where.push(change.target);
  }
  return [...byWords].map(([words, where]) =>
    where.length === targets.length ? words : `${words} (target ${listWords(where)})`,
  );
}

/** Two specs, target by target. */
export interface PlanDiff {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly targets: readonly { readonly target: string; readonly before?: TargetPlan; readonly after?: TargetPlan }[];
}

/** What differs between two specs, for people: what bhyve is told otherwise, and what the guest makes of it. */
export function formatDiff({ name, from, to, targets }: PlanDiff, width = usualWidth): OwnText {
  const lines = targets.flatMap(({ target, before, after }, index) => {
    const head = [
      ...(index === 0 ? [] : ['']),
      ...wrap(`${name}, target ${target}: from ${from} to ${to}`, width, '  '),
    ];
    if (before === undefined || after === undefined) {
      return [...head, ...listed([`${before === undefined ? to : from} alone has this target`], width)];
    }
    const told = differences(before.machine, after.machine).map(machineChangeWords);
    const noticed = guestChanges(before.guest, after.guest).map(changeWords);
    if (told.length === 0 && noticed.length === 0) return [...head, '  nothing differs for bhyve'];
    return [
      ...head,
      ...(told.length === 0 ? [] : ['bhyve is told:', ...listed(told, width)]),
      ...(noticed.length === 0
        ? ['The guest is known by what it was.']
        : ['The guest notices:', ...listed(noticed, width)]),
    ];
  });
  return asLines(lines);
}

export function machineChangeWords(change: MachineChange): string {
  switch (change.kind) {
    case 'device-added':
      return `+ ${change.device} at ${change.address}`;
    case 'device-removed':
      return `- ${change.device} at ${change.address}`;
    case 'device-moved':
      return `${change.device} ${change.from} -> ${change.to}`;
    case 'device-changed':
      return `${change.device} at ${change.address} has other options`;
    case 'setting':
      return `${change.key} ${change.from ?? '(unset)'} -> ${change.to ?? '(unset)'}`;
  }
}

/** A device in the JSON of `vmrun plan`. What is absent there is not: a `serial` only of a disk, and so on. */
export interface DeviceJson {
  /** `bus:slot:function`. */
  readonly slot: string;
  readonly model: string;
  readonly id?: string;
  /** What tells it from others of its model: a path, an interface. */
  readonly backend?: string;
  readonly mac?: string;
  readonly serial?: string;
  /** Of a controller with several drives, by image. */
  readonly serials?: Readonly<Record<string, string>>;
  /** What Linux and FreeBSD call the card, or the drives in order, where that can be known. */
  readonly names?: GuestNames;
}

/** A target in the JSON of `vmrun plan`. */
export interface TargetJson {
  readonly target: string;
  readonly release: Release;
  readonly arch: Arch;
  /** Absent: bhyve makes one of the names of host and VM. */
  readonly uuid?: string;
  readonly devices: readonly DeviceJson[];
  /** bhyve's whole command. */
  readonly command: readonly string[];
  /** The command that is run before it, where there is a loader. */
  readonly loader?: readonly string[];
  /** With `--explain`: the command in pieces, each with where it comes from; without the words that start bhyve. */
  readonly explained?: readonly ExplainedArgument[];
}

/** A step of the boot sequence in the JSON of `vmrun plan`. */
export interface BootJson {
  readonly target: string;
  /** The next boot's target by the reason of the end; a reason that is absent ends the run. */
  readonly next: Readonly<Partial<Record<ExitReason, string>>>;
  /** Reboots that are too many within a time; absent: there is no limit. */
  readonly limit?: { readonly max: number; readonly windowMs: number; readonly target?: string };
}

/** What `vmrun plan --json` prints: one object. Keys may be added to it, none changes its meaning. */
export interface PlanJson {
  readonly name: string;
  readonly source: string;
  readonly targets: readonly TargetJson[];
  readonly boots: readonly BootJson[];
  /** Of the spec, which is good nevertheless. */
  readonly warnings: readonly Problem[];
  /** Null: there is no lock file, or it is not to be used. */
  readonly lock: null | {
    readonly file: string;
    /** What the guest would find changed from what is locked. */
    readonly changes: readonly GuestChange[];
    /** What it would find changed if there were no lock file. */
    readonly held: readonly GuestChange[];
    readonly warnings: readonly Problem[];
  };
}

/** What `vmrun plan --diff FILE --json` prints: one object. */
export interface PlanDiffJson {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly targets: readonly {
    readonly target: string;
    /** The one of the two specs that alone has this target. */
    readonly only?: 'from' | 'to';
    /** What bhyve is told otherwise. */
    readonly changes: readonly MachineChange[];
    /** What the guest notices. */
    readonly guest: readonly GuestChange[];
  }[];
}

export const planJson = ({ name, source, targets, boots, warnings, lock }: PlanReport): PlanJson => ({
  name,
  source,
  targets: targets.map(targetJson),
  boots: boots.map(bootJson),
  warnings,
  lock:
    lock === undefined ? null : { file: lock.file, changes: lock.changes, held: lock.held, warnings: lock.warnings },
});

function targetJson({ machine, guest, program, loader, explained }: TargetPlan): TargetJson {
  const { target, release, arch, argv } = machine;
  const labels = new Map(machine.devices.map(({ address, label }) => [formatAddress(address), label]));
  return {
    target,
    release,
    arch,
    ...(guest.uuid === undefined ? {} : { uuid: guest.uuid }),
    devices: guest.devices.map(({ address, model, id, mac, serial, serials, names }): DeviceJson => {
      const slot = formatAddress(address);
      const backend = labels.get(slot);
      return {
        slot,
        model,
        ...(id === undefined ? {} : { id }),
        ...(backend === undefined ? {} : { backend }),
        ...(mac === undefined ? {} : { mac }),
        ...(serial === undefined ? {} : { serial }),
        ...(serials === undefined ? {} : { serials }),
        ...(names === undefined ? {} : { names }),
      };
    }),
    command: [...program, ...argv],
    ...(loader === undefined ? {} : { loader }),
    ...(explained === undefined ? {} : { explained }),
  };
}

function bootJson(machine: Machine): BootJson {
  const { restart, onGiveUp } = machine.policy;
  const { max, windowMs } = restart;
  return {
    target: machine.target,
    next: Object.fromEntries(nextTargets(machine)),
    ...(max === undefined ? {} : { limit: { max, windowMs, ...(onGiveUp === undefined ? {} : { target: onGiveUp }) } }),
  };
}

export const diffJson = ({ name, from, to, targets }: PlanDiff): PlanDiffJson => ({
  name,
  from,
  to,
  targets: targets.map(({ target, before, after }) => {
    const isShared = before !== undefined && after !== undefined;
    return {
      target,
      ...(isShared ? {} : { only: before === undefined ? ('to' as const) : ('from' as const) }),
      changes: isShared ? differences(before.machine, after.machine) : [],
      guest: isShared ? guestChanges(before.guest, after.guest) : [],
    };
  }),
});
