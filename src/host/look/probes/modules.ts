import { listWords } from '../../../base/text.js';
import {
  finding,
  fixable,
  fixFor,
  toolFinding,
  type Asked,
  type HostFinding,
  type HostFix,
  type ProbeAnswer,
} from '../findings.js';
import type { HostView } from '../view.js';

/** if_tuntap(4) took the place of two drivers, and answers to their names; taps were the work of one of them. */
const standIns: Readonly<Record<string, string>> = { if_tap: 'if_tuntap', if_tun: 'if_tuntap', if_tuntap: 'if_tap' };

/** Kernel modules: loaded, or compiled in. */
export async function checkModules(asked: readonly Asked<'module'>[], view: HostView): Promise<ProbeAnswer> {
  if (asked.length === 0) return { findings: [] };
  const answer = await view.modules();
  const names = [...new Set(asked.map(({ need }) => need.name))];
  if (!answer.ok) return { findings: [toolFinding(answer.error, [`kernel module ${listWords(names)}`])] };
  const modules = answer.value;
  const missing = asked.filter(({ need: { name } }) => !modules.has(name) && !modules.has(standIns[name] ?? name));
  if (missing.length === 0) return { findings: [] };
  const obstacle = await whyNotLoad(view);
  // Devices that miss the same module share one fix.
  const fixes = new Map<string, HostFix>();
  return {
    findings: missing.map((one) => {
      const { name, why } = one.need;
      const said = { code: 'module-missing', message: `kernel module ${name} is not loaded: needed for ${why}` };
      if (obstacle !== undefined) return obstacle(one, said.message);
      // -n: no error if another program loads it first.
      const fix = fixes.get(name) ?? fixFor(one, { kind: 'run', argv: ['kldload', '-n', name] });
      fixes.set(name, fix);
      return fixable(one, said, fix);
    }),
  };
}

type Obstacle = (one: Asked<'module'>, message: string) => HostFinding;

/** Above securelevel 0 nobody loads a module, and in a jail hardly anybody: security(7), jail(8). */
async function whyNotLoad(view: HostView): Promise<Obstacle | undefined> {
  if (view.system !== 'freebsd') return undefined;
  const answer = await view.sysctls();
  if (!answer.ok) return undefined;
  if (answer.value.get('security.jail.jailed') === '1') return jailed;
  return Number(answer.value.get('kern.securelevel') ?? 0) > 0 ? sealed : undefined;
}

const jailed = (one: Asked<'module'>, message: string): HostFinding =>
  finding(one, {
    code: 'module-missing',
    message: `${message}; this is a jail, which loads no modules`,
    fix: `on the host: kldload ${one.need.name}`,
  });

const sealed = (one: Asked<'module'>, message: string): HostFinding =>
  finding(one, {
    code: 'module-missing',
    message: `${message}; kern.securelevel is above 0, so it cannot be loaded now`,
    fix: `put ${one.need.name}_load="YES" into /boot/loader.conf and reboot the host`,
  });
