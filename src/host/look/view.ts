import type { Platform } from '../../devices/device.js';
import type { SystemError } from '../errno.js';
import type { FileContent } from './file-content.js';
import type { Interfaces } from './probes/ifconfig.js';
import type { PciCard } from './probes/pciconf.js';
import type { ToolAnswer } from '../process/tool-answer.js';

/** What kind of file a path names, symbolic links followed. */
export const seenFileTypes = [
  'regular file',
  'block device',
  'character device',
  'directory',
  'socket',
  'named pipe',
  'file of unknown kind',
] as const;
export type SeenFileType = (typeof seenFileTypes)[number];

/** The recorded host was not asked about it; a live one always answers. */
export interface NotCaptured {
  readonly kind: 'not-captured';
}

/** A system call said why it cannot be looked at. */
interface Hidden {
  readonly kind: 'hidden';
  readonly error: SystemError;
}

/** A file that this user can look at, with what he may not do with it. */
export interface FileThere {
  readonly kind: 'there';
  readonly type: SeenFileType;
  /** Tells one file from another whatever its names: several links, several nodes of one device. */
  readonly identity: string;
  readonly bytes: number;
  /** Of a regular file that this user may read. */
  readonly content?: FileContent;
  /** Why this user may not read or write it, or search it where it is a folder; absent: he may. */
  readonly denied: {
    readonly read?: SystemError;
    readonly write?: SystemError;
    readonly search?: SystemError;
  };
}

export interface FileMissing {
  readonly kind: 'missing';
  /** What a symbolic link at the path leads to. */
  readonly linkTo?: string;
  readonly isFolderThere: boolean;
}

/** One path as this user sees it, symbolic links followed. */
export type FileView = FileThere | FileMissing | Hidden | NotCaptured;

/** A program that a name or a path leads to, as this user would run it. */
export type ProgramView =
  | { readonly kind: 'there' }
  | { readonly kind: 'refused'; readonly reason: 'missing' | 'refused' | 'no-interpreter'; readonly why: string }
  | NotCaptured;

/** Left over: nobody listens. Device and inode in decimal. */
export interface StaleSocket {
  readonly kind: 'stale';
  readonly device: string;
  readonly inode: string;
}

/** A program may listen or not: `why` is what connect(2) said. */
export interface UnclearSocket {
  readonly kind: 'unclear';
  readonly why: string;
}

/** A path where bhyve is to bind a UNIX socket; a symbolic link at it is not followed. */
export type SocketView =
  | { readonly kind: 'free' }
  | { readonly kind: 'listening' }
  | { readonly kind: 'not-a-socket' }
  | StaleSocket
  | UnclearSocket
  | Hidden
  | NotCaptured;

/** bind(2) or listen(2) said no. */
interface PortRefused {
  readonly kind: 'refused';
  readonly error: SystemError;
}

/** A TCP port of one address, as a server would find it. */
export type PortView = { readonly kind: 'free' } | PortRefused | NotCaptured;

/**
 * What the checks look at, at one moment. A live one looks at this host, once however often it is asked and only where
 * somebody asks; a recorded one answers from what was captured elsewhere. Nothing here changes the host, and no promise
 * is rejected for what the host looks like.
 */
export interface HostView {
  /** The system, `freebsd` where there is a bhyve. */
  readonly system: string;
  /** The bhyve of the host; empty where it has none. */
  readonly platform: Partial<Platform>;
  /** Of the user who looks; undefined where users have no numbers. */
  readonly uid: number | undefined;
  readonly interfaces: () => Promise<ToolAnswer<Interfaces>>;
  /** By domain, then address. */
  readonly cards: () => Promise<ToolAnswer<readonly PciCard[]>>;
  /** Loaded, or compiled into the kernel. */
  readonly modules: () => Promise<ToolAnswer<ReadonlySet<string>>>;
  /** Values of sysctl(8) by name, of those in `sysctlNames`; one that this kernel does not have is absent. */
  readonly sysctls: () => Promise<ToolAnswer<ReadonlyMap<string, string>>>;
  /** Names in /dev/vmm, none where there is no such folder. */
  readonly vms: () => Promise<ToolAnswer<readonly string[]>>;
  readonly file: (path: string) => Promise<FileView>;
  readonly program: (nameOrPath: string) => Promise<ProgramView>;
  readonly socket: (path: string) => Promise<SocketView>;
  /** At a numeric address. */
  readonly port: (host: string, port: number) => Promise<PortView>;
  /**
   * Free bytes, for this user, of the file system that a path is on; the nearest folder that exists counts. Undefined
   * where nobody knows.
   */
  readonly freeBytes: (path: string) => Promise<number | undefined>;
}
