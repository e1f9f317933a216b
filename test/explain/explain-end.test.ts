import { describe, expect, jest, test } from '@jest/globals';
import { parseCommandLine } from '../../src/bhyve/parse.js';
import { checkStart } from '../../src/bhyve/start/start-checks.js';
import { ruled, saidLines, type Rule } from '../../src/explain/rule.js';
import { guestRules, rules } from '../../src/explain/rules.js';
import { loadRules } from '../../src/explain/explain-load.js';
import { explainEnd } from '../../src/explain/explain-end.js';
import type { RunEnd } from '../../src/explain/run-end.js';
import { titleOf, vectors } from '../simulator/vectors.js';
import { messages } from './messages.js';

const failed = (status: number): RunEnd => ({ kind: 'failed', status });
const killed = (signal: NodeJS.Signals): RunEnd => ({ kind: 'killed', signal });
const withUsage = 'Usage: bhyve [-a]\n';

const msr = 'rdmsr to register 0xc0010064 on vcpu 0\n';

describe.each(Object.entries(messages))("bhyve's words are explained: %s", (_where, rows) => {
  test.each([...rows])('%j', (stderr, cause, next) => {
    const explained = explainEnd(failed(4), `${stderr}\n`);
    expect(explained.cause).toBe(cause);
    expect(explained.next).toMatch(next);
    expect(explained.evidence.length).toBeGreaterThan(0);
  });
});

/** The rule that explains a text, and no other. */
const ruleOf = (list: readonly Rule[], text: string): Rule | undefined =>
  list.find((rule) => ruled([rule], saidLines(text)) !== undefined);

test('every rule is needed: each is the first that fits one of these messages', () => {
  const texts = Object.values(messages).flatMap((rows) => rows.map(([stderr]) => stderr));
  const without = rules().filter(({ needs }) => needs === undefined);
  const used = new Set(texts.flatMap((text) => [ruleOf(rules(), text), ruleOf(without, text)]));
  expect(
    rules()
      .filter((rule) => !used.has(rule))
      .map(({ when }) => String(when)),
  ).toEqual([]);
});

describe('every way in which bhyve refuses a command line is explained by its words', () => {
  const told = vectors.filter(({ stage, error }) => stage !== 'help' && error !== undefined && error !== '');

  test('there are some', () => {
    expect(told.length).toBeGreaterThanOrEqual(70);
  });

  test.each(told.map((vector) => [titleOf(vector), vector] as const))('%s', (_title, { error, exit }) => {
    const stderr = (error ?? '').replaceAll('<errno>', 'No error: 0').replaceAll('<ptr>', '0x3a4e');
    const rule = ruleOf(rules(), stderr);
    expect(rule).toBeDefined();
    // That a device is refused is no cause where a line before says why.
    const isAlone = stderr.split('\n').length === 1;
    if (!isAlone) expect(rule?.when.exec('Device emulation initialization error: x')).toBeNull();
    expect(explainEnd(failed(exit ?? 4), stderr).cause).not.toMatch(/^bhyve gave/);
  });

  test.each(vectors.filter(({ error, stage }) => error === '' && stage !== 'help' && stage !== undefined))(
    'or, in silence, by its end: $argv',
    ({ exit, signal }) => {
      const end = signal === undefined ? failed(exit ?? 4) : killed(signal as NodeJS.Signals);
      expect(explainEnd(end, '').cause).toMatch(/uuid|crashed \(SIGSEGV\)|gave up/);
    },
  );
});

describe('of several lines the earliest cause counts', () => {
  const busy = 'vm_reinit: Device busy';
  const noCpu = 'bhyve: could not activate CPU 0: Device busy';
  const init = 'Device emulation initialization error: Device busy';
  const assertion = 'Assertion failed: (error == 0), function modify_bar_registration, file pci_emul.c, line 517.';

  test.each<[lines: readonly string[], cause: RegExp]>([
    [[busy, noCpu], /^a VM of this name is in use/],
    [['bhyve: illegal option -- Z', 'Usage: bhyve [-AaCDeHhPSuWwxY]'], /option -Z/],
    [['Missing "path" for block device.', 'Could not open backing file: Invalid argument', init], /a disk has no path/],
    [['Could not open backing file /a: Permission denied', init], /image \/a cannot be opened/],
    [
      ['bind(1.2.3.4:1): Address already in use', "Unable to initialize backend 'tcp=1.2.3.4:1' for LPC device com1"],
      /listen on 1\.2\.3\.4:1/,
    ],
    [
      ['bhyve: tpm_swtpm_init: unable to connect to tpm socket "/t"', 'Failed to init TPM device'],
      /swtpm does not listen on \/t/,
    ],
    [
      ['Unhandled memory access to 0xfed40000', 'Failed to emulate instruction [0x0f 0x6f] at 0x7c00', assertion],
      /touched memory at 0xfed40000/,
    ],
    [
      ['bhyve: passthru_init_rom: can\'t open romfile "/gpu.rom"', init],
      /ROM of a host card cannot be opened: \/gpu\.rom/,
    ],
    [
      ['Configuration node a.b is a child of existing variable a', 'Failed to create configuration node a.b'],
      /cannot be a group/,
    ],
    // bhyve goes on after these.
    [
      ['Failed to fetch referenced configuration variable x', 'Error opening bootrom "/r": No such file or directory'],
      /boot ROM \/r/,
    ],
    [['pci_passthru: map_pptdev_mmio failed', 'vm_run error -1, errno 6'], /destroyed from outside/],
    [['pci_passthru: map_pptdev_mmio failed', init], /memory of a host card cannot be put/],
    [[init, 'Failed to fetch referenced configuration variable x'], /refers with %\(\.\.\.\)/],
  ])('%j', (lines, cause) => {
    expect(explainEnd(failed(4), lines.join('\n')).cause).toMatch(cause);
  });

  test('every message of bhyve that ends it counts, whatever it brings after itself', () => {
    const all = Object.values(messages).flatMap((rows) => rows.map(([stderr, cause]) => ({ stderr, cause })));
    const after = ['Device emulation initialization error: Invalid argument', 'Child process was killed by signal 6'];
    const others = all.filter(({ stderr }) => ruled(rules(), saidLines(stderr))?.cause !== undefined);
    for (const { stderr, cause } of others) {
      const rule = ruleOf(rules(), stderr);
      if (rule?.isVague === true) continue;
      expect(explainEnd(failed(4), [stderr, ...after].join('\n')).cause).toBe(cause);
    }
  });
});

describe('a cause is one of the machine', () => {
  const assertion = 'Assertion failed: (error == 0), function modify_bar_registration, file pci_emul.c, line 517.';
  const memory = 'Unable to setup memory (17)';

  test.each<[has: string, message: string, cause: RegExp, next: RegExp]>([
    ['passthru', assertion, /cannot handle a host card/, /without the passthru devices/],
    ['virtio-blk', assertion, /considers impossible/, /report/],
    ['loader', memory, /^the loader made the memory/, /loader\.args/],
    ['virtio-blk', memory, /^a VM of this name is there already/, /--destroy/],
  ])('with %s: %s', (has, message, cause, next) => {
    const explained = explainEnd(killed('SIGABRT'), message, (what) => what.startsWith(has));
    expect(explained.cause).toMatch(cause);
    expect(explained.next).toMatch(next);
  });
});

/** What the simulator, which speaks as bhyve does, prints for a command line that ends it. */
function wordsOfSimulator(argv: readonly string[], release: 15 | 16): string {
  const platform = { release, arch: 'amd64' } as const;
  const parsed = parseCommandLine(argv, { ...platform, readFile: () => undefined });
  if (parsed.kind === 'failed') return parsed.messages.join('\n');
  if (parsed.kind !== 'parsed') throw new Error(`${argv.join(' ')} prints help`);
  const started = checkStart(parsed.tree, { ...platform, maxcpu: 4, loaded: false });
  if (started.kind !== 'failed') throw new Error(`${argv.join(' ')} starts`);
  return [...started.stdout, ...started.messages].join('\n');
}

const rom = '-l bootrom,/rom.fd';

test.each<[words: string, release: 15 | 16, cause: RegExp]>([
  ['-z vm', 15, /does not know the option -z/],
  ['vm extra', 15, /did not accept its command line/],
  ['-s 3,virtio-rnd -s 0:3:0,virtio-rnd vm', 15, /two devices are on PCI slot 0:3:0/],
  ['-s 0,hostbridge vm', 15, /no boot ROM/],
  [`-s 6,passthru,2/0/0 ${rom} vm`, 15, /wired memory/],
  [`-s 4,virtio-blk ${rom} vm`, 15, /a disk has no path/],
  [`-c 5 ${rom} vm`, 15, /wants 5 vCPUs, this host allows 4/],
  [`-s 5,e1000 ${rom} vm`, 15, /a device could not be started/],
  [`-G x ${rom} vm`, 15, /GDB stub cannot listen/],
  ['-n size=1G vm', 15, /NUMA domain has no id/],
  [`-n id=0 ${rom} vm`, 15, /NUMA domain 0 has no vCPUs/],
  [`-n id=0,size=x,cpus=0 ${rom} vm`, 15, /memory size that bhyve cannot read/],
  [`-n id=0,cpus=0,domain_policy=x ${rom} vm`, 15, /memory policy "x"/],
  ['-p -1:1 vm', 15, /pinning -1/],
  ['-p 1-0:1-0 vm', 16, /pinning 1-0:1-0/],
  ['-p 0-1:1-4 vm', 16, /pinning 0-1:1-4/],
  ['-o acpi_tables=false -n id=0,cpus=0 vm', 16, /needs ACPI/],
  [`-s 1:3:0,virtio-rnd ${rom} vm`, 15, /MP table/],
  [`-s 3,fbuf,rfb=localhost:5900 ${rom} vm`, 15, /address of the screen/],
  [`-s 3,xhci -s 4,xhci ${rom} vm`, 15, /two xhci controllers/],
  [`-s 3,xhci,tablet,tablet,tablet,tablet,tablet ${rom} vm`, 15, /USB 2 or 3 devices/],
  [`-o pci.0.3.0.device=virtio-input ${rom} vm`, 15, /input device has no path/],
  [`-o pci.0.3.0.device=passthru -S ${rom} vm`, 15, /passthru device has no bus/],
  [`-o pci.0.3.0.device=virtio-console -o pci.0.3.0.port.0.path=/s ${rom} vm`, 15, /port 0 has no name/],
  [`-s 3,virtio-console,a=/${'s'.repeat(104)} ${rom} vm`, 15, /File name too long/],
  [`-s 3,virtio-net,netgraph ${rom} vm`, 15, /netgraph backend has no path/],
  [`-s 3,virtio-net,netgraph,path=x ${rom} vm`, 15, /no peer hook/],
  [`-s 31,lpc -l com1,tcp=x ${rom} vm`, 15, /address of a serial port/],
  [`-s 31,lpc -l com1,tcp=x:1 ${rom} vm`, 15, /Invalid address x:1/],
  [`-s 3,virtio-scsi,target= -o pci.0.3.0.target.x=/y ${rom} vm`, 16, /target ID is invalid/],
  ['-s 3,virtio-scsi,target=300:/x vm', 16, /target ID is too large/],
  ['-s 3,virtio-scsi,0:/x,target=0:/y vm', 16, /as target 0/],
  [`-s 3,virtio-scsi,/x,num_queues=99 ${rom} vm`, 16, /num_queues of 99/],
  ['-s 3,virtio-scsi,/x -o pci.0.3.0.dev=/y vm', 16, /group of variables/],
  [`-s 3,nvme,/x,bootindex=-1 ${rom} vm`, 15, /boot order/],
  [`-l tpm,other,/x ${rom} vm`, 15, /TPM emulation "other"/],
  [`-l tpm,swtpm,/x,intf=tis ${rom} vm`, 15, /TPM interface "tis"/],
  [`${rom} ${'v'.repeat(230)}`, 15, /does not accept the name/],
  [`${rom} ${'v'.repeat(100)}`, 16, /control socket.s path is too long/],
])('the words that the simulator prints for %s are understood (%i)', (words, release, cause) => {
  const said = wordsOfSimulator(words.split(' '), release);
  expect(explainEnd(failed(4), said).cause).toMatch(cause);
});

describe('the end itself', () => {
  // No word fits, so nothing but the end is known.
  test.each<[end: RunEnd, cause: RegExp, next: RegExp]>([
    [failed(4), /gave no reason.*destroyed/, /uuid/],
    [failed(64), /gave no reason why it does not accept an option/, /cpu, cpu_pin, mem/],
    [failed(71), /sandbox, the CPU topology/, /look at cpu/],
    [failed(100), /destroyed from outside/, /--destroy/],
    [failed(126), /could not be executed/, /BHYVE_EXEC/],
    [failed(127), /was not found when/, /BHYVE_EXEC/],
    [failed(1), /^bhyve gave no reason$/, /--dry-run/],
    [failed(255), /^bhyve gave no reason$/, /--dry-run/],
    [killed('SIGKILL'), /somebody killed bhyve, or the kernel did because memory ran out/, /dmesg.*lower mem/],
    [killed('SIGTERM'), /before the guest had switched ACPI on/, /power button/],
    [killed('SIGINT'), /somebody sent SIGINT/, /stdio/],
    [killed('SIGHUP'), /somebody sent SIGHUP/, /stdio/],
    [killed('SIGQUIT'), /somebody sent SIGQUIT/, /stdio/],
    [killed('SIGABRT'), /gave up/, /report/],
    [killed('SIGSEGV'), /bhyve crashed \(SIGSEGV\)/, /bhyve\.core/],
    [killed('SIGBUS'), /bhyve crashed \(SIGBUS\)/, /bhyve\.core/],
    [killed('SIGILL'), /bhyve crashed \(SIGILL\)/, /bhyve\.core/],
    [killed('SIGFPE'), /bhyve crashed \(SIGFPE\)/, /bhyve\.core/],
    [killed('SIGSYS'), /does not have/, /different releases/],
    [killed('SIGXCPU'), /SIGXCPU ended bhyve/, /limits\(1\)/],
    [{ kind: 'triple-fault' }, /triple fault/, /boot loader.*ignore_unknown_msrs/],
    [{ kind: 'unknown' }, /the system gives its status to nobody else/, /dmesg/],
    [{ kind: 'not-prepared', how: { kind: 'exited', status: 1 } }, /pre_start failed/, /pre_start/],
    [
      { kind: 'not-loaded', program: 'bhyveload', how: { kind: 'exited', status: 1 } },
      /bhyveload did not load/,
      /--dry-run/,
    ],
    [{ kind: 'rebooted' }, /the guest rebooted/, /nothing/],
    [{ kind: 'powered-off' }, /the guest powered off/, /nothing/],
    [{ kind: 'halted' }, /the guest halted/, /nothing/],
    [{ kind: 'suspended' }, /the guest was suspended/, /nothing/],
  ])('%j says something', (end, cause, next) => {
    const explained = explainEnd(end, '');
    expect(explained.cause).toMatch(cause);
    expect(explained.next).toMatch(next);
    expect(explained.evidence).toEqual([]);
  });

  test.each([failed(4), killed('SIGABRT'), killed('SIGKILL'), { kind: 'triple-fault' } as const])(
    "%j matters less than bhyve's own words",
    (end) => {
      expect(explainEnd(end, 'Failed to emulate instruction sequence [ 0f ] at 0x1\n').cause).toMatch(/0f$/);
    },
  );

  test('is all that counts where no rule knows the words, which are shown', () => {
    expect(explainEnd(killed('SIGKILL'), 'odd\n')).toMatchObject({
      cause: expect.stringContaining('somebody killed'),
      evidence: ['odd'],
    });
    expect(explainEnd(failed(4), 'odd\n')).toMatchObject({ cause: 'bhyve gave the reason below', evidence: ['odd'] });
    expect(explainEnd(failed(64), 'odd\n').cause).toMatch(/^bhyve gave the reason below why/);
  });

  test('of a guest that bhyve has warned of is explained by the warning, if it was a triple fault', () => {
    expect(guestRules().map((rule) => ruled([rule], saidLines(msr)))).not.toContain(undefined);
    expect(explainEnd({ kind: 'triple-fault' }, msr).cause).toMatch(/model specific register 0xc0010064/);
    expect(explainEnd({ kind: 'triple-fault' }, 'wrmsr to register 0x140(0) on vcpu 1').next).toMatch(
      /ignore_unknown_msrs/,
    );
    expect(explainEnd(killed('SIGKILL'), msr).cause).toMatch(/somebody killed/);
    expect(explainEnd(failed(4), `${msr}vm_run error -1, errno 6\n`).cause).toMatch(/destroyed from outside/);
  });
});

describe('the evidence', () => {
  const noise = ['a', 'b', 'c', 'd'];
  const telling = 'pci slot 0:5:0 already occupied!';

  test.each<[where: string, lines: readonly string[], evidence: readonly string[]]>([
    ['the last three lines where they hold the cause', [...noise, telling, 'e'], ['d', telling, 'e']],
    ['the cause and what follows where it stands above them', [telling, ...noise], [telling, 'a', 'b']],
    ['all there is', ['a', telling], ['a', telling]],
    ['the last three lines where nobody knows the cause', noise, ['b', 'c', 'd']],
    [
      'the option, not the end of the usage text',
      ['bhyve: illegal option -- z', withUsage, ...noise],
      ['bhyve: illegal option -- z', 'Usage: bhyve [-a]', 'a'],
    ],
    ['what has something to say', ['a', '', '  ', '\t', 'b'], ['a', 'b']],
    ['without the line ends of a raw terminal', ['a\r', 'b\r'], ['a', 'b']],
  ])('is %s', (_where, lines, evidence) => {
    expect(explainEnd(failed(4), lines.join('\n')).evidence).toEqual(evidence);
  });

  test('of several boots in one bhyve, as monitor mode has them, is that of the last', () => {
    const said = ['Assertion failed: (one)', 'a', 'b', 'c', 'Assertion failed: (two)', 'd'].join('\n');
    expect(explainEnd(failed(4), said)).toMatchObject({
      cause: expect.stringContaining('(two)'),
      evidence: ['c', 'Assertion failed: (two)', 'd'],
    });
  });

  test('cannot move the cursor, colour a terminal, turn its text round, or break JSON', () => {
    const said = '\u001b[2J\u001b[31;1mred\u001b[m\u0007 \u009b1mtext\ttab\u202e\u2028\ud83d end\u0000\n';
    expect(explainEnd(failed(4), said).evidence).toEqual(['red 1mtext tab end']);
    const path = '/vm/\u001b]0;title\u0007/\u202ex\ud83d';
    const { cause } = explainEnd(failed(4), `Error opening bootrom "${path}": No such file or directory\n`);
    expect(cause).toBe('the boot ROM /vm/]0;title/x cannot be opened: No such file or directory');
  });

  test('and the cause are short, whatever bhyve quotes, and never end in half a character', () => {
    const long = `/${'😀'.repeat(1000)}`;
    const explained = explainEnd(failed(4), `bhyve: invalid configuration option 'a=${long}'\nx`);
    expect(explained.cause.length).toBeLessThan(160);
    expect(Math.max(...explained.evidence.map(({ length }) => length))).toBeLessThanOrEqual(500);
    for (const text of [explained.cause, ...explained.evidence]) expect(text).toBe(text.toWellFormed());
  });

  test.each(['', '\n', '  \n\n', '\u0000\u001b[m\r\n'])('is none where bhyve said nothing (%j)', (stderr) => {
    expect(explainEnd(failed(4), stderr)).toMatchObject({
      cause: expect.stringMatching(/^bhyve gave no reason/),
      evidence: [],
    });
  });
});

describe('the work that a text can cause is bounded', () => {
  const withoutClasses = ({ source }: RegExp): string => source.replaceAll(/\\./g, 'x').replaceAll(/\[[^\]]*\]/g, 'x');

  /** The alternatives of a pattern that stand in no group. */
  function alternatives(plain: string): readonly string[] {
    const parts = [''];
    let depth = 0;
    for (const char of plain) {
      if (char === '(') depth += 1;
      if (char === ')') depth -= 1;
      if (char === '|' && depth === 0) parts.push('');
      else parts.push(`${parts.pop() ?? ''}${char}`);
    }
    return parts;
  }

  /** What a pattern may cost if all goes wrong: the power of a line's length. */
  const power = (pattern: RegExp): number =>
    Math.max(
      ...alternatives(withoutClasses(pattern)).map(
        (part) => (part.match(/[*+]|\{\d+,\}/g)?.length ?? 0) + (part.startsWith('^') ? 0 : 1),
      ),
    );

  const all = [...rules(), ...guestRules(), ...loadRules()].flatMap(({ when, also }) =>
    also === undefined ? [when] : [when, also],
  );

  test.each(all)('by %s, which repeats nothing that repeats, and little', (pattern) => {
    expect(withoutClasses(pattern)).not.toMatch(/\)[*+{]/);
    expect(power(pattern)).toBeLessThanOrEqual(2);
    expect(pattern.flags).not.toMatch(/[gsy]/); // `g` and `y` remember where they were
  });

  const size = 8 * 1024;
  const random = (seed: number): string => {
    let state = seed;
    const next = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 24;
    return Array.from({ length: size }, () => String.fromCharCode(next())).join('');
  };

  test.each<[what: string, text: string]>([
    ['bytes', random(1)],
    ['other bytes', random(2)],
    ['one line without an end', 'x'.repeat(size)],
    ['one line of blanks', ' '.repeat(size)],
    ['lines of one character', 'x\n'.repeat(size / 2)],
    ['a message that never ends', `invalid config option '${'invalid config option '.repeat(400)}`],
    ['the beginning of a message again and again', 'TPM emulation "'.repeat(600)],
    ['escapes that never end', '\u001b[1;'.repeat(size / 4)],
    ['half characters', '\ud83d'.repeat(size)],
  ])('by its lines, of which few are looked at, each cut: %s', (_what, text) => {
    const patterns = new Set<unknown>(all);
    const matching = jest.spyOn(RegExp.prototype, 'exec');
    try {
      const explained = explainEnd(failed(4), text);
      const tries = matching.mock.calls.filter((_, at) => patterns.has(matching.mock.contexts[at]));
      expect(tries.length > 0).toBe(saidLines(text).length > 0);
      expect(tries.length).toBeLessThanOrEqual(all.length * 200);
      expect(Math.max(0, ...tries.map(([line]) => line.length))).toBeLessThanOrEqual(500);
      expect(explained.cause).not.toBe('');
      expect(explained.evidence.length).toBeLessThanOrEqual(3);
      for (const line of explained.evidence) expect(line).toMatch(/^\P{Cc}{1,500}$/u);
    } finally {
      matching.mockRestore();
    }
  });
});
