import type { Problem } from '../../base/problem.js';
import { listWords } from '../../base/text.js';
import { noteAt, type OriginalText } from '../original.js';
import { differenceText, optionDifference, optionsOf } from './differences.js';
import { shownText } from './symbols.js';
import { startsOf, type Script, type Way } from './explore.js';
import type { Run, Started } from './run.js';
import { loadingBefore } from './script-loader.js';

interface Told {
  readonly ways: readonly Way[];
  readonly main: Way;
  /** The start that the spec is made of. */
  readonly chosen: Started;
  /** Ways that were followed for what comes after bhyve. */
  readonly runs: readonly Run[];
}

/** What is started on another way through the script, and what is started besides: with both values. */
export function variantNotes(source: OriginalText, script: Script, told: Told): readonly Problem[] {
  const conditional = conditionNotes(source, script, told);
  return [
    ...conditional.notes,
    ...neverGiven(source, script, told),
    ...otherStarts(source, told, conditional.sites),
    ...laterStarts(source, script, told),
  ];
}

/** The start on a way that is to be compared: by the same command, or else its last. */
function startOn(way: Way, chosen: Started): Started | undefined {
  const starts = startsOf(way);
  return starts.find(({ site }) => site === chosen.site) ?? starts.at(-1);
}

/** What has to be so on a way: both conditions, where two are turned. */
export const conditionOf = ({ isPair, from, choice }: Way): string =>
  [isPair === true ? from?.choice?.words : undefined, choice?.words].filter((each) => each !== undefined).join(' and ');

/** All that is given to bhyve and its loader, in options and in files. */
const givenOn = ({ run }: Way, { symbols }: Script): readonly string[] =>
  run.started.flatMap((start) => [
    ...optionsOf(start, symbols).map((option) => `${start.program} ${option}`),
    ...[...start.configs].flatMap(([file, text = '']) => text.split('\n').map((line) => `${file}: ${line}`)),
  ]);

function conditionNotes(source: OriginalText, script: Script, { ways, main, chosen }: Told) {
  const notes: Problem[] = [];
  const sites = new Set<number>();
  const seen = new Set<string>();
  const single = new Set(ways.filter(({ isPair }) => isPair !== true).flatMap((way) => givenOn(way, script)));
  for (const way of ways) {
    const { from, choice, decision } = way;
    // What each condition does by itself is told already.
    if (way.isPair === true && givenOn(way, script).every((each) => single.has(each))) continue;
    if (way === main || choice === undefined || decision === undefined) continue;
    const base = from === undefined || startOn(from, chosen) === undefined ? main : from;
    const [before, after] = [base === main ? chosen : startOn(base, chosen), startOn(way, chosen)];
    if (before === undefined || after === undefined) continue;
    const text = changes(script, { run: base.run, start: before }, { run: way.run, start: after });
    if (text === undefined) continue;
    sites.add(after.site);
    const id = `${decision.line} ${text}`;
    if (seen.has(id)) continue;
    seen.add(id);
    notes.push(
      noteAt(
        source,
        decision.line,
        'condition',
        `where ${conditionOf(way)}, ${text}; the spec is for every other case`,
        'put it into the spec, or into a target of it',
      ),
    );
  }
  return { notes, sites };
}

interface Unseen {
  readonly line: number;
  readonly device: string;
}

/** Devices that stand in the script, and on no way that was followed are given to bhyve. */
export function unseenDevices({ text, symbols }: Script, ways: readonly Way[]): readonly Unseen[] {
  const given = ways.flatMap(({ run }) =>
    run.started.flatMap(({ fields, configs }) => [
      ...fields.map((field) => shownText(field.text, symbols)),
      ...[...configs.values()].map((each) => each ?? ''),
    ]),
  );
  return text.split('\n').flatMap((line, index) => {
    if (/^\s*(#|echo|printf)/.test(line)) return [];
    return [...line.matchAll(/(?:^|[\s"'=(])-s\s+["']?(\d+(?::\d+){0,2},[a-z][\w-]*[^\s"'`$;)\\]*)/g)].flatMap(
      ([, device = '']) => (given.some((each) => each.includes(device)) ? [] : [{ line: index + 1, device }]),
    );
  });
}

const neverGiven = (source: OriginalText, script: Script, { ways }: Told): readonly Problem[] =>
  unseenDevices(script, ways).map(({ line, device }) =>
    noteAt(
      source,
      line,
      'never-given',
      `-s ${device} stands here, but on no way through the script that was followed is it given to bhyve`,
      'add the device to the spec if the VM should have it',
    ),
  );

interface Place {
  readonly run: Run;
  readonly start: Started;
}

/** What bhyve, and the loader before it, is given otherwise. */
function changes({ symbols }: Script, before: Place, after: Place): string | undefined {
  const bhyve = differenceText(optionDifference(optionsOf(before.start, symbols), optionsOf(after.start, symbols)));
  const [one, other] = [before, after].map(({ run, start }) => loadingBefore(run, start));
  const loader =
    one === undefined && other === undefined
      ? undefined
      : other === undefined
        ? `${one?.program ?? ''} is not run`
        : one?.program !== other.program
          ? `${other.program} ${optionsOf(other, symbols).join(' ')} is run before it`
          : differenceText(optionDifference(optionsOf(one, symbols), optionsOf(other, symbols)));
  const [empty] = after.start.emptyValues;
  if (empty !== undefined)
    return `bhyve does not start, since ${empty.source} is empty and ${empty.option} has no value`;
  const files = [...after.start.configs].flatMap(([file, text = '']) => {
    const old = before.start.configs.get(file);
    if (old === undefined || old === text) return [];
    const lines = (all: string): readonly string[] =>
      shownText(all, symbols)
        .split('\n')
        .filter((each) => each.trim() !== '');
    const { added, removed } = optionDifference(lines(old), lines(text));
    const has = [
      ...(added.length === 0 ? [] : [`also has ${listWords(added)}`]),
      ...(removed.length === 0 ? [] : [`does not have ${listWords(removed)}`]),
    ];
    return has.length === 0 ? [] : [`${file} ${has.join(' and ')}`];
  });
  const parts = [
    ...files,
    ...(bhyve === undefined ? [] : [`bhyve ${bhyve}`]),
    ...(loader === undefined
      ? []
      : [/^is (also|not)? ?given/.test(loader) ? `${other?.program ?? ''} ${loader}` : loader]),
  ];
  return parts.length === 0 ? undefined : parts.join(', and ');
}

/** Other commands of bhyve that are run on the same way, or on one that is not told of. */
function otherStarts(
  source: OriginalText,
  { ways, runs, chosen }: Told,
  told: ReadonlySet<number>,
): readonly Problem[] {
  const lines = new Map<number, number>();
  for (const { program, site, line } of [...ways.map(({ run }) => run), ...runs].flatMap(({ started }) => started)) {
    if (program === 'bhyve' && site !== chosen.site && !told.has(site)) lines.set(site, line);
  }
  return [...lines.values()].map((line) =>
    noteAt(
      source,
      line,
      'second-command',
      `another bhyve command; the one on line ${chosen.line} is imported`,
      'import this one from a file of its own, or write what it does differently as a target',
    ),
  );
}

/** Starts of a loop that are compared with its first. */
const mostLater = 8;

/** What the same command starts later on: with other words, or another VM. */
function laterStarts(source: OriginalText, script: Script, { main, runs, chosen }: Told): readonly Problem[] {
  const sameIn = ({ started }: Run): readonly Started[] =>
    started.filter(({ program, site }) => program === 'bhyve' && site === chosen.site);
  const nameOf = ({ fields }: Started): string => fields.at(-1)?.text ?? '';
  const names = [main.run, ...runs].flatMap(sameIn).map(nameOf);
  const others = [...new Set(names)].filter((name) => name !== nameOf(chosen));
  if (others.length > 0) {
    const shown = others.slice(0, 5).join(', ') + (others.length > 5 ? ', ...' : '');
    return [
      noteAt(
        source,
        chosen.line,
        'several-vms',
        `this command starts other VMs too: ${shown}; ${nameOf(chosen)} is imported`,
        'import each by --name NAME',
      ),
    ];
  }
  const same = sameIn(main.run);
  const at = same.indexOf(chosen);
  const changesOn = (run: Run, starts: readonly Started[]): readonly string[] =>
    starts.flatMap((start) => changes(script, { run: main.run, start: chosen }, { run, start }) ?? []);
  const earlier = changesOn(main.run, same.slice(0, at));
  const later = [
    ...changesOn(main.run, same.slice(at + 1)),
    ...runs.flatMap((run) => changesOn(run, sameIn(run).slice(at + 1, at + 1 + mostLater))),
  ];
  const fix = 'write a target for the other start, and name what follows it by "next_target"';
  return [
    ...[...new Set(earlier)].map((text) => `at an earlier start, ${text}; the spec is that of the later one`),
    ...[...new Set(later)]
      .slice(0, mostLater)
      .map((text) => `when it is started again, ${text}; the spec is that of the first start`),
  ].map((text) => noteAt(source, chosen.line, 'later-start', text, fix));
}
