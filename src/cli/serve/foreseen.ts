import type { Problem } from '../../base/problem.js';
import { isThere } from '../../host/files/new-file.js';
import { autostartOf } from '../../manager/autostart-of.js';
import type { Configuration } from '../../manager/configuration.js';
import type { Manager } from '../../manager/manager.js';
import { socketIn } from '../../manager/socket.js';
import { count } from '../../base/text.js';

/** What is no mistake of a configuration, and seldom what was meant. */
export function foreseen({
  specs,
  listen,
  runBase,
}: Pick<Configuration, 'specs' | 'listen' | 'runBase'>): readonly Problem[] {
  return [
    ...(isThere(specs)
      ? []
      : [
          {
            code: 'no-specs',
            severity: 'warning',
            message: `there is no folder ${specs}: vmrun serve makes it, and finds no VM in it`,
            fix: 'see that "specs" of the configuration names the right folder, or put specs into it',
          } as const,
        ]),
    ...(listen.some((address) => address.startsWith('unix:'))
      ? []
      : [
          {
            code: 'no-socket',
            severity: 'warning',
            message:
              '"listen" names no UNIX socket, so there is none: commands on this host, too, need --manager and a token',
            fix: `add "unix:${socketIn(runBase)}" to "listen"`,
          } as const,
        ]),
  ];
}

/** What a manager has found: `reads /usr/local/etc/vmrun: 5 VMs, 3 of them start by themselves`. */
export function foundWords(specs: string, manager: Pick<Manager, 'vms' | 'accepted'>): string {
  const vms = manager.vms();
  const automatic = vms.filter(
    ({ name, spec: { nextBoot } }) => nextBoot !== 'none' && autostartOf(manager.accepted(name)).isAutomatic,
  ).length;
  const starts = automatic === 1 ? '1 of them starts by itself' : `${automatic} of them start by themselves`;
  return `reads ${specs}: ${count(vms.length, 'VM')}${vms.length === 0 ? '' : `, ${starts}`}`;
}
