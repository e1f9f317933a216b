import type { Problem } from '../base/problem.js';
import { quoteCommand } from '../base/shell.js';
import type { SpecText } from '../spec/parse-spec.js';
import { formatOf, type ImportFormat } from './formats.js';
import { refusalAt } from './original.js';
import { otherToolOf } from './other-tools.js';

const formats: Readonly<Record<ImportFormat, string>> = {
  bhyve: 'a script',
  config: 'a bhyve_config(5) file',
  'vm-bhyve': 'a guest of vm-bhyve',
  iohyve: 'a guest of iohyve',
  libvirt: 'a domain of libvirt',
};

/** What nothing but a spec says, in any of its languages. */
const ownFields = /(^|[\s{,"'])(emulations|next_target|lpc_slot|utc_clock|com1|bootrom|mem)["']?\s*[:={\s]/m;

/** What a text is that vmrun does not take for a spec: where to go with it. Undefined: most likely a spec with a mistake. */
export function whatInstead({ name, text }: Pick<SpecText, 'name' | 'text'>): Problem | undefined {
  if (ownFields.test(text)) return undefined;
  const format = formatOf(text);
  if (format !== undefined) {
    const command = quoteCommand(['vmrun', 'import', name === '<stdin>' ? '-' : name]);
    return refusalAt(
      { name },
      undefined,
      'no-spec',
      `this is ${formats[format]}, not a spec`,
      `make one of it: ${command}`,
    );
  }
  const other = otherToolOf(text);
  if (other === undefined) return undefined;
  return refusalAt({ name }, undefined, 'no-spec', `this is ${other.what}, not a spec`, other.fix);
}
