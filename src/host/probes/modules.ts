import { listWords } from '../../base/text.js';
import { fixable, fixFor, toolFinding, type Asked, type HostFix, type ProbeAnswer } from '../findings.js';
import { askTool } from '../tool-answer.js';
import type { RunTool } from '../tools.js';

/** if_tuntap(4) took the place of two drivers, and answers to their names. */
const aliases: Readonly<Record<string, string>> = { if_tap: 'if_tuntap', if_tun: 'if_tuntap' };

/** One `kldstat -v` for all: it lists the modules of every file, those compiled into the kernel included. */
export async function checkModules(asked: readonly Asked<'module'>[], run: RunTool): Promise<ProbeAnswer> {
  if (asked.length === 0) return { findings: [] };
  const answer = await askTool(run, ['kldstat', '-v'], 'list of modules', parseKldstat);
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

/**
 * Reads `kldstat -v`: a line per file (`Id Refs Address Size Name (path)`), and below it, indented, a line per module
 * (`Id Name`). Other lines are passed over.
 * @returns modules, and files without `.ko`; undefined where no file is listed, since the kernel itself always is
 */
export function parseKldstat(text: string): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  let files = 0;
  for (const line of text.split('\n')) {
    const file = /^\s*\d+\s+\d+\s+0x[0-9a-f]+\s+\S+\s+(\S+)/i.exec(line)?.[1];
    const module = /^\s+\d+\s+(\S+)\s*$/.exec(line)?.[1];
    if (file !== undefined) {
      files += 1;
      names.add(file.replace(/\.ko$/, ''));
    } else if (module !== undefined) {
      names.add(module);
    }
  }
  return files === 0 ? undefined : names;
}
