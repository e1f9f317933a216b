import { scryptSync } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ProblemsError } from '../../src/base/problem.js';
import { openAccounts, type AccountOptions, type Accounts } from '../../src/manager/accounts/accounts.js';
import { covers, widerThan, type Grant, type Role } from '../../src/manager/accounts/grants.js';
import { passwordHashing, TooBusy, type Passwords } from '../../src/manager/accounts/passwords.js';
import { inPlace, type Place } from '../e2e/support/place.js';
import { adminOfAll, inAnHour, quickPasswords, rootPassword } from '../support/served.js';
import { steppedClock } from '../support/stepped-clock.js';

const optionsIn = (place: Place): AccountOptions => ({
  file: place.path('accounts.json'),
  initialPasswordFile: place.path('initial-password'),
  clock: steppedClock(),
  passwords: quickPasswords(),
});

async function opened(place: Place, options: Partial<AccountOptions> = {}): Promise<Accounts> {
  place.write('initial-password', `${rootPassword}\n`, 0o600);
  return (await openAccounts({ ...optionsIn(place), ...options })).accounts;
}

const codesOf = async (act: () => unknown): Promise<readonly string[]> => {
  try {
    await act();
    return [];
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
    return error.problems.map(({ code }) => code);
  }
};

describe('the first start', () => {
  test('makes root, with a password that nobody else can read', async () => {
    await inPlace(async (place) => {
      const { accounts, firstPassword } = await openAccounts(optionsIn(place));
      expect(firstPassword).toEqual({ file: place.path('initial-password'), isMade: true });
      expect(statSync(place.path('initial-password')).mode & 0o777).toBe(0o600);
      const password = readFileSync(place.path('initial-password'), 'utf8').trim();
      expect(password.length).toBeGreaterThan(20);
      expect(await accounts.verify('root', password)).toMatchObject({ name: 'root', grants: adminOfAll });
      expect(readFileSync(place.path('accounts.json'), 'utf8')).not.toContain(password);
      expect(statSync(place.path('accounts.json')).mode & 0o777).toBe(0o600);
    });
  });

  test('takes the password that is there, and only then', async () => {
    await inPlace(async (place) => {
      const accounts = await opened(place);
      expect(await accounts.verify('root', rootPassword)).toBeDefined();
      place.write('initial-password', 'another password', 0o600);
      const again = await openAccounts(optionsIn(place));
      expect(again.firstPassword).toBeUndefined();
      expect(await again.accounts.verify('root', 'another password')).toBeUndefined();
      expect(await again.accounts.verify('root', rootPassword)).toBeDefined();
    });
  });

  test.each([
    [0o640, rootPassword],
    [0o604, rootPassword],
    [0o600, 'short'],
    [0o600, ''],
    [0o600, 'two lines\nof text'],
  ])('refuses a file of mode %o that holds %j', async (mode, content) => {
    await inPlace(async (place) => {
      place.write('initial-password', content, mode);
      expect(await codesOf(() => openAccounts(optionsIn(place)))).toEqual(['initial-password']);
      expect(existsSync(place.path('accounts.json'))).toBe(false);
    });
  });
});

describe('the file of accounts', () => {
  test('has what it had when it is opened again', async () => {
    await inPlace(async (place) => {
      const first = await opened(place);
      first.addGroup('root/web');
      await first.addUser({ name: 'anna', password: 'a good one', grants: [{ group: 'root/web', role: 'operate' }] });
      const { token } = first.makeToken({ user: 'anna', name: 'ci', ends: inAnHour(), grants: [] });
      const { accounts: again } = await openAccounts(optionsIn(place));
      expect(again.users()).toEqual(first.users());
      expect(again.groups()).toEqual(['root', 'root/web']);
      expect(again.byToken(token)?.user.name).toBe('anna');
      expect(readFileSync(place.path('accounts.json'), 'utf8')).not.toContain(token);
    });
  });

  test.each([
    ['newer-version', '{"version":2,"users":[],"tokens":[],"groups":[],"more":1}'],
    ['damaged', '{"version":1,"users":['],
    ['damaged', '{"version":1,"users":[{"name":"root"}],"tokens":[],"groups":["root"]}'],
    ['damaged', ''],
  ])('is left as it is where it is %s: %s', async (code, content) => {
    await inPlace(async (place) => {
      place.write('accounts.json', content, 0o600);
      expect(await codesOf(() => openAccounts(optionsIn(place)))).toEqual([code]);
      expect(readFileSync(place.path('accounts.json'), 'utf8')).toBe(content);
    });
  });

  test('that is cut at any byte is refused whole, and left as it is', async () => {
    await inPlace(async (place) => {
      const first = await opened(place);
      first.addGroup('root/web');
      await first.addUser({ name: 'anna', password: 'a good one', grants: [{ group: 'root/web', role: 'operate' }] });
      first.makeToken({ user: 'anna', name: 'ci', ends: inAnHour(), grants: [] });
      rmSync(place.path('initial-password'), { force: true });
      const file = place.path('accounts.json');
      const text = readFileSync(file, 'utf8');
      expect(text.endsWith('}\n')).toBe(true);
      // Without its last line feed it is whole.
      for (let length = 0; length < text.length - 1; length += 1) {
        writeFileSync(file, text.slice(0, length));
        const codes = await codesOf(() => openAccounts(optionsIn(place)));
        expect([length, codes]).toEqual([length, ['damaged']]);
        expect(readFileSync(file, 'utf8')).toBe(text.slice(0, length));
      }
      // Nobody has become root by it.
      expect(existsSync(place.path('initial-password'))).toBe(false);
      writeFileSync(file, text.trimEnd());
      const { accounts: again } = await openAccounts(optionsIn(place));
      expect([again.users(), again.tokens(), again.groups()]).toEqual([first.users(), first.tokens(), first.groups()]);
    });
  });

  test('is the truth: what cannot be written has not happened', async () => {
    await inPlace(async (place) => {
      const accounts = await opened(place);
      const before = readFileSync(place.path('accounts.json'));
      // Nothing can be written through a folder.
      mkdirSync(place.path('.accounts.json.new'));
      writeFileSync(place.path('.accounts.json.new/kept'), '');
      const user = { name: 'anna', password: 'a good one', grants: [] };
      expect(await codesOf(() => accounts.addUser(user))).toEqual(['not-kept']);
      expect(
        await codesOf(() => {
          accounts.addGroup('root/a');
        }),
      ).toEqual(['not-kept']);
      expect([accounts.users().length, accounts.groups()]).toEqual([1, ['root']]);
      expect(readFileSync(place.path('accounts.json'))).toEqual(before);
    });
  });
});

describe('a user', () => {
  test.each([
    ['bad-name', { name: '../root' }],
    ['bad-name', { name: '' }],
    ['bad-name', { name: 'socket' }],
    ['exists', { name: 'root' }],
    ['bad-password', { password: '' }],
    ['bad-password', { password: '1234567' }],
    ['bad-password', { password: 'x'.repeat(1025) }],
    ['unknown-group', { grants: [{ group: 'root/nowhere', role: 'view' } as const] }],
  ])('is refused: %s %j', async (code, wrong) => {
    await inPlace(async (place) => {
      const accounts = await opened(place);
      const user = { name: 'anna', password: 'a good one', grants: [], ...wrong };
      expect(await codesOf(() => accounts.addUser(user))).toEqual([code]);
      expect(accounts.users()).toHaveLength(1);
    });
  });

  test('that two make at the same time is made once', async () => {
    await inPlace(async (place) => {
      const accounts = await opened(place);
      const user = { name: 'anna', password: 'a good one', grants: [] };
      const made = await Promise.all([codesOf(() => accounts.addUser(user)), codesOf(() => accounts.addUser(user))]);
      expect(made.flat()).toEqual(['exists']);
      expect(accounts.users()).toHaveLength(2);
    });
  });

  test('who is removed takes his tokens with him', async () => {
    await inPlace(async (place) => {
      const accounts = await opened(place);
      await accounts.addUser({ name: 'anna', password: 'a good one', grants: adminOfAll });
      const { token } = accounts.makeToken({ user: 'anna', name: 'ci', ends: inAnHour(), grants: adminOfAll });
      accounts.removeUser('anna');
      expect(accounts.byToken(token)).toBeUndefined();
      expect(accounts.tokens()).toEqual([]);
    });
  });

  test('who is the last admin of root is neither removed nor made less, until there is another', async () => {
    await inPlace(async (place) => {
      const accounts = await opened(place);
      await accounts.addUser({ name: 'anna', password: 'a good one', grants: [{ group: 'root', role: 'operate' }] });
      const remove = () => {
        accounts.removeUser('root');
      };
      expect(await codesOf(remove)).toEqual(['last-admin']);
      expect(await codesOf(() => accounts.changeUser('root', { grants: [] }))).toEqual(['last-admin']);
      expect(accounts.user('root')?.grants).toEqual(adminOfAll);
      await accounts.changeUser('root', { password: 'another one' });
      await accounts.changeUser('anna', { grants: adminOfAll });
      expect(await codesOf(remove)).toEqual([]);
      expect(await codesOf(() => accounts.changeUser('anna', { grants: [] }))).toEqual(['last-admin']);
    });
  });
});

describe('a password', () => {
  test('that is empty, wrong or of nobody lets nobody in', async () => {
    await inPlace(async (place) => {
      const accounts = await opened(place);
      for (const [name, password] of [
        ['root', ''],
        ['root', `${rootPassword} `],
        ['root', 'x'.repeat(100_000)],
        ['nobody-here', rootPassword],
        ['nobody-here', ''],
      ] as const)
        expect([name, await accounts.verify(name, password)]).toEqual([name, undefined]);
    });
  });

  test('that was right is not computed again for a minute, unless it has changed', async () => {
    await inPlace(async (place) => {
      const clock = steppedClock();
      let computed = 0;
      const real = quickPasswords();
      const passwords: Passwords = {
        make: real.make,
        matches: (...given) => {
          computed += 1;
          return real.matches(...given);
        },
      };
      const accounts = await opened(place, { clock, passwords });
      await accounts.verify('root', rootPassword);
      await accounts.verify('root', rootPassword);
      expect(computed).toBe(1);
      expect(await accounts.verify('root', 'a wrong one')).toBeUndefined();
      clock.advance(60_001);
      await accounts.verify('root', rootPassword);
      expect(computed).toBe(3);
      await accounts.changeUser('root', { password: 'another one' });
      expect(await accounts.verify('root', rootPassword)).toBeUndefined();
      expect(await accounts.verify('root', 'another one')).toBeDefined();
    });
  });

  test('is computed one at a time, and not more than some wait', async () => {
    const passwords = passwordHashing([2 ** 12, 8, 1]);
    const order: number[] = [];
    const all = Array.from({ length: 40 }, async (_, index) => {
      await passwords.make(`password ${index}`);
      order.push(index);
    });
    const found = await Promise.allSettled(all);
    expect(order).toEqual(Array.from({ length: 32 }, (_, index) => index));
    const refused = found.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    expect(refused).toHaveLength(8);
    expect(refused.every((reason) => reason instanceof TooBusy)).toBe(true);
  });

  test('of somebody else waits behind one of a host that guesses, which gives up its last place to it', async () => {
    const passwords = passwordHashing([2 ** 10, 8, 1]);
    const order: string[] = [];
    const check = async (from: string, index: number): Promise<void> => {
      try {
        await passwords.matches('a guess', undefined, from);
        order.push(`${from} ${index}`);
      } catch (error) {
        order.push(`${from} ${index} ${error instanceof TooBusy ? 'busy' : String(error)}`);
      }
    };
    const guesses = Array.from({ length: 33 }, (_, index) => check('bad', index));
    await Promise.all([...guesses, check('good', 0), check('other', 0)]);
    expect(order.filter((line) => line.endsWith('busy')).sort()).toEqual(['bad 30 busy', 'bad 31 busy', 'bad 32 busy']);
    expect(order.filter((line) => !line.endsWith('busy')).slice(0, 5)).toEqual([
      ...['bad 0', 'bad 1', 'good 0', 'other 0', 'bad 2'],
    ]);
    expect(order).toHaveLength(35);
  });

  test('is kept as scrypt has it, at a cost of 32 MiB', async () => {
    const { salt, hash, cost } = await passwordHashing().make('a good one');
    const [N, r, p] = cost;
    expect([N * r * 128 >= 32 * 1024 * 1024, p >= 1]).toEqual([true, true]);
    const key = scryptSync('a good one', Buffer.from(salt, 'base64'), 32, { N, r, p, maxmem: 256 * N * r });
    expect(hash).toBe(key.toString('base64'));
  });

  test('is kept with a salt of its own', async () => {
    const passwords = quickPasswords();
    const [one, other] = [await passwords.make('the same one'), await passwords.make('the same one')];
    expect(one.hash).not.toBe(other.hash);
    expect(await passwords.matches('the same one', other)).toBe(true);
  });
});

describe('a token', () => {
  test('is not wider than its owner', async () => {
    await inPlace(async (place) => {
      const accounts = await opened(place);
      accounts.addGroup('root/web');
      await accounts.addUser({
        name: 'anna',
        password: 'a good one',
        grants: [{ group: 'root/web', role: 'operate' }],
      });
      const token = (grants: readonly Grant[]) =>
        codesOf(() => accounts.makeToken({ user: 'anna', name: 'ci', ends: inAnHour(), grants }));
      expect(await token([{ group: 'root/web', role: 'admin' }])).toEqual(['too-wide']);
      expect(await token([{ group: 'root', role: 'view' }])).toEqual(['too-wide']);
      expect(await token([{ group: 'root/web', role: 'view' }])).toEqual([]);
    });
  });

  test('ends', async () => {
    await inPlace(async (place) => {
      let now = Date.now();
      const clock = { ...steppedClock(), now: () => new Date(now) };
      const accounts = await opened(place, { clock });
      const ends = new Date(now + 1000).toISOString();
      const { token } = accounts.makeToken({ user: 'root', name: 'ci', ends, grants: [] });
      expect(accounts.byToken(token)).toBeDefined();
      now += 1000;
      expect(accounts.byToken(token)).toBeUndefined();
      expect(accounts.tokens()).toEqual([]);
    });
  });

  test.each([['2001-01-01T00:00:00Z'], ['2999-01-01T00:00:00Z'], ['soon']])('cannot end at %s', async (ends) => {
    await inPlace(async (place) => {
      const accounts = await opened(place);
      expect(await codesOf(() => accounts.makeToken({ user: 'root', name: 'ci', ends, grants: [] }))).toEqual([
        'bad-time',
      ]);
    });
  });
});

describe('a group', () => {
  test.each([
    ['bad-name', 'web'],
    ['bad-name', 'root/../web'],
    ['bad-name', 'root/'],
    ['unknown-group', 'root/a/b'],
    ['exists', 'root'],
  ])('is refused: %s %s', async (code, path) => {
    await inPlace(async (place) => {
      const accounts = await opened(place);
      expect(
        await codesOf(() => {
          accounts.addGroup(path);
        }),
      ).toEqual([code]);
    });
  });

  test('is kept as long as somebody needs it', async () => {
    await inPlace(async (place) => {
      const accounts = await opened(place);
      for (const group of ['root/a', 'root/a/b', 'root/c']) accounts.addGroup(group);
      await accounts.addUser({ name: 'anna', password: 'a good one', grants: [{ group: 'root/c', role: 'view' }] });
      const remove = (path: string) =>
        codesOf(() => {
          accounts.removeGroup(path);
        });
      expect(await remove('root')).toEqual(['in-use']);
      expect(await remove('root/a')).toEqual(['in-use']);
      expect(await remove('root/c')).toEqual(['in-use']);
      expect(await remove('root/a/b')).toEqual([]);
      expect(await remove('root/a')).toEqual([]);
      expect(accounts.groups()).toEqual(['root', 'root/c']);
    });
  });
});

test.each<[Grant['group'], Role, string, Role, boolean]>([
  ['root', 'admin', 'root', 'admin', true],
  ['root', 'admin', 'root/web/a', 'view', true],
  ['root', 'view', 'root', 'operate', false],
  ['root/web', 'operate', 'root/web', 'view', true],
  ['root/web', 'operate', 'root/web/a', 'operate', true],
  ['root/web', 'operate', 'root', 'view', false],
  ['root/web', 'operate', 'root/website', 'view', false],
  ['root/web', 'operate', 'root/web', 'admin', false],
])('%s %s covers %s %s: %s', (group, role, on, wanted, isCovered) => {
  expect(covers([{ group, role }], wanted, on)).toBe(isCovered);
  expect(widerThan([{ group: on, role: wanted }], [{ group, role }]) === undefined).toBe(isCovered);
});
