import { formatDuration } from '../base/duration.js';
import { groupBy } from '../base/group-by.js';
import { formatMemorySize } from '../base/memory-size.js';
import { formatAddress } from '../base/pci-address.js';
import { placeWords, type Place } from '../base/problem.js';
import { quoteCommand, quoteWord } from '../base/shell.js';
import { count, listWords } from '../base/text.js';
import type { MachineChange } from '../machine/difference.js';
import type { ExplainedArgument, Source } from '../machine/explain.js';
import { changeWords, type GuestChange } from '../machine/guest-changes.js';
import type { Guest, GuestDevice } from '../machine/guest.js';
import type { Machine } from '../machine/machine.js';
import type { ComparisonDocument } from '../report/comparison.js';
import type { PlannedBoot, PlanReport, TargetPlan } from '../report/plan-report.js';
import { shorten, table, type Cell } from './columns.js';
import { asLines, type OwnText } from './paint.js';
import { servedWords } from './served-words.js';
import { usualWidth, wrap } from './wrap.js';

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
    ...(machine.servesConsole ? ['', ...wrap(servedWords(name), width - 2, '  ').map((line) => `  ${line}`)] : []),
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
function sourceWords(source: Source, file: string): string {
  switch (source.kind) {
    case 'spec':
      return placeIn(source.place, file);
    case 'default':
      return `default of ${source.field}`;
    case 'because':
      return source.place === undefined ? source.why : `${source.why}, ${placeIn(source.place, file)}`;
    case 'lock':
      return 'kept by the lock file';
    case 'command-line':
      return 'the command line, after --';
  }
}

/** The file's own folder says nothing here: every place is in it. */
const placeIn = (place: Place, file: string): string =>
  `${placeWords({ ...place, file: file.slice(file.lastIndexOf('/') + 1) })} ${place.pointer}`;

/** What follows the end of a boot, by target: next_target, reboot_on, restart and on_give_up. */
function bootLines(boots: readonly PlannedBoot[], width: number): readonly string[] {
  const longest = boots.reduce((most, { target }) => Math.max(most, target.length), 0);
  const isBeside = longest <= Math.min(24, width / 3);
  const margin = ' '.repeat(isBeside ? longest + 4 : 4);
  return [
    'What follows a boot:',
    ...boots.flatMap((boot) => {
      const lines = followers(boot).flatMap((text) => wrap(text, width - margin.length, '  '));
      if (!isBeside) return [`  ${boot.target}`, ...lines.map((line) => margin + line)];
      const [first = '', ...rest] = lines;
      return [`  ${boot.target.padEnd(longest)}  ${first}`, ...rest.map((line) => margin + line)];
    }),
  ];
}

function followers({ after, giveUp, isMonitored }: PlannedBoot): readonly string[] {
  const byTarget = groupBy(after.keys(), (reason) => after.get(reason));
  const steps = [...byTarget].map(([next = '', reasons]) => `${listWords(reasons)} -> ${next}`);
  const monitored = isMonitored ? ['reboot -> the same, by bhyve itself'] : [];
  return [
    [...monitored, ...steps, 'else the run ends'].join('; '),
    ...(giveUp === undefined ? [] : [limitWords(giveUp)]),
  ];
}

const limitWords = ({ max, windowMs, to }: NonNullable<PlannedBoot['giveUp']>): string =>
  `after ${count(max, 'reboot')} within ${formatDuration(windowMs)}: ${to === undefined ? 'the run ends' : `-> ${to}, once`}`;

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

/** What differs between two specs, for people: what bhyve is told otherwise, and what the guest makes of it. */
export function formatComparison({ name, from, to, targets }: ComparisonDocument, width = usualWidth): OwnText {
  const lines = targets.flatMap(({ target, only, changes, guest }, index) => {
    const head = [
      ...(index === 0 ? [] : ['']),
      ...wrap(`${name}, target ${target}: from ${from} to ${to}`, width, '  '),
    ];
    if (only !== undefined) {
      return [...head, ...listed([`${only === 'to' ? to : from} alone has this target`], width)];
    }
    const told = changes.map(machineChangeWords);
    const noticed = guest.map(changeWords);
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

function machineChangeWords(change: MachineChange): string {
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
