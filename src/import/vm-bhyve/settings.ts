import { withoutEnd } from '../../base/text.js';
import type { Property } from '../properties.js';

/** Names that nothing but a guest of vm-bhyve has. */
const ownNames =
  /^(loader|cpu|guest|uefi|uuid|graphics|xhci_mouse|bhyve_options|utctime|(disk|network)\d+_(type|name|switch|dev|device))$/;

/** Whether text is the configuration of a guest of vm-bhyve, for telling what it is. */
export function isVmBhyve(text: string): boolean {
  const names = new Set(linesOf(text).map(({ name }) => name));
  // Those of vmrc, which names its disks alike.
  if (names.has('vm_ram')) return false;
  const own = [...names].filter((name) => ownNames.test(name)).length;
  return (names.has('memory') && own >= 1) || (own >= 2 && [...names].some((name) => /^(disk|network)\d+_/.test(name)));
}

/**
 * What vm-bhyve reads: lines that begin with a small letter, up to a `#`, without blanks at their end and then without
 * any double quotes. A line without `=` is its own name and value.
 */
export const linesOf = (text: string): readonly (Property & { readonly name: string })[] =>
  text.split(/\r?\n/).flatMap((line, index) => {
    if (!/^[a-z]/.test(line)) return [];
    const said = withoutEnd(line.split('#')[0] ?? '', ' ').replaceAll('"', '');
    const equals = said.indexOf('=');
    return [{ name: equals === -1 ? said : said.slice(0, equals), value: said.slice(equals + 1), line: index + 1 }];
  });
