import { describe, expect, test } from '@jest/globals';
import type { Platform } from '../../../../src/devices/device.js';
import { checkHost } from '../../../../src/host/look/check.js';
import { recordedView, type FileFacts, type HostFacts } from '../../../../src/host/look/facts.js';
import { requirement } from '../../fake-host.js';

const refused = { code: 'EACCES', words: 'permission denied' };
const writable: FileFacts = { kind: 'there', type: 'character device', identity: 'device 9', bytes: 0, denied: {} };
const closed: FileFacts = { ...writable, denied: { read: refused, write: refused } };
const missing: FileFacts = { kind: 'missing', isFolderThere: true };
const hidden: FileFacts = { kind: 'hidden', error: refused };

interface Seen {
  readonly uid?: number;
  readonly platform?: Partial<Platform>;
  readonly vmmctl?: FileFacts;
  readonly isMonitored?: boolean;
  readonly system?: string;
}

async function saidOf({ uid, platform = { release: 15 }, vmmctl, isMonitored = false, system = 'freebsd' }: Seen) {
  const facts: HostFacts = {
    ...{ version: 1, taken: '2026-01-31T12:00:00Z', system, platform, ...(uid === undefined ? {} : { uid }) },
    ...{ interfaces: [], cards: [], modules: [], sysctls: {}, vms: [], sockets: {}, ports: {}, freeBytes: {} },
    files: vmmctl === undefined ? {} : { '/dev/vmmctl': vmmctl },
  };
  const { findings } = await checkHost([requirement({ kind: 'privilege', isMonitored })], {
    view: recordedView(facts),
  });
  return findings.map(({ problem: { code, message, fix } }) => `${code}: ${message} [${fix ?? ''}]`);
}

describe('the right to make virtual machines', () => {
  test.each<[what: string, seen: Seen]>([
    ['root has it', { uid: 0, platform: { release: 14 } }],
    ['whoever may write to /dev/vmmctl has it', { uid: 1001, vmmctl: writable }],
    [
      'and from release 16 on in monitor mode',
      { uid: 1001, platform: { release: 16 }, vmmctl: writable, isMonitored: true },
    ],
    ['nobody knows where users have no numbers', {}],
    ['it is not asked for where there is no bhyve', { uid: 1001, system: 'linux', platform: {} }],
  ])('%s', async (_what, seen) => {
    expect(await saidOf(seen)).toEqual([]);
  });

  test.each<[what: string, seen: Seen, said: string]>([
    [
      "is root's alone before release 15",
      { uid: 1001, platform: { release: 14 }, vmmctl: writable },
      'privilege: user 1001 may not make virtual machines [run vmrun as root]',
    ],
    [
      'is that to write to /dev/vmmctl',
      { uid: 1001, vmmctl: closed },
      'privilege: user 1001 may not make virtual machines: /dev/vmmctl cannot be written: permission denied (EACCES) ' +
        '[run vmrun as root, or join the group vmm]',
    ],
    [
      "is nobody's else while vmm is not loaded",
      { uid: 1001, vmmctl: missing },
      'privilege: user 1001 may not make virtual machines: /dev/vmmctl does not exist ' +
        '[run vmrun as root, or join the group vmm]',
    ],
    [
      'needs monitor mode as well from release 16 on',
      { uid: 1001, platform: { release: 16 }, vmmctl: hidden },
      'privilege: user 1001 may not make virtual machines: /dev/vmmctl cannot be written: permission denied (EACCES) ' +
        '[run vmrun as root, or join the group vmm, and set "monitor": true]',
    ],
    [
      'needs it of members of the group, too',
      { uid: 1001, platform: { release: 16 }, vmmctl: writable },
      "privilege-monitor: user 1001 may make virtual machines in bhyve's monitor mode only, since it is not root " +
        '[set "monitor": true, or run vmrun as root]',
    ],
    [
      'may not have been captured',
      { uid: 1001 },
      'not-captured: the captured host says nothing about /dev/vmmctl [capture it with: vmrun facts -c SPEC]',
    ],
  ])('%s', async (_what, seen, said) => {
    expect(await saidOf(seen)).toEqual([said]);
  });
});
