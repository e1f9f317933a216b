import path from 'node:path';
import { failure, success, type Result } from '../../base/result.js';
import type { Problem } from '../../base/problem.js';
import { shown } from '../../base/text.js';
import { refusalAt, type ImportContext, type Original, type OriginalText } from '../original.js';
import { readProperties, type Properties } from '../properties.js';
import { fieldsOf, noteOthers } from './around.js';
import { cardsOf } from './cards.js';
import { mouseOf, passthruOf, portsOf, randomOf, screenOf, soundOf } from './devices.js';
import { disksOf } from './disks.js';
import { of, type Guest } from './guest.js';
import { loaderOf } from './loader.js';
import { bridgesOf, consolesOf, firmwareConfigOf, bhyveOptionsOf, shellWords } from './bhyve-options.js';
import { placesFrom } from './places.js';
import { newestRelease } from '../vm-bhyve-release.js';
import { linesOf } from './settings.js';
import { oldLoader, tellWhole } from './whole.js';

/** The configuration of a guest of vm-bhyve, `NAME.conf` in the folder of the guest: `vm configure NAME`. */
export function importVmBhyve(source: OriginalText, context: ImportContext): Result<Original> {
  const lines = linesOf(source.text);
  // The first line of a name counts.
  const settings = new Map(lines.toReversed().map(({ name, ...property }) => [name, property]));
  const properties = readProperties(source, settings, { isEmptySet: true });
  const loader = properties.get('loader', oldLoader(properties));
  const name = context.vmName ?? source.stem ?? 'vm';
  const release = context.vmBhyve ?? newestRelease;
  const isUefi = /^uefi(-[^-]*)?$/.test(loader);
  const guest: Guest = { source, name, properties, context, release, isUefi, notes: [], origins: new Map() };
  const refused = [...templateIn(source), ...missingIn(guest), ...misreadIn(guest)];
  if (refused.length > 0) return failure(refused);
  tellWhole(guest, lines);

  const places = placesFrom(Number(properties.get('start_slot', '4')), release.hasBuses);
  const options = bhyveOptionsOf(guest, loader);
  const disks = disksOf(guest, places);
  const cards = cardsOf(guest, places);
  const random = randomOf(guest, places);
  const passed = passthruOf(guest, places);
  const devices = [
    ...bridgesOf(guest),
    ...disks.words,
    ...cards.words,
    ...random,
    ...passed,
    ...screenOf(guest, places),
    ...mouseOf(guest, places),
    ...soundOf(guest, places),
    ...portsOf(guest, places),
  ];
  const plain = [...options, ...(passed.length > 0 ? ['-S'] : []), ...(places.isBeyondFirstBus() ? ['-Y'] : [])];
  const consoles = consolesOf(guest);
  const written = [
    ...(release.hasPassthruOptions ? [...devices, ...plain] : [...plain, ...devices]),
    ...nullDiskOf(guest, loader),
    ...firmwareConfigOf(guest),
    ...consoles.flatMap(([port, device]) => ['-l', of(guest, 'comports', `${port},${device}`)]),
  ];
  const blank = blankIn(guest, written);
  if (blank !== undefined) return failure([blank]);
  const isWired = passed.length > 0 || properties.isYes('wired_memory');
  const loading = isUefi
    ? undefined
    : loaderOf(guest, loader, { disks: disks.paths, console: consoles[0]?.[1], isWired });
  const fields = fieldsOf(guest);
  noteOthers(guest, isUefi ? loader : loading?.spec.kind === 'grub-bhyve' ? 'grub' : loading?.spec.kind);
  return success({
    argv: [...written.map((word) => word.trim()), name],
    readFile: context.readFile,
    ...(loading === undefined ? {} : { loader: loading }),
    fields,
    cards: cards.fields,
    tapsMade: cards.tapsMade,
    notes: guest.notes,
    lineOf: (word) => lineOf(guest, word),
  });
}

/** A template says what a new guest begins with: its disks are nowhere yet. */
function templateIn(source: OriginalText): readonly Problem[] {
  const folder = path.posix.basename(source.folder);
  const isExample = source.folder.endsWith('/examples/vm-bhyve');
  if (folder !== '.templates' && !isExample) return [];
  const message = 'this is a template of vm-bhyve, of which "vm create" makes guests, and no guest';
  const fix = 'import the file of a guest: NAME/NAME.conf in the folder of vm-bhyve';
  return [refusalAt(source, undefined, 'template', message, fix)];
}

const missingIn = ({ source, properties }: Guest): readonly Problem[] =>
  ['memory', 'cpu']
    .filter((key) => !properties.has(key))
    .map((key) =>
      refusalAt(
        source,
        undefined,
        'required',
        `${key} is not set, without which vm-bhyve starts no guest`,
        `add ${key === 'cpu' ? 'cpu=1' : 'memory=1G'}, or as much as it needs`,
      ),
    );

function misreadIn({ source, properties }: Guest): readonly Problem[] {
  const start = properties.get('start_slot', '4');
  if (/^(0|[1-9]\d{0,2})$/.test(start)) return [];
  const message = `start_slot is ${shown(start)}, and vm-bhyve needs a number`;
  return [refusalAt(source, properties.line('start_slot'), 'start-slot', message, 'write e.g. start_slot="4"')];
}

/** An empty CD that some Windows wanted, with every boot but an installation. */
function nullDiskOf(guest: Guest, loader: string): readonly string[] {
  const { properties, source } = guest;
  if (loader !== 'uefi' || !properties.isYes('nulliso_fix')) return [];
  const file = path.posix.join(path.posix.dirname(source.folder), '.config/null.iso');
  return ['-s', of(guest, 'nulliso_fix', `${properties.get('install_slot', '3')}:0,ahci-cd,${file}`)];
}

/** The shell of vm-bhyve makes two words of a value with a blank in it, and bhyve takes the second for the VM's name. */
function blankIn({ source, properties }: Guest, written: readonly string[]): Problem | undefined {
  const broken = written.find((word) => shellWords(word).length > 1);
  if (broken === undefined) return undefined;
  const setting = properties
    .all()
    .find(({ value }) => shellWords(value).length > 1 && value.length > 2 && broken.includes(value));
  const what = setting === undefined ? shown(broken) : `${setting.name} is ${shown(setting.value)}`;
  const message = `${what}: bhyve is given it as several words, because of the blank, and does not start`;
  return refusalAt(source, setting?.line, 'blank', message, 'take the blank out');
}

/** The line of a setting that a word of the command line is of, or one of bhyve's variables. */
function lineOf({ properties, origins }: Guest, word: string): number | undefined {
  if (word.includes('password=')) return properties.line('vnc_password');
  const key = origins.get(word);
  if (key !== undefined) return properties.line(key) ?? lineOfGroup(properties, key);
  const [, address, leaf = ''] = /^pci\.(\d+\.\d+\.\d+)\.(\w+)$/.exec(word) ?? [];
  if (address === undefined) return properties.line(word);
  const device = [...origins].find(([each]) => addressOf(each) === address)?.[1];
  return device === undefined ? undefined : properties.line(`${device.replace(/_.*/, '')}_${leaf}`);
}

/** `comports` is in the file or has its default; of a card only some settings may be there. */
const lineOfGroup = (properties: Properties, key: string): number | undefined =>
  properties.all().find(({ name }) => name.startsWith(`${key.replace(/_.*/, '')}_`))?.line;

/** `0:4:0,nvme,…` or `4,nvme` → `0.4.0`. */
function addressOf(word: string): string | undefined {
  const [, numbers] = /^(\d+(?::\d+){0,2}),/.exec(word) ?? [];
  if (numbers === undefined) return undefined;
  const parts = numbers.split(':');
  return [...(parts.length < 3 ? ['0'] : []), ...parts, '0'].slice(0, 3).join('.');
}
