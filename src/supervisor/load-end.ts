import type { LoadFailure } from '../explain/run-end.js';

/** How the loader of a boot ended. */
export type LoadEnd =
  /** bhyve can be started. */
  | { readonly kind: 'loaded' }
  /** Somebody said "reboot" at its prompt: the guest is to be loaded again. */
  | { readonly kind: 'rebooted' }
  /** A stop was asked for. */
  | { readonly kind: 'stopped' }
  | LoadFailure;
