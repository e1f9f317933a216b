import { describe, expect, test } from '@jest/globals';
import { autostartOf, type Autostart } from '../../src/fields/autostart.js';
import { parseSpecValue } from '../../src/spec/parse-spec.js';
import { codesAt, minimal, planOf, problemsOf } from '../support/specs.js';

const byDefault: Autostart = {
  isAutomatic: true,
  after: [],
  ready: { sign: { kind: 'alive', ms: 1000 }, timeoutMs: 120_000 },
  delayMs: 0,
  onFailure: 'skip',
};

async function autostartIn(spec: object): Promise<Autostart> {
  const parsed = await parseSpecValue({ name: 'a value', value: spec, resolveFile: (file) => file });
  if (!parsed.ok || parsed.problems.length > 0) throw new Error(JSON.stringify(parsed.problems));
  return autostartOf(parsed.spec.effective('default').vm);
}

describe('autostart', () => {
  test('is off where the spec does not say it', async () => {
    expect(await autostartIn(minimal)).toEqual({ ...byDefault, isAutomatic: false });
  });

  test.each<[says: unknown, means: Partial<Autostart>]>([
    [true, {}],
    [false, { isAutomatic: false }],
    [{}, {}],
    [{ after: ['db', 'cache', 'db'] }, { after: ['db', 'cache'] }],
    [
      { delay: '1min', on_failure: 'start' },
      { delayMs: 60_000, onFailure: 'start' },
    ],
    [{ ready: { timeout: 5 } }, { ready: { sign: { kind: 'alive', ms: 1000 }, timeoutMs: 5000 } }],
    [
      { ready: { tcp: '[fd00::5]:22' } },
      { ready: { sign: { kind: 'tcp', host: 'fd00::5', port: 22 }, timeoutMs: 120_000 } },
    ],
    [
      { ready: { tcp: 'db.example.org:5432', timeout: '90s' } },
      { ready: { sign: { kind: 'tcp', host: 'db.example.org', port: 5432 }, timeoutMs: 90_000 } },
    ],
    [{ ready: { console: 'login:' } }, { ready: { sign: { kind: 'console', text: 'login:' }, timeoutMs: 120_000 } }],
    [
      { ready: { command: "is-up 'the web'" } },
      { ready: { sign: { kind: 'command', argv: ['is-up', 'the web'] }, timeoutMs: 120_000 } },
    ],
  ])('%j is understood', async (autostart, meaning) => {
    expect(await autostartIn({ ...minimal, autostart })).toEqual({ ...byDefault, ...meaning });
  });

  test.each<[says: unknown, told: readonly string[]]>([
    ['yes', ['wrong-type /autostart']],
    [{ after: ['vm0'] }, ['autostart-loop /autostart/after/0']],
    [{ after: ['a/b'] }, ['wrong-text /autostart/after/0']],
    [{ before: ['db'] }, ['unknown-field /autostart/before']],
    [{ on_failure: 'retry' }, ['not-allowed /autostart/on_failure']],
    [{ delay: '366d' }, ['out-of-range /autostart/delay']],
    [{ ready: { tcp: '10.0.0.5' } }, ['wrong-text /autostart/ready/tcp']],
    [{ ready: { tcp: 'fd00::5:22' } }, ['wrong-text /autostart/ready/tcp']],
    [{ ready: { tcp: '10.0.0.5:70000' } }, ['ready-port /autostart/ready/tcp']],
    [{ ready: { tcp: '[fd00:::5]:22' } }, ['ready-address /autostart/ready/tcp']],
    [
      { ready: { tcp: '10.0.0.5:22', console: 'login:' } },
      ['ready-twice /autostart/ready', 'ready-console /autostart/ready/console'],
    ],
    [{ ready: { console: 'login:' } }, ['ready-console /autostart/ready/console']],
    [{ ready: { command: '"open' } }, ['quoting /autostart/ready/command']],
    [{ ready: { command: 'up | grep yes' } }, ['hook-shell /autostart/ready/command']],
    [{ ready: { timeout: 0 } }, ['ready-timeout /autostart/ready/timeout']],
  ])('%j is told at its place', async (autostart, told) => {
    expect(codesAt(await problemsOf({ ...minimal, name: 'vm0', autostart }))).toEqual(told);
  });

  test.each<[what: string, says: object, told: readonly string[]]>([
    ['a com port', { com2: 'console' }, []],
    ['another terminal', { com1: '/dev/nmdm0A' }, ['ready-console /autostart/ready/console']],
    [
      'the console of another target',
      { targets: { install: { com1: 'console' } } },
      ['ready-console /autostart/ready/console'],
    ],
    ['the console of every target but one', { com1: 'console', targets: { install: { com1: 'stdio' } } }, []],
  ])('a text is awaited on the console that vmrun serves: %s', async (_what, says, told) => {
    const problems = await problemsOf({ ...minimal, ...says, autostart: { ready: { console: 'login:' } } });
    expect(codesAt(problems)).toEqual(told);
  });

  test('is the same in every target', async () => {
    const targets = { install: { autostart: true } };
    const problems = await problemsOf({ ...minimal, targets });
    expect(codesAt(problems)).toEqual(['unknown-field /targets/install/autostart']);
    expect(problems[0]?.fix).toBe('it belongs to the spec itself and is the same in every target');
  });

  test('changes nothing of what bhyve is told', async () => {
    const spec = { ...minimal, autostart: { after: ['db'], ready: { tcp: '10.0.0.5:22' } } };
    expect((await planOf(spec)).argv).toEqual((await planOf(minimal)).argv);
  });
});
