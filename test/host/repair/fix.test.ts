import { chmodSync, existsSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { checkHost, fixesOf } from '../../../src/host/look/check.js';
import { applyFix, type FixOutcome } from '../../../src/host/repair/fix.js';
import { openLedger } from '../../../src/host/repair/ledger.js';
import { liveView } from '../../../src/host/look/live-view.js';
import type { RunTool } from '../../../src/host/process/tools.js';
import type { MachineRequirement } from '../../../src/machine/machine.js';
import { checkBoth } from '../both-views.js';
import { makeFakeHost, requirement, sentences, tap, type FakeHost } from '../fake-host.js';

let host: FakeHost;
let path: string;
beforeEach(() => {
  host = makeFakeHost();
  path = join(host.folder, 'ledger');
});
afterEach(() => {
  host.remove();
});

const card = requirement({ kind: 'host-card', card: { by: 'address', address: { bus: 3, slot: 0, func: 0 } } });
const spare = requirement({ kind: 'host-card', card: { by: 'address', address: { bus: 1, slot: 0, func: 1 } } });

/** Checks, applies every fix in turn, and says how each went. */
async function repair(asked: readonly MachineRequirement[], run: RunTool = host.run) {
  const ledger = await openLedger(path);
  const outcomes: FixOutcome[] = [];
  for (const fix of fixesOf((await checkHost(asked, { view: liveView(host) })).findings))
    outcomes.push(await applyFix(fix, { run, ledger }));
  return { ledger, outcomes };
}

const changes = () => host.calls().filter((call) => /create|destroy|addm|deletem| mtu |devctl|kldload/.test(call));

describe('a fix', () => {
  test('makes the host ready, and everything is taken back last first', async () => {
    const cuse = requirement({ kind: 'module', name: 'cuse', why: 'a sound device' });
    const asked = [tap('tap7'), tap('vm1'), card, spare, cuse];
    const before = host.cards();
    const { ledger, outcomes } = await repair(asked);
    expect(outcomes).toEqual(Array(5).fill({ kind: 'fixed' }));
    expect((await checkHost(asked, { view: liveView(host) })).findings).toEqual([]);
    expect(await ledger.undoAll(host)).toEqual([]);
    expect(changes()).toEqual([
      'kldload -n cuse',
      'ifconfig tap7 create',
      'ifconfig tap create name vm1',
      'devctl set driver -f pci0:3:0:0 ppt',
      'devctl set driver -f pci0:1:0:1 ppt',
      'devctl clear driver -f pci0:1:0:1',
      'devctl clear driver -f pci0:3:0:0',
      'ifconfig vm1 destroy',
      'ifconfig tap7 destroy',
    ]);
    expect(host.cards()).toBe(before);
    expect(existsSync(path)).toBe(false);
  });

  test('makes a tap with the MTU of its bridge, and puts it there', async () => {
    host.addInterface('lan', { groups: 'bridge', mtu: 9000, members: ['ix0'] });
    host.addInterface('tap3', { mtu: 9000 });
    const before = host.interfaceText('lan');
    const asked = ['tap7', 'tap3'].map((name) => requirement({ kind: 'interface', name, type: 'tap', bridge: 'lan' }));
    const { ledger, outcomes } = await repair(asked);
    expect(outcomes).toEqual(Array(4).fill({ kind: 'fixed' }));
    expect((await checkHost(asked, { view: liveView(host) })).findings).toEqual([]);
    expect(await ledger.undoAll(host)).toEqual([]);
    expect(changes()).toEqual([
      'ifconfig tap7 create',
      'ifconfig tap7 mtu 9000',
      'ifconfig lan addm tap7 up',
      'ifconfig lan addm tap3 up',
      'ifconfig lan deletem tap3',
      'ifconfig lan deletem tap7',
      'ifconfig tap7 destroy',
    ]);
    expect(host.interfaceText('lan')).toBe(before);
    expect(host.hasInterface('tap3')).toBe(true);
  });

  test('that fails on a member which somebody else has just added leaves that member alone', async () => {
    host.addInterface('lan', { groups: 'bridge' });
    host.addInterface('tap3');
    const asked = requirement({ kind: 'interface', name: 'tap3', type: 'tap', bridge: 'lan' });
    const { ledger, outcomes } = await repair([asked], (argv) => {
      host.addInterface('lan', { groups: 'bridge', members: ['tap3'] });
      return host.run(argv);
    });
    expect(outcomes[0]?.kind).toBe('failed');
    await ledger.undoAll(host);
    expect(host.interfaceText('lan')).toContain('member: tap3');
  });

  test('is in the ledger before anything is changed', async () => {
    let seen = '';
    await repair([tap('tap7')], (argv) => {
      seen = readFileSync(path, 'utf8');
      return host.run(argv);
    });
    expect(seen).toBe('{"id":1,"undo":{"kind":"destroy-interface","name":"tap7"}}\n');
  });

  test('that fails is a problem with the command, its status and its words', async () => {
    host.keepCardsBusy();
    const { outcomes } = await repair([card]);
    expect(outcomes).toEqual([
      {
        kind: 'failed',
        problem: {
          code: 'fix-failed',
          severity: 'error',
          message:
            'devctl set driver -f pci0:3:0:0 ppt ended with exit status 1: ' +
            'devctl: Failed to set pci0:3:0:0 driver: Device busy',
          fix: 'run it by hand and start again: devctl set driver -f pci0:3:0:0 ppt',
          subject: card.subject,
        },
      },
    ]);
  });

  test('that fails on an interface which somebody else has just made leaves that interface alone', async () => {
    const { ledger, outcomes } = await repair([tap('tap7')], (argv) => {
      host.addInterface('tap7');
      return host.run(argv);
    });
    expect(outcomes[0]?.kind).toBe('failed');
    await ledger.undoAll(host);
    expect(host.hasInterface('tap7')).toBe(true);
  });

  test('that ran out of time is taken back all the same, since it may have worked', async () => {
    const { ledger, outcomes } = await repair([tap('tap7')], async (argv) => {
      await host.run(argv);
      return { argv, exitCode: undefined, stdout: '', stderr: '', failure: 'timeout' };
    });
    expect(outcomes[0]?.kind).toBe('failed');
    expect(await ledger.undoAll(host)).toEqual([]);
    expect(host.hasInterface('tap7')).toBe(false);
  });

  test('that took a card from its driver and could not give it to ppt gives it back', async () => {
    const { ledger } = await repair([card], async (argv) => {
      await host.run(argv);
      host.setCards(host.cards().replace(/^ppt\d*@pci0:3:0:0:/m, 'none7@pci0:3:0:0:'));
      return {
        argv,
        exitCode: 1,
        stdout: '',
        stderr: 'devctl: Failed to set pci0:3:0:0 driver to ppt: No such process',
      };
    });
    expect(await ledger.undoAll(host)).toEqual([]);
    expect(host.cards()).toContain('igb0@pci0:3:0:0:');
  });

  test('that cannot be written down changes nothing', async () => {
    path = join(host.folder, 'no', 'such', 'ledger');
    const { outcomes } = await repair([tap('tap7')]);
    expect(outcomes).toMatchObject([
      {
        kind: 'failed',
        problem: {
          message: `nothing was changed, since ${path} cannot be written: no such file or directory (ENOENT)`,
        },
      },
    ]);
    expect(changes()).toEqual([]);
  });
});

describe('removing a socket that was left over', () => {
  const socket = () => requirement({ kind: 'free-socket', path: join(host.folder, 'a.sock') });

  beforeEach(async () => {
    const server = createServer();
    server.listen(join(host.folder, 'live.sock'));
    await once(server, 'listening');
    renameSync(join(host.folder, 'live.sock'), join(host.folder, 'a.sock'));
    server.close();
    await once(server, 'close');
  });

  test('frees its place and leaves nothing to take back', async () => {
    const { ledger, outcomes } = await repair([socket()]);
    expect(outcomes).toEqual([{ kind: 'fixed' }]);
    expect(ledger.entries()).toEqual([]);
    expect((await checkHost([socket()], { view: liveView(host) })).findings).toEqual([]);
  });

  test('does not touch a file that took its place meanwhile', async () => {
    const { findings } = await checkHost([socket()], { view: liveView(host) });
    renameSync(join(host.folder, 'a.sock'), join(host.folder, 'old.sock'));
    writeFileSync(join(host.folder, 'a.sock'), 'precious');
    const ledger = await openLedger(path);
    for (const fix of fixesOf(findings)) {
      expect(await applyFix(fix, { run: host.run, ledger })).toMatchObject({
        kind: 'failed',
        problem: { message: expect.stringContaining('is not the file that was looked at') },
      });
    }
    expect(readFileSync(join(host.folder, 'a.sock'), 'utf8')).toBe('precious');
  });

  test('is done where it is gone already', async () => {
    const { findings } = await checkHost([socket()], { view: liveView(host) });
    expect(sentences(findings)).toHaveLength(1);
    renameSync(join(host.folder, 'a.sock'), join(host.folder, 'old.sock'));
    const ledger = await openLedger(path);
    for (const fix of fixesOf(findings))
      expect(await applyFix(fix, { run: host.run, ledger })).toEqual({ kind: 'fixed' });
  });
});

describe('copying the variables of a firmware', () => {
  const at = (name: string): string => join(host.folder, name);
  const varfile = (name = 'vm0.fd') =>
    requirement({ kind: 'file', path: at(name), types: ['regular file'], access: 'write', template: at('VARS.fd') });
  const actionsFor = async (name?: string) =>
    fixesOf((await checkHost([varfile(name)], { view: liveView(host) })).findings).map(({ action }) => action);

  test("makes the file, for its owner to write to, and it stays: it is the VM's own", async () => {
    writeFileSync(at('VARS.fd'), 'variables');
    chmodSync(at('VARS.fd'), 0o444);
    const { ledger, outcomes } = await repair([varfile()]);
    expect(outcomes).toEqual([{ kind: 'fixed' }]);
    expect(readFileSync(at('vm0.fd'), 'utf8')).toBe('variables');
    expect(statSync(at('vm0.fd')).mode & 0o777).toBe(0o644);
    expect(ledger.entries()).toEqual([]);
    expect((await checkHost([varfile()], { view: liveView(host) })).findings).toEqual([]);
    expect(host.calls()).toEqual([]);
  });

  test('is told as a command, and judged alike from afar', async () => {
    writeFileSync(at('VARS.fd'), '');
    const { findings } = await checkBoth([varfile()], host);
    expect(findings.map(({ problem: { code, message, fix } }) => `${code}: ${message} [${fix ?? ''}]`)).toEqual([
      `file-missing: ${at('vm0.fd')} does not exist [cp ${at('VARS.fd')} ${at('vm0.fd')}]`,
    ]);
  });

  test('never overwrites a file that was made meanwhile', async () => {
    writeFileSync(at('VARS.fd'), 'variables');
    const { findings } = await checkHost([varfile()], { view: liveView(host) });
    writeFileSync(at('vm0.fd'), 'precious');
    const ledger = await openLedger(path);
    for (const fix of fixesOf(findings)) {
      expect(await applyFix(fix, { run: host.run, ledger })).toMatchObject({
        kind: 'failed',
        problem: { message: expect.stringMatching(/^cannot copy .* \(EEXIST\)$/) },
      });
    }
    expect(readFileSync(at('vm0.fd'), 'utf8')).toBe('precious');
  });

  test.each<[what: string, name: string | undefined, prepare: () => void]>([
    ['there is nothing to copy', undefined, () => undefined],
    [
      'its folder is missing',
      'no/vm0.fd',
      () => {
        writeFileSync(at('VARS.fd'), '');
      },
    ],
    [
      'a link is in its place',
      undefined,
      () => {
        writeFileSync(at('VARS.fd'), '');
        symlinkSync('nowhere', at('vm0.fd'));
      },
    ],
  ])('is for people where %s', async (_what, name, prepare) => {
    prepare();
    expect(await actionsFor(name)).toEqual([]);
  });

  test('is for people where the folder may not be written to', async () => {
    writeFileSync(at('VARS.fd'), '');
    const view = liveView(host);
    const denied = { write: { code: 'EACCES', words: 'permission denied' } };
    const { findings } = await checkHost([varfile()], {
      view: {
        ...view,
        file: async (each) => {
          const seen = await view.file(each);
          return seen.kind === 'there' && seen.type === 'directory' ? { ...seen, denied } : seen;
        },
      },
    });
    expect(sentences(findings)).toEqual([`file-missing: ${at('vm0.fd')} does not exist`]);
    expect(fixesOf(findings)).toEqual([]);
  });
});
