/** What somebody at a terminal wants of the console, as said by keys after a newline and `~`. */
export type KeyAction = 'leave' | 'take' | 'suspend' | 'help';

/** For people. */
export const keyHelp =
  '~. leaves, ~t takes the keyboard, ~^Z suspends vmrun, ~~ types one ~, each at the beginning of a line';

interface Keys {
  /** For the guest. */
  readonly typed: Uint8Array;
  readonly action?: KeyAction;
  /** What was typed behind that. */
  readonly rest?: Uint8Array;
}

const [tilde, newline, carriageReturn] = [0x7e, 0x0a, 0x0d];
const actions: ReadonlyMap<number, KeyAction> = new Map([
  [0x2e, 'leave'], // .
  [0x04, 'leave'], // Ctrl-D, as cu(1) has it
  [0x74, 'take'], // t
  [0x1a, 'suspend'], // Ctrl-Z
  [0x3f, 'help'], // ?
]);

/**
 * Tells apart what is meant for the guest and what for us: `~.` at the beginning of a line leaves, as with cu(1) and
 * ssh(1), `~~` is one tilde for the guest. A tilde at the beginning of a line waits for the next key.
 */
export function consoleKeys(): (bytes: Uint8Array) => Keys {
  let isAtStart = true;
  let hasTilde = false;
  return (bytes) => {
    const typed: number[] = [];
    for (const [index, byte] of bytes.entries()) {
      if (hasTilde) {
        hasTilde = false;
        const action = actions.get(byte);
        if (action !== undefined) {
          isAtStart = true;
          return { typed: Uint8Array.from(typed), action, rest: bytes.subarray(index + 1) };
        }
        typed.push(tilde);
        isAtStart = false;
        if (byte === tilde) continue;
      } else if (isAtStart && byte === tilde) {
        hasTilde = true;
        continue;
      }
      typed.push(byte);
      isAtStart = byte === newline || byte === carriageReturn;
    }
    return { typed: Uint8Array.from(typed) };
  };
}
