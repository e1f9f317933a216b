import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Undo } from '../../../src/host/look/findings.js';
import { openLedger } from '../../../src/host/repair/ledger.js';
import { makeFakeHost, type FakeHost } from '../fake-host.js';

let host: FakeHost;
let path: string;
beforeEach(() => {
  host = makeFakeHost();
  path = join(host.folder, 'ledger');
});
afterEach(() => {
  host.remove();
});

const destroy = (name: string): Undo => ({ kind: 'destroy-interface', name });
const release: Undo = { kind: 'release-card', address: { bus: 3, slot: 0, func: 2 }, formerDriver: 'igb' };

describe('the ledger', () => {
  test('is a file of mode 0600, made with its first entry and removed with its last', async () => {
    const ledger = await openLedger(path);
    expect(existsSync(path)).toBe(false);
    const id = await ledger.record(destroy('tap1'));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await ledger.settle(id);
    expect(ledger.entries()).toEqual([]);
    expect(await ledger.undoAll(host)).toEqual([]);
    expect(existsSync(path)).toBe(false);
    expect(host.calls()).toEqual([]);
  });

  test('of a run that crashed is picked up by the next', async () => {
    const crashed = await openLedger(path);
    for (const name of ['tap1', 'tap2', 'tap3']) {
      host.addInterface(name);
      await crashed.record(destroy(name));
    }
    await crashed.settle(2);

    const ledger = await openLedger(path);
    expect(ledger.entries().map(({ undo }) => undo)).toEqual([destroy('tap1'), destroy('tap3')]);
    expect(await ledger.record(destroy('tap4'))).toBe(4);
    expect(await ledger.undoAll(host)).toEqual([]);
    // One look for all; tap4 was never made, so there is nothing to take back.
    expect(host.calls()).toEqual(['ifconfig', 'ifconfig tap3 destroy', 'ifconfig tap1 destroy']);
    expect(existsSync(path)).toBe(false);
  });

  test('survives a last line that a crash has cut', async () => {
    await (await openLedger(path)).record(destroy('tap1'));
    appendFileSync(path, '{"id":2,"undo":{"kind":"destroy-inter');
    const ledger = await openLedger(path);
    expect(ledger.entries()).toEqual([{ id: 1, undo: destroy('tap1') }]);
    await ledger.record(destroy('tap2'));
    expect((await openLedger(path)).entries().map(({ undo }) => undo)).toEqual([destroy('tap1'), destroy('tap2')]);
    expect(await ledger.undoAll(host)).toEqual([]);
  });

  test.each<[what: string, line: string]>([
    ['is no JSON', 'tap1'],
    ['has no number', '{"undo":{"kind":"destroy-interface","name":"tap1"}}'],
    ['names a change that is not known', '{"id":9,"undo":{"kind":"run","argv":["rm","-r","/"]}}'],
    ['names an interface that is an option', '{"id":9,"undo":{"kind":"destroy-interface","name":"-a"}}'],
    ['names a bridge that is an option', '{"id":9,"undo":{"kind":"remove-member","bridge":"-a","member":"tap1"}}'],
    ['names a member that is a path', '{"id":9,"undo":{"kind":"remove-member","bridge":"lan","member":"/tap1"}}'],
    ['names no member', '{"id":9,"undo":{"kind":"remove-member","bridge":"lan"}}'],
    ['names no card', '{"id":9,"undo":{"kind":"release-card","address":{"bus":"3; reboot"}}}'],
  ])('keeps and reports a line that %s, and does the rest', async (_what, line) => {
    host.addInterface('tap5');
    await (await openLedger(path)).record(destroy('tap5'));
    appendFileSync(path, `${line}\n`);
    const problems = await (await openLedger(path)).undoAll(host);
    expect(problems.map(({ code, severity }) => [code, severity])).toEqual([['ledger-line', 'warning']]);
    expect(host.calls()).toEqual(['ifconfig', 'ifconfig tap5 destroy']);
    expect(readFileSync(path, 'utf8')).toContain(line);
    expect((await openLedger(path)).entries()).toEqual([]);
  });

  test('is not read through a symbolic link', async () => {
    writeFileSync(join(host.folder, 'elsewhere'), '');
    symlinkSync('elsewhere', path);
    await expect(openLedger(path)).rejects.toThrow();
  });

  test('is not a FIFO, for whose end nobody waits, and no more than a ledger can have', async () => {
    execFileSync('mkfifo', [path]);
    await expect(openLedger(path)).rejects.toThrow(`${path} is not a ledger of vmrun`);
    rmSync(path);
    writeFileSync(path, '');
    truncateSync(path, 3e9);
    await expect(openLedger(path)).rejects.toThrow(`${path} is not a ledger of vmrun`);
  });
});

describe('taking changes back', () => {
  test('counts what is gone already as done', async () => {
    const ledger = await openLedger(path);
    await ledger.record(destroy('tap1'));
    await ledger.record({ ...release, address: { bus: 9, slot: 0, func: 0 } });
    expect(await ledger.undoAll(host)).toEqual([]);
    expect([...host.calls()].sort()).toEqual(['ifconfig', 'pciconf -l']);
  });

  test('leaves a card alone that somebody gave to another driver', async () => {
    host.setCards(host.cards().replace('ppt0@', 'vfio0@'));
    const ledger = await openLedger(path);
    await ledger.record(release);
    expect(await ledger.undoAll(host)).toEqual([]);
    expect(host.calls()).toEqual(['pciconf -l']);
  });

  test('goes on after a failure, keeps what failed, and the next run can finish', async () => {
    const ledger = await openLedger(path);
    for (const name of ['tap1', 'tap2', 'tap3']) {
      host.addInterface(name, name === 'tap2' ? { pid: 99 } : {});
      await ledger.record(destroy(name));
    }
    expect(await ledger.undoAll(host)).toEqual([
      {
        code: 'undo-failed',
        severity: 'warning',
        message: 'a change to this host was not undone: tap2 is still open in process 99',
        fix: 'ifconfig tap2 destroy; the next run tries it as well',
      },
    ]);
    expect(ledger.entries()).toEqual([{ id: 2, undo: destroy('tap2') }]);

    host.addInterface('tap2');
    const next = await openLedger(path);
    expect(next.entries()).toEqual([{ id: 2, undo: destroy('tap2') }]);
    expect(await next.undoAll(host)).toEqual([]);
    expect(host.hasInterface('tap2')).toBe(false);
    expect(existsSync(path)).toBe(false);
  });

  test('keeps everything where the tool is broken, and does it once it works', async () => {
    host.addInterface('tap1');
    const ledger = await openLedger(path);
    await ledger.record(destroy('tap1'));
    host.breakTool('ifconfig', 'garbage\n', 0);
    expect((await ledger.undoAll(host)).map(({ message }) => message)).toEqual([
      'a change to this host was not undone: ifconfig printed no list of interfaces: "garbage\\n"',
    ]);
    host.repairTool('ifconfig');
    expect(await ledger.undoAll(host)).toEqual([]);
    expect(host.hasInterface('tap1')).toBe(false);
  });

  test('goes on where the ledger itself is lost', async () => {
    path = join(host.folder, 'run', 'ledger');
    mkdirSync(join(host.folder, 'run'));
    const ledger = await openLedger(path);
    for (const name of ['tap1', 'tap2']) {
      host.addInterface(name);
      await ledger.record(destroy(name));
    }
    rmSync(join(host.folder, 'run'), { recursive: true });
    const problems = await ledger.undoAll(host);
    expect(new Set(problems.map(({ code }) => code))).toEqual(new Set(['ledger-write']));
    expect([host.hasInterface('tap1'), host.hasInterface('tap2')]).toEqual([false, false]);
  });

  test('takes a tap out of a bridge once, and only where both are there', async () => {
    host.addInterface('lan', { groups: 'bridge', members: ['tap1', 'tap2'] });
    host.addInterface('tap1');
    const ledger = await openLedger(path);
    for (const member of ['tap1', 'tap1', 'tap9'])
      await ledger.record({ kind: 'remove-member', bridge: 'lan', member });
    await ledger.record({ kind: 'remove-member', bridge: 'wan', member: 'tap1' });
    expect(await (await openLedger(path)).undoAll(host)).toEqual([]);
    expect(host.calls()).toEqual(['ifconfig', 'ifconfig lan deletem tap1']);
    expect(host.interfaceText('lan')).toContain('member: tap2');
  });

  test('of a bridge that does not let go is told with the command', async () => {
    host.addInterface('lan', { groups: 'bridge', members: ['tap1'] });
    host.addInterface('tap1');
    const ledger = await openLedger(path);
    await ledger.record({ kind: 'remove-member', bridge: 'lan', member: 'tap1' });
    const run: FakeHost['run'] = (argv) =>
      argv.length === 1
        ? host.run(argv)
        : Promise.resolve({ argv, exitCode: 1, stdout: '', stderr: 'ifconfig: BRDGDEL tap1: Operation not permitted' });
    expect(await ledger.undoAll({ run })).toMatchObject([
      { code: 'undo-failed', fix: 'ifconfig lan deletem tap1; the next run tries it as well' },
    ]);
    expect(ledger.entries()).toHaveLength(1);
  });

  test('leaves what is a member no more', async () => {
    host.addInterface('lan', { groups: 'bridge' });
    host.addInterface('tap1');
    const ledger = await openLedger(path);
    await ledger.record({ kind: 'remove-member', bridge: 'lan', member: 'tap1' });
    expect(await ledger.undoAll(host)).toEqual([]);
    expect(host.calls()).toEqual(['ifconfig']);
  });

  test('destroys an interface that is written down twice once', async () => {
    host.addInterface('tap1');
    const ledger = await openLedger(path);
    await ledger.record(destroy('tap1'));
    await ledger.record(destroy('tap1'));
    expect(await ledger.undoAll(host)).toEqual([]);
    expect(host.calls()).toEqual(['ifconfig', 'ifconfig tap1 destroy']);
  });
});
