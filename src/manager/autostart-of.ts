import { autostartOf as read, type Autostart } from '../fields/autostart.js';
import type { Spec } from '../spec/parse-spec.js';
import { defaultTarget } from '../spec/targets.js';

/** What a merge of many fields comes to need not be merged again. */
const known = new WeakMap<Spec, Autostart>();

/** How a manager starts the VM of a spec by itself. */
export function autostartOf(spec: Spec): Autostart {
  const before = known.get(spec);
  if (before !== undefined) return before;
  const autostart = read(spec.effective(defaultTarget).vm);
  known.set(spec, autostart);
  return autostart;
}
