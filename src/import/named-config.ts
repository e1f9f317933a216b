import type { Problem } from '../base/problem.js';
import { readOptions } from '../bhyve/getopt.js';
import { traitsOf, type Platform } from '../bhyve/releases.js';
import { isConfigText } from './config-file.js';
import { refusalAt, type Original, type OriginalText } from './original.js';

/**
 * The files that `-k` names. They must be lists of variables, for what they say goes into the spec: a command line that
 * somebody else wrote may name any file of this host. Nothing of one that is no such list is told.
 */
export function namedConfigFiles(
  source: OriginalText,
  original: Original,
  platform: Platform,
): { readonly texts: readonly string[]; readonly problems: readonly Problem[] } {
  const texts: string[] = [];
  const problems: Problem[] = [];
  for (const event of readOptions(original.argv, traitsOf(platform).optionLetters)) {
    if (event.kind !== 'option' || event.letter !== 'k' || event.argument === source.name) continue;
    const file = event.argument;
    const text = original.readFile(file);
    if (text === undefined) continue;
    if (isConfigText(text)) texts.push(text);
    else {
      const message = `${file} is not a configuration file of bhyve, and nothing of it was taken`;
      const fix = 'name a file that holds one VARIABLE=VALUE on each line, see bhyve_config(5), or take the -k out';
      problems.push(refusalAt(source, original.lineOf(file) ?? original.line, 'config-file', message, fix));
    }
  }
  return { texts, problems };
}
