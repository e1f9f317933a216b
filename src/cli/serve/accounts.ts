import { Option } from '@commander-js/extra-typings';
import { ProblemsError } from '../../base/problem.js';
import { roles } from '../../manager/accounts/grants.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { managerClient, managerOptions, type ManagerClient } from '../manager-client.js';
import { duration } from '../option-values.js';
import { asLines, asText } from '../paint.js';
import { readPassword } from '../read-password.js';
import { table } from '../columns.js';
import { systemClock } from '../../host/clock.js';
import type { MakeSubcommand } from '../subcommand.js';

const acts = { user: ['add', 'passwd', 'remove', 'list'], token: ['add', 'remove', 'list'] } as const;

const notes = {
  user: `
A password is asked for at the terminal, else it is the first line of standard
input. Roles: view sees everything but passwords; operate starts and stops as
well; admin does everything, and on the group root may write specs, which makes
whoever has it root on this host.

Examples:
  vmrun serve user add anna --role operate
  vmrun serve user passwd root < new-password
  vmrun serve user list`,
  token: `
A token is for a program. It is printed once, alone, and nobody can see it again;
it may do no more than the user whose it is. NAME says what it is for; remove
takes the id that list shows.

Examples:
  vmrun serve token add backup --role view --ends 365d > /root/vmrun.token
  vmrun serve token list`,
} as const;

const longestDays = 3650;

/** `vmrun serve user` and `vmrun serve token`: who may use a manager over TCP. */
export const accountsCommand = (what: 'user' | 'token'): MakeSubcommand =>
  defineCommand({
    name: `serve ${what}`,
    description: what === 'user' ? 'Users of a manager, and their passwords.' : 'Tokens of a manager, for programs.',
    usage: `${acts[what].join('|')} [NAME] [options]`,
    notes: notes[what],
    declare: (command) => {
      const declared = command
        .argument('<act>')
        .argument('[name]')
        .addOption(new Option('--role <role>', 'what may be done').choices(roles))
        .option('--group <path>', 'on this group and all below it', 'root')
        .option('--user <name>', 'whose token it is', 'root')
        .option('--ends <time>', 'when a token ends, from now on; at most ten years', duration);
      for (const option of declared.options) {
        const isForeign = what === 'user' ? ['--user', '--ends'] : [];
        if (isForeign.includes(option.long ?? '')) option.hideHelp();
      }
      return managerOptions(declared);
    },
    run: async ({ context, command, operands: [act, name], options, refuse }) => {
      const known: readonly string[] = acts[what];
      if (!known.includes(act)) refuse(`${act} is none of ${known.join(', ')}`);
      if (act !== 'list' && name === undefined) refuse(`${act} takes a name`);
      if (act === 'list' && name !== undefined) refuse('list takes no name');
      const client = managerClient({ command, context });
      const grants = options.role === undefined ? undefined : [{ group: options.group, role: options.role }];
      if (what === 'user') await userAct({ act, name: name ?? '', grants, client, context });
      else {
        const ends = options.ends ?? 90 * 86_400_000;
        if (ends > longestDays * 86_400_000) refuse('a token ends within ten years');
        await tokenAct({ act, name: name ?? '', grants, client, context, user: options.user, endsMs: ends });
      }
      return exitCodes.ok;
    },
  });

interface Act {
  readonly act: string;
  readonly name: string;
  readonly grants: readonly { readonly group: string; readonly role: (typeof roles)[number] }[] | undefined;
  readonly client: ManagerClient;
  readonly context: Context;
}

async function userAct({ act, name, grants, client, context }: Act): Promise<void> {
  const user = `/users/${encodeURIComponent(name)}`;
  switch (act) {
    case 'add': {
      const password = await readPassword(context, name);
      await client.ask('POST', '/users', {
        body: { name, password, grants: grants ?? [{ group: 'root', role: 'view' }] },
      });
      context.err(asLines([`vmrun: ${name}: made`]));
      return;
    }
    case 'passwd':
      await client.ask('PATCH', user, {
        body: { password: await readPassword(context, name), ...(grants && { grants }) },
      });
      context.err(asLines([`vmrun: ${name}: the password is changed`]));
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
  grants,
  client,
  context,
  user,
  endsMs,
}: Act & { readonly user: string; readonly endsMs: number }): Promise<void> {
  switch (act) {
    case 'add': {
      const ends = new Date(systemClock.now().getTime() + endsMs).toISOString();
      const { document } = await client.ask('POST', '/tokens', {
        body: { name, user, ends, ...(grants && { grants }) },
      });
      const token = textOf(document, 'token');
      if (token === '') throw strange(client);
      context.out(asText(`${token}\n`));
      context.err(asLines([`vmrun: ${name}: made, for ${user}, until ${ends}`]));
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

const valueOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;

function textOf(value: unknown, key: string): string {
  const found = valueOf(value, key);
  return typeof found === 'string' ? found : '';
}

function grantsOf(value: unknown): string {
  const grants = valueOf(value, 'grants');
  return Array.isArray(grants)
    ? grants.map((each) => `${textOf(each, 'role')} on ${textOf(each, 'group')}`).join(', ')
    : '';
}

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
