import path from 'node:path';
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { readBoundedText } from '../../base/bounded-file.js';
import { codeOf } from '../../base/error-code.js';
import { errorWords } from '../../base/error-words.js';
import { ProblemsError, type Problem } from '../../base/problem.js';
import { count } from '../../base/text.js';
import { architectures, releases, type Arch } from '../../base/platform.js';
import { importFormats, maxImportBytes, type ImportFormat } from '../../import/formats.js';
import { importText, type Imported } from '../../import/import-text.js';
import type { OriginalText } from '../../import/original.js';
import { vmBhyveRelease, type VmBhyveRelease } from '../../import/vm-bhyve-release.js';
import { makeFolders } from '../../host/files/make-folders.js';
import { writeNewFile } from '../../host/files/new-file.js';
import { readText, standardInput, type ReadWords } from '../../spec/read.js';
import type { Colours } from '../colours.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { exitCodes, problemsExitCode } from '../exit-codes.js';
import { asJson, asLines, asText } from '../paint.js';
import { formatProblem, problemLines } from '../show-problems.js';

interface ImportChoice {
  readonly from: ImportFormat | 'auto';
  readonly yaml?: true | undefined;
  readonly out?: string | undefined;
  readonly name?: string | undefined;
  readonly dataset?: string | undefined;
  readonly vmBhyveVersion?: VmBhyveRelease | undefined;
  /** One of `releases`. */
  readonly release?: string | undefined;
  readonly arch?: Arch | undefined;
}

const notes = `
What a spec cannot say, and what was made up, is told on standard error. File
names without a "/" in front are then those of the spec's folder. A file has
at most 1 MiB, a script 3,000 commands, a command 20,000 words.

Formats:
  bhyve     a command line, or a shell script with one
  config    a bhyve_config(5) file
  vm-bhyve  NAME.conf in the folder of the guest
  iohyve    what iohyve getall NAME prints
  libvirt   what virsh dumpxml NAME prints

Examples:
  vmrun import start.sh > vm.json
  vmrun import --out specs /vm/*/*.conf
  iohyve getall web | vmrun import -`;

const words: ReadWords = {
  what: 'a file to import',
  mostBytes: maxImportBytes,
  inDirectory: 'name a file in it',
  whenMissing: 'give its path, or - for standard input',
  whenEmpty: 'there is nothing to import',
  whenInputEmpty: 'there is nothing to import',
};

/** `vmrun import`: text of another way to run a VM in, a spec out. */
export const importCommand = defineCommand({
  name: 'import',
  description: 'Writes a spec for a VM that a script, or another tool, runs by bhyve.',
  usage: '[options] FILE...',
  notes,
  declare: (command) =>
    command
      .argument('<file...>', 'what to import; - reads standard input')
      .addOption(
        new Option('--from <format>', 'what it is').choices(['auto', ...importFormats]).default('auto' as const),
      )
      .option('--yaml', 'write YAML; default: JSON')
      .option('-o, --out <dir>', 'write NAME.json there for each file')
      .option('--name <name>', 'name the VM so')
      .option('--dataset <dataset>', 'ZFS dataset that vm-bhyve or iohyve keeps its VMs in')
      .option(
        '--vm-bhyve-version <version>',
        'vm-bhyve that starts the VM; default: the newest',
        (version: string): VmBhyveRelease => releaseOf(version),
      )
      .addOption(new Option('--release <n>', 'FreeBSD that the original is for').choices(releases.map(String)))
      .addOption(new Option('--arch <arch>', 'its architecture').choices(architectures)),
  run: ({ context, operands: [files], options, colours, refuse }) => {
    refuseContradictions(files, options, refuse);
    return importAll(files, options, context, colours());
  },
});

/** Slots, options and what is read at all have changed from one release to the other. */
function releaseOf(version: string): VmBhyveRelease {
  const release = vmBhyveRelease(version);
  if (release === undefined) throw new InvalidArgumentError('It is 1.5.0 or newer, e.g. 1.7.5.');
  return release;
}

function refuseContradictions(
  files: readonly string[],
  { out, name }: ImportChoice,
  refuse: (why: string) => never,
): void {
  if (out !== undefined && /\.(json|ya?ml|conf|ucl)$/i.test(out)) {
    refuse(`--out takes a folder; for the file ${out}, redirect standard output: > ${out}`);
  }
  if (files.length > 1 && out === undefined) {
    refuse('several files make several specs: give --out DIR to write each into a file of its own');
  }
  if (files.length > 1 && name !== undefined) refuse('--name is for one file');
  if (files.filter((file) => file === standardInput).length > 1) refuse('standard input can be read once');
}

/** One after the other, and all of them: what is wrong with one file is no reason to leave out another. */
async function importAll(
  files: readonly string[],
  options: ImportChoice,
  context: Context,
  colour: Colours,
): Promise<number> {
  let code: number = exitCodes.ok;
  let firstTap = 0;
  for (const file of files) {
    try {
      const { imported, notes } = await importFile(file, options, context, firstTap);
      const text = await textOf(imported, options);
      firstTap += imported.tapsMade;
      const hasSecret = notes.some(({ code: about }) => about === 'password');
      const written =
        options.out === undefined
          ? undefined
          : write(options.out, imported.name, { text, hasSecret }, options, context);
      tell(context, colour, file, imported, notes, written);
      if (written === undefined) context.out(asText(text));
      if (imported.problems.length > 0) code = exitCodes.spec;
    } catch (error) {
      if (!(error instanceof ProblemsError)) throw error;
      const errors = error.problems.filter(({ severity }) => severity === 'error');
      const head = `${colour.bold(error.source)}: ${count(errors.length, 'problem')}, nothing was imported`;
      context.err(asLines([head, ...problemLines(error.problems, colour)]));
      code = problemsExitCode(error);
    }
  }
  return code;
}

async function importFile(
  file: string,
  options: ImportChoice,
  { workingDirectory, hostBhyve }: Context,
  firstTap: number,
): Promise<{ readonly imported: Imported; readonly notes: readonly Problem[] }> {
  const isStdin = file === standardInput;
  const { name, text } = readText(file, workingDirectory, words);
  refuseNul(name, text);
  const absolute = path.resolve(workingDirectory, file);
  const folder = isStdin ? workingDirectory : path.dirname(absolute);
  const source: OriginalText = { name, text, folder, stem: isStdin ? undefined : path.parse(file).name };
  const release = releases.find((each) => String(each) === options.release);
  const result = await importText(source, {
    format: options.from === 'auto' ? undefined : options.from,
    platform: {
      ...(release === undefined ? {} : { release }),
      ...(options.arch === undefined ? {} : { arch: options.arch }),
    },
    host: hostBhyve,
    readFile: (other) => contentOf(path.resolve(folder, other)),
    vmName: options.name,
    dataset: options.dataset,
    vmBhyve: options.vmBhyveVersion,
    firstTap,
  });
  if (!result.ok) throw new ProblemsError('spec', name, result.problems);
  return { imported: result.value, notes: result.warnings };
}

function refuseNul(name: string, text: string): void {
  const at = text.indexOf('\0');
  if (at === -1) return;
  const line = text.slice(0, at).split('\n').length;
  throw new ProblemsError('spec', name, [
    {
      code: 'binary',
      severity: 'error',
      message: `there is a NUL byte on line ${line}: this is no text`,
      fix: 'is it the right file?',
    },
  ]);
}

/** A file that the text names; undefined where there is none, or more than anybody writes by hand. */
function contentOf(file: string): string | undefined {
  try {
    return readBoundedText(file, { most: maxImportBytes, isRegular: true });
  } catch {
    return undefined;
  }
}

async function textOf({ spec }: Imported, { yaml }: ImportChoice): Promise<string> {
  if (yaml !== true) return asJson(spec, 2);
  const { yamlText } = await import('../../spec/yaml-text.js');
  return yamlText(spec);
}

/** @returns the file @throws ProblemsError `cannot-create`; a file that is there is never replaced */
function write(
  folder: string,
  name: string,
  { text, hasSecret }: { readonly text: string; readonly hasSecret: boolean },
  { yaml }: ImportChoice,
  { workingDirectory }: Context,
): string {
  const file = path.join(folder, `${name}.${yaml === true ? 'yaml' : 'json'}`);
  try {
    makeFolders(path.resolve(workingDirectory, folder));
    writeNewFile(path.resolve(workingDirectory, file), text, hasSecret ? 0o600 : undefined);
  } catch (error) {
    const isThere = codeOf(error) === 'EEXIST';
    throw new ProblemsError('cannot-create', file, [
      {
        code: 'cannot-create',
        severity: 'error',
        message: isThere ? 'a file of this name already exists' : errorWords(error),
        ...(isThere ? { fix: 'remove it, or choose another folder' } : {}),
      },
    ]);
  }
  return file;
}

/** What came of a file: where the spec is, what vmrun does not take of it, and what was not carried as it stands. */
function tell(
  { err }: Context,
  colour: Colours,
  file: string,
  { format, problems }: Imported,
  notes: readonly Problem[],
  written: string | undefined,
): void {
  const name = file === standardInput ? '<stdin>' : file;
  const where = written === undefined ? '' : `, written to ${written}`;
  const lines = [
    ...(problems.length === 0
      ? []
      : [`${colour.bold(name)}: ${count(problems.length, 'problem')} with the spec, fix it by hand`]),
    ...problems.flatMap((problem) => formatProblem(problem, colour)),
    ...(notes.length === 0 && written === undefined
      ? []
      : [`${colour.bold(name)}: ${count(notes.length, 'thing')} to look at, imported as ${format}${where}`]),
    ...notes.flatMap((note) => formatProblem(note, colour)),
  ];
  err(asLines(lines));
}
