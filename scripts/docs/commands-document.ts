import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import { optionDescription } from '../../src/cli/command-line.js';
import { allCommandWords, commandWords } from '../../src/cli/command-tree.js';
import { commands } from '../../src/cli/commands.js';
import { notesAndExamples, sentence } from './man/command-words.js';
import { environment, exitRows, exitStatusOfServices, files, optionNotes } from './man/vmrun-page.js';
import { anchor, code, codeBlock, page, prose, table } from './markdown.js';

/** docs/commands.md: every command with its options and its notes, as its help has them, for who reads in a browser. */
export async function commandsDocument(): Promise<string> {
  const main = await commandWords(commands);
  const others = await allCommandWords(commands);
  const names = ['A run', ...others.map(([name]) => name), 'Environment', 'Files', 'Exit status'];
  return page([
    '<!-- Written by npm run build from src/cli and scripts/docs. Do not edit. -->',
    '# The command line',
    'A command is the first word; without one it is a run, so `vmrun -c check` runs the spec in the file `check`. Each has a `--help` of its own, and those that print for people take `--color` and `--no-color`. SPEC may also be given with `-c`. This page is vmrun(8) for a browser.',
    names.map((name) => `- [${name}](${anchor(name)})`).join('\n'),
    '## A run',
    usage(main),
    optionTable(main, optionNotes),
    examples(main),
    ...others.flatMap(([name, command]) => [`## ${name}`, ...parts(command)]),
    '## Environment',
    table(
      ['variable', 'what it says'],
      environment.map(([name, meaning]) => [name.split(' , Ev ').map(code).join(', '), meaning]),
    ),
    '## Files',
    table(
      ['file', 'what it is'],
      files.map(([path, meaning]) => [code(path), meaning]),
    ),
    '## Exit status',
    "A VM that ran gives bhyve's own status, everything else that of sysexits(3):",
    table(['status', 'meaning'], exitRows()),
    exitStatusOfServices,
  ]);
}

const parts = (command: CommandUnknownOpts): readonly string[] => [
  usage(command),
  prose(command.description()),
  ...notesAndExamples(command).notes.map(note),
  optionTable(command),
  examples(command),
];

const usage = (command: CommandUnknownOpts): string => {
  const name = command.name();
  return codeBlock(
    '',
    `${name} ${command.usage()}`.split('\n').map((line) => line.trim()),
  );
};

/** A paragraph of a help; what it lines up in columns stays so. */
const note = (text: string): string => (/ {2,}\S/.test(text) ? codeBlock('', text.split('\n')) : prose(text));

function optionTable(command: CommandUnknownOpts, more: Readonly<Record<string, string>> = {}): string {
  const options = command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => !common.has(long ?? ''));
  const rows = options.map((option) => [code(option.flags), described(option, more[option.long ?? ''])]);
  return rows.length === 0 ? '' : table(['option', 'meaning'], rows);
}

/** They are said once, at the top. */
const common = new Set(['--help', '--color', '--no-color']);

const described = (option: Option, more: string | undefined): string =>
  [prose(sentence(optionDescription(option))), ...(more === undefined ? [] : [more])].join(' ');

const examples = (command: CommandUnknownOpts): string => {
  const lines = notesAndExamples(command).examples;
  return lines.length === 0 ? '' : codeBlock('', lines);
};
