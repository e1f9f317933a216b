/** The FreeBSD releases whose bhyve is known; some spellings changed between them. 16 is a snapshot of CURRENT. */
export const releases = [14, 15, 16] as const;
export type Release = (typeof releases)[number];

export const architectures = ['amd64', 'arm64'] as const;
export type Arch = (typeof architectures)[number];

/** One bhyve: what a command is written for, and what the simulator plays. */
export interface Platform {
  readonly release: Release;
  readonly arch: Arch;
}
