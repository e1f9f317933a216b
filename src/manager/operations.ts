import type { Problem } from '../base/problem.js';

export const operationKinds = [
  ...(['start', 'stop', 'restart'] as const),
  ...(['reset', 'pause', 'resume', 'nmi', 'power-button'] as const),
] as const;
export type OperationKind = (typeof operationKinds)[number];

export const operationStates = ['running', 'done', 'failed', 'interrupted'] as const;

/** Something that was asked for and takes a while. It is known for 24 hours after its end. */
export interface Operation {
  readonly id: string;
  readonly kind: OperationKind;
  readonly vm: string;
  /** Who asked. */
  readonly by: string;
  /**
   * `interrupted`: the manager ended before it was done, or another request took its place. A stop is never interrupted by a
   * hand-over: the next manager sees it through.
   */
  readonly state: (typeof operationStates)[number];
  /** Nothing was to do: a start of a VM that ran, a stop of one that did not. */
  readonly hadEffect: boolean;
  /** ISO 8601. */
  readonly begun: string;
  readonly ended?: string;
  /** Why it failed, or was interrupted; of severity `warning`: what whoever asked should know in any case. */
  readonly problems: readonly Problem[];
}

export interface Operations {
  /** Newest first. */
  readonly list: () => readonly Operation[];
  readonly get: (id: string) => Operation | undefined;
  /** Resolves when it has ended, or when the signal is aborted, with what it is then. */
  readonly ended: (id: string, signal?: AbortSignal) => Promise<Operation | undefined>;
  /**
   * Takes back one that has not begun to act: a start that waits for others.
   * @returns a problem where it cannot be
   * @throws ProblemsError `unknown-operation`
   */
  readonly cancel: (id: string) => Problem | undefined;
}
