import path from 'node:path';

/** Where run directories are: /var/run for root, else the user's own runtime directory. */
export function defaultRunBase(env: Readonly<Record<string, string | undefined>>, uid: number | undefined): string {
  if (uid === 0) return '/var/run/vmrun';
  const runtime = env.XDG_RUNTIME_DIR;
  return runtime !== undefined && path.isAbsolute(runtime)
    ? path.join(runtime, 'vmrun')
    : path.join('/tmp', `vmrun-${uid ?? 'user'}`);
}

/** The same for this process. */
export const systemRunBase = (): string => defaultRunBase(process.env, process.getuid?.());

/** Where simulated runs are: one must be possible beside the real one of the same name. */
export const simulatedBase = (base: string): string => base + simulated;

/** Whether runs there are simulated. */
export const isSimulatedBase = (base: string): boolean => base.endsWith(simulated);

const simulated = '-simulated';

/** Where the run of a VM is. */
export const runDirectoryOf = (runBase: string, name: string): string => path.join(runBase, name);
