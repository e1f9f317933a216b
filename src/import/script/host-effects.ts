import path from 'node:path';
import { groupBy } from '../../base/group-by.js';
import { listWords } from '../../base/text.js';
import { replaceSymbols, shownText, type Symbols } from './symbols.js';
import type { Done, Moment } from './moments.js';
import type { Lost } from './run.js';
import type { SpecObject } from '../spec-object.js';

/** What the commands beside bhyve do to the host. */
export interface HostEffects {
  /** Fields of a card by the interface behind it. */
  readonly cards: ReadonlyMap<string, SpecObject>;
  readonly lost: readonly Lost[];
}

/** A command with the interfaces that it makes under the names that vmrun gives them. */
interface Typed {
  readonly line: number;
  readonly name: string;
  readonly words: readonly string[];
  readonly moments: ReadonlySet<Moment>;
}

/** Where what a program sets up is usually said so that it is there before every start. */
const places: Readonly<Record<string, string>> = {
  sysctl: 'put it into /etc/sysctl.conf',
  pfctl: 'put the rules into /etc/pf.conf',
  ipfw: 'put the rules into the firewall script that rc.conf(5) names',
  route: 'put it into "static_routes" of rc.conf(5)',
  mount: 'put it into /etc/fstab, or into "hooks" of the spec',
  umount: 'put it into "hooks" of the spec',
  devctl: 'put the card into "pptdevs" of /boot/loader.conf, or the command into "hooks" of the spec',
  ngctl: 'put it into "hooks" of the spec',
  swtpm: 'start it before vmrun, or in "hooks" of the spec',
  service: 'start it before vmrun: rc.conf(5)',
  wait: 'put it into "pre_start" of "hooks" if bhyve has to wait',
  sleep: 'put it into "hooks" of the spec if bhyve has to wait',
  vmrun: 'leave it out of the spec',
};

/** Modules that vmrun loads where a VM wants them. */
const ownModules = /^(vmm|nmdm|if_tap|if_tuntap|cuse|ng_socket)(\.ko)?$/;

interface Names {
  readonly symbols: Symbols;
  /** The name that a symbol got: of a tap that the script makes. */
  readonly nameOf: (symbol: string) => string | undefined;
  readonly vmName: string;
  /** Words of bhyve's command. */
  readonly argv: readonly string[];
}

export function hostEffects(all: readonly Done[], names: Names): HostEffects {
  const done = typedOf(all, names);
  const { cards, lost } = networkOf(done, names);
  const attached = done.flatMap((each) => attachedCard(each, names) ?? []);
  const single = done.flatMap((each) => singleNote(each, names));
  const rest = done.filter((each) => !isSingle(each.name));
  return {
    cards: new Map([...cards, ...attached.map((card) => [card, { fix: true }] as const)]),
    lost: [...lost, ...single, ...together(rest)],
  };
}

const isSingle = (name: string): boolean =>
  Object.hasOwn(places, name) || ['ifconfig', 'kldload', 'bhyvectl', 'kldunload'].includes(name);

/** Each command once, in the order of the lines, as it would be typed. */
function typedOf(all: readonly Done[], { symbols, nameOf }: Names): readonly Typed[] {
  const unique = new Map<string, Typed>();
  // A command whose words change from turn to turn is one: it runs whenever one of them does.
  const momentsOf = new Map<string, Set<Moment>>();
  for (const { line, fields, moment } of all) {
    const words = fields.map(({ text }) =>
      shownText(
        replaceSymbols(text, (symbol) => nameOf(symbol) ?? symbol),
        symbols,
      ),
    );
    const key = `${line} ${words.join('\0')}`;
    const name = path.posix.basename(words[0] ?? '');
    const command = `${line} ${name}`;
    const moments = (momentsOf.get(command) ?? new Set()).add(moment);
    momentsOf.set(command, moments);
    unique.set(key, { line, name, words, moments });
  }
  return [...unique.values()].sort((a, b) => a.line - b.line);
}

const commandText = ({ words }: Typed): string => {
  const text = words.join(' ').replaceAll(/\s+/g, ' ');
  return text.length > 100 ? `${text.slice(0, 97)}...` : text;
};

function singleNote(each: Typed, { vmName, argv }: Names): readonly Lost[] {
  const { name, words, line, moments } = each;
  const isAtEnd = !moments.has('before') && !moments.has('between');
  const told = (fix: string): readonly Lost[] => [
    { line, code: 'host', message: `${commandText(each)}: not carried over`, fix },
  ];
  switch (name) {
    case 'wait': {
      // Until the VM is gone vmrun waits, too.
      const isOwn = /\/dev\/vmm\b/.test(words[1] ?? '');
      const message = `the script waits in this loop before it starts bhyve${moments.has('before') ? '' : ' again'}: not carried over`;
      return isOwn || isAtEnd ? [] : [{ line, code: 'host', message, fix: places.wait ?? '' }];
    }
    case 'sleep':
      return isAtEnd ? [] : told(places.sleep ?? '');
    case 'sysctl':
      return words.some((word) => word.includes('=')) ? told(places.sysctl ?? '') : [];
    case 'mount':
      return words.length > 1 ? told(places.mount ?? '') : [];
    case 'kldload': {
      const modules = words
        .slice(1)
        .filter((word) => !word.startsWith('-') && !ownModules.test(path.posix.basename(word)));
      return modules.length === 0 ? [] : told('put it into "kld_list" of rc.conf(5)');
    }
    case 'kldunload':
      return told('put it into "hooks" of the spec');
    case 'bhyvectl': {
      const vm =
        words.find((word) => word.startsWith('--vm='))?.slice('--vm='.length) ?? words[words.indexOf('--vm') + 1];
      const isOwn = vm === vmName && words.some((word) => /^--(destroy|create)$/.test(word));
      const isLook = !words.some((word) =>
        /^--(destroy|create|force|inject|set|suspend|checkpoint|unassign)/.test(word),
      );
      return isOwn || isLook ? [] : told('put it into "hooks" of the spec, if it is still wanted');
    }
    case 'devctl': {
      const isDetach = words[1] === 'detach' && passedCard(each, argv) !== undefined;
      const isOurs = attachedCard(each, { argv }) !== undefined;
      return isOurs || isDetach || words[1] === 'getpath' ? [] : told(places.devctl ?? '');
    }
    case 'ifconfig':
      return [];
    default:
      return Object.hasOwn(places, name) ? told(places[name] ?? '') : [];
  }
}

/** The PCI card of the guest that a command of devctl(8) is about, as a spec names it. */
function passedCard({ words }: Pick<Typed, 'words'>, argv: readonly string[]): string | undefined {
  const [, bus = '', slot = '', func = ''] = /pci(?:\d+:)?(\d+):(\d+):(\d+)/.exec(words.join(' ')) ?? [];
  const isOurs = argv.some((word) => word.includes(`passthru,${bus}/${slot}/${func}`));
  return isOurs && bus !== '' ? `${bus}:${slot}:${func}` : undefined;
}

/** The card that is given to ppt, as vmrun does where it may. */
const attachedCard = (each: Pick<Typed, 'name' | 'words'>, { argv }: Pick<Names, 'argv'>): string | undefined =>
  each.name === 'devctl' && each.words.includes('ppt') ? passedCard(each, argv) : undefined;

/** Options of ifconfig(8) that vmrun sees to for the taps of a VM. */
const ownWords = /^(create|destroy|up|down|-?monitor|plumb|unplumb)$/;
const isTap = (name: string): boolean => /^(tap|vmnet)\d*$/.test(name);

interface Network {
  readonly cards: ReadonlyMap<string, SpecObject>;
  readonly lost: readonly Lost[];
}

function networkOf(done: readonly Typed[], { argv }: Names): Network {
  const cards = new Map<string, SpecObject>();
  const lost: Lost[] = [];
  const aliases = new Map<string, string>();
  const bridges = new Map<string, { readonly line: number; isMade: boolean; readonly members: Set<string> }>();
  const isCard = (name: string): boolean => argv.some((word) => word.split(',').includes(name));
  // What the script makes, and puts into a bridge, vmrun may make and put there.
  const give = (card: string, fields: SpecObject): void =>
    void cards.set(card, { ...cards.get(card), ...fields, fix: true });
  for (const each of done.filter(({ name }) => name === 'ifconfig')) {
    const [, first = '', ...rest] = each.words.filter(
      (word, at) => at === 0 || word !== 'inet' || each.words.length > 3,
    );
    if (first === '' || first.startsWith('-') || rest.length === 0) continue;
    const renamed = rest.includes('name') ? rest[rest.indexOf('name') + 1] : undefined;
    if (renamed !== undefined) aliases.set(renamed, first);
    const bridgeName = first === 'bridge' ? renamed : first;
    const isOwnTap = isTap(first) || isCard(first) || isTap(aliases.get(first) ?? '');
    const members = rest.filter((_word, at) => rest[at - 1] === 'addm');
    const others = leftOver(rest, (name) => isTap(name) || isCard(name) || isTap(aliases.get(name) ?? ''));
    if (bridgeName !== undefined && (members.length > 0 || /^bridge\d*$/.test(first))) {
      const bridge = bridges.get(bridgeName) ?? { line: each.line, isMade: false, members: new Set<string>() };
      bridges.set(bridgeName, bridge);
      if (rest.includes('create')) bridge.isMade = true;
      for (const member of members) {
        const card = isCard(member) ? member : (aliases.get(member) ?? member);
        if (isTap(card) || isCard(card)) {
          if (!/[$`]/.test(bridgeName)) give(card, { bridge: bridgeName });
          else lost.push(unknownBridge(each.line, card, bridgeName));
        } else bridge.members.add(member);
      }
      if (others.length > 0) lost.push(setting(each));
    } else if (others.length > 0 || !isOwnTap) lost.push(setting(each));
    if (isOwnTap && rest.includes('create') && isCard(first)) give(first, {});
  }
  for (const [name, { line, isMade, members }] of bridges) {
    if (!isMade && members.size === 0) continue;
    lost.push(ownBridge(name, line, isMade, [...members]));
  }
  return { cards, lost };
}

/** Words that do more than make an interface, switch it on and put it into a bridge. */
function leftOver(words: readonly string[], isOurs: (name: string) => boolean): readonly string[] {
  const rest: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const isOwn = word === 'addm' || (word === 'deletem' && isOurs(words[at + 1] ?? ''));
    if (isOwn) at += 1;
    else if (!ownWords.test(word)) rest.push(word);
  }
  return rest;
}

const setting = (each: Typed): Lost => ({
  line: each.line,
  code: 'host',
  message: `${commandText(each)}: not carried over`,
  fix: 'put it into rc.conf(5), or into "hooks" of the spec',
});

const unknownBridge = (line: number, card: string, bridge: string): Lost => ({
  line,
  code: 'bridge',
  message: `${card} is put into a bridge whose name is known only when the script runs (${bridge})`,
  fix: 'write "bridge" into the card',
});

function ownBridge(name: string, line: number, isMade: boolean, members: readonly string[]): Lost {
  const into =
    members.length === 0 ? '' : `${listWords(members)} ${members.length === 1 ? 'is' : 'are'} put into ${name} here`;
  const made = isMade ? `${name} is made here` : '';
  const message = `${[made, into].filter((part) => part !== '').join(', and ')}: vmrun adds only the VM's interfaces to a bridge`;
  const value = members.map((member) => `addm ${member} `).join('');
  return {
    line,
    code: 'bridge',
    message,
    fix: `put it into rc.conf(5): ${isMade ? `cloned_interfaces="${name}" ` : ''}ifconfig_${name}="${value}up"`,
  };
}

/** What a group of commands is told as, by when they run. */
const whens: Readonly<Record<Moment, { readonly said: string; readonly fix: string }>> = {
  before: { said: 'of the script', fix: 'what each start needs goes into "hooks" of the spec' },
  during: { said: 'that run beside bhyve', fix: 'put what is still wanted into "post_start" of "hooks"' },
  between: { said: 'that run between two boots', fix: 'put what is still wanted into "pre_reboot" of "hooks"' },
  after: { said: 'that run when bhyve has ended', fix: 'put what is still wanted into "post_stop" of "hooks"' },
};

/** What also runs before bhyve belongs to every start; what also runs between boots is told there. */
const momentOf = ({ moments }: Typed): Moment =>
  (['before', 'during', 'between'] as const).find((moment) => moments.has(moment)) ?? 'after';

/** Commands that nobody wants a line for each. */
function together(rest: readonly Typed[]): readonly Lost[] {
  return (['before', 'during', 'between', 'after'] as const).flatMap((moment) => {
    const some = rest.filter((each) => momentOf(each) === moment);
    const [first] = some;
    if (first === undefined) return [];
    const byName = groupBy(some, ({ name, words }) => (name === '>' ? words.join(' ') : name));
    const named = [...byName].map(([name, all]) => {
      const unique = [...new Set(all.map(({ line }) => line))].map(String);
      return `${name === '' ? 'a command' : name} on ${unique.length === 1 ? 'line' : 'lines'} ${listWords(unique)}`;
    });
    const { said, fix } = whens[moment];
    // A command of a loop, with other words each time, is one.
    const number = new Set(some.map(({ name, line }) => `${name} ${line}`)).size;
    const commands = number === 1 ? '1 other command' : `${number} other commands`;
    const verb = number === 1 ? 'is' : 'are';
    const which = number === 1 ? said.replace('that run', 'that runs') : said;
    return [
      {
        line: first.line,
        code: 'other-commands',
        message: `${commands} ${which} ${verb} not carried over: ${listWords(named)}`,
        fix,
      },
    ];
  });
}
