import type { Problem } from '../base/problem.js';
import { quoteCommand } from '../base/shell.js';
import { count, shown } from '../base/text.js';
import { foretell } from '../bhyve/foretell/foretell.js';
import { optionAt } from '../bhyve/foretell/option-at.js';
import { readOptions } from '../bhyve/getopt.js';
import { traitsOf, type Platform } from '../bhyve/releases.js';
import { refusalAt, type Original, type OriginalText } from './original.js';

/** What bhyve says of a command that it does not take, at the line that it is about. */
export function refusedByBhyve(
  source: OriginalText,
  original: Original,
  messages: readonly string[],
  platform: Platform,
): Problem {
  const { argv, line, lineOf } = original;
  const { release, arch } = platform;
  const said = messages.filter((message) => !message.startsWith(' ')).join('; ');
  const place = /^bhyve: .* line (\d+): invalid config option/.exec(said)?.[1];
  const { option } = refusedOption(original, platform);
  const word = argv.find((each) => each.length > 2 && said.includes(each));
  const lines = [...(word === undefined ? [] : [word]), ...option.toReversed()].map((each) => lineOf(each));
  const at = place === undefined ? (lines.find((each) => each !== undefined) ?? line) : Number(place);
  const bhyve = `bhyve of FreeBSD ${release}${arch === 'arm64' ? ' on arm64' : ''}`;
  if (said === '') return refusedWithoutWords(source, original, platform, bhyve);
  const [stray, ...rest] = option.length > 0 ? [] : operandsOf(argv, platform);
  if (stray !== undefined && rest.length > 0) {
    const message = `${bhyve} takes one word after its options, the name of the VM, and finds ${shown(stray)} and ${count(rest.length, 'word')} more`;
    return refusalAt(
      source,
      lineOf(stray) ?? line,
      'bhyve-refuses',
      message,
      'take the blank out of the value that it is of',
    );
  }
  return refusalAt(
    source,
    at,
    'bhyve-refuses',
    `${bhyve} does not accept ${namedBy(said, option)}: ${said.slice(0, 300)}`,
    'correct it, or say which bhyve it is for by --release and --arch',
  );
}

/** What bhyve takes for the name of the VM: all from the first word on that is no option. */
const operandsOf = (argv: readonly string[], platform: Platform): readonly string[] =>
  [...readOptions(argv, traitsOf(platform).optionLetters)].flatMap((event) =>
    event.kind === 'operands' ? event.operands : [],
  );

/** The option, where bhyve's own words leave open which one they are about; never one with a secret. */
const namedBy = (said: string, option: readonly string[]): string =>
  option.length < 2 || option.some((word) => said.includes(word) || /password/i.test(word)) || !said.includes('slot')
    ? 'this'
    : quoteCommand(option);

/** bhyve crashes, or ends without a word: the option that it is about says more. */
function refusedWithoutWords(source: OriginalText, original: Original, platform: Platform, bhyve: string): Problem {
  const { line, lineOf } = original;
  const { option, signal } = refusedOption(original, platform);
  const words = option.length === 0 ? 'this command' : quoteCommand(option);
  return refusalAt(
    source,
    option.map((word) => lineOf(word)).findLast((at) => at !== undefined) ?? line,
    'bhyve-refuses',
    signal === undefined
      ? `${bhyve} does not start with ${words}, and does not say why`
      : `${bhyve} would be killed by ${signal} at its start because of ${words}`,
    'complete it, or leave it out',
  );
}

/** The first option that bhyve refuses. */
function refusedOption(
  { argv, readFile }: Original,
  platform: Platform,
): { readonly option: readonly string[]; readonly signal: string | undefined } {
  const told = foretell(argv, { ...platform, readFile, loaded: true, isSuspect: () => true });
  const { index, signal } = told.find(({ kind }) => kind === 'refusal') ?? {};
  return { option: index === undefined ? [] : optionAt(argv, index, platform), signal };
}
