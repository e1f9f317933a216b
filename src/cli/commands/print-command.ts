import { ProblemsError } from '../../base/problem.js';
import { quoteCommand } from '../../base/shell.js';
import { hasUnseen } from '../../base/visible.js';
import { unreachable } from '../../base/unreachable.js';
import { loaderCommand } from '../../machine/loader.js';
import type { Machine } from '../../machine/machine.js';
import type { Context } from '../context.js';
import type { PrintFormat } from '../options.js';
import { asJson, asLines } from '../paint.js';
import { servedWords } from '../served-words.js';
import type { Programs } from '../../machine/loader.js';

/** `--dry-run`: prints what would be run. Starts, checks and writes nothing. */
export async function printCommand(
  { out, err }: Context,
  machine: Machine,
  { bhyve, loaders }: Programs,
  format: PrintFormat,
): Promise<void> {
  const words = [...bhyve, ...machine.argv];
  const { loader } = machine;
  const loading = loader === undefined ? undefined : quoteCommand(loaderCommand(loader, loaders));
  switch (format) {
    case 'shell':
      out(asLines([...(loading === undefined ? [] : [loading]), quoteCommand(words)]));
      break;
    case 'lines':
      out(asLines(words));
      break;
    case 'json':
      out(asJson(words));
      break;
    case 'config':
      out(asLines(await configLines(machine)));
      break;
    default:
      return unreachable(format);
  }
  const notes = notesOf(machine);
  if ((format === 'lines' || format === 'config') && words.some(hasUnseen)) {
    notes.unshift(
      'some words hold characters that cannot be seen, shown here as escapes: --format json has them exactly',
    );
  }
  if (loading !== undefined && format !== 'shell') notes.unshift(`before bhyve, a run starts: ${loading}`);
  err(asLines(notes.map((note) => `vmrun: ${note}`)));
}

/** What the printed command does not show. */
function notesOf({ name, privateConfig, loader, requirements, servesConsole }: Machine): string[] {
  const lookups = requirements.filter(({ need }) => need.kind === 'host-card' && need.card.by === 'ids');
  return [
    ...(loader?.files ?? []).map(({ path }) => `${path} does not exist yet: a run writes it for ${loader?.kind ?? ''}`),
    ...(loader?.input === undefined
      ? []
      : [`${loader.kind} gets its commands by standard input: see "commands" of the spec`]),
    ...(privateConfig === undefined
      ? []
      : [`passwords are not shown: a run writes them to ${privateConfig.path}, for bhyve alone to read`]),
    ...(servesConsole ? [servedWords(name)] : []),
    ...lookups.map(({ subject }) => `${subject}: the host card is looked up when the VM is run`),
  ];
}

/** The whole command as a bhyve_config(5) file: what bhyve itself makes of its words, read by the simulator's parser. */
async function configLines(machine: Machine): Promise<readonly string[]> {
  const { parseCommandLine } = await import('../../bhyve/parse.js');
  const secrets = machine.variables.filter(({ isSecret }) => isSecret === true);
  const parsed = parseCommandLine(machine.argv, {
    release: machine.release,
    arch: machine.arch,
    readFile: (path) =>
      path === machine.privateConfig?.path ? secrets.map(({ key }) => `${key}=***\n`).join('') : undefined,
  });
  if (parsed.kind === 'parsed') return [...parsed.config].map(([key, value]) => `${key}=${value}`);
  const said = parsed.kind === 'failed' ? parsed.messages.join('; ') : 'it prints its help';
  throw new ProblemsError('spec', machine.name, [
    {
      code: 'bhyve-refuses',
      severity: 'error',
      message: `bhyve would not accept this command: ${said}`,
      fix: 'look at extra_options, raw devices and what follows "--"',
    },
  ]);
}
