/** What the releases of vm-bhyve do differently, as far as a guest or its start can tell. */
export interface VmBhyveRelease {
  /** 1.6.0: bhyveload is told the UUID and the name. */
  readonly tellsLoader: boolean;
  /** 1.6.0: `sound_rec` is read. */
  readonly recordsSound: boolean;
  /** 1.6.0: a card without a switch is not added to the guest. */
  readonly needsSwitch: boolean;
  /** 1.6.1: every guest gets `-AHPw`. Before, `-AHP` with a loader and `-Hw` with UEFI. */
  readonly isUniform: boolean;
  /** 1.7.0: behind slot 30 a second bus begins, where the guest ended before; `fwcfg` is read. */
  readonly hasBuses: boolean;
  /** 1.7.1: `passthruN_options` are read, and devices stand before the other options of bhyve. */
  readonly hasPassthruOptions: boolean;
  /** Not released yet, in the master branch: `diskN_dev="9p"` is a shared folder. */
  readonly has9p: boolean;
}

/** `1.7.5`, `1.6`: the last number may be left out, for the newest of them. `1.8` is the master branch. */
const versionPattern = /^1\.(\d{1,2})(?:\.(\d{1,2}))?$/;

/** @returns undefined where it is no version that vmrun follows */
export function vmBhyveRelease(version: string): VmBhyveRelease | undefined {
  const [, minor, patch] = versionPattern.exec(version) ?? [];
  if (minor === undefined || Number(minor) < 5) return undefined;
  const number = Number(minor) * 100 + Number(patch ?? '99');
  return {
    tellsLoader: number >= 600,
    recordsSound: number >= 600,
    needsSwitch: number >= 600,
    isUniform: number >= 601,
    hasBuses: number >= 700,
    hasPassthruOptions: number >= 701,
    has9p: number >= 800,
  };
}

/** The newest release with what the master branch adds. */
export const newestRelease: VmBhyveRelease = {
  tellsLoader: true,
  recordsSound: true,
  needsSwitch: true,
  isUniform: true,
  hasBuses: true,
  hasPassthruOptions: true,
  has9p: true,
};
