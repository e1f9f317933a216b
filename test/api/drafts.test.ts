import { expect, test } from '@jest/globals';
import { draftPlanner } from '../../src/cli/serve/drafts.js';
import { systemClock } from '../../src/host/clock.js';
import { inPlace, smallVm, until, type Place } from '../e2e/support/place.js';
import { managedIn } from '../e2e/support/serving.js';
import { ask } from '../support/served.js';
import { steppedClock } from '../support/stepped-clock.js';

const draft = {
  ...{ text: '{}', programs: { bhyve: ['bhyve'], loaders: {} }, hostBhyve: {}, runBase: '/run' },
  format: 'json',
} as const;
const never = new AbortController().signal;
/** What a thread does, in place of planning. */
const thread = (place: Place, body: string): string =>
  place.write('thread.js', `exports.answer = async (data) => { ${body} };`);
const codeOf = (planned: Promise<string>): Promise<unknown> =>
  planned.catch((error: unknown) => {
    const [problem] = (error as { readonly problems?: readonly { readonly code: string }[] }).problems ?? [];
    return problem?.code ?? error;
  });

test('a draft is planned in a thread, and its faults are ours', async () => {
  await inPlace(async (place) => {
    const plan = draftPlanner(thread(place, 'return `planned ${data.text}`;'), systemClock);
    expect(await plan(draft, never)).toBe('planned {}');
    const faulty = draftPlanner(thread(place, "throw new Error('a fault of ours');"), systemClock);
    await expect(faulty(draft, never)).rejects.toThrow('a fault of ours');
  });
});

test('a draft that takes too long, or too much memory, is given up on, and the next one is planned', async () => {
  await inPlace(async (place) => {
    const clock = steppedClock();
    const body =
      "for (; data.text === 'long'; ); for (const all = []; data.text === 'large'; ) all.push([all.length]); return 'planned';";
    const plan = draftPlanner(thread(place, body), clock);
    const long = codeOf(plan({ ...draft, text: 'long' }, never));
    const next = plan(draft, never);
    await clock.pass(10_000);
    expect(await long).toBe('too-complex');
    expect(await next).toBe('planned');
    expect(await codeOf(plan({ ...draft, text: 'large' }, never))).toBe('too-complex');
    expect(await plan(draft, never)).toBe('planned');
  });
});

test('a draft whose client has gone is planned no further, and no more than 16 wait', async () => {
  await inPlace(async (place) => {
    const clock = steppedClock();
    const plan = draftPlanner(thread(place, "for (; data.text === 'long'; ); return 'planned';"), clock);
    const gone = new AbortController();
    const all = [
      plan({ ...draft, text: 'long' }, gone.signal),
      ...Array.from({ length: 15 }, () => plan(draft, never)),
    ];
    expect(await codeOf(plan(draft, never))).toBe('busy');
    await until(() => clock.asleep().includes(10_000));
    gone.abort();
    expect(await Promise.all(all)).toEqual(['', ...Array.from({ length: 15 }, () => 'planned')]);
  });
});

test('a large draft keeps nobody else waiting', async () => {
  await inPlace(async (place) => {
    const managed = managedIn(place);
    const serving = await managed.serve();
    const socketPath = `${place.runBase}-simulated/manager.sock`;
    const emulations = Array.from({ length: 30_000 }, () => ({ device: 'virtio-rnd' }));
    const plan = { isOver: false };
    const planned = ask('http://localhost/api/v1/plan', {
      ...{ socketPath, method: 'POST', body: { ...smallVm('large'), emulations } },
    }).then((reply) => {
      plan.isOver = true;
      return reply;
    });
    let answers = 0;
    while (!plan.isOver) {
      expect((await ask('http://localhost/healthz', { socketPath })).status).toBe(200);
      answers += 1;
    }
    expect((await planned).json).toMatchObject({ ok: false });
    expect(answers).toBeGreaterThan(3);
    serving.kill('SIGTERM');
    expect(await serving.ended).toBe(0);
  });
});
