import type { Problem } from '../base/problem.js';
import { count } from '../base/text.js';
import { foretell } from '../bhyve/foretell/foretell.js';
import type { Misread } from '../bhyve/foretell/misread.js';
import type { Platform } from '../bhyve/releases.js';
import type { Configuration } from './configuration.js';
import { itemPrefix, type Carried } from './draft.js';
import { noteAt, type Original, type OriginalText } from './original.js';
import type { Settled } from './settle.js';

/** A note for each part of a spec that is in bhyve's own words, which vmrun passes on as they are. */
export function carriedNotes(
  source: OriginalText,
  original: Original,
  configuration: Configuration,
  { carried }: Pick<Settled, 'carried'>,
): readonly Problem[] {
  const { platform } = configuration;
  const bhyve = `bhyve of FreeBSD ${platform.release}${platform.arch === 'arm64' ? ' on arm64' : ''}`;
  const { unread, misread } = sortedOut(original, platform);
  return [
    ...misread
      .filter(({ variable, option }) =>
        variable === undefined
          ? !configuration.items.some((item) => item.option === option)
          : !carried.some((part) => part.variable === variable),
      )
      .map(({ variable, option, said, fix }) => {
        const line =
          variable === undefined
            ? (original.lineOf(option) ?? original.line)
            : lineOf({ variable }, original, configuration);
        return noteAt(source, line, 'misread', `${bhyve} ${said}`, fix);
      }),
    ...carried.map((part) => {
      const what = `${nameOf(part, configuration)} is carried over as it is, ${places[part.by]}`;
      const line = lineOf(part, original, configuration);
      return unread.has(part.variable)
        ? noteAt(source, line, 'unread', `${what}, but ${bhyve} does not read it`, 'check the name, or take it out')
        : noteAt(source, line, 'own-words', `${what}: ${part.why}`);
    }),
    ...carried
      .filter(({ variable }) => variable.endsWith('.device'))
      .flatMap((device) =>
        [...unread].filter((variable) => variable.startsWith(device.variable.slice(0, -'device'.length))),
      )
      .filter((variable) => !carried.some((part) => part.variable === variable))
      .map((variable) =>
        noteAt(
          source,
          lineOf({ variable }, original, configuration),
          'unread',
          `${variable} is carried over as it is, but ${bhyve} does not read it`,
          'check the name, or take it out',
        ),
      ),
  ];
}

/** Variables of the original that nothing in bhyve reads, and words that it takes for something else. */
function sortedOut({ argv, readFile }: Original, platform: Platform): SortedOut {
  const told = foretell(argv, { ...platform, readFile, loaded: true, isSuspect: () => true });
  return {
    unread: new Set(
      told.flatMap(({ kind, variable }) => (kind === 'unread' && variable !== undefined ? [variable] : [])),
    ),
    misread: told.flatMap(({ misread, variable, index = -1 }) =>
      misread === undefined ? [] : [{ ...misread, variable, option: argumentAt(argv, index) }],
    ),
  };
}

interface SortedOut {
  readonly unread: ReadonlySet<string>;
  readonly misread: readonly (Misread & { readonly variable: string | undefined; readonly option: string })[];
}

/** The argument of an option: behind its letter, or the next word. */
function argumentAt(argv: readonly string[], index: number): string {
  const word = argv[index] ?? '';
  return /^-\w$/.test(word) ? (argv[index + 1] ?? '') : word.replace(/^-\w/, '');
}

const places: Readonly<Record<Carried['by'], string>> = {
  raw: 'by a raw device',
  config: 'in "config"',
  extra_options: 'in "extra_options"',
};

/** The line of the variable where the text has one, else of the option that sets it. */
function lineOf(
  { variable }: Pick<Carried, 'variable'>,
  { line, lineOf: lineOfWord }: Original,
  { setBy, items }: Configuration,
): number | undefined {
  const option =
    setBy.get(variable) ??
    items.find(({ name }) => itemPrefix + name === variable)?.option ??
    variable.replace(/^-\S+ /, '');
  return lineOfWord(variable) ?? lineOfWord(option) ?? line;
}

function nameOf({ variable }: Carried, { variables }: Configuration): string {
  const [, bus = '', slot = '', func = ''] = /^pci\.(\d+)\.(\d+)\.(\d+)\.device$/.exec(variable) ?? [];
  if (bus === '') return variable;
  const settings = [...variables.keys()].filter((key) => key.startsWith(`pci.${bus}.${slot}.${func}.`)).length - 1;
  const device = `the ${variables.get(variable) ?? ''} at ${bus}:${slot}:${func}`;
  return settings === 0 ? device : `${device} with its ${count(settings, 'setting')}`;
}
