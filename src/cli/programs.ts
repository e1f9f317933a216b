import type { Programs } from '../machine/loader.js';
import type { Context } from './context.js';
import type { CliOptions } from './options.js';

/** The real ones, or the simulator, which plays bhyve unless its environment names a loader. */
export function programsOf(
  { simulate, bhyve }: Pick<CliOptions, 'simulate' | 'bhyve'>,
  { env, simulator }: Context,
): Programs {
  if (simulate === undefined) return { bhyve: [bhyve ?? bhyveFrom(env)], loaders: {} };
  const play = (program: string): readonly string[] => ['/usr/bin/env', `VMRUN_SIM_PROGRAM=${program}`, ...simulator];
  return { bhyve: simulator, loaders: { bhyveload: play('bhyveload'), 'grub-bhyve': play('grub-bhyve') } };
}

/** The bhyve that somebody names, on the command line or in the environment; `''`: nobody does. */
export const namedBhyve = ({ bhyve }: { readonly bhyve?: string | undefined }, { env }: Pick<Context, 'env'>): string =>
  bhyve ?? env.BHYVE_EXEC ?? '';

/** Where this system has none, another program plays it, which has to be named; an empty name is told where it is started. */
export const mayHaveBhyve = (
  { bhyve }: { readonly bhyve?: string | undefined },
  { env, platform }: Pick<Context, 'env' | 'platform'>,
): boolean => platform === 'freebsd' || bhyve !== undefined || (env.BHYVE_EXEC ?? '') !== '';

/** An empty variable is as good as none. */
const bhyveFrom = ({ BHYVE_EXEC: program = '' }: Context['env']): string => (program === '' ? 'bhyve' : program);
