import { failure, success, type Result } from '../base/result.js';
import { isKnown } from '../machine/config.js';
import { refusalAt, type ImportContext, type Original, type OriginalText } from './original.js';

/** A line that bhyve skips. */
const isBlank = (line: string): boolean => line === '' || line.startsWith('#');

const variableOf = (line: string): string => line.slice(0, Math.max(0, line.indexOf('=')));

const isKnownLine = (line: string): boolean => isKnown(variableOf(line)) || /^pci\.\d+\.\d+\.\d+\.\w/.test(line);

/** Whether text is a list of bhyve's variables, for telling what it is. */
export function isConfigFile(text: string): boolean {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !isBlank(line));
  const known = lines.filter(isKnownLine);
  const listed = lines.filter((line) => /^[\w.-]+=./.test(line));
  // A line that is none is bhyve's to refuse; where several are, the text is something else.
  const isListed = lines.length > 0 && lines.length - listed.length <= Math.max(1, lines.length / 4);
  return isListed && known.some((line) => line.includes('.')) && known.length * 2 >= lines.length;
}

/** The same of a file that is named to be one: it may have few variables, or none, but says nothing else. */
export function isConfigText(text: string): boolean {
  const lines = text.split('\n').filter((line) => !isBlank(line));
  return lines.length === 0 || (lines.every((line) => /^[\w.-]+=./.test(line)) && lines.some(isKnownLine));
}

/** A bhyve_config(5) file: what `bhyve -k FILE` reads, and what config.dump prints. */
export function importConfigFile(source: OriginalText, { readFile, vmName }: ImportContext): Result<Original> {
  const indented = source.text.split('\n').findIndex((line) => /^[ \t]+[^\s#]+=/.test(line));
  if (indented !== -1) {
    const message = 'the line begins with a blank, which bhyve takes for a part of the variable';
    return failure([
      refusalAt(source, indented + 1, 'blank', message, 'take the blanks away from the beginning of each line'),
    ]);
  }
  const lines = new Map(source.text.split('\n').map((line, index) => [variableOf(line), index + 1]));
  // The name on bhyve's command line goes before that of the file.
  const name = vmName ?? (lines.has('name') ? undefined : (source.stem ?? 'vm'));
  return success({
    argv: ['-k', source.name, ...(name === undefined ? [] : [name])],
    readFile: (path) => (path === source.name ? source.text : readFile(path)),
    fields: {},
    cards: new Map(),
    notes: [],
    lineOf: (variable) => lines.get(variable),
  });
}
