import path from 'node:path';
import type { Problem } from '../base/problem.js';
import { failure, success, type Result } from '../base/result.js';
import { splitWords } from '../base/shell.js';
import { shown } from '../base/text.js';
import { readLoader } from './loader.js';
import { noteAt, refusalAt, type ImportContext, type Original, type Source } from './original.js';
import { readProperties, type Properties, type Property } from './properties.js';
import type { SpecObject, SpecValue } from './spec-object.js';

/** Whether text is the configuration of a guest of vm-bhyve, for telling what it is. */
export const isVmBhyve = (text: string): boolean => {
  const keys = new Set(linesOf(text).map(({ name }) => name));
  const others = ['loader', 'cpu', 'guest', 'uefi', 'disk0_type', 'disk0_name', 'network0_type', 'bhyve_options'];
  return keys.has('memory') && others.some((key) => keys.has(key));
};

/** What vm-bhyve reads: lines that begin with a small letter, up to a `#`, without any double quotes. */
const linesOf = (text: string): readonly (Property & { readonly name: string })[] =>
  text.split(/\r?\n/).flatMap((line, index) => {
    const [, name, value] = /^([a-z][^=#]*)=([^#]*)/.exec(line) ?? [];
    return name === undefined || value === undefined
      ? []
      : [{ name, value: value.replaceAll('"', '').trimEnd(), line: index + 1 }];
  });

/** What is gathered on the way to the command line of one guest. */
interface Guest {
  readonly source: Source;
  readonly name: string;
  readonly properties: Properties;
  readonly context: ImportContext;
  readonly isUefi: boolean;
  readonly notes: Problem[];
}

const firmwareFolder = '/usr/local/share/uefi-firmware';

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

interface Options {
  readonly words: readonly string[];
}

/** What stands before the devices, in vm-bhyve's order. */
function optionsOf(guest: Guest, loader: string): Options | { readonly error: string } {
  const { properties, isUefi, source } = guest;
  const own = splitWords(properties.get('bhyve_options'));
  if ('error' in own) return own;
  const topology = ['sockets', 'cores', 'threads'].flatMap((part) => {
    const value = properties.get(`cpu_${part}`);
    return value === '' ? [] : [`${part}=${value}`];
  });
  // vm-bhyve reads the one name and documents the other.
  const ignoresMsrs = [properties.isYes('ignore_msr'), properties.isYes('ignore_bad_msr')].includes(true);
  const uuid = properties.get('uuid');
  if (uuid === '') {
    const message = 'uuid is not set: vm-bhyve makes one up at the first start and writes it here';
    guest.notes.push(
      noteAt(source, undefined, 'uuid', message, 'add "uuid", or the guest sees another one than before'),
    );
  }
  return {
    words: [
      ...['-c', [properties.get('cpu'), ...topology].join(',')],
      ...['-m', properties.get('memory')],
      ...(isUefi ? ['-Hwl', `bootrom,${firmwareOf(guest, loader)}`] : [`-AHP${ignoresMsrs ? 'w' : ''}`]),
      ...own,
      ...(properties.isYes('wired_memory') ? ['-S'] : []),
      ...(uuid === '' ? [] : ['-U', uuid]),
      ...(properties.isYes('utctime', 'yes') ? ['-u'] : []),
    ],
  };
}

function firmwareOf({ properties, source, notes }: Guest, loader: string): string {
  const files: Readonly<Record<string, string>> = {
    'uefi-csm': `${firmwareFolder}/BHYVE_UEFI_CSM.fd`,
    'uefi-devel': `${firmwareFolder}/BHYVE_UEFI_CODE-devel.fd`,
    'uefi-custom': path.posix.join(path.posix.dirname(source.folder), '.config/BHYVE_UEFI.fd'),
  };
  if (loader === 'uefi-csm') {
    const message = 'loader uefi-csm: the firmware with a BIOS is no longer in the package edk2-bhyve';
    notes.push(
      noteAt(source, properties.line('loader'), 'firmware', message, 'see whether the guest starts without it'),
    );
  }
  const rom = files[loader] ?? `${firmwareFolder}/BHYVE_UEFI.fd`;
  return properties.isYes('uefi_vars') ? `${rom},${inGuest(source, 'uefi-vars.fd')}` : rom;
}

/** vm-bhyve keeps what belongs to a guest in its folder, where this file is. */
const inGuest = ({ folder }: Source, name: string): string => path.posix.join(folder, name);

/** Each port is a null modem of its own; the loader talks to the first one. */
const consolesOf = ({ name, properties }: Guest): readonly (readonly [port: string, device: string])[] =>
  properties
    .get('comports', 'com1')
    .split(/[\s,]+/)
    .filter((port) => port !== '')
    .map((port, index) => [port, `/dev/nmdm-${name}.${index + 1}A`]);

function bridgesOf({ properties }: Guest): readonly string[] {
  const bridge = properties.get('hostbridge', 'standard');
  const [slot, lpc] = [properties.get('hostbridge_slot', '0'), properties.get('lpc_slot', '31')];
  const model = bridge === 'amd' ? 'amd_hostbridge' : 'hostbridge';
  return [...(bridge.startsWith('no') ? [] : ['-s', `${slot},${model}`]), '-s', `${lpc},lpc`];
}

interface Disks {
  readonly words: readonly string[];
  /** In the order of their numbers. */
  readonly paths: readonly string[];
}

/** One slot a disk with UEFI, else functions of one slot; several AHCI drives may share a controller. */
function disksOf(guest: Guest): Disks {
  const { properties, isUefi } = guest;
  const limit = Number(properties.get('ahci_device_limit', '1'));
  const perController = Number.isInteger(limit) && limit > 1 && limit <= 32 ? limit : 1;
  const words: string[] = [];
  const paths: string[] = [];
  let [slot, func] = [Number(properties.get('disk_slot_start', '4')), 0];
  let drives: string[] = [];
  const add = (device: string): void => {
    words.push('-s', `${slot}:${func},${device}`);
    if (isUefi) slot += 1;
    else func += 1;
  };
  for (let number = 0; ; number += 1) {
    const key = `disk${number}`;
    const [name, type] = [properties.get(`${key}_name`), properties.get(`${key}_type`)];
    if (name === '' || type === '') break;
    const own = properties.get(`${key}_slot`);
    if (own !== '') [slot, func] = [Number(own), 0];
    else if (func >= 8) [slot, func] = [slot + 1, 0];
    const file = diskPath(guest, key, name);
    const options = properties.get(`${key}_opts`);
    const said = options === '' ? file : `${file},${options}`;
    paths.push(file);
    if (perController > 1 && type.startsWith('ahci')) {
      drives.push(`${type === 'ahci-cd' ? 'cd' : 'hd'}:${said}`);
      if (drives.length < perController) continue;
      add(['ahci', ...drives].join(','));
      drives = [];
    } else {
      add(`${type},${said}`);
    }
  }
  if (drives.length > 0) add(['ahci', ...drives].join(','));
  return { words, paths };
}

function diskPath(guest: Guest, key: string, name: string): string {
  const { properties, source, context, notes } = guest;
  const type = properties.get(`${key}_dev`, 'file');
  const tell = (code: string, message: string, fix: string): void => {
    notes.push(noteAt(source, properties.line(`${key}_dev`) ?? properties.line(`${key}_name`), code, message, fix));
  };
  switch (type) {
    case 'custom':
      return name;
    case 'zvol':
    case 'sparse-zvol': {
      const dataset = context.dataset ?? path.posix.dirname(source.folder).slice(1);
      const file = `/dev/zvol/${dataset}/${guest.name}/${name}`;
      if (context.dataset === undefined) {
        const message = `${key} is a zvol: ${file} takes the dataset of vm-bhyve to be mounted where its name says`;
        tell('dataset', message, 'look at zfs list, or give --dataset DATASET');
      }
      return file;
    }
    case 'iscsi': {
      const message = `${key} is the iSCSI target ${name}, whose disk is known once the initiator is connected`;
      tell('iscsi', message, 'write its device into "path": iscsictl -L shows it');
      return `/dev/${name.replaceAll(/[^\w.:-]+/g, '_')}`;
    }
    default:
      return inGuest(source, name);
  }
}

interface Cards {
  readonly words: readonly string[];
  readonly fields: ReadonlyMap<string, SpecObject>;
  readonly tapsMade: number;
}

/** vm-bhyve makes a tap at each start and puts it into the bridge of a switch; a spec names both. */
function cardsOf(guest: Guest): Cards {
  const { properties, source, context, notes } = guest;
  const words: string[] = [];
  const fields = new Map<string, SpecObject>();
  let [slot, func] = [Number(properties.get('network_slot_start', '15')), 0];
  let tap = context.firstTap;
  for (let number = 0; ; number += 1) {
    const key = `network${number}`;
    const type = properties.get(`${key}_type`);
    if (type === '') break;
    const own = properties.get(`${key}_slot`);
    if (own !== '') [slot, func] = [Number(own), 0];
    else if (func >= 8) [slot, func] = [slot + 1, 0];
    const [device, named] = [properties.get(`${key}_device`), properties.get(`${key}_name`)];
    const [mac, network] = [properties.get(`${key}_mac`), properties.get(`${key}_switch`)];
    const given = device === '' ? named : device;
    const card = given === '' ? `tap${tap++}` : given;
    const isTap = /^(tap|vmnet|vale|netgraph|netmap|slirp)/.test(card);
    words.push(
      '-s',
      [`${slot}:${func}`, type, card, ...(isTap ? [] : ['type=tap']), ...(mac === '' ? [] : [`mac=${mac}`])].join(','),
    );
    func += 1;
    const bridge = network === '' || network.length > 12 ? undefined : `vm-${network}`;
    if (bridge !== undefined) fields.set(card, { bridge });
    notes.push(...cardNotes(guest, key, { card, isMadeUp: given === '', network, bridge, hasMac: mac !== '' }));
    if (properties.isYes(`${key}_span`)) {
      const message = `${key}_span: vmrun adds a tap to its bridge as a member, not as a span port`;
      notes.push(
        noteAt(source, properties.line(`${key}_span`), 'span', message, 'do it in "hooks": ifconfig BRIDGE span TAP'),
      );
    }
  }
  return { words, fields, tapsMade: tap - context.firstTap };
}

interface Card {
  readonly card: string;
  readonly isMadeUp: boolean;
  readonly network: string;
  readonly bridge: string | undefined;
  readonly hasMac: boolean;
}

function cardNotes({ properties, source }: Guest, key: string, card: Card): readonly Problem[] {
  const { network, bridge } = card;
  const line = properties.line(`${key}_switch`) ?? properties.line(`${key}_type`);
  const where = bridge === undefined ? '' : ` in the bridge ${bridge}`;
  const switched = `${key}_switch ${shown(network)} is taken for a standard switch`;
  return [
    ...(card.isMadeUp
      ? [
          noteAt(
            source,
            line,
            'tap',
            `${key}: vm-bhyve makes a tap at each start; the spec says ${card.card}${where}`,
            `see that no other VM has ${card.card}; a vale or netgraph switch wants another backend`,
          ),
        ]
      : []),
    ...(card.isMadeUp || network === ''
      ? []
      : [
          noteAt(
            source,
            line,
            'switch',
            `${switched}${where === '' ? '' : `:${where}`}`,
            'look at "bridge" of the device',
          ),
        ]),
    ...(network !== '' && bridge === undefined
      ? [
          noteAt(
            source,
            line,
            'bridge',
            `the name of the switch ${shown(network)} is too long to be that of its bridge`,
            'add "bridge" to the device: vm switch list shows it',
          ),
        ]
      : []),
    ...(card.hasMac
      ? []
      : [
          noteAt(
            source,
            line,
            'mac',
            `${key}_mac is not set: vm-bhyve makes one up at the first start and writes it here`,
            'add "mac", or bhyve makes another one',
          ),
        ]),
  ];
}

/** `6/0/0`, or `6/0/0=2:0` for a slot of the guest. */
function passthruOf({ properties }: Guest): readonly string[] {
  const words: string[] = [];
  let [slot, func] = [Number(properties.get('passthru_slot_start', '20')), 0];
  let last: string | undefined;
  for (let number = 0; ; number += 1) {
    const [card = '', place] = properties.get(`passthru${number}`).split('=');
    if (card === '') return words;
    if (place !== undefined) {
      words.push('-s', `${place},passthru,${card}`);
      continue;
    }
    const [hostSlot] = card.split('/');
    if (last !== undefined && last !== hostSlot) [slot, func] = [slot + 1, 0];
    words.push('-s', `${slot}:${func},passthru,${card}`);
    last = hostSlot;
    func += 1;
  }
}

/** Only UEFI firmware shows anything on a frame buffer. */
function screenOf({ properties, isUefi, source, notes }: Guest): readonly string[] {
  const wantsScreen = properties.isYes('graphics');
  const [host, port] = [properties.get('graphics_listen', '0.0.0.0'), properties.get('graphics_port')];
  const [size, vga, password] = ['graphics_res', 'graphics_vga', 'vnc_password'].map((key) => properties.get(key));
  const wait = properties.get('graphics_wait', 'auto');
  const fbuf = properties.get('fbuf_slot', '30');
  const tablet = properties.isYes('xhci_mouse') ? ['-s', `${properties.get('xhci_slot', '29')}:0,xhci,tablet`] : [];
  if (!wantsScreen) return tablet;
  if (!isUefi) {
    const message = 'graphics has no effect without UEFI firmware, nor has it with vm-bhyve';
    notes.push(noteAt(source, properties.line('graphics'), 'graphics', message));
    return tablet;
  }
  if (port === '') {
    const message = 'graphics_port is not set: vm-bhyve takes the first free port from 5900 on; the spec says 5900';
    notes.push(noteAt(source, properties.line('graphics'), 'vnc-port', message, 'give each VM a "port" of its own'));
  }
  const [width, height] = (size ?? '').split('x');
  const words = [
    `${fbuf}:0`,
    'fbuf',
    `tcp=${host}:${port === '' ? '5900' : port}`,
    ...(width === undefined || height === undefined ? [] : [`w=${width}`, `h=${height}`]),
    ...(vga === undefined || vga === '' ? [] : [`vga=${vga}`]),
    ...(password === undefined || password === '' ? [] : [`password=${password}`]),
    // auto: only when the guest is installed.
    ...(wait === 'auto' || !properties.isYes('graphics_wait') ? [] : ['wait']),
  ];
  return ['-s', words.join(','), ...tablet];
}

function soundOf({ properties }: Guest): readonly string[] {
  const [slot, play, rec] = [
    properties.get('sound_slot', '28'),
    properties.get('sound_play', '/dev/dsp0'),
    properties.get('sound_rec'),
  ];
  if (!properties.isYes('sound')) return [];
  return ['-s', [`${slot}:0`, 'hda', `play=${play}`, ...(rec === '' ? [] : [`rec=${rec}`])].join(',')];
}

/** Ports of virtio-console: a name, or yes for the number of the port. */
function portsOf({ properties, source }: Guest): readonly string[] {
  const slot = properties.get('virt_console_slot', '27');
  const ports: string[] = [];
  for (let number = 0; number < 16; number += 1) {
    const value = properties.get(`virt_console${number}`);
    if (value === '') break;
    const name = /^(yes|on|1)$/i.test(value) ? String(number) : value;
    ports.push(`${name}=${inGuest(source, `vtcon.${name}`)}`);
  }
  return ports.length === 0 ? [] : ['-s', [`${slot}:0`, 'virtio-console', ...ports].join(',')];
}

interface LoaderSurroundings {
  readonly disks: readonly string[];
  readonly console: string | undefined;
  readonly isWired: boolean;
}

/** The command that vm-bhyve would load the guest with. */
function loaderOf(guest: Guest, loader: string, { disks, console, isWired }: LoaderSurroundings): Original['loader'] {
  const { properties, source, notes, name } = guest;
  const line = properties.line('loader') ?? 1;
  const common = [...(console === undefined ? [] : ['-c', console]), ...(isWired ? ['-S'] : [])];
  const delay = properties.get('loader_timeout', '3');
  const memory = properties.get('memory');
  const [first] = disks;
  if (first === undefined || (loader !== 'bhyveload' && loader !== 'grub')) {
    const what = first === undefined ? 'no disk is configured' : `loader is ${shown(loader)}`;
    const message = `${what}: vm-bhyve could not start the guest`;
    notes.push(
      noteAt(source, properties.line('loader'), 'loader', message, 'write "loader" or "bootrom" into the spec'),
    );
    return undefined;
  }
  if (loader === 'bhyveload') {
    const userboot = properties.get('bhyveload_loader');
    const more = splitWords(properties.get('bhyveload_args'));
    const argv = [
      ...[...common, '-m', memory, '-e', `autoboot_delay=${delay}`],
      ...(userboot === '' ? [] : ['-l', userboot]),
      ...('error' in more ? [] : more),
      ...['-d', first, name],
    ];
    return kept(readLoader({ program: 'bhyveload', argv, line }, guest.context.readFile));
  }
  const root = `hd0,${properties.get('grub_run_partition', '1')}`;
  const commands = numbered(properties, 'grub_run').filter((command) => command !== 'boot');
  const folder = ['grub_run_dir', 'grub_run_file'].map((key) => properties.get(key));
  const map = disks.map((file, index) => `(hd${index}) ${file}\n`).join('');
  const argv = [...common, '-m', 'device.map', '-M', memory];
  const words =
    commands.length > 0
      ? { input: [`root=${root}`, ...commands, 'boot'].join('\n'), argv }
      : {
          argv: [
            ...[...argv, '-r', root],
            ...(folder[0] === undefined || folder[0] === '' ? [] : ['-d', folder[0]]),
            ...(folder[1] === undefined || folder[1] === '' ? [] : ['-g', folder[1]]),
          ],
        };
  return kept(readLoader({ program: 'grub-bhyve', line, ...words, argv: [...words.argv, name] }, () => map));
}

const kept = (loader: ReturnType<typeof readLoader>): Original['loader'] => ('error' in loader ? undefined : loader);

function numbered(properties: Properties, prefix: string): readonly string[] {
  const values: string[] = [];
  for (let number = 0; properties.has(`${prefix}${number}`); number += 1)
    values.push(properties.get(`${prefix}${number}`));
  return values;
}

/** What vm-bhyve does around bhyve. */
function fieldsOf(guest: Guest): SpecObject {
  const { properties, source, notes, name, context } = guest;
  const fields: Record<string, SpecValue> = {};
  const restarts = properties.get('on_restart', 'restart') === 'restart';
  const mends = properties.get('on_fault') === 'restart';
  if (!restarts || mends) {
    fields.reboot_on = [...(restarts ? ['reboot'] : []), ...(mends ? ['triple_fault', 'error', 'signal'] : [])];
  }
  const script = properties.get('prestart');
  if (script !== '') {
    const file = script.startsWith('/') ? script : inGuest(source, script);
    const dataset = context.dataset === undefined ? [] : [`${context.dataset}/${name}`];
    fields.hooks = { pre_start: [file, name, ...dataset] };
    const message = 'prestart: vm-bhyve runs it in the folder of the guest, with the name and the dataset of the guest';
    notes.push(
      noteAt(
        source,
        properties.line('prestart'),
        'prestart',
        message,
        'see that it does not need that folder, nor words it is not given',
      ),
    );
  }
  return fields;
}

/** What has no place in a spec, with what to do about it. */
function noteOthers({ source, properties, notes, isUefi }: Guest, loader: string): void {
  const limits = ['limit_pcpu', 'limit_rbps', 'limit_wbps', 'limit_riops', 'limit_wiops'];
  const unread = [...numbered(properties, 'grub_install')];
  notes.push(
    ...properties.note(
      'priority',
      'priority',
      (value) => `priority ${value} is not carried: vmrun does not change it`,
      'start vmrun by nice(1): bhyve inherits it',
    ),
    ...limits.flatMap((key) =>
      properties.note(
        key,
        'limits',
        (value) => `${key} ${value} is not carried: vmrun sets no limits`,
        'set them in "hooks" with rctl(8)',
      ),
    ),
    ...(properties.isYes('debug')
      ? [
          noteAt(
            source,
            properties.line('debug'),
            'debug',
            'debug is not carried: vmrun shows what bhyve says',
            'write it to a file with: vmrun --log FILE',
          ),
        ]
      : []),
    ...(properties.isYes('nulliso_fix') && isUefi
      ? [
          noteAt(
            source,
            properties.line('nulliso_fix'),
            'nulliso',
            'nulliso_fix is not carried: the empty CD that some Windows wanted',
            'add an ahci-cd device',
          ),
        ]
      : []),
    ...(unread.length > 0
      ? [
          noteAt(
            source,
            properties.line('grub_install0'),
            'install',
            'grub_install is not carried: it is for an installation',
            'say it as a target of the spec',
          ),
        ]
      : []),
  );
  // What is of use for installing or making a guest only, or belongs to another loader.
  properties.ignore(
    /^(install_slot|zfs_dataset_opts|zfs_zvol_opts|disk\d+_size|virt_console_slot|guest_version|arch|linux_kernel|nice|template)$/,
  );
  properties.ignore(
    /^(sound_play|sound_rec|sound_slot|graphics_\w+|vnc_password|fbuf_slot|xhci_slot|virt_random_slot|xhci_mouse|uefi|guest)$/,
  );
  if (loader !== 'grub') properties.ignore(/^grub_(run|install)\w*$/);
  if (loader !== 'bhyveload') properties.ignore(/^bhyveload_\w+$/);
  properties.ignore(/^(loader_timeout|network_slot_start|passthru_slot_start|uefi_vars)$/);
  for (const { name, line } of properties.unread()) {
    notes.push(
      noteAt(
        source,
        line,
        'unknown',
        `${name} is not carried: vm-bhyve does not use it here, or vmrun does not know it`,
      ),
    );
  }
}
