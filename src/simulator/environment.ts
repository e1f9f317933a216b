import { shown } from '../base/text.js';
import { type Arch, type Release, architectures, releases } from '../bhyve/releases.js';
import { type LoaderEnd, type Program, loaderEnds, programs } from './loaders.js';
import { type Step, parseScript } from './script.js';

/** What bhyve-sim is told by its environment, as bhyve has no option for it. */
export interface Settings {
  readonly program: Program;
  readonly release: Release;
  readonly arch: Arch;
  /** Most vCPUs that the host it plays allows; absent: any number. */
  readonly maxcpu?: number;
  /** A loader has made the VM: no boot ROM is needed. */
  readonly loaded: boolean;
  /** What each boot does. */
  readonly steps: readonly Step[];
  /** Which boot this is, from 1. */
  readonly boot: number;
  /** How the loader of this boot ends. */
  readonly loaderEnd: LoaderEnd;
}

/**
 * Reads `VMRUN_SIM_PROGRAM` (bhyve, bhyveload, grub-bhyve; default bhyve), `VMRUN_SIM_LOADER` (ok, fail, reboot, hang,
 * one for each boot, the last repeats; default ok), `VMRUN_SIM_RELEASE` (14, 15, 16; default 15), `VMRUN_SIM_ARCH` (amd64, arm64; default amd64),
 * `VMRUN_SIM_MAXCPU` (default: no limit), `VMRUN_SIM_LOADED` (yes or no; default no), `VMRUN_SIM_SCRIPT` (default
 * `run`) and `VMRUN_BOOT` (default 1). An empty variable is as good as none.
 * @returns the settings, or what is wrong with the first bad one
 */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>>,
): Settings | { readonly error: string } {
  const get = (name: string): string | undefined => (environment[name] === '' ? undefined : environment[name]);
  const wrong = (name: string, wanted: string): { readonly error: string } => ({
    error: `${name} must be ${wanted}, got ${shown(get(name))}`,
  });

  const program = programs.find((known) => known === (get('VMRUN_SIM_PROGRAM') ?? 'bhyve'));
  if (program === undefined) return wrong('VMRUN_SIM_PROGRAM', programs.join(', '));
  const release = releases.find((known) => String(known) === (get('VMRUN_SIM_RELEASE') ?? '15'));
  if (release === undefined) return wrong('VMRUN_SIM_RELEASE', releases.join(', '));
  const arch = architectures.find((known) => known === (get('VMRUN_SIM_ARCH') ?? 'amd64'));
  if (arch === undefined) return wrong('VMRUN_SIM_ARCH', architectures.join(' or '));
  const maxcpu = get('VMRUN_SIM_MAXCPU');
  if (maxcpu !== undefined && !isCount(maxcpu)) return wrong('VMRUN_SIM_MAXCPU', 'a whole number from 1 on');
  const loaded = get('VMRUN_SIM_LOADED') ?? 'no';
  if (!/^(1|0|true|false|yes|no|on|off)$/i.test(loaded)) return wrong('VMRUN_SIM_LOADED', 'yes or no');
  const boot = get('VMRUN_BOOT') ?? '1';
  if (!isCount(boot)) return wrong('VMRUN_BOOT', 'a whole number from 1 on');
  const ends = (get('VMRUN_SIM_LOADER') ?? 'ok')
    .split(',')
    .map((word) => loaderEnds.find((end) => end === word.trim()));
  const loaderEnd = ends[Math.min(Number(boot), ends.length) - 1];
  if (loaderEnd === undefined || ends.includes(undefined)) return wrong('VMRUN_SIM_LOADER', loaderEnds.join(', '));
  if (loaderEnd === 'reboot' && program === 'grub-bhyve') {
    return { error: 'VMRUN_SIM_LOADER: grub-bhyve has no reboot; use ok, fail, hang' };
  }
  const script = parseScript(get('VMRUN_SIM_SCRIPT') ?? 'run');
  if (script.kind === 'error') return { error: `VMRUN_SIM_SCRIPT: ${script.message}; ${script.fix}` };
  return {
    program,
    release,
    arch,
    ...(maxcpu === undefined ? {} : { maxcpu: Number(maxcpu) }),
    loaded: /^(1|true|yes|on)$/i.test(loaded),
    steps: script.steps,
    boot: Number(boot),
    loaderEnd,
  };
}

const isCount = (text: string): boolean => /^[1-9]\d{0,8}$/.test(text);
