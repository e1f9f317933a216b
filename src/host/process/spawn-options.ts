import type { OutputFile } from './output-file.js';

/** How a child is found again by those who come after us, and how they know of its end. */
export interface Survivor {
  /** File that tells of the child; the child writes it before it becomes the program, so there is none without. */
  readonly noteFile: string;
  /** `%` stands for its pid. */
  readonly note: string;
  /** Descriptor of a lock that is to be held for as long as the child lives. */
  readonly lock: number | undefined;
  /** File in which its end will be written, and what tells it from other ends there. */
  readonly endFile: string | undefined;
  readonly tag: string;
  /** FIFO that is at its end when the child is; where there is none, others cannot listen to it. */
  readonly lifeLine: string | undefined;
}

/** How a child is started. */
export interface SpawnOptions {
  /** Ours, none, or a text and then its end; a child need not read it. Or a FIFO, which never ends. */
  readonly stdin: 'inherit' | 'ignore' | { readonly text: string } | { readonly fifo: string };
  /**
   * Descriptor 1 itself. Or its bytes as they come. Or a FIFO, for which nobody need be there. Or what makes a file, for a
   * child whose words are not the product, or that must not take our terminal for its own.
   */
  readonly stdout:
    1 | { readonly onBytes: (bytes: Uint8Array) => void } | { readonly fifo: string } | (() => OutputFile | undefined);
  /** Makes a file, which others go on to read should we be killed; where there can be none, nobody reads it. */
  readonly stderr: () => OutputFile | undefined;
  /** What outlives us, should we be killed. */
  readonly survivor: Survivor;
  /** Added to what every program gets: `programEnvironment`. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * A session of its own, so that a Ctrl-C at the terminal reaches us alone. Not for a guest whose console is the
   * terminal: it stays in our session, and the terminal's raw mode hands Ctrl-C to the guest.
   */
  readonly ownSession: boolean;
  /** Called where the shell that waits for the child was killed, and how the child ends will not be known. */
  readonly onUnwaited?: () => void;
}
