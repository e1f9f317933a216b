import { describe, expect, test } from '@jest/globals';
import { startBhyveload } from '../../src/simulator/bhyveload.js';
import { startGrubBhyve } from '../../src/simulator/grub-bhyve.js';
import { explainLoad, loadRules } from '../../src/explain/explain-load.js';
import { ruled, saidLines } from '../../src/explain/rule.js';
import { kernelRules } from '../../src/explain/rules.js';

const failed = { kind: 'exited', status: 1 } as const;

/** As bhyveload(8) and grub-bhyve print them: at least one for each rule. */
const messages: readonly (readonly [stderr: string, cause: string, next: RegExp])[] = [
  ["bhyveload: Could not open '/vm/disk.img'\n", 'bhyveload cannot open /vm/disk.img', /loader\.disk/],
  ['bhyveload: illegal option -- z\nusage: bhyveload [-S]\n', 'the loader does not know the option z', /loader\.args/],
  ["grub-bhyve: invalid option -- 'z'\n", 'the loader does not know the option z', /loader\.args/],
  ["grub-bhyve: unrecognized option '--boot'\n", 'the loader does not know the option --boot', /loader\.args/],
  [
    'bhyveload: option requires an argument -- m\nusage: bhyveload [-S]\n',
    'the option m of the loader needs an argument, or takes none',
    /loader\.args/,
  ],
  [
    "grub-bhyve: option '--evga' doesn't allow an argument\n",
    'the option --evga of the loader needs an argument, or takes none',
    /loader\.args/,
  ],
  ["grub-bhyve: option '--d' is ambiguous\n", 'more than one option of the loader begins with --d', /in full/],
  ['bhyveload: -l can only be given once\n', 'bhyveload is given two loaders (-l)', /loader\.args/],
  ["bhyveload: Invalid memsize '1.5G'\n", 'the loader cannot read the memory size "1.5G"', /mem/],
  [
    "Invalid guest memory size `x'.\nError in parsing command line arguments\n",
    'the loader cannot read the memory size "x"',
    /mem/,
  ],
  ['usage: bhyveload [-S][-c <console-device>]\n', 'the loader did not accept its command line', /loader\.args/],
  ['Required VM name parameter not supplied\n', 'the loader did not accept its command line', /loader\.args/],
  ['vm_create: Operation not permitted\n', 'you may not make virtual machines', /root/],
  ['vm_open: Device not configured\n', 'the kernel did not make the VM: vm_open: Device not configured', /kldload/],
  [
    'Could not create VM web\nError in initializing VM\n',
    'the kernel did not make the VM: Could not create VM web',
    /root/,
  ],
  [
    'vm_setup_memory: Cannot allocate memory\n',
    'the host has not enough free memory, or a leftover VM of this name has another memory size',
    /less memory/,
  ],
  [
    'Could not setup memory for VM\n',
    'the host has not enough free memory, or a leftover VM of this name has another memory size',
    /--destroy/,
  ],
  [
    'VM unrestricted guest capability required\n',
    'the CPU cannot run the real mode that GRUB needs: it has no unrestricted guest',
    /bhyveload/,
  ],
  ["can't load 'kernel'\n", "bhyveload found no FreeBSD to load: can't load 'kernel'", /loader\.disk/],
  ['error: no such partition.\n', 'GRUB does not find what it is to load: no such partition', /loader\.root/],
  ["error: file `/vmlinuz' not found.\n", "GRUB does not find what it is to load: file `/vmlinuz' not found", /ls/],
];

describe("a loader's last words are explained", () => {
  test.each(messages)('%j', (stderr, cause, next) => {
    const explained = explainLoad('bhyveload', failed, { stderr, stdout: '' });
    expect(explained.cause).toBe(cause);
    expect(explained.next).toMatch(next);
    expect(explained.evidence).toEqual(stderr.trimEnd().split('\n').slice(-3));
  });

  test('every rule is needed: each is the first that fits one of these messages', () => {
    const used = new Set(
      messages.map(([stderr]) => loadRules().find((rule) => ruled([rule], saidLines(stderr)) !== undefined)),
    );
    const own = loadRules().filter((rule) => !kernelRules().includes(rule));
    expect(own.filter((rule) => !used.has(rule)).map(({ when }) => String(when))).toEqual([]);
  });

  test.each([
    startBhyveload(['-z', 'vm'], { release: 15, boot: 1, readFile: () => undefined }),
    startGrubBhyve(['--zap', 'vm'], { release: 15, boot: 1, readFile: () => undefined }),
  ])('also those that the simulator prints', (started) => {
    const stderr = started.kind === 'failed' ? started.messages.join('\n') : '';
    expect(explainLoad('bhyveload', failed, { stderr, stdout: '' }).cause).toMatch(
      /does not know the option (z|--zap)$/,
    );
  });

  test('its console is evidence where stderr is silent, without what moves the cursor', () => {
    const stdout = "\u001b[2J\u001b[1;1HLoading\r\ncan't load 'kernel'\r\n\u001b[mOK ";
    const how = { kind: 'timed-out', timeoutMs: 60_000 } as const;
    expect(explainLoad('bhyveload', how, { stderr: '', stdout })).toEqual({
      cause: 'it may wait at a prompt',
      evidence: ['Loading', "can't load 'kernel'", 'OK'],
      next: expect.stringContaining('loader_timeout'),
    });
    expect(explainLoad('grub-bhyve', how, { stderr: 'told\n', stdout })).toMatchObject({
      evidence: ['told'],
      next: expect.stringContaining('grub.cfg'),
    });
  });

  test('words that nobody knows are shown as they are, and silence is told as such', () => {
    expect(explainLoad('bhyveload', failed, { stderr: 'odd\n', stdout: '' })).toMatchObject({
      cause: 'bhyveload gave the reason below',
      evidence: ['odd'],
    });
    expect(
      explainLoad('grub-bhyve', { kind: 'signalled', signal: 'SIGSEGV' }, { stderr: '', stdout: '' }),
    ).toMatchObject({ cause: 'grub-bhyve gave no reason', evidence: [] });
  });

  test('one that could not be started says why', () => {
    const how = { kind: 'not-started', error: 'grub-bhyve may not be executed' } as const;
    expect(explainLoad('grub-bhyve', how, { stderr: '', stdout: '' })).toMatchObject({
      cause: how.error,
      evidence: [],
    });
  });
});
