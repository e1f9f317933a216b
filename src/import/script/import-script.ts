import { greatest } from '../../base/long-lists.js';
import type { Problem } from '../../base/problem.js';
import { failure, success, type Result } from '../../base/result.js';
import { listWords, shown } from '../../base/text.js';
import { noteAt, refusalAt, type ImportContext, type Original, type OriginalText } from '../original.js';
import type { SpecObject } from '../spec-object.js';
import { parse, dialectOf } from './dialect.js';
import { embeddedCommand, type Embedded } from './embedded.js';
import { explore, jointWays, mainWay, newScript, startsOf, type Script, type Way } from './explore.js';
import { hostEffects, type HostEffects } from './host-effects.js';
import { doneIn } from './moments.js';
import { loaderBefore } from './script-loader.js';
import { rebootsOf } from './reboot.js';
import { onlySymbol, type Field, type Lost, type Ran, type Run, type Started } from './run.js';
import { hasSymbol, replaceSymbols, shownText, symbolsIn, wellFormed } from './symbols.js';
import { conditionOf, unseenDevices, variantNotes } from './variants.js';
import type { StopCode } from './tree.js';
import { wrapperNotes } from './wrapper-notes.js';

/** A part of a word that is the name of a file in the folder, or in one below it. */
const relativeFile = /^[\w.-]+(?:\/[\w.-]*)?\.(?:img|iso|raw|fd|qcow2|conf|zvol|disk)$/;

/** Whether text has a command of bhyve in it, for telling what it is. */
export function hasBhyveCommand(text: string): boolean {
  if (!text.includes('bhyve')) return false;
  const source = { name: '', text, folder: '/' };
  const read = readWays(
    source,
    () => undefined,
    (way) => startsOf(way).length > 0,
  );
  return read.ok && mainWay(read.ways) !== undefined;
}

type Ways =
  | {
      readonly ok: true;
      readonly script: Script;
      readonly ways: readonly Way[];
    }
  | { readonly ok: false; readonly line: number; readonly message: string; readonly code?: StopCode | undefined };

function waysOf(source: OriginalText, readFile: ImportContext['readFile'], isEnough?: (way: Way) => boolean): Ways {
  const text = wellFormed(source.text);
  const parsed = parse(text, dialectOf(text));
  if (!parsed.ok) return parsed;
  const name = source.stem === undefined ? undefined : source.name;
  const script = newScript({
    tree: parsed.tree,
    text,
    readFile,
    folder: source.folder,
    name,
  });
  const explored = explore(script, isEnough);
  return explored.ok ? { ...explored, script } : explored;
}

/** A script; or a text that has a command within one of its lines, if it is none. */
function readWays(
  source: OriginalText,
  readFile: ImportContext['readFile'],
  isEnough?: (way: Way) => boolean,
): Ways & { readonly embedded?: Embedded } {
  const whole = waysOf(source, readFile, isEnough);
  if ((whole.ok && mainWay(whole.ways) !== undefined) || dialectOf(source.text) === 'csh') return whole;
  const embedded = embeddedCommand(source.text);
  const inside = embedded === undefined ? undefined : waysOf({ ...source, text: embedded.text }, readFile, isEnough);
  return embedded !== undefined && inside?.ok === true && mainWay(inside.ways) !== undefined
    ? { ...inside, embedded }
    : whole;
}

const notFollowed = (source: OriginalText, line: number, message: string): Problem =>
  refusalAt(
    source,
    line,
    'csh',
    `${shown(source.text.split('\n')[line - 1]?.trim() ?? '')}: ${message}`,
    'write the script for sh(1), or import the bhyve command by itself',
  );

/** Whether text may be a script with more in it than is followed: then nobody knows whether there is a command. */
export function tooLongScript(source: OriginalText): Problem | undefined {
  if (!source.text.includes('bhyve')) return undefined;
  const read = waysOf(source, () => undefined);
  if (read.ok || read.code !== 'limit') return undefined;
  const message = `if this is a script, it is too long to be followed: ${read.message}`;
  return refusalAt(source, read.line, 'script', message, 'import the bhyve command by itself');
}

/** A command line of bhyve, or a shell script with one. */
export function importScript(source: OriginalText, context: ImportContext): Result<Original> {
  const read = readWays(source, context.readFile);
  if (!read.ok && read.code === 'csh') return failure([notFollowed(source, read.line, read.message)]);
  if (!read.ok) {
    return failure([refusalAt(source, read.line, 'script', read.message, 'import the bhyve command by itself')]);
  }
  const { script } = read;
  const main = mainWay(read.ways);
  const ways = main === undefined ? read.ways : withJointWays(script, read.ways, main);
  const chosen = main === undefined ? undefined : choose(startsOf(main), script, context.vmName);
  if (main === undefined || chosen === undefined) return failure([noCommand(source)]);
  const broken = brokenLine(script, chosen);
  if (broken !== undefined) return failure([blankBehindBackslash(source, broken)]);

  const comment = commentWithin(script, chosen);
  if (comment !== undefined) return failure([commentInCommand(source, comment)]);
  const empty = emptyWord(source, chosen);
  if (empty !== undefined) return failure([empty]);

  const taps = tapsOf(chosen.fields, script, context.firstTap);
  const names = new Map([...taps, ...nameOf(chosen.fields, context.vmName)]);
  const resolve = (text: string): string => replaceSymbols(text, (symbol) => names.get(symbol) ?? symbol);
  const words = withName(chosen.fields, context.vmName).map(({ text, line }) => ({ line, text: resolve(text) }));
  const unknown = [...words, ...unknownInFiles(main, words)].filter(({ text }) => hasSymbol(text));
  const make = unknown.length > 0 ? makeTarget(source.text, chosen.line) : undefined;
  if (make !== undefined) return failure([fromMake(source, chosen.line, make)]);
  if (unknown.length > 0)
    return failure(unknown.map((word) => unknownWord(source, script, word, word === words.at(-1))));

  const argv = words.map(({ text }) => text);
  const loader = loaderBefore(source, script, { way: main, chosen, resolve }, context);
  const reboots = rebootsOf(script, main, chosen);
  const host = {
    symbols: script.symbols,
    nameOf: (symbol: string) => names.get(symbol),
    vmName: argv.at(-1) ?? '',
    argv,
  };
  const runs = [...ways.map(({ run }) => run), ...reboots.runs];
  const done = runs.flatMap((run) => doneIn(run, chosen));
  const effects = hostEffects(done.filter(effectsAmong(runs, reboots.pauses)), host);
  const cardsOn = ({ run }: Way): HostEffects['cards'] => hostEffects(doneIn(run, chosen), host).cards;
  const made = new Map([...taps.values()].map((name) => [name, { fix: true }]));
  const cards = new Map<string, SpecObject>([...made, ...effects.cards, ...cardsOn(main)]);
  const otherBridges = bridgeNotes(source, ways, cards, cardsOn);
  const told = unique([...runs.flatMap(({ lost }) => lost), ...effects.lost, ...reboots.lost]);
  const notes = [
    ...(read.embedded === undefined ? [] : [embeddedNote(source, read.embedded)]),
    ...variantNotes(source, script, { ways, main, chosen, runs: reboots.runs }),
    ...wrapperNotes(source, script, chosen),
    ...tapNotes(source, chosen, taps),
    ...(loader?.problems ?? []),
    ...told.map(({ line, code, message, fix }) => noteAt(source, line, code, message, fix)),
    ...otherBridges,
    ...rcConfNotes(source, runs),
    ...startNotes(source, script, chosen),
  ];
  const lines = new Map(words.map(({ text, line }) => [text, line]));
  return success({
    argv,
    readFile: (path) => main.run.files.get(path) ?? context.readFile(path),
    ...(loader?.command === undefined ? {} : { loader: loader.command }),
    fields: reboots.fields,
    cards,
    tapsMade: taps.size,
    notes,
    line: chosen.line,
    lineOf: (word) => lines.get(word),
  });
}

/** With the ways that only several conditions together lead to: as far as they are wanted for a device. */
function withJointWays(script: Script, ways: readonly Way[], main: Way): readonly Way[] {
  const lines = new Set(unseenDevices(script, ways).map(({ line }) => line));
  return [...ways, ...[...lines].slice(0, 8).flatMap((line) => jointWays(script, { ways, main }, line))];
}

/** Tells the commands that do something which neither the spec nor another note says. */
function effectsAmong(runs: readonly Run[], pauses: ReadonlySet<number>): (ran: Ran) => boolean {
  const read = new Set(runs.flatMap((run) => [...run.read]));
  const words = new Set(runs.flatMap(({ started }) => started.flatMap(({ fields }) => fields.map(({ text }) => text))));
  const given = [...words].join('\n');
  return ({ fields, line, isAside, isBeside }) => {
    const [name, file = ''] = fields.map(({ text }) => text);
    if (name === 'sleep') return !isAside && !isBeside && !pauses.has(line);
    // A file that the script writes for itself, or for bhyve and its loader.
    return name !== '>' || !(read.has(file) || given.includes(file));
  };
}

/** What several ways tell is told once. */
const unique = (all: readonly Lost[]): readonly Lost[] => [
  ...new Map(all.map((lost) => [`${lost.line} ${lost.code} ${lost.message}`, lost])).values(),
];

/** A card that another way through the script puts into another bridge. */
function bridgeNotes(
  source: OriginalText,
  ways: readonly Way[],
  cards: ReadonlyMap<string, SpecObject>,
  cardsOn: (way: Way) => ReadonlyMap<string, SpecObject>,
): readonly Problem[] {
  const seen = new Set<string>();
  return ways.flatMap((way) => {
    const { choice, decision } = way;
    if (choice === undefined || decision === undefined) return [];
    return [...cardsOn(way)].flatMap(([card, fields]) => {
      const [bridge, ours] = [bridgeOf(fields), bridgeOf(cards.get(card))];
      const id = `${card} ${bridge}`;
      if (ours === bridge || seen.has(id)) return [];
      seen.add(id);
      const message = `where ${conditionOf(way)}, ${card} is put into ${bridge}; the spec has ${ours}`;
      return [noteAt(source, decision.line, 'condition', message, 'write the right "bridge" into the card')];
    });
  });
}

const bridgeOf = (fields: SpecObject | undefined): string =>
  typeof fields?.bridge === 'string' ? fields.bridge : 'no bridge';

const embeddedNote = (source: OriginalText, { line, before }: Embedded): Problem =>
  noteAt(
    source,
    line,
    'embedded',
    `the command is taken out of a line; what stands before it is not carried over: ${shown(before)}`,
    'check that nothing else of the text belongs to it',
  );

/**
 * The first start by the last command, or the first whose words are all known: of the VM that the user names, where the
 * script starts several.
 */
function choose(starts: readonly Started[], { symbols }: Script, vmName: string | undefined): Started | undefined {
  const named = starts.filter(({ fields }) => vmName !== undefined && fields.at(-1)?.text === vmName);
  const among = named.length > 0 ? named : starts;
  const site = among.at(-1)?.site;
  const bySite = among.filter((each) => each.site === site);
  const isKnown = ({ fields }: Started): boolean =>
    fields.every(({ text }) => symbolsIn(text).every((symbol) => symbols.meaning(symbol).kind === 'tap'));
  return bySite.find(isKnown) ?? bySite[0];
}

/** The user's name for the VM, wherever the script has its argument: `$1`, and `/vm/$1.img`. */
function nameOf(fields: readonly Field[], name: string | undefined): readonly (readonly [string, string])[] {
  const symbol = onlySymbol(fields.at(-1)?.text ?? '');
  return name === undefined || symbol === undefined ? [] : [[symbol, name]];
}

/** The user's name for the VM, where the script does not say its own. */
function withName(fields: readonly Field[], name: string | undefined): readonly Field[] {
  const last = fields.at(-1);
  if (name === undefined || last === undefined || !hasSymbol(last.text)) return fields;
  return [...fields.slice(0, -1), { text: name, line: last.line }];
}

/** What this host's rc.conf(5) may have another value for. */
function rcConfNotes(source: OriginalText, runs: readonly Run[]): readonly Problem[] {
  const names = [...new Set(runs.flatMap(({ rcConf }) => [...(rcConf?.names ?? [])]))];
  const line = runs.find(({ rcConf }) => rcConf !== undefined)?.rcConf?.line;
  if (names.length === 0) return [];
  const message = `rc.conf(5), which is not read, may set ${listWords(names)}; the spec has the values of the script`;
  return [noteAt(source, line, 'rc-conf', message, `compare them with: sysrc -i ${names.join(' ')}`)];
}

/** The interfaces that the script makes at each start, with the names that they get in the spec. */
function tapsOf(fields: readonly Field[], { symbols }: Script, firstTap: number): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const symbol of fields.flatMap(({ text }) => symbolsIn(text))) {
    if (symbols.meaning(symbol).kind === 'tap' && !found.has(symbol)) found.set(symbol, `tap${firstTap + found.size}`);
  }
  return found;
}

const tapNotes = (source: OriginalText, { line }: Started, taps: ReadonlyMap<string, string>): readonly Problem[] =>
  [...taps.values()].map((name) =>
    noteAt(
      source,
      line,
      'tap-made',
      `the script makes a tap at each start; the spec says ${name}`,
      `make sure that no other VM has ${name}`,
    ),
  );

/** What a file that the script writes, and `-k` names, has in it that is not known. */
function unknownInFiles({ run }: Way, words: readonly Field[]): readonly Field[] {
  return words.flatMap(({ text, line }, at) => {
    const file = words[at - 1]?.text === '-k' ? run.files.get(text) : undefined;
    return file === undefined ? [] : [{ text: file, line }];
  });
}

/** A line whose backslash continues nothing, since a blank follows it: then a word of the command is a blank. */
function brokenLine({ tree }: Script, { line, fields }: Started): number | undefined {
  const last = greatest([line, ...fields.map((field) => field.line)]);
  return [...tree.brokenLines].find((each) => each >= line && each <= last);
}

/** A comment in a command that goes on over several lines: it has no line behind it that continues. */
function commentWithin({ text }: Script, { line, fields }: Started): number | undefined {
  const lines = text.split('\n');
  const last = greatest([line, ...fields.map((field) => field.line)]);
  const at = lines.findIndex(
    (each, index) =>
      index >= line &&
      index <= last &&
      /^\s*#/.test(each) &&
      /\\$/.test(lines[index - 1] ?? '') &&
      /^\s*(-\w|["$])/.test(lines[index + 1] ?? ''),
  );
  return at === -1 ? undefined : at + 1;
}

const commentInCommand = (source: OriginalText, line: number): Problem =>
  refusalAt(
    source,
    line,
    'comment-in-command',
    'this comment ends the command, and the next line is another one: a "\\" in a comment continues nothing',
    'move the comment above the command',
  );

/** A variable that is not set, and leaves bhyve an empty word. */
function emptyWord(source: OriginalText, { holes, fields, emptyValues }: Started): Problem | undefined {
  const [value] = emptyValues;
  if (value !== undefined) {
    const message = `${value.source} is empty here, so ${value.option} has no value`;
    return refusalAt(source, value.line, 'unset', message, 'set it on a line before it, whatever the conditions are');
  }
  const hole = fields.some(({ text }) => text === '') ? holes.find(({ token }) => token === '') : undefined;
  return hole === undefined
    ? undefined
    : refusalAt(
        source,
        hole.line,
        'unset',
        `${hole.source} is not set where bhyve is started, so one of its words is empty`,
        'set it on a line before it',
      );
}

const blankBehindBackslash = (source: OriginalText, line: number): Problem =>
  refusalAt(
    source,
    line,
    'blank-after-backslash',
    'a blank follows the "\\" at the end of this line, so the command ends here and the next line is another one',
    'remove the blank',
  );

/** The target of a Makefile whose recipe has a line; undefined: it is none. */
function makeTarget(text: string, line: number): string | undefined {
  const before = text.split('\n').slice(0, line);
  const recipe = before.pop();
  if (recipe?.startsWith('\t') !== true) return undefined;
  const rule = before.findLast((each) => /^[^\s#]/.test(each));
  return /^([\w./-]+)\s*::?(?!=)/.exec(rule ?? '')?.[1];
}

const fromMake = (source: OriginalText, line: number, target: string): Problem =>
  refusalAt(
    source,
    line,
    'makefile',
    'this is a Makefile, in which make(1) replaces variables before a shell reads the line',
    `import what make prints: make -n ${target} | vmrun import -`,
  );

/** The usual way to show a command in a document: behind the prompt of root. */
function noCommand(source: OriginalText): Problem {
  const commented = source.text.split('\n').findIndex((line) => /^\s*[#$%]\s*(\S*\/)?bhyve\s+-/.test(line));
  const fix =
    commented === -1
      ? 'a script is read for a command such as: bhyve -c 2 -m 2G ... NAME; other formats are named by --from'
      : `line ${commented + 1} has one after a "${source.text.split('\n')[commented]?.trim().charAt(0) === '%' ? '%' : '#" or "$'}": take that away`;
  return refusalAt(source, undefined, 'no-command', 'there is no bhyve command in it', fix);
}

function unknownWord(source: OriginalText, { symbols }: Script, { text, line }: Field, isName: boolean): Problem {
  const [first = ''] = symbolsIn(text);
  const { source: unknown, input } = symbols.meaning(first);
  const rest = replaceSymbols(text, () => '');
  if (symbols.meaning(first).kind === 'files') {
    const files = `which files ${shown(unknown)} matches is known only when the script runs`;
    return refusalAt(source, line, 'unknown-word', files, 'write their names in its place');
  }
  const message = `the value of ${shown(unknown)}${rest === '' ? '' : `, next to ${shown(rest)},`} is known only when the script runs`;
  const name = /^\$\{?([A-Za-z_]\w*)\}?$/.exec(unknown)?.[1];
  const fix = isName
    ? 'name the VM by --name, or write its value in its place'
    : name === undefined
      ? /^\d$/.test(input ?? '')
        ? argumentFix(source, Number(input))
        : 'write its value in its place'
      : `put ${name}=... on a line before it`;
  return refusalAt(source, line, 'unknown-word', message, fix);
}

/** How a script is given an argument that it wants. */
function argumentFix({ text }: OriginalText, place: number): string {
  const values = Array.from({ length: place }, (_, at) => `VALUE${place === 1 ? '' : String(at + 1)}`).join(' ');
  const command = dialectOf(text) === 'csh' ? `set argv = (${values})` : `set -- ${values}`;
  return `the script needs an argument here: write its value in its place, or put "${command}" on a line before it`;
}

/** How bhyve is started besides its words. */
function startNotes(source: OriginalText, { symbols, folder }: Script, chosen: Started): readonly Problem[] {
  const { line, outputFile, errorFile, inputFile, takesArguments, directory, directoryLine } = chosen;
  const notes: Problem[] = [];
  const seen = new Set<string>();
  for (const hole of chosen.holes.filter(({ token }) => token !== '')) {
    if (seen.has(hole.source)) continue;
    seen.add(hole.source);
    const message = `${hole.source} is not set here, so bhyve is given ${shown(shownText(hole.token, symbols))}`;
    notes.push(noteAt(source, hole.line, 'unset', message, 'set it on a line before it, or correct the spec'));
  }
  for (const { file, line: changedAt, name } of chosen.changedConfigs) {
    const message = `${name} changes ${shownText(file, symbols)} before bhyve reads it; the spec does not have the change`;
    notes.push(noteAt(source, changedAt, 'changed-file', message, 'put it into the spec'));
  }
  if (outputFile !== undefined && outputFile !== '/dev/null') {
    notes.push(
      noteAt(
        source,
        line,
        'output',
        `what bhyve prints goes to ${shownText(outputFile, symbols)} here`,
        'start vmrun with --log FILE',
      ),
    );
  }
  if (errorFile !== undefined && errorFile !== '/dev/null' && errorFile !== outputFile) {
    const message = `the error messages of bhyve go to ${shownText(errorFile, symbols)} here`;
    notes.push(noteAt(source, line, 'output', message, 'start vmrun with --log FILE'));
  }
  if (inputFile !== undefined && inputFile !== '/dev/null') {
    const message = `bhyve reads its standard input from ${shownText(inputFile, symbols)} here, which a spec does not say`;
    notes.push(noteAt(source, line, 'input', message, 'start vmrun with the same redirection'));
  }
  if (takesArguments) {
    notes.push(
      noteAt(
        source,
        line,
        'arguments',
        'the script hands its arguments to bhyve; the spec is that of a call without any',
        'put what you call it with into "extra_options"',
      ),
    );
  }
  const isElsewhere = directory !== undefined && directory !== folder;
  if (isElsewhere && chosen.fields.some(({ text }) => text.split(',').some((part) => relativeFile.test(part)))) {
    notes.push(
      noteAt(
        source,
        directoryLine,
        'directory',
        `bhyve is started in ${directory} here, where its relative file names are looked up`,
        `put the spec into ${directory}`,
      ),
    );
  }
  return notes;
}
