import { describe, expect, test } from '@jest/globals';
import { startBhyveload } from '../../src/simulator/bhyveload.js';
import { startGrubBhyve } from '../../src/simulator/grub-bhyve.js';
import { explainLoad } from '../../src/supervisor/explain-load.js';

const failed = { kind: 'exited', status: 1 } as const;

describe('a loader’s last words are explained', () => {
  // Messages as bhyveload(8) and grub-bhyve print them.
  test.each<[stderr: string, cause: string, next: RegExp]>([
    ["bhyveload: Could not open '/vm/disk.img'\n", 'bhyveload cannot open /vm/disk.img', /loader\.disk/],
    [
      'bhyveload: illegal option -- z\nusage: bhyveload [-S]\n',
      'the loader does not know the option z',
      /loader\.args/,
    ],
    ["grub-bhyve: invalid option -- 'z'\n", 'the loader does not know the option z', /loader\.args/],
    ["grub-bhyve: unrecognized option '--boot'\n", 'the loader does not know the option --boot', /loader\.args/],
    ['vm_create: Operation not permitted\n', 'you may not make virtual machines', /root/],
    ['vm_open: Device not configured\n', 'the kernel did not make the VM: vm_open: Device not configured', /kldload/],
    [
      'Could not create VM web\nError in initializing VM\n',
      'the kernel did not make the VM: Could not create VM web',
      /root/,
    ],
    ['vm_setup_memory: Cannot allocate memory\n', 'the host has not enough free memory', /less memory/],
    ['Could not setup memory for VM\n', 'the host has not enough free memory', /less memory/],
    [
      'VM unrestricted guest capability required\n',
      'the CPU cannot run the real mode that GRUB needs: it has no unrestricted guest',
      /bhyveload/,
    ],
  ])('%j', (stderr, cause, next) => {
    const explained = explainLoad('bhyveload', failed, { stderr, stdout: '' });
    expect(explained.cause).toBe(cause);
    expect(explained.next).toMatch(next);
    expect(explained.evidence).toEqual(stderr.trimEnd().split('\n').slice(-3));
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
      evidence: ['Loading', "can't load 'kernel'", 'OK '],
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
