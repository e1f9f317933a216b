import * as fs from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { jest } from '@jest/globals';

/** System calls below one folder that fail when a test says so; everything else is done as ever. */
export interface FailingFiles {
  /** From now on calls are counted; the nth one fails, and with `isSticky` all that follow. */
  readonly failAt: (folder: string, nth: number, code: string, options?: { readonly isSticky?: boolean }) => void;
  /** Nothing fails any more. @returns the calls that have failed: `fsync`, `rename`, … */
  readonly mend: () => readonly string[];
}

/** Stands in for node:fs in all modules that are imported after it was called. */
export function failingFiles(): FailingFiles {
  let at:
    { readonly folder: string; readonly nth: number; readonly code: string; readonly isSticky: boolean } | undefined;
  let count = 0;
  let failed: string[] = [];
  const open = new Map<number, string>();

  function pass(syscall: string, file: unknown): void {
    const path = typeof file === 'number' ? open.get(file) : file;
    if (at === undefined || typeof path !== 'string' || !path.startsWith(at.folder)) return;
    count += 1;
    if (count !== at.nth && !(at.isSticky && count > at.nth)) return;
    failed.push(syscall);
    const { code } = at;
    const [errno, [, words] = ['', '']] = [...getSystemErrorMap()].find(([, [name]]) => name === code) ?? [];
    throw Object.assign(new Error(`${code}: ${words}, ${syscall}`), { code, syscall, errno });
  }

  /** Reading needs no room. */
  const isRead = (flags: unknown): boolean =>
    flags === 'r' || flags === undefined || (typeof flags === 'number' && (flags & ~harmless) === 0);

  jest.unstable_mockModule('node:fs', () => ({
    ...fs,
    default: fs,
    openSync: (...args: Parameters<typeof fs.openSync>) => {
      const [file, flags] = args;
      if (!isRead(flags)) pass('open', file);
      const descriptor = fs.openSync(...args);
      if (typeof file === 'string') open.set(descriptor, file);
      return descriptor;
    },
    closeSync: (descriptor: number) => {
      open.delete(descriptor);
      fs.closeSync(descriptor);
    },
    writeFileSync: (...args: Parameters<typeof fs.writeFileSync>) => {
      pass('write', args[0]);
      fs.writeFileSync(...args);
    },
    fsyncSync: (descriptor: number) => {
      // No power is cut here, and a disk that others use takes its time.
      pass('fsync', descriptor);
    },
    writeSync: ((descriptor: number, ...rest: [string]) => {
      pass('write', descriptor);
      return fs.writeSync(descriptor, ...rest);
    }) as typeof fs.writeSync,
    ftruncateSync: (...args: Parameters<typeof fs.ftruncateSync>) => {
      pass('ftruncate', args[0]);
      fs.ftruncateSync(...args);
    },
    renameSync: (from: string, to: string) => {
      pass('rename', from);
      fs.renameSync(from, to);
    },
    unlinkSync: (file: string) => {
      pass('unlink', file);
      fs.unlinkSync(file);
    },
    mkdirSync: (...args: Parameters<typeof fs.mkdirSync>) => {
      pass('mkdir', args[0]);
      return fs.mkdirSync(...args);
    },
  }));

  return {
    failAt: (folder, nth, code, { isSticky = false } = {}) => {
      at = { folder, nth, code, isSticky };
      count = 0;
      failed = [];
    },
    mend: () => {
      at = undefined;
      return failed;
    },
  };
}

/** What a descriptor that is read may be opened with; a folder is opened to be synced. */
const harmless = fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;
