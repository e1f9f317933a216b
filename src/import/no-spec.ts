import type { Problem } from '../base/problem.js';
import { quoteCommand } from '../base/shell.js';
import type { SpecText } from '../spec/parse-spec.js';
import { formatOf, maxImportBytes, type ImportFormat } from './formats.js';
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

/** Whether `vmrun -c` is worth a try with what no importer takes. */
export const looksLikeSpec = (text: string): boolean =>
  ownFields.test(text) || (isJson(text) && /"(name|cpu|targets|\$schema)"\s*:/.test(text));

export const isJson = (text: string): boolean => /^\s*\{/.test(text);

const isOfBhyve = (text: string): boolean => /<domain\b[^>]*\stype\s*=\s*(["'])bhyve\1/.test(text);

/** What XML is that the importer would refuse as well. */
function foreign(text: string): string {
  const [, , hypervisor] = /<domain\b[^>]*\stype\s*=\s*(["'])(\w+)\1/.exec(text) ?? [];
  return hypervisor === undefined ? 'XML, and no domain of libvirt' : `a domain of libvirt for ${hypervisor}`;
}

/** What a text is that vmrun does not take for a spec: where to go with it. Undefined: most likely a spec with a mistake. */
export function whatInstead({ name, text }: Pick<SpecText, 'name' | 'text'>): Problem | undefined {
  if (ownFields.test(text)) return undefined;
  // What is too much to be imported is not read as all that it might be, which takes many times its size in memory.
  const format = text.length > maxImportBytes ? undefined : formatOf(text);
  if (format === 'libvirt' && !isOfBhyve(text)) {
    const fix = 'write a spec with "vmrun init", and give it the disks';
    return refusalAt({ name }, undefined, 'no-spec', `this is ${foreign(text)}, not a spec`, fix);
  }
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
