import type { Release } from '../bhyve/releases.js';

/** What bhyve-sim can play; the loaders put a guest into memory that has no boot ROM. */
export const programs = ['bhyve', 'bhyveload', 'grub-bhyve'] as const;
export type Program = (typeof programs)[number];
export type LoaderName = Exclude<Program, 'bhyve'>;

/** How a loader ends: it works, fails, is told to reboot at its prompt (bhyveload), or waits there until it is killed. */
export const loaderEnds = ['ok', 'fail', 'reboot', 'hang'] as const;
export type LoaderEnd = (typeof loaderEnds)[number];

export interface LoaderOptions {
  readonly release: Release;
  /** Which boot this is, from 1. */
  readonly boot: number;
  readonly readFile: (path: string) => string | undefined;
}

/** What a loader makes of its command line. */
export type LoaderStart =
  | {
      readonly kind: 'started';
      /** For people: what it loads. */
      readonly line: string;
      /** It asks at its prompt what to do. */
      readonly readsCommands: boolean;
    }
  | {
      readonly kind: 'failed';
      /** Lines on stderr. */
      readonly messages: readonly string[];
      readonly status: number;
    };
