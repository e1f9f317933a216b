import { rootGroup, type Grant } from '../../manager/accounts/grants.js';
import type { TokenView, User } from '../../manager/accounts/accounts.js';
import { httpError, WrongCredentials } from '../../server/http-error.js';
import type { Answer, Asked, Visitor } from '../../server/route.js';
import { lacksRole } from '../../server/visitor.js';
import type {
  AskerDocument,
  GroupListDocument,
  NewTokenDocument,
  TokenListDocument,
  UserListDocument,
} from './documents.js';
import type { NativeSite } from './site.js';

/** What the schemas of these routes have found to be so. */
interface Bodies {
  readonly name: string;
  readonly password: string;
  readonly current: string;
  readonly grants: readonly Grant[];
  readonly path: string;
  readonly ends: string;
  readonly user: string;
}
const bodyOf = <Key extends keyof Bodies>({ body }: Asked): Pick<Bodies, Key> => body as Pick<Bodies, Key>;
const optionsOf = <Key extends keyof Bodies>({ body }: Asked): Partial<Pick<Bodies, Key>> =>
  body as Partial<Pick<Bodies, Key>>;

const isAdmin = (asker: Visitor): boolean => asker.may('admin', rootGroup);

/** @throws HttpError for the socket, which is no user */
function userOf({ user }: Visitor): User {
  if (user !== undefined) return user;
  throw httpError(400, 'no-user', 'the UNIX socket is no user', 'name the user that is meant');
}

/** A token is for one purpose: it makes no others, and changes no password. */
function refuseToken(asker: Visitor): void {
  if (asker.via !== 'token' || isAdmin(asker)) return;
  throw httpError(403, 'no-right', 'a token may not do that', 'sign in, or use a token with the role admin on root');
}

export async function login({ accounts }: NativeSite, asked: Asked): Promise<Answer> {
  const { name, password } = bodyOf<'name' | 'password'>(asked);
  const user = await accounts.verify(name, password, asked.from);
  if (user === undefined) throw new WrongCredentials();
  const document: AskerDocument = { by: user.name, via: 'session', grants: user.grants };
  return { document, signIn: user };
}

export const logout = (): Answer => ({ signOut: true });

export function getAsker(_site: NativeSite, { asker: { by, via, user } }: Asked): Answer {
  const all: readonly Grant[] = [{ group: rootGroup, role: 'admin' }];
  const document: AskerDocument = { by, via, grants: via === 'socket' ? all : (user?.grants ?? []) };
  return { document };
}

export async function changePassword({ accounts }: NativeSite, asked: Asked): Promise<Answer> {
  const { name } = userOf(asked.asker);
  const { current, password } = bodyOf<'current' | 'password'>(asked);
  if (asked.asker.via === 'token') refuseToken(asked.asker);
  if ((await accounts.verify(name, current, asked.from)) === undefined) throw new WrongCredentials();
  await accounts.changeUser(name, { password });
  return { signOut: true };
}

export function listUsers({ accounts }: NativeSite): Answer {
  const document: UserListDocument = { users: accounts.users() };
  return { document };
}

export async function addUser({ accounts }: NativeSite, asked: Asked): Promise<Answer> {
  return { status: 201, document: await accounts.addUser(bodyOf<'name' | 'password' | 'grants'>(asked)) };
}

export async function changeUser({ accounts }: NativeSite, asked: Asked): Promise<Answer> {
  return { document: await accounts.changeUser(asked.params.user ?? '', optionsOf<'password' | 'grants'>(asked)) };
}

export function removeUser({ accounts }: NativeSite, asked: Asked): Answer {
  accounts.removeUser(asked.params.user ?? '');
  return {};
}

export function listTokens({ accounts }: NativeSite, { asker, query }: Asked): Answer {
  const own = (token: TokenView): boolean => isAdmin(asker) || token.user === asker.user?.name;
  const document: TokenListDocument = { tokens: accounts.tokens(query.user).filter(own) };
  return { document };
}

const usualTokenMs = 90 * 24 * 3_600_000;

export function addToken({ accounts, clock }: NativeSite, asked: Asked): Answer {
  const { asker } = asked;
  refuseToken(asker);
  const { name } = bodyOf<'name'>(asked);
  const { user = userOf(asker).name, ends, grants } = optionsOf<'user' | 'ends' | 'grants'>(asked);
  if (user !== asker.user?.name && !isAdmin(asker)) throw lacksRole(asker, 'admin', rootGroup);
  const { token, view } = accounts.makeToken({
    ...{ user, name },
    ends: ends ?? new Date(clock.now().getTime() + usualTokenMs).toISOString(),
    grants: grants ?? accounts.user(user)?.grants ?? [],
  });
  const document: NewTokenDocument = { ...view, token };
  return { status: 201, document };
}

export function removeToken({ accounts }: NativeSite, { asker, params: { id = '' } }: Asked): Answer {
  const isOwn = accounts.tokens(asker.user?.name).some((token) => token.id === id);
  // Of others' tokens nobody knows that there are any.
  if (!isAdmin(asker) && (!isOwn || asker.user === undefined))
    throw httpError(404, 'unknown-token', 'there is no such token');
  refuseToken(asker);
  accounts.removeToken(id);
  return {};
}

export function listGroups({ accounts }: NativeSite, { asker }: Asked): Answer {
  const document: GroupListDocument = { groups: accounts.groups().filter((group) => asker.may('view', group)) };
  return { document };
}

export function addGroup({ accounts }: NativeSite, asked: Asked): Answer {
  accounts.addGroup(bodyOf<'path'>(asked).path);
  return {};
}

export function removeGroup({ accounts, manager }: NativeSite, { params: { path = '' } }: Asked): Answer {
  if (!accounts.groups().includes(path))
    throw httpError(404, 'unknown-group', `there is no group ${JSON.stringify(path)}`);
  const vm = manager.vms().find(({ group }) => group === path);
  if (vm !== undefined)
    throw httpError(409, 'in-use', `group ${path} cannot be removed: ${vm.name} is in it`, 'put it into another group');
  accounts.removeGroup(path);
  return {};
}
