import { describe, expect, test } from '@jest/globals';
import { codesAt, minimal, planOf, problemsOf, specOf, machineOf, told, type SpecObject } from '../support/specs.js';

describe('how a VM is to be treated', () => {
  test('is by default: it boots again when it reboots, a stop waits a minute', async () => {
    expect((await planOf(minimal)).policy).toEqual({
      rebootOn: ['reboot'],
      nextTarget: {},
      restart: { max: undefined, windowMs: 60_000, delayMs: 100, maxDelayMs: 10_000, stableMs: 10_000 },
      onGiveUp: undefined,
      stopTimeoutMs: 60_000,
      hooks: { timeoutMs: 30_000 },
    });
  });

  test('is as the spec says', async () => {
    const spec = {
      ...minimal,
      reboot_on: [0, 'halt', 3, 'reboot', 'signal', 'suspend'],
      next_target: { error: 'default', signal: 'rescue' },
      restart: { max: 5, window: '1h', delay: 0, max_delay: 0.5, stable: '1min' },
      on_give_up: 'rescue',
      stop_timeout: '2min',
      hooks: {
        pre_start: ['/bin/prepare', 'a b', '$HOME'],
        post_start: "/bin/up 'two words'",
        pre_reboot: '/bin/between',
        post_stop: ['/bin/down'],
        timeout: '1.5min',
      },
      targets: { rescue: {} },
    };
    expect((await planOf(spec)).policy).toEqual({
      rebootOn: ['reboot', 'halt', 'triple_fault', 'signal', 'suspend'],
      nextTarget: { error: 'default', signal: 'rescue' },
      restart: { max: 5, windowMs: 3_600_000, delayMs: 0, maxDelayMs: 500, stableMs: 60_000 },
      onGiveUp: 'rescue',
      stopTimeoutMs: 120_000,
      hooks: {
        preStart: ['/bin/prepare', 'a b', '$HOME'],
        postStart: ['/bin/up', 'two words'],
        preReboot: ['/bin/between'],
        postStop: ['/bin/down'],
        timeoutMs: 90_000,
      },
    });
  });

  test('an exit status stands for its reason', async () => {
    expect((await planOf({ ...minimal, reboot_on: [0, 1, 2, 3, 4] })).policy.rebootOn).toEqual([
      'reboot',
      'power_off',
      'halt',
      'triple_fault',
      'error',
    ]);
  });

  test('one next target is that of every reason', async () => {
    expect((await planOf({ ...minimal, next_target: 'default' })).policy.nextTarget).toEqual({
      reboot: 'default',
      power_off: 'default',
      halt: 'default',
      triple_fault: 'default',
      error: 'default',
      suspend: 'default',
      signal: 'default',
    });
  });

  test('post_start_script is hooks.post_start', async () => {
    const { hooks } = (await planOf({ ...minimal, post_start_script: "/bin/up 'a b'", hooks: { timeout: 5 } })).policy;
    expect(hooks).toEqual({ postStart: ['/bin/up', 'a b'], timeoutMs: 5000 });
  });

  test('each field is that of the target, as a whole', async () => {
    const spec = await specOf({
      ...minimal,
      restart: { max: 5, stable: '1min' },
      on_give_up: 'a',
      hooks: { pre_start: '/bin/x', timeout: 5 },
      targets: {
        a: { on_give_up: 'stop', hooks: { post_stop: '/bin/y' } },
        b: { inherits: 'a', restart: { max: 1 } },
      },
    });
    expect(['default', 'a', 'b'].map((target) => machineOf(spec, target).policy)).toMatchObject([
      { onGiveUp: 'a', restart: { max: 5, stableMs: 60_000 }, hooks: { preStart: ['/bin/x'], timeoutMs: 5000 } },
      { onGiveUp: undefined, restart: { max: 5, stableMs: 60_000 } },
      { onGiveUp: undefined, restart: { max: 1, stableMs: 10_000 } },
    ]);
    expect(machineOf(spec, 'a').policy.hooks).toEqual({ postStop: ['/bin/y'], timeoutMs: 30_000 });
  });

  test.each<[spec: SpecObject, code: string]>([
    [{ hooks: { pre_start: "/bin/sh -c 'x" } }, 'quoting /hooks/pre_start'],
    [{ hooks: { post_start: "/bin/sh -c 'x" } }, 'quoting /hooks/post_start'],
    [{ hooks: { pre_reboot: '"x' } }, 'quoting /hooks/pre_reboot'],
    [{ hooks: { post_stop: 'x\\' } }, 'quoting /hooks/post_stop'],
    [{ hooks: { post_start: '  ' } }, 'empty /hooks/post_start'],
    [{ hooks: { post_stop: ' \t' } }, 'empty /hooks/post_stop'],
    [{ post_start_script: '"x' }, 'quoting /post_start_script'],
    [{ post_start_script: 'x', hooks: { post_start: 'y' } }, 'hook-twice /post_start_script'],
    [{ hooks: { timeout: 0 } }, 'hook-timeout /hooks/timeout'],
    [{ hooks: { timeout: '366d' } }, 'out-of-range /hooks/timeout'],
    [{ restart: { stable: '0s' } }, 'restart-stable /restart/stable'],
    [{ restart: { stable: '8761h' } }, 'out-of-range /restart/stable'],
    [{ targets: { a: { restart: { stable: 0 } } } }, 'restart-stable /targets/a/restart/stable'],
    [{ targets: { a: { hooks: { pre_reboot: '' } } } }, 'empty /targets/a/hooks/pre_reboot'],
  ])('%j is refused', async (more, code) => {
    expect(codesAt(await problemsOf({ ...minimal, ...more }))).toEqual([code]);
  });

  test('every hook that is wrong is told, in the order of the file', async () => {
    const hooks = { post_stop: '"x', pre_start: ' ' };
    expect((await problemsOf({ ...minimal, hooks })).map(told)).toEqual([
      '6:18 /hooks/post_stop quoting: the quote at character 1 has no end [use a list of words: ["/path/to/program", "argument"]]',
      '7:18 /hooks/pre_start empty: there is no program in it [use a list of words: ["/path/to/program", "argument"]]',
    ]);
  });
});
