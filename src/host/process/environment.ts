/** Variables of a user's session that his own programs count on. */
const ofSession: readonly string[] = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'TZ', 'LANG'];

const isPassedOn = (name: string): boolean =>
  ofSession.includes(name) || name.startsWith('LC_') || name.startsWith('VMRUN_');

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The environment of hooks, loaders and bhyve: what vmrun was started with may hold what is none of their business, such
 * as the secrets of a service.
 * @param added wins
 */
export function programEnvironment(added: Variables = {}, own: Variables = process.env): Variables {
  const passed = Object.keys(own)
    .filter(isPassedOn)
    .map((name) => [name, own[name]] as const);
  return { ...Object.fromEntries(passed), ...added };
}

/** That of tools of the host, whose words are read: the same in every language. */
export const toolEnvironment = (added: Variables = {}, own: Variables = process.env): Variables => ({
  ...(own.PATH === undefined ? {} : { PATH: own.PATH }),
  LC_ALL: 'C',
  ...added,
});
