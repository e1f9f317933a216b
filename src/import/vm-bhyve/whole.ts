import { shown } from '../../base/text.js';
import { noteAt } from '../original.js';
import type { Properties } from '../properties.js';
import { tell, type Guest } from './guest.js';
import type { linesOf } from './settings.js';

/** Files written before there was `loader`. */
export function oldLoader(properties: Properties): string {
  const uefi = properties.get('uefi');
  if (properties.isYes('uefi')) return uefi.includes('csm') ? 'uefi-csm' : 'uefi';
  return properties.get('guest') === 'freebsd' ? 'bhyveload' : '';
}

/** What is to be told of the file as a whole. */
export function tellWhole(guest: Guest, lines: ReturnType<typeof linesOf>): void {
  const { source, context, properties } = guest;
  if (context.vmName === undefined && source.stem === undefined) {
    const message = 'vm-bhyve names a guest by its file, and this has none';
    tell(guest, '', 'name', message, 'give --name NAME');
  }
  if (!properties.has('loader') && properties.line('loader') === undefined) {
    const taken = oldLoader(properties);
    if (taken !== '') {
      const message = `loader is not set, as in files for vm-bhyve 1.2 and older: ${taken} is what it meant by ${properties.has('uefi') ? 'uefi' : 'guest'}; newer releases do not start the guest`;
      tell(guest, properties.has('uefi') ? 'uefi' : 'guest', 'old-loader', message);
    }
  }
  const memory = properties.get('memory');
  if (/^\d+$/.test(memory) && Number(memory) < 2 ** 20) {
    const message = `memory ${memory} is ${memory} MB to vm-bhyve, since it has no unit`;
    const fix = Number(memory) < 128 ? `set "mem": "${memory}G" if GB were meant` : undefined;
    if (Number(memory) < 128) tell(guest, 'memory', 'memory', message, fix);
  }
  tellYesNo(guest);
  const seen = new Map<string, string>();
  for (const { name, value, line } of lines) {
    const first = seen.get(name);
    if (first === undefined) seen.set(name, value);
    else if (first !== value) {
      const message = `${name} is set twice, and vm-bhyve takes the first line: ${shown(first)}`;
      guest.notes.push(noteAt(source, line, 'twice', message));
    }
  }
}

const yesNo =
  /^(graphics|xhci_mouse|sound|virt_random|uefi_vars|utctime|wired_memory|ignore_msr|nulliso_fix|debug|network\d+_span|graphics_wait)$/;

/** Anything but no, off, false, 0 and nothing is yes to vm-bhyve. */
function tellYesNo(guest: Guest): void {
  for (const { name, value } of guest.properties.all()) {
    if (!yesNo.test(name) || /^(|yes|no|on|off|true|false|[01])$/i.test(value)) continue;
    if (name === 'graphics_wait' && value === 'auto') continue;
    tell(guest, name, 'yes-no', `${name} is ${shown(value)}, which vm-bhyve takes for yes`, 'write yes or no');
  }
}
