import { failure, success, type Result } from '../../base/result.js';
import { noteAt, refusalAt, type ImportContext, type Original, type Source } from '../original.js';
import { readProperties, type Properties } from '../properties.js';
import { fieldsOf, noteOthers } from './around.js';
import { cardsOf } from './cards.js';
import { passthruOf, portsOf, screenOf, soundOf } from './devices.js';
import { disksOf } from './disks.js';
import type { Guest } from './guest.js';
import { loaderOf } from './loader.js';
import { bridgesOf, consolesOf, optionsOf } from './options.js';
import { linesOf } from './settings.js';

/** The configuration of a guest of vm-bhyve, `NAME.conf` in the folder of the guest: `vm configure NAME`. */
export function importVmBhyve(source: Source, context: ImportContext): Result<Original> {
  // The first line of a name counts.
  const settings = new Map(
    linesOf(source.text)
      .toReversed()
      .map(({ name, ...property }) => [name, property]),
  );
  const properties = readProperties(source, settings);
  const loader = properties.get('loader', usualLoader(properties));
  const name = context.vmName ?? source.stem ?? 'vm';
  const isUefi = loader.startsWith('uefi');
  const guest: Guest = { source, name, properties, context, isUefi, notes: [] };
  const missing = ['memory', 'cpu'].filter((key) => !properties.has(key));
  if (missing.length > 0) {
    return failure(
      missing.map((key) =>
        refusalAt(source, undefined, 'required', `${key} is not set, without which vm-bhyve starts no guest`),
      ),
    );
  }
  if (context.vmName === undefined && source.stem === undefined) {
    guest.notes.push(
      noteAt(source, undefined, 'name', 'vm-bhyve names a guest by its file, and this has none', 'give --name NAME'),
    );
  }
  const options = optionsOf(guest, loader);
  if ('error' in options)
    return failure([refusalAt(source, properties.line('bhyve_options'), 'bhyve-options', options.error)]);
  const consoles = consolesOf(guest);
  const disks = disksOf(guest);
  const cards = cardsOf(guest);
  const passed = passthruOf(guest);
  const argv = [
    ...options.words,
    ...(passed.length > 0 ? ['-S'] : []),
    ...bridgesOf(guest),
    ...disks.words,
    ...cards.words,
    ...(properties.isYes('virt_random') ? ['-s', `${properties.get('virt_random_slot', '26')}:0,virtio-rnd`] : []),
    ...passed,
    ...screenOf(guest),
    ...soundOf(guest),
    ...portsOf(guest),
    ...consoles.flatMap(([port, device]) => ['-l', `${port},${device}`]),
    name,
  ];
  const isWired = passed.length > 0 || properties.isYes('wired_memory');
  const loading = isUefi
    ? undefined
    : loaderOf(guest, loader, { disks: disks.paths, console: consoles[0]?.[1], isWired });
  const fields = fieldsOf(guest);
  noteOthers(guest, loader);
  return success({
    argv,
    readFile: context.readFile,
    ...(loading === undefined ? {} : { loader: loading }),
    fields,
    cards: cards.fields,
    tapsMade: cards.tapsMade,
    notes: guest.notes,
    lineOf: (word) => lineOf(guest, word),
  });
}

/** Files written before there was `loader`. */
function usualLoader(properties: Properties): string {
  const uefi = properties.get('uefi');
  if (properties.isYes('uefi')) return uefi.includes('csm') ? 'uefi-csm' : 'uefi';
  return properties.get('guest') === 'freebsd' ? 'bhyveload' : '';
}

/** The lines that a word of the command line is most likely about. */
function lineOf({ properties }: Guest, word: string): number | undefined {
  if (word.includes('password=')) return properties.line('vnc_password');
  return properties.line(word.includes(',fbuf,') ? 'graphics' : 'bhyve_options');
}
