import path from 'node:path';
import { codeOf } from '../../base/error-code.js';
import { ProblemsError, type Problem } from '../../base/problem.js';
import { identityOfFile } from '../../host/files/file-identity.js';
import { isText, isThere, replaceFile, writeNewFile } from '../../host/files/new-file.js';
import { describeSystemError, systemError } from '../../host/errno.js';
import { isTerminal } from '../../host/process/terminal.js';
import type { SpecFormat } from '../../spec/parse-spec.js';
import { formatOfFile } from '../../spec/read.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { asLines, asQuestion, asText } from '../paint.js';
import { defaultAnswer, draftNamed, fields, objection, questions, withAnswer, type Field } from '../init/answers.js';
import { draftText, type Draft } from '../init/draft.js';
import { nextSteps } from '../init/next-steps.js';
import { askForLine } from '../typed-line.js';

interface InitChoice extends Partial<Readonly<Record<Field, string | undefined>>> {
  readonly yes?: true | undefined;
  readonly force?: true | undefined;
}

const notes = `
Without FILE it is NAME.yaml. One whose name ends in .conf or .ucl is UCL, in
.json JSON, which has no comments; - is standard output. At a terminal, what no
option says is asked; an empty answer takes what stands in brackets. Ctrl-C
writes nothing.
Exit status: 0 written, 64 wrong option, 66 no answer, 73 not written.

Examples:
  vmrun init                                  five questions, then a spec
  vmrun init --yes --name web --iso disc1.iso
  vmrun init web.json --mem 4G --disk /dev/zvol/zroot/web --bridge bridge0`;

/** `vmrun init`: writes a first spec, and says what to do with it. */
export const initCommand = defineCommand({
  name: 'init',
  description: 'Writes a first spec, by five questions or by options.',
  usage: '[FILE] [options]',
  notes,
  hasColours: false,
  declare: (command) =>
    command
      .argument('[file]')
      .option('--name <text>', 'name of the VM; default: that of FILE, or vm0')
      .option('--cpu <n>', 'number of virtual CPUs; default: 2')
      .option('--mem <size>', 'guest memory; default: 2G')
      .option('--disk <file>', 'disk image, or none; default: NAME.img')
      .option('--iso <file>', 'CD of the target install; default: none')
      .option('--net <interface>', 'network interface, or none; default: tap0')
      .option('--bridge <interface>', 'bridge that the interface is put into; default: none')
      .option('-y, --yes', 'ask nothing, take the defaults')
      .option('-f, --force', 'overwrite the file'),
  run: ({ context, operands: [file], options, refuse }) => init(context, file, options, refuse),
});

const standardOutput = '-';

async function init(
  context: Context,
  file: string | undefined,
  options: InitChoice,
  refuse: (why: string) => never,
): Promise<number> {
  const { workingDirectory, hostBhyve } = context;
  const asked = questions.filter(({ field }) => options[field] === undefined);
  const asks = options.yes !== true && asked.length > 0;
  if (asks && !(isTerminal(0) && isTerminal(2))) {
    refuse(
      'there is no terminal to ask questions at; give --yes, and options for whatever should differ from the defaults',
    );
  }
  const mayReplace = options.force === true || file === standardOutput;
  const refuseToReplace = (name: string): void => {
    if (!mayReplace && isThere(path.resolve(workingDirectory, name))) throw cannotCreate(name, fileIsThere(name));
  };
  if (file !== undefined) refuseToReplace(file);

  let draft = await startOf(file, context);
  const spelled = (typed: string): string => fileName(typed, file, context);
  for (const field of fields) {
    const typed = options[field];
    if (typed === undefined) continue;
    draft = answered(draft, field, typed, spelled);
    const wrong = await objection(draft, hostBhyve);
    if (wrong !== undefined) refuse(`--${field}: ${wordsOf(wrong)}`);
  }
  if (asks) {
    const nameIsFree = (name: string): Problem | undefined => {
      const made = fileOf(file, name);
      return mayReplace || !isThere(path.resolve(workingDirectory, made)) ? undefined : fileIsThere(made);
    };
    const after = await ask(
      context,
      asked,
      draft,
      async (next, field) =>
        (await objection(next, hostBhyve)) ?? (field === 'name' ? nameIsFree(next.name) : undefined),
      spelled,
    );
    if (after === undefined) {
      context.err(asLines(['', 'vmrun: no answer, nothing was written']));
      return exitCodes.unreadable;
    }
    draft = after;
  }
  const target = fileOf(file, draft.name);
  refuseToReplace(target);
  const text = draftText(draft, formatOf(target));
  if (target === standardOutput) {
    context.out(asText(text));
    return exitCodes.ok;
  }
  refuseOtherFile(target, draft, context);
  write(target, text, mayReplace, context);
  const missing = (name: string | undefined): string | undefined => {
    if (name === undefined) return undefined;
    const fromHere = path.isAbsolute(name) ? name : path.join(path.dirname(target), name);
    return isThere(path.resolve(workingDirectory, fromHere)) ? undefined : fromHere;
  };
  context.err(
    nextSteps({
      file: target,
      missingDisk: missing(draft.disk),
      missingCd: missing(draft.iso),
      hasInstall: draft.iso !== undefined,
    }),
  );
  return exitCodes.ok;
}

const fileOf = (file: string | undefined, name: string): string => file ?? `${name}.yaml`;

/** What a run would take the file for; standard output has comments. */
const formatOf = (file: string): SpecFormat => (file === standardOutput ? 'yaml' : formatOfFile(file));

/** Everything at its default, named after the file where that is a name. */
async function startOf(file: string | undefined, { hostBhyve }: Context): Promise<Draft> {
  const draft = draftNamed(file === undefined || file === standardOutput ? 'vm0' : path.parse(file).name);
  return (await objection(draft, hostBhyve)) === undefined ? draft : draftNamed('vm0');
}

/** An answer in a draft; with the name goes what is named after it. */
function answered(draft: Draft, field: Field, typed: string, spelled: (typed: string) => string): Draft {
  const isNamedAfter = field === 'name' && draft.disk === draftNamed(draft.name).disk;
  const next = withAnswer(draft, field, typed, spelled);
  return isNamedAfter ? { ...next, disk: draftNamed(typed).disk } : next;
}

/** A file name as it was typed, from here, as it is in a spec, from the spec's folder. */
function fileName(typed: string, file: string | undefined, { workingDirectory, env }: Context): string {
  const name = typed.startsWith('~/') && env.HOME !== undefined ? path.join(env.HOME, typed.slice(2)) : typed;
  const folder = path.dirname(path.resolve(workingDirectory, file ?? standardOutput));
  if (path.isAbsolute(name) || folder === path.resolve(workingDirectory)) return name;
  return path.relative(folder, path.resolve(workingDirectory, name));
}

/**
 * Asks until each answer will do. Ctrl-C ends the process, as the shell expects, since nobody listens for it.
 * @returns undefined at the end of the input
 */
async function ask(
  { err }: Context,
  asked: typeof questions,
  start: Draft,
  check: (draft: Draft, field: Field) => Promise<Problem | undefined>,
  spelled: (typed: string) => string,
): Promise<Draft | undefined> {
  let draft = start;
  for (const { field, text } of asked) {
    for (;;) {
      const line = await askForLine(process.stdin, () => {
        err(asQuestion(`${text} [${defaultAnswer(field, draft)}]: `));
      });
      if (line === undefined) return undefined;
      const typed = line.trim();
      const next = typed === '' ? draft : answered(draft, field, typed, spelled);
      const wrong = await check(next, field);
      if (wrong === undefined) {
        draft = next;
        break;
      }
      err(asLines([`  ${wordsOf(wrong)}`]));
    }
  }
  return draft;
}

const wordsOf = ({ message, fix }: Problem): string => (fix === undefined ? message : `${message}; ${fix}`);

const fileIsThere = (file: string): Problem => ({
  code: 'exists',
  severity: 'error',
  message: `${file} already exists`,
  fix: 'choose another name, or overwrite it with --force',
});

/**
 * A spec is never written over the disk or the CD that it names, nor, with --force, over what is no text: that is no spec
 * of an earlier day.
 */
function refuseOtherFile(target: string, { disk, iso }: Draft, { workingDirectory }: Context): void {
  const goal = path.resolve(workingDirectory, target);
  const { key } = identityOfFile(goal, workingDirectory);
  const isOf = (name: string | undefined): boolean =>
    name !== undefined && identityOfFile(name, path.dirname(goal)).key === key;
  const what = isOf(disk) ? 'it is the disk of the VM' : isOf(iso) ? 'it is the CD of the VM' : undefined;
  const why = what ?? (isText(goal) ? undefined : 'it is not a text file, so it is not a spec to be overwritten');
  if (why === undefined) return;
  throw cannotCreate(target, { code: 'not-written', severity: 'error', message: why, fix: 'choose another name' });
}

const cannotCreate = (file: string, problem: Problem): ProblemsError =>
  new ProblemsError('cannot-create', file, [problem]);

function write(file: string, text: string, mayReplace: boolean, { workingDirectory }: Context): void {
  try {
    const goal = path.resolve(workingDirectory, file);
    if (mayReplace) replaceFile(goal, text);
    else writeNewFile(goal, text);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw cannotCreate(file, fileIsThere(file));
    const fix = codeOf(error) === 'ENOENT' ? { fix: 'make its folder first' } : {};
    const message = `it cannot be written: ${describeSystemError(systemError(error))}`;
    throw cannotCreate(file, { code: 'not-written', severity: 'error', message, ...fix });
  }
}
