/** The FreeBSD releases whose bhyve is known; some spellings changed between them. 16 is a snapshot of CURRENT. */
export const releases = [14, 15, 16] as const;
/** The number of a FreeBSD release. */
export type Release = (typeof releases)[number];

export const architectures = ['amd64', 'arm64'] as const;
/** Architecture of host and guest, as uname(1) -p says it. */
export type Arch = (typeof architectures)[number];

/** One bhyve: what a command is written for, and what the simulator plays. */
export interface Platform {
  /** Of FreeBSD: some spellings changed between them. */
  readonly release: Release;
  /** Of the host, and so of the guest. */
  readonly arch: Arch;
}
