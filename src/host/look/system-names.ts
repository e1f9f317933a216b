import { release } from 'node:os';
import { architectures, releases, type Platform } from '../../devices/device.js';

/** What uname(1) says of a system. */
interface SystemNames {
  /** `freebsd`, `linux`, … */
  readonly system: string;
  /** `15.0-RELEASE-p2` */
  readonly release: string;
  /** As Node.js has it: `x64`, `arm64`. */
  readonly arch: string;
}

/** This host. */
export const systemNames = (): SystemNames => ({ system: process.platform, release: release(), arch: process.arch });

/** The version of Node.js that runs. */
export const nodeVersion = (): string => process.versions.node;

/** The bhyve of this host; empty where it is no FreeBSD. */
export const systemPlatform = (): Partial<Platform> => hostPlatform(systemNames());

/** The bhyve of a host; empty where it is no FreeBSD. A release that is not known is the nearest one that is. */
export function hostPlatform({ system, release: name, arch }: SystemNames): Partial<Platform> {
  if (system !== 'freebsd') return {};
  const major = Number.parseInt(name, 10);
  const known = releases.filter((each) => each <= major).at(-1) ?? releases[0];
  return { release: known, arch: architectures.find((each) => each === arch) ?? 'amd64' };
}
