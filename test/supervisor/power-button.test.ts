import { expect, jest, test } from '@jest/globals';
import { powerButton, signalGuest } from '../../src/supervisor/power-button.js';

// Of a bhyve in monitor mode: this process plays the guest, the one that has started it the monitor.
const monitor = process.ppid;
const guest = process.pid;

/** Takes the place of kill(2). @returns what was sent to the guest, and to its monitor */
async function press(
  guestEndsAfter: number,
): Promise<{ readonly isHeard: boolean; readonly sent: readonly unknown[] }> {
  const sent: unknown[] = [];
  const kill = jest.spyOn(process, 'kill').mockImplementation((pid, signal) => {
    if (pid === guest && sent.length >= guestEndsAfter) throw Object.assign(new Error('gone'), { code: 'ESRCH' });
    sent.push([pid === guest ? 'guest' : 'monitor', signal]);
    return true;
  });
  try {
    const target = {
      pid: monitor,
      isThere: () => true,
      kill: (signal: NodeJS.Signals) => process.kill(monitor, signal),
    };
    const isHeard = await signalGuest(target, true, { childrenOf: () => Promise.resolve([guest]) }, powerButton);
    return { isHeard, sent };
  } finally {
    kill.mockRestore();
  }
}

test.each<[title: string, guestEndsAfter: number, sent: readonly unknown[]]>([
  [
    'hears all signals',
    9,
    [
      ['guest', 'SIGTERM'],
      ['guest', 'SIGCONT'],
    ],
  ],
  ['that ends at the first one has heard it, and its monitor is left alone', 1, [['guest', 'SIGTERM']]],
  [
    'that was gone before hears nothing, so its monitor is ended',
    0,
    [
      ['monitor', 'SIGTERM'],
      ['monitor', 'SIGCONT'],
    ],
  ],
])('the guest of a monitor %s', async (_title, guestEndsAfter, sent) => {
  expect(await press(guestEndsAfter)).toEqual({ isHeard: true, sent });
});
