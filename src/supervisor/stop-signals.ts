/** What a run is told of its stop. */
export interface StopSignals {
  /** Aborted: stop, and boot no more. */
  readonly stop: AbortSignal;
  /** Aborted: do not wait for the guest any longer. */
  readonly hurry: AbortSignal;
}
