import { expect, test } from '@jest/globals';
import { stopSignals } from '../../src/cli/stop-signals.js';

type Sent = readonly [atMs: number, signal: NodeJS.Signals, isObeyed: boolean];

const [term, int, hup] = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

test.each<[title: string, sent: readonly Sent[]]>([
  [
    'two of timeout(1) are one wish',
    [
      [0, term, true],
      [0, term, false],
    ],
  ],
  [
    'two Ctrl-C by a hand are two',
    [
      [1000, int, true],
      [1250, int, true],
    ],
  ],
  [
    'the echo ends 200 ms after the signal',
    [
      [5, int, true],
      [204, int, false],
      [205, int, true],
    ],
  ],
  [
    'a stream of one signal is heard in the end',
    [
      [0, term, true],
      [150, term, false],
      [199, term, false],
      [300, term, true],
    ],
  ],
  [
    'an echo of the second is none of its own',
    [
      [0, int, true],
      [500, int, true],
      [501, int, false],
    ],
  ],
  [
    'another signal is another wish',
    [
      [0, term, true],
      [1, int, true],
    ],
  ],
  [
    'SIGHUP and SIGTERM together are one wish, in this order',
    [
      [0, hup, true],
      [3, term, false],
      [900, term, true],
    ],
  ],
  [
    'or in the other',
    [
      [0, term, true],
      [3, hup, false],
    ],
  ],
  [
    'SIGHUP after another is none',
    [
      [0, term, true],
      [900, hup, false],
    ],
  ],
  [
    'SIGHUP never hurries',
    [
      [0, hup, true],
      [900, hup, false],
      [5000, hup, false],
    ],
  ],
  [
    'a signal well after SIGHUP does',
    [
      [0, hup, true],
      [250, term, true],
    ],
  ],
])('%s', (_title, sent) => {
  let nowMs = 0;
  const options = { clock: { monotonicMs: () => nowMs }, needsTerminal: false, hasLostTerminal: () => false };
  const isStop = stopSignals(options);
  for (const [atMs, signal, isObeyed] of sent) {
    nowMs = atMs;
    expect([atMs, signal, isStop(signal)]).toEqual([atMs, signal, isObeyed]);
  }
});

test.each([
  [false, false, true],
  [false, true, false],
  [true, false, true],
  [true, true, true],
])('SIGHUP, console on the terminal: %s, terminal gone: %s: a stop: %s', (needsTerminal, isLost, isObeyed) => {
  const isStop = stopSignals({ clock: { monotonicMs: () => 0 }, needsTerminal, hasLostTerminal: () => isLost });
  expect(isStop(hup)).toBe(isObeyed);
});
