import { compactJson } from '../base/compact-json.js';
import type { Problem } from '../base/problem.js';
import {
  hiddenSecret,
  namesSecret,
  secretsIn,
  withoutGivenSecrets,
  withoutQuotations,
  withoutSecrets,
} from '../base/secrets.js';
import { splitWords } from '../base/shell.js';
import { hookFields } from '../fields/hooks.js';
import type { DoctorReport, RunPart } from './doctor-report.js';

/** A report that may leave the host: sections of text, to be read before they are sent. */
export type DoctorDocument = readonly DoctorSection[];

interface DoctorSection {
  readonly title: string;
  /** Names of language for a fenced block of Markdown. */
  readonly language: 'json' | 'text';
  readonly lines: readonly string[];
}

/** What a report must not say, besides what its own spec tells. */
export interface Private {
  /** Name of the host, with its domain where it has one. */
  readonly hostName: string;
  /** Variables of the environment; those whose name tells of a secret. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Columns of a line. */
const width = 100;

/** The sections of a report, without secrets and names of hosts. */
export function doctorDocument(report: DoctorReport, known: Private): DoctorDocument {
  const { versions, host, spec, run } = report;
  const hide = hider(spec?.written, known);
  const others = (text: string): string => hide(withoutAnnounced(text));
  const logged = (text: string): string => hide(withoutAnnounced(withoutCredentials(text)));
  const json = (title: string, value: unknown, map: (text: string) => string): DoctorSection => ({
    title: hide(title),
    language: 'json',
    lines: compactJson(everyText(value, map), width),
  });
  const problems = spec?.plan?.warnings ?? spec?.problems ?? [];
  return [
    json('Versions', versions, hide),
    ...(spec?.written === undefined ? [] : [json(`Spec: ${spec.source}`, withoutOwn(spec.written), others)]),
    // What is said of a spec was made without its secrets, but not without what else is the user's own.
    ...(spec === undefined || problems.length === 0
      ? []
      : [json(`Problems of ${spec.source}`, problems.map(withoutQuoted), others)]),
    ...(spec?.plan === undefined ? [] : [json('Plan', { ...spec.plan, warnings: undefined }, others)]),
    ...(run === undefined
      ? []
      : [json(`Runs of ${run.name}`, { runs: run.runs, unknown: run.unknown }, logged), logSection(run, logged)]),
    json('Host', host, hide),
  ];
}

function logSection({ name, log }: RunPart, map: (text: string) => string): DoctorSection {
  const title = map(`The end of the log of ${name}: ${log.file}`);
  if ('error' in log) return { title, language: 'text', lines: [map(`There is none: ${log.error}`)] };
  // Each by itself: what one announces is not all that follows it.
  return { title, language: 'text', lines: log.lines.map(map) };
}

/** Fields with arguments of hooks and loaders in them, words for the guest, and keys of the user's own. */
const ownField = /^.*?\/(?:hooks|post_start_script|fw_cfg_files|loader|x-[^/]*)(?=\/|$)/;

/**
 * A problem without the line of the file that it shows, and without what it quotes of a text that could not be read, so
 * that nobody knows what its secrets are.
 */
function withoutQuoted({ excerpt: _line, ...problem }: Problem): Problem {
  const { code, message, fix, place } = problem;
  // Below one of these, a key may be one that does not belong there.
  const pointer = code.startsWith('lock-') ? '' : ownField.exec(place?.pointer ?? '')?.[0];
  if (code !== 'syntax' && pointer === undefined) return problem;
  return {
    ...problem,
    message: withoutQuotations(message),
    ...(fix === undefined ? {} : { fix: withoutQuotations(fix) }),
    ...(place === undefined || pointer === undefined ? {} : { place: { ...place, pointer } }),
  };
}

/** What programs of all kinds log as they call others: the user in an address, a header, a key that was agreed on. */
function withoutCredentials(line: string): string {
  return line
    .replaceAll(/([a-z][a-z\d+.-]*:\/\/)[^\s/@]+@/gi, `$1${hiddenSecret}@`)
    .replaceAll(/((?:authorization|cookie)["']?\s*[:=]\s*).+/gi, `$1${hiddenSecret}`)
    .replaceAll(/(\b(?:psk|auth)\s*=\s*)\S+/gi, `$1${hiddenSecret}`);
}

/** Words that others have written may announce a secret that no spec knows, or that it spells in its own way. */
const withoutAnnounced = (text: string): string => shortStars(secretsIn(text).excerpt(0, text.length));

/** How long a secret is, is nobody's business either. */
const shortStars = (text: string): string => text.replaceAll(/\*{2,}(?: \*{1,})*/g, hiddenSecret);

/** A spec without what is the user's own: secrets, arguments of hooks, keys that vmrun does not read, what a guest is told. */
function withoutOwn(value: unknown): unknown {
  const bare = withoutSecrets(value);
  return isObject(bare) ? withoutOwnIn(bare) : bare;
}

function withoutOwnIn(layer: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(
    Object.entries(layer).map(([key, item]): readonly [string, unknown] => {
      if (key.startsWith('x-')) return [key, hiddenSecret];
      if (key === 'hooks' && isObject(item))
        return [key, mapValues(item, (hook, name) => (isHook(name) ? program(hook) : hook))];
      if (key === 'post_start_script') return [key, program(item)];
      if (key === 'fw_cfg_files') return [key, listOf(item).map(withoutContent)];
      if (key === 'targets' && isObject(item))
        return [key, mapValues(item, (target) => (isObject(target) ? withoutOwnIn(target) : target))];
      return [key, item];
    }),
  );
}

const isHook = (name: string): boolean => hookFields.some((hook) => hook === name);

/** A command by its program alone. */
function program(command: unknown): unknown {
  const [first, ...rest] = wordsOf(command);
  return rest.length === 0 ? first : [first, hiddenSecret];
}

function wordsOf(command: unknown): readonly string[] {
  const words = typeof command === 'string' ? splitWords(command) : listOf(command);
  return 'error' in words ? [hiddenSecret, hiddenSecret] : words.map(String);
}

const withoutContent = (file: unknown): unknown =>
  isObject(file) && 'string' in file ? { ...file, string: hiddenSecret } : file;

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const mapValues = (
  value: Readonly<Record<string, unknown>>,
  map: (item: unknown, key: string) => unknown,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(value).map(([key, item]) => [key, map(item, key)]));

/** The same value with another text in place of each, keys included. */
function everyText(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item) => everyText(item, map));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [map(key), everyText(item, map)]));
}

/** Shorter ones are in words that everybody may read. */
const shortest = 3;

/** Takes out of a text what is known to be secret wherever it stands, and the name of the host. */
function hider(written: object | undefined, { hostName, env }: Private): (text: string) => string {
  const ofEnvironment = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && namesSecret(name) ? [value] : [],
  );
  const secrets = [...new Set([...secretsOf(written), ...ofEnvironment])]
    .filter(({ length }) => length >= shortest)
    // In the JSON of a log of events they are written otherwise.
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    .sort((a, b) => b.length - a.length);
  const names = hostPattern(hostName);
  return (text) => {
    const bare = secrets.reduce((rest, secret) => rest.replaceAll(secret, hiddenSecret), withoutGivenSecrets(text));
    return withoutGuestWords(names === undefined ? bare : bare.replaceAll(names, 'HOST'));
  };
}

/** What a guest is told by fw_cfg, on bhyve's command line: `name=opt/key,string=value`. */
const withoutGuestWords = (text: string): string => text.replaceAll(/((?:^|,)string=)\S.*/g, `$1${hiddenSecret}`);

/** Names of systems, by which no host is known. */
const everybodys = new Set(['localhost', 'freebsd', 'linux']);

/** The host, and whatever is in its domain, as whole words. */
function hostPattern(hostName: string): RegExp | undefined {
  const [first = '', ...rest] = hostName.split('.');
  const domain = rest.join('.');
  const names = [hostName, first].filter((name) => name.length >= shortest && !everybodys.has(name.toLowerCase()));
  const own = [
    ...(domain.length < shortest ? [] : [String.raw`(?:[\w-]+\.)*${literal(domain)}`]),
    ...names.map(literal),
  ];
  return own.length === 0 ? undefined : new RegExp(String.raw`(?<![\w.-])(?:${own.join('|')})(?![\w-])`, 'gi');
}

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** The secrets that a spec holds. */
function secretsOf(value: unknown, key = ''): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => secretsOf(item, key));
  if (isObject(value)) {
    const hooks = Object.entries(value).filter(([name]) => isHook(name) || name === 'post_start_script');
    return [
      ...Object.entries(value).flatMap(([name, item]) => secretsOf(item, name)),
      ...hooks
        .flatMap(([, hook]) => wordsOf(hook).slice(1))
        // The script of a shell has words of its own.
        .flatMap((word) => [word, ...word.split(/\s+/)])
        .filter(isTelling),
    ];
  }
  if (typeof value !== 'string' && typeof value !== 'number') return [];
  const text = String(value);
  const given = [...text.matchAll(/(?:pass(?:word|wd|phrase)?|pwd|secret|token)=([^,\s]+)/gi)].map(
    ([, secret = '']) => secret,
  );
  return namesSecret(key) || key === 'string' ? [text, ...given] : given;
}

/** An argument that is no plain word: `open` may be said of anything. */
const isTelling = (word: string): boolean => word.length > 5 && /[^a-z]/i.test(word);
