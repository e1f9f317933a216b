import { createHash, createHmac, randomBytes } from 'node:crypto';
import { ProblemsError, type Problem } from '../../base/problem.js';
import type { Clock } from '../../host/clock.js';
import { readAccounts, writeAccounts, type AccountData, type KeptToken, type KeptUser } from './account-file.js';
import { firstPassword } from './first-password.js';
import { covers, groupPattern, rootGroup, widerThan, type Grant } from './grants.js';
import { longestPassword, passwordHashing, shortestPassword, type Passwords } from './passwords.js';

/** A user, for others to see. */
export interface UserView {
  readonly name: string;
  readonly grants: readonly Grant[];
  /** ISO 8601. */
  readonly made: string;
}

/** A user who has shown who he is. */
export interface User extends UserView {
  /** Changes with the password: who has signed in with the one before has to do so again. */
  readonly stamp: string;
}

/** A token, for others to see: never the token itself. */
export interface TokenView {
  readonly id: string;
  /** Whose it is. */
  readonly user: string;
  /** What it is for, in the words of its owner. */
  readonly name: string;
  /** What it may be used for, as long as its owner may do it, too. */
  readonly grants: readonly Grant[];
  /** ISO 8601, both. */
  readonly made: string;
  readonly ends: string;
}

/** A token that is good, and its owner. */
export interface TokenHolder {
  readonly token: TokenView;
  readonly user: User;
}

export interface NewUser {
  readonly name: string;
  readonly password: string;
  readonly grants: readonly Grant[];
}

export interface NewToken {
  readonly user: string;
  readonly name: string;
  /** ISO 8601. */
  readonly ends: string;
  /** No wider than the owner's. */
  readonly grants: readonly Grant[];
}

/**
 * Users, their passwords and tokens, and the tree of groups; kept in one file, which is replaced at every change. What is
 * in the file counts, and nothing else does: what is refused as `not-kept` has not happened, or is in the file and may be
 * undone by a power cut. The problem says which.
 */
export interface Accounts {
  readonly users: () => readonly UserView[];
  readonly user: (name: string) => User | undefined;
  /** Remembers for a minute what was right, for protocols that send it with every request. @throws TooBusy */
  readonly verify: (name: string, password: string, from?: string) => Promise<User | undefined>;
  /** @throws ProblemsError `exists`, `bad-name`, `bad-password`, `unknown-group`, `not-kept` */
  readonly addUser: (user: NewUser) => Promise<UserView>;
  /** @throws ProblemsError `unknown-user`, `last-admin` and those of `addUser` */
  readonly changeUser: (
    name: string,
    changes: { readonly password?: string; readonly grants?: readonly Grant[] },
  ) => Promise<UserView>;
  /** With all tokens. @throws ProblemsError `unknown-user`, `last-admin`, `not-kept` */
  readonly removeUser: (name: string) => void;
  /** Of one user, or all. Those that have ended are not among them. */
  readonly tokens: (user?: string) => readonly TokenView[];
  /** @returns the token, which nobody can see again. @throws ProblemsError `unknown-user`, `too-wide`, `bad-time`, `not-kept` */
  readonly makeToken: (token: NewToken) => { readonly token: string; readonly view: TokenView };
  /** @throws ProblemsError `unknown-token`, `not-kept` */
  readonly removeToken: (id: string) => void;
  /** Undefined where there is no such token, it has ended, or its owner is gone. */
  readonly byToken: (token: string) => TokenHolder | undefined;
  /** Paths, `root` first. */
  readonly groups: () => readonly string[];
  /** @throws ProblemsError `exists`, `bad-name`, `unknown-group` (the one above), `not-kept` */
  readonly addGroup: (path: string) => void;
  /** @throws ProblemsError `unknown-group`, `in-use`, `not-kept` */
  readonly removeGroup: (path: string) => void;
}

export interface AccountOptions {
  /** Absolute, in a folder of ours. */
  readonly file: string;
  /** Holds root's password at the first start, or gets the one that is made. */
  readonly initialPasswordFile: string;
  readonly clock: Clock;
  /** Default: scrypt with its usual cost. */
  readonly passwords?: Passwords;
}

/** Accounts that are there to use, and whether they were made just now. */
export interface OpenedAccounts {
  readonly accounts: Accounts;
  /** This is the first start: root's password is in this file, or was. */
  readonly firstPassword?: { readonly file: string; readonly isMade: boolean };
}

/** Names of askers that are no users. */
const reserved = ['socket', 'signal', 'autostart', 'guest', 'policy', 'nobody'];
export const userPattern = '^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$';
/** What is like that pattern. */
export const userWords = 'the name of a user: up to 64 letters, digits and _ . @ -, the first a letter, a digit or _';
const userName = new RegExp(userPattern, 'u');
const groupPath = new RegExp(groupPattern, 'u');

/** How long a password that was right is not computed again. */
const rememberedMs = 60_000;
const mostRemembered = 1000;
/** A token has to end. */
const longestTokenMs = 10 * 366 * 24 * 3_600_000;

/**
 * Opens the accounts; at the first start there is `root`, who may do everything.
 * @throws ProblemsError where the file is damaged or of a newer vmrun, or the first password is none
 */
export async function openAccounts(options: AccountOptions): Promise<OpenedAccounts> {
  const { file, initialPasswordFile, clock, passwords = passwordHashing() } = options;
  const found = readAccounts(file);
  if (found !== undefined) return { accounts: accountsOf(found, { file, clock, passwords }) };
  const { password, isMade } = firstPassword(initialPasswordFile);
  const root: KeptUser = {
    name: 'root',
    password: await passwords.make(password),
    grants: [{ group: rootGroup, role: 'admin' }],
    made: clock.now().toISOString(),
  };
  const first: AccountData = { users: [root], tokens: [], groups: [rootGroup] };
  writeAccounts(file, first);
  return {
    accounts: accountsOf(first, { file, clock, passwords }),
    firstPassword: { file: initialPasswordFile, isMade },
  };
}

const refuse = (source: string, code: string, message: string, fix?: string): never => {
  const problem: Problem = { code, severity: 'error', message, ...(fix === undefined ? {} : { fix }) };
  throw new ProblemsError('usage', source, [problem]);
};

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

function accountsOf(
  first: AccountData,
  { file, clock, passwords }: Pick<Required<AccountOptions>, 'file' | 'clock' | 'passwords'>,
): Accounts {
  let data = first;
  const remembered = rememberedCredentials(clock);

  /**
   * What was refused counts only where its file has it all the same, because the folder alone could not be synced: so this
   * manager and the next one say the same of who may do what.
   */
  function keep(next: AccountData): void {
    try {
      writeAccounts(file, next);
    } catch (error) {
      data = readAgain() ?? data;
      throw error;
    }
    data = next;
  }

  function readAgain(): AccountData | undefined {
    try {
      return readAccounts(file);
    } catch {
      return undefined;
    }
  }

  const userOf = (name: string): KeptUser | undefined => data.users.find((user) => user.name === name);

  const known = (name: string): KeptUser =>
    userOf(name) ?? refuse(name, 'unknown-user', `there is no user ${JSON.stringify(name)}`);

  function checkGrants(source: string, grants: readonly Grant[]): void {
    const unknown = grants.find(({ group }) => !data.groups.includes(group));
    if (unknown !== undefined)
      refuse(source, 'unknown-group', `there is no group ${JSON.stringify(unknown.group)}`, 'make the group first');
  }

  /** Without an admin of all nobody could make another one over TCP, nor be told what is wrong. */
  function refuseWithoutAdmin(name: string, left: readonly KeptUser[]): void {
    const hasAdmin = (users: readonly KeptUser[]): boolean =>
      users.some(({ grants }) => covers(grants, 'admin', rootGroup));
    if (!hasAdmin(data.users) || hasAdmin(left)) return;
    refuse(
      name,
      'last-admin',
      `${name} is the last user with the role admin on ${rootGroup}`,
      'make another one first: vmrun serve user add NAME --role admin',
    );
  }

  function reasonToKeep(path: string): string | undefined {
    if (path === rootGroup) return 'all groups are below it';
    const below = data.groups.find((group) => group.startsWith(`${path}/`));
    if (below !== undefined) return `${below} is below it`;
    const holder = [...data.users, ...data.tokens].find(({ grants }) => grants.some(({ group }) => group === path));
    return holder === undefined ? undefined : `${holder.name} has a role on it`;
  }

  const isOver = ({ ends }: KeptToken): boolean => Date.parse(ends) <= clock.now().getTime();

  return {
    users: () => data.users.map(userView),
    user: (name) => {
      const user = userOf(name);
      return user === undefined ? undefined : provenUser(user);
    },
    async verify(name, password, from) {
      const user = userOf(name);
      const stamp = user?.password.hash ?? '';
      if (user !== undefined && remembered.has(name, password, stamp)) return provenUser(user);
      // Nobody has an empty one, and one that is too long would only cost time.
      const isPossible = password !== '' && Buffer.byteLength(password) <= longestPassword;
      const isRight = await passwords.matches(isPossible ? password : '', user?.password, from);
      const now = userOf(name);
      if (!isRight || !isPossible || now?.password.hash !== stamp) return undefined;
      remembered.add(name, password, stamp);
      return provenUser(now);
    },
    async addUser({ name, password, grants }) {
      if (!userName.test(name) || reserved.includes(name))
        refuse(
          name,
          'bad-name',
          `${JSON.stringify(name)} cannot be the name of a user`,
          'use letters, digits and _ . @ -',
        );
      checkPassword(name, password);
      const refuseTwin = (): void => {
        if (userOf(name) !== undefined) refuse(name, 'exists', `there is a user ${name} already`);
      };
      refuseTwin();
      checkGrants(name, grants);
      const user = { name, password: await passwords.make(password), grants, made: clock.now().toISOString() };
      // Somebody else may have been quicker.
      refuseTwin();
      keep({ ...data, users: [...data.users, user] });
      return userView(user);
    },
    async changeUser(name, { password, grants }) {
      known(name);
      if (grants !== undefined) checkGrants(name, grants);
      if (password !== undefined) checkPassword(name, password);
      const hash = password === undefined ? undefined : await passwords.make(password);
      const user = known(name);
      const next = {
        ...user,
        ...(hash === undefined ? {} : { password: hash }),
        ...(grants === undefined ? {} : { grants }),
      };
      const users = data.users.map((each) => (each.name === name ? next : each));
      refuseWithoutAdmin(name, users);
      keep({ ...data, users });
      return userView(next);
    },
    removeUser(name) {
      known(name);
      const users = data.users.filter((user) => user.name !== name);
      refuseWithoutAdmin(name, users);
      keep({ ...data, users, tokens: data.tokens.filter((token) => token.user !== name) });
    },
    tokens: (user) =>
      data.tokens.filter((token) => !isOver(token) && (user === undefined || token.user === user)).map(tokenView),
    makeToken({ user, name, ends, grants }) {
      const owner = known(user);
      checkGrants(user, grants);
      const wider = widerThan(grants, owner.grants);
      if (wider !== undefined)
        refuse(user, 'too-wide', `a token cannot be ${wider.role} of ${wider.group}: ${user} is not`);
      const now = clock.now().getTime();
      const end = Date.parse(ends);
      if (!(end > now && end <= now + longestTokenMs))
        refuse(user, 'bad-time', `a token cannot end at ${ends}`, 'give a time within the next ten years');
      const token = `vmrun_${randomBytes(32).toString('base64url')}`;
      const kept: KeptToken = {
        id: randomBytes(8).toString('hex'),
        ...{ user, name, grants, hash: hashOf(token) },
        made: new Date(now).toISOString(),
        ends: new Date(end).toISOString(),
      };
      // Those that have ended need not be kept for ever.
      keep({ ...data, tokens: [...data.tokens.filter((each) => !isOver(each)), kept] });
      return { token, view: tokenView(kept) };
    },
    removeToken(id) {
      if (!data.tokens.some((token) => token.id === id)) refuse(id, 'unknown-token', 'there is no such token');
      keep({ ...data, tokens: data.tokens.filter((token) => token.id !== id) });
    },
    byToken(token) {
      const hash = hashOf(token);
      const found = data.tokens.find((each) => each.hash === hash);
      const owner = found === undefined || isOver(found) ? undefined : userOf(found.user);
      return found === undefined || owner === undefined
        ? undefined
        : { token: tokenView(found), user: provenUser(owner) };
    },
    groups: () => data.groups,
    addGroup(path) {
      if (!groupPath.test(path))
        refuse(
          path,
          'bad-name',
          `${JSON.stringify(path)} cannot be a group`,
          'write root/NAME, or more names below it',
        );
      if (data.groups.includes(path)) refuse(path, 'exists', `there is a group ${path} already`);
      const above = path.slice(0, path.lastIndexOf('/'));
      if (!data.groups.includes(above))
        refuse(path, 'unknown-group', `there is no group ${above}`, 'make that one first');
      keep({ ...data, groups: [...data.groups, path].sort() });
    },
    removeGroup(path) {
      if (!data.groups.includes(path)) refuse(path, 'unknown-group', `there is no group ${path}`);
      const why = reasonToKeep(path);
      if (why !== undefined) refuse(path, 'in-use', `group ${path} cannot be removed: ${why}`);
      keep({ ...data, groups: data.groups.filter((each) => each !== path) });
    },
  };
}

function checkPassword(source: string, password: string): void {
  if (Array.from(password).length < shortestPassword)
    refuse(source, 'bad-password', `a password has at least ${shortestPassword} characters`);
  if (Buffer.byteLength(password) > longestPassword)
    refuse(source, 'bad-password', `a password has at most ${longestPassword} bytes`);
}

const userView = ({ name, grants, made }: KeptUser): UserView => ({ name, grants, made });
const provenUser = (user: KeptUser): User => ({ ...userView(user), stamp: user.password.hash });
const tokenView = ({ id, user, name, grants, made, ends }: KeptToken): TokenView => ({
  ...{ id, user, name, grants, made, ends },
});

/** Nobody who reads our memory finds a password there: a key that dies with this process stands for each. */
function rememberedCredentials(clock: Clock) {
  const key = randomBytes(32);
  const until = new Map<string, number>();
  const markOf = (...parts: readonly string[]): string =>
    createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64');
  return {
    has(name: string, password: string, stamp: string): boolean {
      return (until.get(markOf(name, password, stamp)) ?? -Infinity) > clock.monotonicMs();
    },
    add(name: string, password: string, stamp: string): void {
      const now = clock.monotonicMs();
      for (const [mark, end] of until) if (end <= now || until.size >= mostRemembered) until.delete(mark);
      until.set(markOf(name, password, stamp), now + rememberedMs);
    },
  };
}
