import { describe, expect, test } from '@jest/globals';
import { ProblemsError } from '../../src/base/problem.js';
import { systemHost } from '../../src/host/host.js';
import { StartError } from '../../src/host/process/start-error.js';
import { loadSpecText } from '../../src/machine/load-spec.js';
import type { Spec } from '../../src/spec/parse-spec.js';
import type { RunEvent } from '../../src/supervisor/events.js';
import { run } from '../../src/supervisor/run.js';
import type { Run, RunOptions } from '../../src/supervisor/run-options.js';
import { inPlace, smallVm, until, type Place } from '../e2e/support/place.js';
import { consoleWords, loadVm, ofKind, simulator } from '../e2e/support/supervised.js';
import { makeFakeHost } from '../host/fake-host.js';

const options = ({ runBase }: Place, script: string, more: Partial<RunOptions> = {}): RunOptions => ({
  ...{ bhyve: simulator, extraArguments: consoleWords, runBase, check: false, env: { VMRUN_SIM_SCRIPT: script } },
  ...more,
});

async function eventsOf(vm: Run): Promise<readonly RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of vm.events) events.push(event);
  return events;
}

/** What a boot is of its memory, and the trouble that was told before it. */
const memories = (events: readonly RunEvent[]): readonly string[] =>
  events.flatMap((event) => {
    if (event.kind === 'boot') return [event.command[event.command.indexOf('-m') + 1] ?? ''];
    return event.kind === 'degraded' || event.kind === 'recovered' ? [event.kind] : [];
  });

/** The spec of each boot; the last of them for those that follow. */
const oneByOne = <T>(given: readonly (() => T)[]): { readonly next: () => T; readonly asked: () => number } => {
  let asked = 0;
  return {
    next: () => {
      asked += 1;
      const give = given[Math.min(asked, given.length) - 1];
      if (give === undefined) throw new Error('nothing to give');
      return give();
    },
    asked: () => asked,
  };
};

const wrong = async (fields: object): Promise<Spec> => {
  const loaded = await loadSpecText({
    ...{ name: 'vm.json', format: 'json', resolveFile: (path: string) => path },
    text: JSON.stringify({ ...smallVm('x'), ...fields }),
  });
  if (loaded.ok) throw new Error('it is right');
  throw new ProblemsError('spec', 'vm.json', loaded.problems);
};

describe('a run that is given a source of specs', () => {
  test('asks it once before each boot, and boots what it gives', async () => {
    await inPlace(async (place) => {
      const { next, asked } = oneByOne([
        () => loadVm(place, { mem: '64M' }),
        () => loadVm(place, { mem: '128M' }),
        () => loadVm(place, { mem: '256M', restart: { delay: 0, max: 0 } }),
      ]);
      const vm = run(next, options(place, 'reboot'));
      expect(vm.state()).toMatchObject({ name: '', phase: 'starting' });
      const events = await eventsOf(vm);
      expect(memories(events)).toEqual(['64M', '128M', '256M']);
      expect(asked()).toBe(3);
      expect(ofKind(events, 'boot').map(({ changes }) => changes)).toEqual([
        [],
        [{ kind: 'setting', key: 'memory.size', from: '64M', to: '128M' }],
        [{ kind: 'setting', key: 'memory.size', from: '128M', to: '256M' }],
      ]);
      // The policy of the last one decides what follows it.
      expect(await vm.result).toMatchObject({ because: 'restart-limit', boots: 3 });
      expect(vm.state().name).toBe(place.name);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test.each<[title: string, bad: (place: Place) => Spec | Promise<Spec>, told: RegExp]>([
    ['has problems', () => wrong({ mem: 'much', cpu: 0 }), /^vm\.json:1:\d+: .* and 1 more problem$/],
    [
      'is not to be had',
      () => {
        throw new Error("ENOENT: no such file or directory, open 'vm.json'");
      },
      /^cannot open vm\.json: no such file or directory \(ENOENT\)$/,
    ],
    ['is none', () => undefined as never, /given none/],
    ['has another name', (place) => loadVm({ ...place, name: 'other' }), /^its name is "other" now/],
    ['lacks the target that is next', (place) => loadVm(place, { targets: {} }), /no target "next"/],
  ])('boots the last good one where the new one %s, and reports it until that is fixed', async (_title, bad, told) => {
    await inPlace(async (place) => {
      const targets = { next: { next_target: 'next' } };
      const fields = { targets, next_target: 'next' };
      const vm = run(
        oneByOne([
          () => loadVm(place, { ...fields, mem: '64M' }),
          () => bad(place),
          () => bad(place),
          () => loadVm(place, { ...fields, mem: '128M' }),
        ]).next,
        options(place, 'reboot,reboot,reboot,power_off'),
      );
      const events = await eventsOf(vm);
      expect(memories(events)).toEqual(['64M', 'degraded', '64M', '64M', 'recovered', '128M']);
      const [{ part, error } = { part: '', error: '' }] = ofKind(events, 'degraded');
      expect(part).toBe('spec');
      expect(error).toMatch(told);
      expect(await vm.result).toMatchObject({ because: 'guest', boots: 4 });
    });
  });

  test('boots the last good one where the host cannot run the new one', async () => {
    await inPlace(async (place) => {
      const fake = makeFakeHost();
      try {
        const bootrom = place.write('rom.fd', Buffer.alloc(4096));
        const emulations = [{ device: 'virtio-blk', path: place.path('missing.img') }];
        const vm = run(
          oneByOne([() => loadVm(place, { bootrom }), () => loadVm(place, { bootrom, mem: '128M', emulations })]).next,
          options(place, 'reboot,reboot,power_off', { host: { ...systemHost(), run: fake.run }, check: true }),
        );
        const events = await eventsOf(vm);
        expect(await vm.result).toMatchObject({ because: 'guest', boots: 3 });
        expect(memories(events)).toEqual(['64M', 'degraded', '64M', '64M']);
        expect(ofKind(events, 'degraded')[0]?.error).toContain(place.path('missing.img'));
      } finally {
        fake.remove();
      }
    });
  });

  test.each<[title: string, source: () => Spec | Promise<Spec>, message: RegExp]>([
    ['has problems', () => wrong({ cpu: 0 }), /^cpu must be/],
    [
      'cannot be had',
      () => Promise.reject(new Error("ENOENT: no such file or directory, open 'vm.json'")),
      /^cannot open vm\.json: /,
    ],
  ])('fails where the first one %s, and the last event says why', async (_title, source, message) => {
    await inPlace(async (place) => {
      const vm = run(source, options(place, 'run'));
      await expect(vm.result).rejects.toThrow();
      const events = await eventsOf(vm);
      expect(events.map(({ kind }) => kind)).toEqual(['stop']);
      const [stop] = ofKind(events, 'stop');
      expect(stop).toMatchObject({ because: 'error', boots: 0 });
      expect(stop?.problems?.[0]?.message).toMatch(message);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('is stopped while it waits for its answer, before the first boot and later', async () => {
    await inPlace(async (place) => {
      const never = (): Promise<Spec> => new Promise(() => undefined);
      const first = run(never, options(place, 'run'));
      expect(await first.request({ kind: 'stop' })).toEqual({ kind: 'done' });
      expect(await first.result).toEqual({ end: undefined, because: 'asked', boots: 0, leftBehind: [] });
      const { next, asked } = oneByOne([() => loadVm(place), never]);
      const later = run(next, options(place, 'reboot'));
      await until(() => asked() === 2);
      expect(await later.request({ kind: 'stop' })).toEqual({ kind: 'done' });
      expect(await later.result).toMatchObject({ because: 'asked', boots: 1 });
      expect(place.runDirectories()).toEqual([]);
    });
  });
});

describe('the last event of a run that failed', () => {
  const last = async (vm: Run): Promise<RunEvent | undefined> => (await eventsOf(vm)).at(-1);

  test('has the problems, also where its name was in use', async () => {
    await inPlace(async (place) => {
      const spec = await loadVm(place);
      const first = run(spec, options(place, 'run'));
      for await (const { kind } of first.events) if (kind === 'boot') break;
      const second = run(spec, options(place, 'run'));
      const event = await last(second);
      expect(event).toMatchObject({ kind: 'stop', because: 'error', boots: 0, problems: [{ code: 'in-use' }] });
      expect(JSON.parse(JSON.stringify(event))).toEqual(event);
      await first.request({ kind: 'stop', now: true });
    });
  });

  test('says of a bhyve that is not there what the command says', async () => {
    await inPlace(async (place) => {
      const vm = run(await loadVm(place), options(place, 'run', { bhyve: ['/none/bhyve'] }));
      const problem = {
        ...{ code: 'not-found', severity: 'error', message: 'bhyve was not started: /none/bhyve is not there' },
        fix: 'bhyve is part of FreeBSD; give another path with --bhyve, or try --simulate',
      };
      expect(await last(vm)).toMatchObject({ problems: [problem] });
      const error: unknown = await vm.result.catch((cause: unknown) => cause);
      expect(error instanceof StartError && error.problem).toEqual(problem);
    });
  });

  const onAnother = process.platform === 'freebsd' ? test.skip : test;
  onAnother('says of a system that has no bhyve at all what the command says', async () => {
    await inPlace(async (place) => {
      const vm = run(await loadVm(place), { runBase: place.runBase });
      await expect(vm.result).rejects.toMatchObject({ kind: 'host', problems: [{ code: 'no-bhyve' }] });
      expect(await last(vm)).toMatchObject({
        problems: [{ message: `bhyve runs only on FreeBSD, and this system is ${process.platform}` }],
      });
      expect(place.runDirectories()).toEqual([]);
    });
  });
});
