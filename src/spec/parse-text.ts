import { columnsOf } from '../base/columns.js';
import { limited, mostProblems, type Problem } from '../base/problem.js';
import { secretsIn, withoutQuotations, type Secrets } from '../base/secrets.js';
import { templateMark, templateWords } from '../base/template.js';
import { shown } from '../base/text.js';
import { visible } from '../base/visible.js';
import { isOwnKey } from './canonical.js';
import { fieldWords } from './field-words.js';
import { parseJson } from './json.js';
import type { Lines } from './locate.js';
import { maxValues, type ParseResult, type SyntaxProblem } from './source-tree.js';

export const specFormats = ['json', 'yaml', 'ucl'] as const;
/** How a spec is written; `json` takes what uclcmd(1) makes of UCL, too. */
export type SpecFormat = (typeof specFormats)[number];

/** The text of a spec and what is known about where it came from. */
export interface SpecText {
  /** For messages: the file's name as the user gave it, or `<stdin>`. */
  readonly name: string;
  readonly text: string;
  readonly format: SpecFormat;
  /** Makes a relative file name of the spec absolute, or keeps it where that is the same. */
  readonly resolveFile: (path: string) => string;
  /** Makes it absolute, and the same whichever way leads to the spec. Default: `resolveFile`. */
  readonly absoluteFile?: (path: string) => string;
}

/** A text in one of the formats → a tree in which every value knows where it stands. */
export async function parseText({ text, format }: SpecText): Promise<ParseResult> {
  switch (format) {
    case 'json': {
      const parsed = parseJson(text, { maxValues, leavesOut: isOwnKey });
      return parsed.ok
        ? parsed
        : { ok: false, problems: parsed.problems.map((problem) => withFormatHint(problem, text)) };
    }
    case 'yaml': {
      const parsed = (await import('./yaml.js')).parseYaml(text);
      if (!parsed.ok || parsed.root.kind !== 'scalar' || typeof parsed.root.value !== 'string') return parsed;
      const mistake = (await import('./yaml-mistakes.js')).noFieldMistake(text);
      return mistake === undefined ? parsed : { ok: false, problems: [mistake] };
    }
    case 'ucl':
      return (await import('./ucl.js')).parseUcl(text);
  }
}

/** Where JSON ends at a key without quotes, what to do if the text was never meant to be JSON. */
function withFormatHint(problem: SyntaxProblem, text: string): SyntaxProblem {
  const { offset } = problem;
  if (text.startsWith('#!')) return problem;
  const isFirst = text.slice(0, offset).trim() === '';
  if (!isFirst && !'{,'.includes(text.slice(0, offset).trimEnd().slice(-1))) return problem;
  const rest = text.slice(offset, offset + 4096).replace(/^(?:\s+|#[^\n]*)*/, '');
  const [, key] = /^([A-Za-z_][\w.-]*)\s*(?:[:={]|\s["'\w/])/.exec(rest) ?? [];
  if (key === undefined) return problem;
  const fix = isFirst
    ? 'if this is UCL or YAML, say so: --input-format ucl, or yaml'
    : `write ${shown(key, 40)}; if this is UCL, say so: --input-format ucl`;
  return { ...problem, fix };
}

/** What is wrong with a text that is none of its format. */
export function textProblems(
  input: SpecText,
  { problems, omitted = 0 }: Extract<ParseResult, { ok: false }>,
  lines: Lines,
): readonly Problem[] {
  const merge = mergeProblem(input, lines);
  if (merge !== undefined) return [merge];
  const secrets = secretsIn(input.text, fieldWords);
  return limited(
    problems
      .slice(0, mostProblems)
      .map(
        (problem) => templateProblem(problem, input, lines, secrets) ?? syntaxProblem(problem, input, lines, secrets),
      ),
    Math.max(0, problems.length - mostProblems) + omitted,
  );
}

function syntaxProblem(
  { message, offset, fix }: SyntaxProblem,
  { name }: SpecText,
  lines: Lines,
  secrets: Secrets,
): Problem {
  const { line, column } = lines.at(offset);
  const start = offset - column + 1;
  const end = start + lines.text(line).length;
  const isNearSecret = secrets.isNear(start, end);
  const said = (sentence: string): string => secrets.star(isNearSecret ? withoutQuotations(sentence) : sentence);
  return {
    code: 'syntax',
    severity: 'error',
    message: said(message),
    ...(fix === undefined ? {} : { fix: secrets.star(fix) }),
    place: { file: name, line, column, pointer: '' },
    ...(isNearSecret ? {} : { excerpt: caret(secrets.excerpt(start, end), column) }),
  };
}

/** Where a template was not filled in, its own language is what cannot be read. */
function templateProblem(
  { offset }: SyntaxProblem,
  { name, text }: SpecText,
  lines: Lines,
  secrets: Secrets,
): Problem | undefined {
  const { line, column } = lines.at(offset);
  const start = offset - column + 1;
  const mark = templateMark(secrets.excerpt(start, start + lines.text(line).length));
  if (mark === undefined) return undefined;
  const at = text.indexOf(mark, start);
  const place = { file: name, ...lines.at(at === -1 ? offset : at), pointer: '' };
  return { code: 'template', severity: 'error', ...templateWords(mark), place };
}

/** Lines that git and others leave where two edits were at odds: text in any format, and a spec in none. */
function mergeProblem({ name, text }: SpecText, lines: Lines): Problem | undefined {
  const { index } = /^<{7} /m.exec(text) ?? {};
  if (index === undefined) return undefined;
  return {
    code: 'syntax',
    severity: 'error',
    message: 'a merge of two versions was not finished: its marks are still here',
    fix: 'keep one of the two texts, and take out the lines that begin with <<<<<<<, ======= and >>>>>>>',
    place: { file: name, ...lines.at(index), pointer: '' },
  };
}

/** In columns. */
const excerptWidth = 72;

const seen = (text: string): string => visible(text.replaceAll('\t', ' '));

/** The line of an offset with a caret below it, cut to what fits a terminal, as it is seen there. */
function caret(line: string, column: number): readonly string[] {
  const place = column - 1;
  const near = line.slice(Math.max(0, place - excerptWidth), place);
  const isWhole = column <= excerptWidth && columnsOf(seen(near)) < excerptWidth;
  const before = isWhole ? seen(near) : fitting(near, excerptWidth / 2, (text) => text.slice(1));
  const columns = columnsOf(before);
  const behind = fitting(line.slice(place, place + excerptWidth), excerptWidth - columns, (text) => text.slice(0, -1));
  return [before + behind, `${' '.repeat(columns)}^`];
}

/** A text as it is seen, made shorter until it takes no more than so many columns. */
function fitting(text: string, columns: number, shorter: (text: string) => string): string {
  let left = text;
  while (columnsOf(seen(left)) > columns) left = shorter(left);
  return seen(left);
}
