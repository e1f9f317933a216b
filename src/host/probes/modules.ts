import { listWords } from '../../base/text.js';
import { fixable, fixFor, toolFinding, type Asked, type HostFix, type ProbeAnswer } from '../findings.js';
import type { HostView } from '../view.js';

/** if_tuntap(4) took the place of two drivers, and answers to their names. */
const aliases: Readonly<Record<string, string>> = { if_tap: 'if_tuntap', if_tun: 'if_tuntap' };

/** Kernel modules: loaded, or compiled in. */
export async function checkModules(asked: readonly Asked<'module'>[], view: HostView): Promise<ProbeAnswer> {
  if (asked.length === 0) return { findings: [] };
  const answer = await view.modules();
  const names = [...new Set(asked.map(({ need }) => need.name))];
  if (!answer.ok) return { findings: [toolFinding(answer.error, [`kernel module ${listWords(names)}`])] };
  const modules = answer.value;
  // Devices that miss the same module share one fix.
  const fixes = new Map<string, HostFix>();
  return {
    findings: asked.flatMap((one) => {
      const { name, why } = one.need;
      if (modules.has(name) || modules.has(aliases[name] ?? name)) return [];
      // -n: no error if another program loads it first.
      const fix = fixes.get(name) ?? fixFor(one, { kind: 'run', argv: ['kldload', '-n', name] });
      fixes.set(name, fix);
      return [
        fixable(
          one,
          { code: 'module-missing', message: `kernel module ${name} is not loaded: needed for ${why}` },
          fix,
        ),
      ];
    }),
  };
}
