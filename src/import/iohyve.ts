import { nearestName } from '../base/nearest-name.js';
import type { Problem } from '../base/problem.js';
import { failure, success, type Result } from '../base/result.js';
import { shown } from '../base/text.js';
import { iohyveLoader } from './iohyve-loader.js';
import { noteAt, refusalAt, type ImportContext, type Original, type OriginalText } from './original.js';
import { readProperties, type Properties, type Property } from './properties.js';
import type { SpecObject, SpecValue } from './spec-object.js';

/** Properties as they stand in a listing. */
interface Listing {
  readonly properties: ReadonlyMap<string, Property>;
  /** ZFS dataset of the guest, where the listing says it. */
  readonly dataset?: string;
  /** The guest, as `iohyve getall` announces it. */
  readonly guest?: string;
  readonly guestLine?: number;
  /** Line on which a second guest begins. */
  readonly second?: number;
}

/** iohyve itself once misspelt the prefix. */
const prefixed = /^(?:iohyve|iohvye):(.+)$/;

/**
 * The listings there are: `iohyve getall` (a table of names and values), the file of `iohyve export` (`name=value`),
 * and zfs get, with or without the columns of dataset and source.
 */
function readListing(text: string): Listing {
  const properties = new Map<string, Property>();
  let dataset: string | undefined;
  let guest: string | undefined;
  let guestLine: number | undefined;
  let second: number | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [, announced] = /^Getting (\S+) (?:iohyve )?prop/.exec(line) ?? [];
    if (announced !== undefined) {
      if (guest !== undefined) second ??= index + 1;
      guest ??= announced;
      guestLine ??= index + 1;
      continue;
    }
    const property = propertyIn(line);
    if (property === undefined) continue;
    dataset ??= property.dataset;
    if (property.dataset !== undefined && property.dataset !== dataset) second ??= index + 1;
    if (second === undefined) properties.set(property.name, { value: property.value, line: index + 1 });
  }
  return {
    properties,
    ...(dataset === undefined ? {} : { dataset }),
    ...(guest === undefined ? {} : { guest }),
    ...(guestLine === undefined ? {} : { guestLine }),
    ...(second === undefined ? {} : { second }),
  };
}

function propertyIn(
  line: string,
): { readonly name: string; readonly value: string; readonly dataset?: string } | undefined {
  const columns = line.trimEnd().split(/\t|\s{2,}/);
  const [first = '', name = '', value = ''] = columns;
  const own = prefixed.exec(name)?.[1];
  // zfs get with all its columns: dataset, property, value, source.
  if (own !== undefined && first.includes('/')) return { name: own, value: unset(value), dataset: first };
  const [, written, text] = /^([A-Za-z_][\w:.-]*)(?:=|\s+)(.*)$/s.exec(line) ?? [];
  if (written === undefined || text === undefined || written === 'PROPERTY') return undefined;
  return { name: prefixed.exec(written)?.[1] ?? written, value: unset(text.trimEnd().replace(/^"(.*)"$/, '$1')) };
}

/** How zfs shows that a property is not set. */
const unset = (value: string): string => (value === '-' ? '' : value);

/** What iohyve keeps of a guest, besides the cards of the host (`pcidev:NAME`) and MAC addresses (`mac_tap0`). */
const ownNames = [
  ...['name', 'size', 'ram', 'cpu', 'tap', 'net', 'con', 'persist', 'boot', 'loader', 'os', 'fw', 'description'],
  ...['bargs', 'template', 'utc', 'bhyve_path', 'sectorsize', 'install', 'autogrub', 'vnc', 'vnc_ip', 'vnc_port'],
  ...['vnc_w', 'vnc_h', 'vnc_wait', 'vnc_tablet'],
] as const;

/** Names that its successor chyves has, and iohyve has not. */
const namesOfChyves = /^(chyves_\w+|bhyve_net_type|net_ifaces|pcidev_\d+)$/;

/** Whether text is a listing of a guest of iohyve, for telling what it is. */
export function isIohyve(text: string): boolean {
  const { properties, guest } = readListing(text);
  if ([...properties.keys()].some((name) => namesOfChyves.test(name))) return false;
  const own = ['con', 'tap', 'bargs', 'loader', 'os', 'fw', 'persist'].filter((name) => properties.has(name));
  return guest !== undefined || (properties.has('ram') && own.length >= 2);
}

interface Guest {
  readonly source: OriginalText;
  readonly name: string;
  readonly dataset: string;
  readonly properties: Properties;
  readonly context: ImportContext;
  readonly isUefi: boolean;
  readonly notes: Problem[];
}

/** The properties of one guest of iohyve: `iohyve getall NAME`. */
export function importIohyve(source: OriginalText, context: ImportContext): Result<Original> {
  const listing = readListing(source.text);
  if (listing.second !== undefined) {
    const message = 'another guest begins here';
    return failure([
      refusalAt(source, listing.second, 'second-guest', message, 'put each guest into a file of its own'),
    ]);
  }
  const properties = readProperties(source, listing.properties);
  const missing = ['ram', 'cpu'].filter((name) => !properties.has(name));
  if (missing.length > 0) {
    return failure(
      missing.map((name) =>
        refusalAt(
          source,
          undefined,
          'required',
          `${name} is not among the properties`,
          'take all that "iohyve getall NAME" prints',
        ),
      ),
    );
  }
  const name = properties.get('name', listing.guest ?? context.vmName ?? source.stem ?? 'vm');
  const parent = context.dataset ?? 'zroot/iohyve';
  const dataset = listing.dataset ?? `${parent}/${name}`;
  const isUefi = properties.get('loader') === 'uefi';
  const guest: Guest = { source, name, dataset, properties, context, isUefi, notes: [] };
  const vmName = context.vmName ?? `ioh-${name}`;
  if (listing.dataset === undefined && context.dataset === undefined) {
    const message = `the disks are assumed to be in the dataset ${dataset}`;
    const line = properties.line('name') ?? listing.guestLine;
    guest.notes.push(noteAt(source, line, 'dataset', message, 'look at zfs list, or give --dataset POOL/iohyve'));
  }
  if (context.vmName === undefined) {
    const message = `the VM is named ${vmName}, as iohyve names it for bhyve, which makes MAC addresses and UUID of the name`;
    const line = properties.line('name') ?? listing.guestLine;
    guest.notes.push(noteAt(source, line, 'name', message, 'choose another name by --name'));
  }
  const console = properties.get('con');
  const wired = words(properties.get('bargs')).some((word) => /^-[a-zA-Z]*S/.test(word));
  const argv = [
    ...['-c', properties.get('cpu'), ...words(properties.get('bargs')), '-m', properties.get('ram')],
    ...devicesOf(guest).flatMap((device, slot) => (device === '' ? [] : ['-s', `${slot},${device}`])),
    ...(isUefi ? ['-s', '31,lpc', ...(isYes(guest, 'utc') ? ['-u'] : [])] : []),
    ...(console === '' ? [] : ['-l', `com1,/dev/${console}A`]),
    ...(isUefi ? ['-l', `bootrom,${firmwareOf(guest)}`] : []),
    vmName,
  ];
  const disk = diskOf(guest, 'disk0');
  const loader = isUefi
    ? undefined
    : iohyveLoader({ ...guest, readFile: context.readFile }, { vmName, disk, console, isWired: wired });
  const fields = fieldsOf(guest);
  noteOthers(guest);
  return success({
    argv,
    readFile: context.readFile,
    ...(loader === undefined ? {} : { loader }),
    fields,
    cards: new Map(),
    notes: guest.notes,
    lineOf: (word) => properties.line(word.includes('fbuf') ? 'vnc' : 'bargs'),
  });
}

/** iohyve keeps the options of bhyve with `_` for blanks. */
const words = (bargs: string): readonly string[] => bargs.split(/[_\s]+/).filter((word) => word !== '');

const usualBhyve = '/usr/sbin/bhyve';

const diskOf = ({ dataset }: Guest, name: string): string => `/dev/zvol/${dataset}/${name}`;

/** In the order of their slots; with UEFI the bridge to the serial port is elsewhere and leaves no gap. */
function devicesOf(guest: Guest): readonly string[] {
  const { properties, isUefi } = guest;
  const sectors = isUefi ? properties.get('sectorsize') : '';
  return [
    'hostbridge',
    ...(isUefi ? [] : ['lpc']),
    `ahci-hd,${diskOf(guest, 'disk0')}${sectors === '' ? '' : `,sectorsize=${sectors}`}`,
    ...pciDevices(guest),
    ...tapsOf(guest),
    ...(isUefi ? screenOf(guest) : []),
  ];
}

/** Properties `pcidev:NAME`, sorted by their names as iohyve does. */
function pciDevices({ properties }: Guest): readonly string[] {
  const names = properties
    .unread()
    .map(({ name }) => name)
    .filter((name) => name.startsWith('pcidev:'));
  return names.sort().map((name) => properties.get(name));
}

/** `tap0,tap1=em0`: a tap, and the interface whose bridge it goes into. */
function tapsOf({ properties, source, notes }: Guest): readonly string[] {
  const taps = properties
    .get('tap')
    .split(',')
    .filter((entry) => entry !== '');
  const net = properties.get('net');
  return taps.map((entry) => {
    const [tap = '', own] = entry.split('=');
    const port = own ?? net;
    const bridge = port === '' ? 'bridge0' : `the bridge of ${port}`;
    const message = `iohyve puts ${tap} into ${bridge}; a spec says which bridge that is`;
    notes.push(noteAt(source, properties.line('tap'), 'bridge', message, 'add "bridge" to the device'));
    const mac = properties.get(`mac_${tap}`);
    return `virtio-net,${tap}${mac === '' ? '' : `,mac=${mac}`}`;
  });
}

/** iohyve compares with YES, letter for letter. */
function isYes({ properties, source, notes }: Guest, name: string): boolean {
  const value = properties.get(name);
  if (!/^(YES|NO|no|)$/.test(value)) {
    const message = `${name} is ${shown(value)}: iohyve knows YES alone and takes this for NO`;
    notes.push(noteAt(source, properties.line(name), 'yes-no', message, 'check it in the spec'));
  }
  return value === 'YES';
}

function screenOf(guest: Guest): readonly string[] {
  const { properties } = guest;
  const isOn = (name: string): boolean => isYes(guest, name);
  const [host, port, width, height] = [
    properties.get('vnc_ip', '127.0.0.1'),
    properties.get('vnc_port', '5900'),
    properties.get('vnc_w', '800'),
    properties.get('vnc_h', '600'),
  ];
  const [waits, hasTablet] = [isOn('vnc_wait'), isOn('vnc_tablet')];
  if (!isOn('vnc')) return [];
  return [
    `fbuf,tcp=${host}:${port},w=${width},h=${height}${waits ? ',wait' : ''}`,
    ...(hasTablet ? ['xhci,tablet'] : []),
  ];
}

function firmwareOf({ properties, source, notes }: Guest): string {
  const firmware = properties.get('fw');
  if (firmware !== '') return `/iohyve/Firmware/${firmware}/${firmware}`;
  const message = 'fw is not set, without which iohyve starts no UEFI guest; the spec says the firmware of edk2-bhyve';
  notes.push(noteAt(source, properties.line('loader'), 'firmware', message, 'check "bootrom" of the spec'));
  return '/usr/local/share/uefi-firmware/BHYVE_UEFI.fd';
}

function fieldsOf({ properties, isUefi, source, notes }: Guest): SpecObject {
  const fields: Record<string, SpecValue> = {};
  const description = properties.get('description');
  if (description !== '') fields['x-description'] = description;
  const persists = properties.get('persist') === '1';
  if (isUefi) {
    const message = 'iohyve does not start a UEFI guest again that reboots; vmrun does';
    notes.push(
      noteAt(
        source,
        properties.line('persist') ?? properties.line('loader'),
        'reboot',
        message,
        'set "reboot_on": [] to have it as before',
      ),
    );
  } else {
    fields.reboot_on = persists ? ['reboot', 'halt', 'triple_fault', 'error'] : [];
  }
  if (properties.get('boot') === '1') fields.autostart = true;
  return fields;
}

function noteOthers(guest: Guest): void {
  const { properties, source, notes } = guest;
  const program = properties.get('bhyve_path', usualBhyve);
  if (program !== usualBhyve) {
    const message = `bhyve_path ${program} is not carried over: a spec does not say which bhyve runs it`;
    notes.push(
      noteAt(source, properties.line('bhyve_path'), 'bhyve-path', message, `start vmrun with --bhyve ${program}`),
    );
  }
  const persist = properties.get('persist', '0');
  if (!/^[01]$/.test(persist)) {
    const message = `persist is ${shown(persist)}: iohyve starts a guest again with 1 alone`;
    notes.push(noteAt(source, properties.line('persist'), 'persist', message, 'check "reboot_on" of the spec'));
  }
  if (properties.get('boot') === '1') {
    const message = 'boot=1: iohyve starts this guest with the host; so does vmrun serve, and vmrun -c does not';
    notes.push(noteAt(source, properties.line('boot'), 'boot', message, 'run vmrun serve from rc.d(8)'));
  }
  if (isYes(guest, 'template')) {
    const message = 'this is a template, which iohyve does not start';
    notes.push(noteAt(source, properties.line('template'), 'template', message, 'import a clone of it'));
  }
  if (properties.get('install') === 'yes') {
    const message =
      'install=yes: the guest was last started to be installed, from a CD; the spec starts it from its disk, as "iohyve start" does';
    const fix = 'for the CD, add an ahci-cd in a target of the spec';
    notes.push(noteAt(source, properties.line('install'), 'install', message, fix));
  }
  if (!guest.isUefi && properties.get('vnc') === 'YES') {
    const message = 'vnc has no effect without loader=uefi, nor has it with iohyve';
    notes.push(noteAt(source, properties.line('vnc'), 'vnc', message, 'take it out'));
  }
  properties.ignore(/^(size|install|autogrub|name|net|os|vnc\w*|fw|utc|sectorsize|mac_tap\w+|bhyve_path)$/);
  for (const { name, value, line } of properties.unread()) {
    const near = nearestName(name, ownNames);
    const message = `${name} is not carried over: iohyve has no such property; here it is ${shown(value)}`;
    notes.push(
      noteAt(source, line, 'unknown', message, near === undefined ? 'take it out' : `did you mean "${near}"?`),
    );
  }
}
