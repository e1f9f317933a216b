import { describe, expect, test } from '@jest/globals';
import { guestConsole, type Typed } from '../../src/simulator/guest-console.js';

/** What comes of what is typed, in as many pieces as there are. */
function typed(isTerminal: boolean, ...pieces: readonly string[]): Typed {
  const type = guestConsole('web', isTerminal);
  let shown = '';
  for (const piece of pieces) {
    const next = type(piece);
    shown += next.shown;
    if (next.end !== undefined) return { shown, end: next.end };
  }
  return { shown };
}

describe('what is typed at a guest', () => {
  test.each<[text: string, end: Typed['end']]>([
    ['poweroff\r', 'power_off'],
    ['/sbin/poweroff -f\r', 'power_off'],
    ['sudo  shutdown -p now\r', 'power_off'],
    ['shutdown -h now\r', 'power_off'],
    ['shutdown now\r', 'power_off'],
    ['shutdown -r now\r', 'reboot'],
    ['reboot\n', 'reboot'],
    ['init 6\r', 'reboot'],
    ['systemctl reboot\r', 'reboot'],
    ['halt\r', 'halt'],
    ['exit\r', 'power_off'],
    ['logout\r', 'power_off'],
    ['root\rpoweroff\r', 'power_off'],
    ['power off\b\b\b\boff\r', 'power_off'],
    ['powerofff\u007f\r', 'power_off'],
    ['half a line\u0003', 'power_off'],
    ['\u0004', 'power_off'],
    ['poweroff', undefined],
    ['root\r', undefined],
    // That leaves a console, and ends no guest.
    ['~.\r', undefined],
    ['rebooting\r', undefined],
    ['echo poweroff\r', undefined],
    ['\r', undefined],
  ])('%j ends it with %s', (text, end) => {
    expect(typed(true, text).end).toBe(end);
    expect(typed(false, ...Array.from(text)).end).toBe(end);
  });

  test('is shown, a prompt after each line', () => {
    expect(typed(false, 'ro', 'ot\n', '\n')).toEqual({ shown: 'root\r\nweb login: \r\nweb login: ' });
    expect(typed(false, 'ab\b')).toEqual({ shown: 'ab\b \b' });
    expect(typed(false, '\b')).toEqual({ shown: '' });
    expect(typed(false, 'x\u0003y')).toEqual({ shown: 'x^C\r\n', end: 'power_off' });
  });

  test('is answered with what is understood: at a terminal always, elsewhere when somebody asks for help', () => {
    expect(typed(true, 'root\r').shown).toMatch(/poweroff.*Ctrl-C/);
    expect(typed(true, '\r').shown).not.toContain('poweroff');
    expect(typed(false, 'help\r').shown).toMatch(/poweroff.*Ctrl-C/);
  });
});
