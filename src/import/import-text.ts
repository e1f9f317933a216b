import { addAll } from '../base/long-lists.js';
import { limited, type Problem } from '../base/problem.js';
import { failure, success, type Result } from '../base/result.js';
import { secretsIn, valuesAsSecrets, type Secrets } from '../base/secrets.js';
import { shown } from '../base/text.js';
import type { Platform } from '../bhyve/releases.js';
import { defaultPlatform } from '../machine/plan.js';
import { fieldWords } from '../spec/field-words.js';
import { carriedNotes } from './carried-notes.js';
import { readConfiguration, type Configuration } from './configuration.js';
import { formatOf, importers, type ImportFormat } from './formats.js';
import { isSameLoader, loaderNotes } from './loader.js';
import { memoryBytesIn, topologyIn } from './meaning.js';
import { isJson, looksLikeSpec } from './no-spec.js';
import { illumosWord, otherToolOf } from './other-tools.js';
import { namedConfigFiles } from './named-config.js';
import {
  noteAt,
  refusalAt,
  type ImportContext,
  type LoaderCommand,
  type Original,
  type OriginalText,
} from './original.js';
import { refusedByBhyve } from './refused.js';
import { tooLongScript } from './script/import-script.js';
import { differenceWords, settle, type Settled } from './settle.js';
import { unfilledLines, unfilledWords } from './unfilled.js';
import type { SpecObject } from './spec-object.js';

export interface ImportOptions extends ImportContext {
  /** Absent: told by the text. */
  readonly format?: ImportFormat | undefined;
  /** What the original is written for, where the user says so: it goes into the spec. */
  readonly platform: Partial<Platform>;
  /** The bhyve of this host. */
  readonly host: Partial<Platform>;
}

/** A VM that was imported. */
export interface Imported {
  readonly format: ImportFormat;
  readonly name: string;
  readonly spec: SpecObject;
  /** What vmrun does not take of it: the spec has to be fixed by hand. */
  readonly problems: readonly Problem[];
  /** Interfaces that were given a name of vmrun's. */
  readonly tapsMade: number;
}

/**
 * Text of another way to run a VM → spec. The warnings say what could not be carried, or was made up; the problems of
 * a failure why nothing could be imported.
 */
export async function importText(source: OriginalText, options: ImportOptions): Promise<Result<Imported>> {
  const texts = new Set([source.text]);
  const readFile = (file: string): string | undefined => {
    const text = options.readFile(file);
    if (text !== undefined) texts.add(text);
    return text;
  };
  const configTexts = new Set<string>();
  const result = await readText(source, { ...options, readFile }, configTexts);
  const starred = starring([
    ...[...texts].map((text) => secretsIn(text, fieldWords)),
    ...[...configTexts].map((text) => valuesAsSecrets(text, fieldWords)),
  ]);
  return result.ok
    ? success({ ...result.value, problems: starred(result.value.problems) }, starred(result.warnings))
    : failure(starred(result.problems));
}

/** As many problems as are told, without the secrets of the texts that were read. */
const starring = (secrets: readonly Secrets[]): ((problems: readonly Problem[]) => readonly Problem[]) => {
  const star = (sentence: string): string => secrets.reduce((said, one) => one.star(said), sentence);
  return (problems) =>
    limited(problems).map(({ message, fix, ...problem }) => ({
      ...problem,
      message: star(message),
      ...(fix === undefined ? {} : { fix: star(fix) }),
    }));
};

/** @param configTexts gets the content of the files that `-k` names, which nobody has asked to see */
async function readText(
  source: OriginalText,
  options: ImportOptions,
  configTexts: Set<string>,
): Promise<Result<Imported>> {
  const format = options.format ?? formatOf(source.text);
  const unfilled = unfilledLines(source, format);
  if (unfilled.length > 0) return failure(unfilled);
  if (format === undefined) return failure([unknownFormat(source)]);
  const importer = await importers[format]();
  const imported = importer(source, options);
  if (!imported.ok) return imported;
  const unfilledArguments = unfilledWords(source, imported.value.argv, imported.value.lineOf);
  if (unfilledArguments.length > 0) return failure(unfilledArguments);
  const original = {
    ...imported.value,
    fields: { ...saidPlatform(options, imported.value), ...imported.value.fields },
  };
  const platform = { ...defaultPlatform, ...options.host, ...archOf(original), ...options.platform };
  const { texts, problems: strange } = namedConfigFiles(source, original, platform);
  if (strange.length > 0) return failure(strange);
  for (const text of texts) configTexts.add(text);
  const read = readConfiguration(original.argv, { platform, readFile: original.readFile });
  const foreign = illumosWord([...original.argv, ...(read.ok ? saidBy(read.configuration) : [])]);
  if (!read.ok) {
    const refused = refusedByBhyve(source, original, read.messages, platform);
    return failure([
      foreign === undefined ? refused : { ...illumosNote(source, original, foreign), severity: 'error' },
    ]);
  }
  const { unresolved } = read.configuration;
  if (unresolved.length > 0)
    return failure(unresolved.map((one) => unresolvedReference(source, original, read.configuration, one)));
  const configuration = named(read.configuration, options.vmName);
  const settled = await settleShortly(configuration, original);
  const notes = [
    ...(foreign === undefined ? [] : [illumosNote(source, original, foreign)]),
    ...original.notes,
    ...notesOn(source, original, configuration, settled),
    ...carriedNotes(source, original, configuration, {
      carried: settled.carried.filter(({ variable }) => !isBehindNothing(variable, settled.spec)),
    }),
    ...settled.differences
      .filter(({ variable }) => !isTold(variable, configuration))
      .map((difference) => noteAt(source, original.line, 'different', differenceWords(difference))),
  ];
  const name = typeof settled.spec.name === 'string' ? settled.spec.name : 'vm';
  const problems = settled.problems.map(({ place, ...problem }) => ({
    ...problem,
    message: place === undefined ? problem.message : `${place.pointer}: ${problem.message}`,
  }));
  return success({ format, name, spec: settled.spec, problems, tapsMade: original.tapsMade ?? 0 }, notes);
}

/** Whether a difference in a variable has a note of its own. */
const isTold = (variable: string, configuration: Configuration): boolean =>
  variable === 'name' ||
  (['cpus', 'sockets', 'cores', 'threads'].includes(variable) && topologyIn(configuration) === undefined);

/** What a guest without an LPC bridge has not, which has a note of its own. */
const isBehindNothing = (variable: string, { lpc_slot: slot }: SpecObject): boolean =>
  slot === 'none' && /^(lpc\.com\d|tpm)\./.test(variable);

/** With the name that the user gives it. */
const named = (configuration: Configuration, name: string | undefined): Configuration =>
  name === undefined
    ? configuration
    : { ...configuration, variables: new Map([...configuration.variables, ['name', name]]) };

const archOf = ({ arch }: Original): Partial<Platform> => (arch === undefined ? {} : { arch });

const saidPlatform = ({ platform }: ImportOptions, original: Original): SpecObject => ({
  ...archOf(original),
  ...platform,
});

function unknownFormat(source: OriginalText): Problem {
  const other = otherToolOf(source.text);
  if (other !== undefined) {
    return refusalAt(source, undefined, 'format', `this is ${other.what}, which vmrun does not import`, other.fix);
  }
  if (looksLikeSpec(source.text)) {
    const message = `this looks like a spec already${isJson(source.text) ? ', or another JSON file' : ''}`;
    return refusalAt(source, undefined, 'format', message, 'run it with: vmrun -c FILE');
  }
  const tooLong = tooLongScript(source);
  if (tooLong !== undefined) return tooLong;
  const nothing =
    'this is nothing that vmrun can tell: no bhyve command, no bhyve_config(5) file, no guest of vm-bhyve or iohyve, no domain of libvirt';
  return refusalAt(source, undefined, 'format', nothing, 'say what it is by --from');
}

/** A variable that another command line gives. */
function unresolvedReference(
  source: OriginalText,
  { line, lineOf }: Original,
  { setBy }: Configuration,
  { reference, variable }: Configuration['unresolved'][number],
): Problem {
  const word = setBy.get(variable);
  return refusalAt(
    source,
    lineOf(variable) ?? (word === undefined ? undefined : lineOf(word)) ?? line,
    'unresolved',
    `${variable} refers to %(${reference}), which is not set here: bhyve would put nothing in its place`,
    'write its value in its place, or set it before',
  );
}

const saidBy = ({ variables }: Configuration): readonly string[] =>
  [...variables].map(([key, value]) => `${key.slice(key.lastIndexOf('.') + 1)}=${value}`);

function illumosNote(source: OriginalText, { line, lineOf }: Original, word: string): Problem {
  const message = `${shown(word)} is for the bhyve of illumos, which is another program than that of FreeBSD`;
  const fix = 'give the VM a tap, a passthru of pciconf(8) and the firmware of edk2-bhyve in place of it';
  return noteAt(source, lineOf(word) ?? line, 'illumos', message, fix);
}

/** What vmrun's loader does by itself is left out of the spec. */
async function settleShortly(configuration: Configuration, original: Original): Promise<Settled> {
  let best = { settled: await settle(configuration, original), original };
  for (const field of ['disk', 'device_map'] as const) {
    const { loader } = best.original;
    if (best.settled.loader === undefined || loader?.spec[field] === undefined) continue;
    const { [field]: _left, ...spec } = loader.spec;
    const shorter = { ...best.original, loader: { ...loader, spec } };
    const settled = await settle(configuration, shorter);
    if (isSameLoader(settled.loader, best.settled.loader)) best = { settled, original: shorter };
  }
  const { loader } = best.original;
  const [disk, ...more] = [loader?.spec.disk ?? []].flat();
  if (loader === undefined || disk === undefined || more.length > 0) return best.settled;
  return settle(configuration, { ...best.original, loader: { ...loader, spec: { ...loader.spec, disk } } });
}

/** What the way from bhyve's words to a spec has to tell. */
function notesOn(
  source: OriginalText,
  original: Original,
  configuration: Configuration,
  { spec, loader }: Settled,
): readonly Problem[] {
  const { line, lineOf } = original;
  const { variables, platform } = configuration;
  const notes: Problem[] = [];
  const tell = (at: number | undefined, code: string, message: string, fix?: string): void => {
    notes.push(noteAt(source, at ?? line, code, message, fix));
  };
  const secret = [...variables.keys()].find((key) => /password$/i.test(key));
  if (secret !== undefined) {
    const word = original.argv.find((each) => /password=/i.test(each)) ?? secret;
    tell(
      lineOf(word),
      'password',
      'the password of VNC now stands in the spec',
      'keep the spec private, or put it into a file and set "password_file"',
    );
  }
  if (/^(true|on|yes|1)$/i.test(variables.get('config.dump') ?? '')) {
    tell(
      lineOf('config.dump=1'),
      'config-dump',
      'config.dump is not carried over: with it bhyve prints its configuration and ends',
      'use vmrun --dry-run --format config',
    );
  }
  const name = variables.get('name') ?? '';
  if (spec.name !== name) {
    tell(
      lineOf(name),
      'name',
      `vmrun does not accept the name ${shown(name)}; the VM is named ${shown(spec.name)}`,
      'choose another name by --name',
    );
  }
  if (topologyIn(configuration) === undefined) {
    const parts = ['cpus', 'sockets', 'cores', 'threads'].flatMap((key) => {
      const value = variables.get(key);
      return value === undefined ? [] : [`${key}=${value}`];
    });
    tell(
      undefined,
      'cpus',
      `bhyve does not start with these numbers of CPUs: ${parts.join(', ')}`,
      'look at "cpu" of the spec',
    );
  }
  if (spec.loader === 'none') tell(undefined, 'loader', ...loaderWords(original.loader));
  else if (spec.loader === undefined && original.loader !== undefined) {
    tell(
      original.loader.line,
      'loader',
      `${original.loader.spec.kind} is not carried over: the guest starts from a boot ROM`,
    );
  }
  if (loader !== undefined && original.loader !== undefined) {
    addAll(notes, loaderNotes(source, original.loader, loader, platform, memoryBytesIn(variables, platform)));
  }
  if ([...variables.keys()].some((key) => isBehindNothing(key, spec))) {
    tell(
      undefined,
      'lpc',
      'the guest has no serial ports and no TPM: there is no LPC bridge, as in the original',
      'take "lpc_slot" out, and say them by their fields instead of "config"',
    );
  }
  const relative = relativeFiles(spec);
  if (relative.length > 0) {
    const some = relative.slice(0, 3).join(', ') + (relative.length > 3 ? ', ...' : '');
    tell(
      undefined,
      'relative',
      `file names without a "/" in front are those of the spec's folder now: ${some}`,
      'put the spec where bhyve was started, or make them absolute',
    );
  }
  return notes;
}

const loaderWords = (loader: LoaderCommand | undefined): readonly [string, string] =>
  loader === undefined
    ? [
        'nothing here loads the guest: there is no boot ROM, and no command of a loader before bhyve',
        'write "bootrom" or "loader" into the spec; with "none", somebody else has to load it',
      ]
    : [
        `${loader.spec.kind} is not carried over: vmrun does not accept its options`,
        'write "loader" into the spec by hand',
      ];

/** File names of the spec that are looked up from its folder. */
function relativeFiles(spec: SpecObject): readonly string[] {
  const devices = Array.isArray(spec.emulations) ? (spec.emulations as readonly SpecObject[]) : [];
  const paths = [spec.bootrom, spec.varfile, ...devices.flatMap(({ path, ports }) => [path, ...pathsOfPorts(ports)])];
  return paths.filter(
    (path): path is string =>
      typeof path === 'string' &&
      !path.startsWith('/') &&
      path !== 'stdio' &&
      !path.startsWith('tcp=') &&
      !path.endsWith(':'),
  );
}

const pathsOfPorts = (ports: SpecObject[string] | undefined): readonly unknown[] =>
  Array.isArray(ports)
    ? ports.map((port: unknown) => (typeof port === 'object' && port !== null && 'path' in port ? port.path : port))
    : [];
