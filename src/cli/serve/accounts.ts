import { InvalidArgumentError, Option, type Command, type OptionValues } from '@commander-js/extra-typings';
import { parseDurationMs } from '../../base/duration.js';
import { nearestName } from '../../base/nearest-name.js';
import { ProblemsError } from '../../base/problem.js';
import { listWords } from '../../base/text.js';
import { rootGroup, roles, type Grant, type Role } from '../../manager/accounts/grants.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { managerClient, managerOptions, type ManagerClient } from '../manager-client.js';
import { asLines, asText } from '../paint.js';
import { readPassword } from '../read-password.js';
import { table } from '../columns.js';
import { systemClock } from '../../host/clock.js';

const acts = { user: ['add', 'passwd', 'remove', 'list'], token: ['add', 'remove', 'list'] } as const;

const notes = {
  user: `
A password is asked for at the terminal, else it is the first line of standard
input. Roles: view sees everything but passwords; operate starts and stops as
well; admin does everything, and on the group root may write specs, which makes
whoever has it root on this host. Without --role a new user may view.

Examples:
  vmrun serve user add anna --role operate
  vmrun serve user passwd root < new-password
  vmrun serve user list`,
  token: `
A token is for a program. It is printed once, and nobody can see it again; it
may do no more than its user. NAME says what it is for; remove takes the id that
list shows. Roles are as for users, and without --role a token may view.

Examples:
  vmrun serve token add backup --role view --ends 365d > /root/vmrun.token
  vmrun serve token list`,
} as const;

const [usualDays, longestDays, msPerDay] = [90, 3650, 86_400_000];

/** `vmrun serve user`: who may use a manager over TCP. */
export const userCommand = defineCommand({
  name: 'serve user',
  description: 'Users of a manager, and their passwords.',
  usage: `${acts.user.join('|')} [NAME] [options]`,
  notes: notes.user,
  declare: (command) => managerOptions(grantOptions(command.argument('<act>').argument('[name]'))),
  run: async ({ context, command, operands: [act, name], options, refuse }) => {
    refuseWrong(acts.user, act, name, refuse);
    refuseUnused({ act, options, of: { role: ['add', 'passwd'], group: ['add', 'passwd'] }, refuse });
    if (act === 'passwd' && options.group !== undefined && options.role === undefined)
      refuse(`--group needs --role: what may be done on ${options.group}`);
    const client = managerClient({ command, context });
    await userAct({ act, name: name ?? '', options, client, context });
    return exitCodes.ok;
  },
});

/** `vmrun serve token`: what programs use a manager with over TCP. */
export const tokenCommand = defineCommand({
  name: 'serve token',
  description: 'Tokens of a manager, for programs.',
  usage: `${acts.token.join('|')} [NAME] [options]`,
  notes: notes.token,
  declare: (command) =>
    managerOptions(
      grantOptions(command.argument('<act>').argument('[name]'))
        .option('--user <name>', 'whose token it is; default: root')
        .option('--ends <time>', 'when a token ends, from now on; default: 90d, at most ten years', lifeOfToken),
    ),
  run: async ({ context, command, operands: [act, name], options, refuse }) => {
    refuseWrong(acts.token, act, name, refuse);
    const of = { role: ['add'], group: ['add'], user: ['add'], ends: ['add'] };
    refuseUnused({ act, options, of, refuse });
    const client = managerClient({ command, context });
    const { user, ends: endsMs = usualDays * msPerDay } = options;
    await tokenAct({ act, name: name ?? '', options, client, context, user, endsMs });
    return exitCodes.ok;
  },
});

type Refuse = (why: string) => never;

function grantOptions<Args extends unknown[], Opts extends OptionValues>(command: Command<Args, Opts>) {
  return command
    .addOption(new Option('--role <role>', 'what may be done; default of a new one: view').choices(roles))
    .option('--group <path>', 'on this group and all below it; default: root');
}

function refuseWrong(known: readonly string[], act: string, name: string | undefined, refuse: Refuse): void {
  if (!known.includes(act)) {
    const near = nearestName(act, known);
    refuse(near === undefined ? `${act} is none of ${known.join(', ')}` : `${act} is unknown; did you mean ${near}?`);
  }
  if (act !== 'list' && name === undefined) refuse(`a name is missing behind ${act}`);
  if (act === 'list' && name !== undefined) refuse('list takes no name');
}

/** Refuses what would have no effect: whoever gave it believes that it has one. */
function refuseUnused({
  act,
  options,
  of,
  refuse,
}: {
  readonly act: string;
  readonly options: object;
  readonly of: Readonly<Record<string, readonly string[]>>;
  readonly refuse: Refuse;
}): void {
  for (const [option, uses] of Object.entries(of))
    if (option in options && !uses.includes(act)) refuse(`--${option} is for ${listWords(uses)}`);
}

interface Chosen {
  readonly role?: Role | undefined;
  readonly group?: string | undefined;
}

/** What a new one may do: no more than was asked for. */
const newGrants = ({ role = 'view', group = rootGroup }: Chosen): readonly Grant[] => [{ group, role }];

function lifeOfToken(word: string): number {
  const ms = parseDurationMs(word);
  if (ms !== undefined && ms <= longestDays * msPerDay) return ms;
  throw new InvalidArgumentError('It is a time such as 12h, 90d or 365d, at most 3650d.');
}

interface Act {
  readonly act: string;
  readonly name: string;
  readonly options: Chosen;
  readonly client: ManagerClient;
  readonly context: Context;
}

async function userAct({ act, name, options, client, context }: Act): Promise<void> {
  const user = `/users/${encodeURIComponent(name)}`;
  switch (act) {
    case 'add': {
      const password = await readPassword(context, name);
      const grants = newGrants(options);
      await client.ask('POST', '/users', { body: { name, password, grants } });
      context.err(asLines([`vmrun: ${name}: made, ${grantWords(grants)}`]));
      return;
    }
    case 'passwd':
      await client.ask('PATCH', user, {
        body: {
          password: await readPassword(context, name),
          ...(options.role === undefined ? {} : { grants: newGrants(options) }),
        },
      });
      context.err(
        asLines([
          `vmrun: ${name}: the password is changed${options.role === undefined ? '' : `, ${grantWords(newGrants(options))}`}`,
        ]),
      );
      return;
    case 'remove':
      await client.ask('DELETE', user);
      context.err(asLines([`vmrun: ${name}: removed, with all tokens`]));
      return;
    default: {
      const users = listIn(await client.ask('GET', '/users'), 'users', client);
      const rows = users.map((each) => [textOf(each, 'name'), grantsOf(each), textOf(each, 'made')]);
      context.out(
        asLines(table([['NAME', 'MAY', 'MADE'], ...rows], { elastic: [1], width: context.columns?.(1) ?? Infinity })),
      );
    }
  }
}

async function tokenAct({
  act,
  name,
  options,
  client,
  context,
  user,
  endsMs,
}: Act & { readonly user: string | undefined; readonly endsMs: number }): Promise<void> {
  switch (act) {
    case 'add': {
      const ends = new Date(systemClock.now().getTime() + endsMs).toISOString();
      const grants = newGrants(options);
      const owner = user ?? 'root';
      const body = { name, user: owner, ends, grants };
      const { document } = await client.ask('POST', '/tokens', { body }).catch((error: unknown) => {
        throw user === undefined ? withFix(error, 'unknown-user', 'say whose it is: --user NAME') : error;
      });
      const token = textOf(document, 'token');
      if (token === '') throw strange(client);
      context.out(asText(`${token}\n`));
      context.err(asLines([`vmrun: ${name}: made, ${grantWords(grants)}, for ${owner}, until ${ends}`]));
      return;
    }
    case 'remove':
      await client.ask('DELETE', `/tokens/${encodeURIComponent(name)}`);
      context.err(asLines([`vmrun: ${name}: removed`]));
      return;
    default: {
      const tokens = listIn(await client.ask('GET', '/tokens'), 'tokens', client);
      const rows = tokens.map((each) => [
        ...['id', 'name', 'user'].map((key) => textOf(each, key)),
        grantsOf(each),
        textOf(each, 'ends'),
      ]);
      context.out(
        asLines(
          table([['ID', 'NAME', 'USER', 'MAY', 'ENDS'], ...rows], {
            elastic: [1, 3],
            width: context.columns?.(1) ?? Infinity,
          }),
        ),
      );
    }
  }
}

/** The same error, with what to do about one of its problems. */
const withFix = (error: unknown, code: string, fix: string): unknown =>
  error instanceof ProblemsError
    ? new ProblemsError(
        error.kind,
        error.source,
        error.problems.map((problem) => (problem.code === code ? { ...problem, fix } : problem)),
      )
    : error;

const valueOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;

function textOf(value: unknown, key: string): string {
  const found = valueOf(value, key);
  return typeof found === 'string' ? found : '';
}

function grantsOf(value: unknown): string {
  const grants = valueOf(value, 'grants');
  return Array.isArray(grants) ? grantWords(grants) : '';
}

const grantWords = (grants: readonly unknown[]): string =>
  grants.map((each) => `${textOf(each, 'role')} on ${textOf(each, 'group')}`).join(', ');

function listIn({ document }: { readonly document: unknown }, key: string, client: ManagerClient): readonly unknown[] {
  const list = valueOf(document, key);
  if (Array.isArray(list)) return list;
  throw strange(client);
}

const strange = ({ where }: ManagerClient): ProblemsError =>
  new ProblemsError('host', where, [
    {
      code: 'strange',
      severity: 'error',
      message: 'the manager answers what this vmrun does not understand',
      fix: 'are both of one version?',
    },
  ]);
