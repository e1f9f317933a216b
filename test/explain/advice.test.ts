import { describe, expect, test } from '@jest/globals';
import { deviceModels } from '../../src/devices/registry.js';
import { vmSchema } from '../../src/spec/schema.js';
import { advise, type Has } from '../../src/explain/advice.js';
import { hasIn } from '../../src/explain/has.js';
import { explainLoad, loadRules } from '../../src/explain/explain-load.js';
import { ruled, saidLines, type Rule } from '../../src/explain/rule.js';
import { guestRules, rules } from '../../src/explain/rules.js';
import { explainEnd } from '../../src/explain/explain-end.js';
import type { LoadFailure, RunEnd } from '../../src/explain/run-end.js';
import { minimal, planOf, type SpecObject } from '../support/specs.js';
import { messages } from './messages.js';

const failed: RunEnd = { kind: 'failed', status: 4 };

/** Every spec says these, and any may be told to change them. */
const inEverySpec = ['name', 'cpu', 'mem', 'release', '$schema'];
const fields = Object.keys(vmSchema.properties ?? {}).filter((field) => !inEverySpec.includes(field));
const models = deviceModels.map(({ model }) => model).filter((model) => !fields.includes(model));
const all = [...fields, ...models];

/** What is to be added to a spec is no part of it yet; bhyve's variables and plain English are none at all. */
const ordinary =
  /\b(?:boot loader|targets of virtio-scsi)\b|-l \w+|\bkldload \w+|\bset (?:[\w.]+(?:, | and | or )?)|\bconfig\.dump\b|\bor leave loader out\b|\b(?:the|set) loader\b/g;

/** As a word of its own: no part of another, of a file name or of an option. */
const anyName = new RegExp(`(?<![\\w/.-])(?:${all.join('|')})(?![\\w/-])`, 'g');
const namedIn = (text: string): readonly string[] => text.replaceAll(ordinary, '').match(anyName) ?? [];

const everyRule: readonly Rule[] = [...rules(), ...guestRules(), ...loadRules()];

/** The hints that a machine can get. */
const advicesFor = (has: Has): readonly string[] =>
  everyRule.filter(({ needs }) => needs === undefined || has(needs)).map(({ next }) => advise(next, has));

const ends: readonly RunEnd[] = [
  ...[1, 4, 64, 71, 100, 126, 127, 255].map((status): RunEnd => ({ kind: 'failed', status })),
  ...(
    ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGSYS', 'SIGXCPU'] as const
  ).map((signal): RunEnd => ({ kind: 'killed', signal })),
  { kind: 'triple-fault' },
  { kind: 'unknown' },
];

const loadFailures: readonly LoadFailure[] = [
  { kind: 'timed-out', timeoutMs: 1000 },
  { kind: 'signalled', signal: 'SIGKILL' },
  { kind: 'exited', status: 1 },
];

const nothing: Has = () => false;
const only =
  (name: string): Has =>
  (what) =>
    what === name || what.startsWith(`${name}.`);

describe('a hint names only what the machine has', () => {
  test('with nothing in its spec', () => {
    expect(advicesFor(nothing).filter((hint) => namedIn(hint).length > 0)).toEqual([]);
  });

  test.each(all)('with no more than %s', (name) => {
    const hints = [
      ...advicesFor(only(name)),
      ...ends.flatMap((end) => ['', 'odd'].map((said) => explainEnd(end, said, only(name)).next)),
    ];
    expect(hints.filter((hint) => namedIn(hint).some((found) => found !== name))).toEqual([]);
  });

  test.each(ends)('where nothing but the end is known: %j', (end) => {
    const { next } = explainEnd(end, '', nothing);
    expect(namedIn(next)).toEqual([]);
    expect(next).not.toBe('');
  });

  test.each(loadFailures)('where a loader says nothing: %j', (how) => {
    for (const program of ['bhyveload', 'grub-bhyve'] as const) {
      const { next } = explainLoad(program, how, { stderr: '', stdout: '' }, nothing);
      expect(next).not.toMatch(/loader\.|com1/);
    }
  });

  test('and every field that a rule asks for is one, or a model of device', () => {
    const asked = new Set<string>();
    const ask: Has = (what) => {
      asked.add(what);
      return false;
    };
    for (const { next } of everyRule) advise(next, ask);
    for (const end of ends) explainEnd(end, '', ask);
    for (const rule of rules()) if (rule.needs !== undefined) asked.add(rule.needs);
    const known = [...all, ...inEverySpec, '--', 'stdio'];
    expect([...asked].filter((what) => !known.includes(what.split('.')[0] ?? ''))).toEqual([]);
  });
});

describe('what a machine has', () => {
  const full: SpecObject = {
    ...minimal,
    bootrom: '/rom.fd',
    com1: 'stdio',
    config: {},
    extra_options: '-s 9,hda -p 0:0',
    emulations: [
      { device: 'virtio-blk', path: '/disk.img' },
      { device: 'raw', slot: '7', value: 'virtio-rnd' },
    ],
  };

  test.each<[what: string, expected: boolean]>([
    ['extra_options', true],
    ['config', false],
    ['com1', true],
    ['com2', false],
    ['stdio', true],
    ['loader', false],
    ['virtio-blk', true],
    ['nvme', false],
    ['hda', true],
    ['bootrom', true],
    ['--', true],
  ])('%s: %j', async (what, expected) => {
    expect(hasIn(await planOf(full, 'default', { extraArguments: ['-o', 'x=y'] }))(what)).toBe(expected);
  });

  test('is not what its name or a path happens to say', async () => {
    const has = hasIn(await planOf({ ...minimal, name: 'passthru', bootrom: '/numa,tpm=nvme' }));
    expect(['passthru', 'numa', 'tpm', 'nvme', '--', 'emulations'].filter(has)).toEqual([]);
  });

  test.each<[fields: SpecObject, said: string, next: string]>([
    [{}, 'bhyve: illegal option -- Z', 'set release to that of this host; it may need a newer FreeBSD'],
    [
      { extra_options: '-Z' },
      'bhyve: illegal option -- Z',
      'set release to that of this host; look at -Z in extra_options; it may need a newer FreeBSD',
    ],
    [{}, "invalid vcpu pinning configuration 'x'", 'write VCPU:HOSTCPU, one -p for each'],
    [
      { cpu_pin: { 0: '0' }, extra_options: '-p 0:0' },
      "invalid vcpu pinning configuration 'x'",
      'look at cpu_pin and -p in extra_options; write VCPU:HOSTCPU, one -p for each',
    ],
    [{}, 'Invalid configuration node x', 'is there an empty part in a name, or a dot too many?'],
  ])('%j: the hint at %j', async (more, said, next) => {
    const machine = await planOf({ ...minimal, bootrom: '/rom.fd', ...more });
    expect(explainEnd(failed, said, hasIn(machine)).next).toBe(next);
  });
});

describe('of two messages', () => {
  const firstMessage = new Map<Rule | undefined, string>();
  for (const [stderr] of Object.values(messages).flat()) {
    const said = saidLines(stderr);
    const first = rules().find((one) => ruled([one], said) !== undefined);
    if (!firstMessage.has(first)) firstMessage.set(first, stderr);
  }
  const kinds = rules().map((rule) => {
    const text = firstMessage.get(rule);
    // Its own line, without what follows from it.
    const own = saidLines(text ?? '').filter((line) => rule.also !== undefined || ruled([rule], [line]) !== undefined);
    return { rule, text: own.join('\n') };
  });
  const shown = kinds.filter(({ text }) => text !== '');
  const causeOf = (text: string): string => explainEnd(failed, text).cause;
  /** What follows tells more of it. */
  const isOpen = (text: string): boolean => rules().some(({ when, also }) => also !== undefined && when.test(text));
  const causes = shown.filter(({ rule, text }) => rule.isVague !== true && rule.isWarning !== true && !isOpen(text));
  const consequences = shown.filter(({ rule }) => rule.isVague === true || rule.isWarning === true);

  test('there are many', () => {
    expect(causes.length).toBeGreaterThan(100);
    expect(consequences.length).toBeGreaterThan(4);
  });

  test.each(causes.map(({ text }) => [text]))('the first is the cause, whatever follows: %j', (text) => {
    const own = causeOf(text);
    const wrong = shown.filter(({ text: later }) => later !== text && causeOf(`${text}\n${later}`) !== own);
    expect(wrong.map(({ text: later }) => later)).toEqual([]);
  });

  test.each(consequences.map(({ text }) => [text]))('one that ends bhyve counts more than %j before it', (text) => {
    const wrong = causes.filter(({ text: cause }) => causeOf(`${text}\n${cause}`) !== causeOf(cause));
    expect(wrong.map(({ text: cause }) => cause)).toEqual([]);
  });
});
