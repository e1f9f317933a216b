import { createHash } from 'node:crypto';
import { shown } from '../../base/text.js';
import type { SpecObject } from '../spec-object.js';
import { of, tell, type Guest } from './guest.js';
import type { Places } from './places.js';
import { readSwitches, type Switch } from './switches.js';

interface Cards {
  readonly words: readonly string[];
  readonly fields: ReadonlyMap<string, SpecObject>;
  readonly tapsMade: number;
}

/** A card on its way to the command line. */
interface Card {
  /** `network0`. */
  readonly key: string;
  readonly model: string;
  readonly mac: string;
  readonly network: string;
  /** Undefined: the file of the switches is not at hand. */
  readonly known: Switch | undefined;
}

/** What stands behind a card. */
interface Backend {
  readonly words: string;
  readonly fields?: SpecObject;
  readonly isTapMade?: true;
}

/** vm-bhyve makes a tap at each start and puts it into the bridge of a switch; a spec names both. */
export function cardsOf(guest: Guest, places: Places): Cards {
  const { properties, context } = guest;
  const switches = readSwitches(guest.source, context);
  const words: string[] = [];
  const fields = new Map<string, SpecObject>();
  let tap = context.firstTap;
  let number = 0;
  let before: Switch | undefined;
  for (; ; number += 1) {
    const key = `network${number}`;
    const model = properties.get(`${key}_type`);
    if (model === '') break;
    places.leaveFullSlot();
    const network = properties.get(`${key}_switch`);
    const mac = properties.get(`${key}_mac`);
    const card: Card = { key, model, mac, network, known: network === '' ? undefined : switches?.(network) };
    if (mac === '') tellMissingMac(guest, card);
    if (network === '' && !guest.release.needsSwitch && /^(vale|netgraph)$/.test(before?.kind ?? '')) {
      const message = `${key} has no switch: vm-bhyve 1.5 takes it for ${before?.kind ?? ''} then, as the card before it; the spec says a tap`;
      tell(guest, `${key}_type`, 'no-switch', message, 'check the card in "emulations"');
    } else before = card.known;
    const backend = backendOf(guest, card, `tap${tap}`);
    if (backend === undefined) continue;
    if (backend.isTapMade === true) tap += 1;
    const word = [`${places.place()},${model}`, backend.words, ...(mac === '' ? [] : [`mac=${mac}`])].join(',');
    words.push('-s', of(guest, `${key}_type`, word));
    const [name = ''] = backend.words.split(',');
    if (backend.fields !== undefined) fields.set(name, backend.fields);
    places.nextFunction();
  }
  if (number > 0) places.nextSlot();
  return { words, fields, tapsMade: tap - context.firstTap };
}

const lineKey = ({ key, network }: Card): string => (network === '' ? `${key}_type` : `${key}_switch`);

function tellMissingMac(guest: Guest, card: Card): void {
  const message = `${card.key}_mac is not set: vm-bhyve makes one up at the first start and writes it here`;
  tell(guest, lineKey(card), 'mac', message, 'add "mac", or bhyve makes another one');
}

/** @returns undefined where vm-bhyve adds no card */
function backendOf(guest: Guest, card: Card, freeTap: string): Backend | undefined {
  const { key, network, known } = card;
  if (network === '' && guest.release.needsSwitch) {
    for (const unused of ['device', 'name', 'span']) guest.properties.get(`${key}_${unused}`);
    const message = `${key} has no switch: vm-bhyve since 1.6.0 leaves such a card out, and so does the spec`;
    tell(guest, `${key}_type`, 'no-switch', message, 'add the card to "emulations" if the guest is to have it');
    return undefined;
  }
  switch (known?.kind ?? 'standard') {
    case 'vale':
      return valeOf(guest, card);
    case 'netgraph':
      return netgraphOf(guest, card);
    case 'standard':
    case 'manual':
    case 'vxlan':
      return tapOf(guest, card, freeTap);
    default: {
      if (!guest.release.needsSwitch) return tapOf(guest, card, freeTap);
      const message = `${key}: the switch ${shown(network)} is of the type ${shown(known?.kind ?? '')}, which vm-bhyve does not know: the guest has no such card`;
      tell(guest, `${key}_switch`, 'switch', message, 'add the card to "emulations" if the guest is to have it');
      return undefined;
    }
  }
}

/** The first digits of a hash, as vm-bhyve names a VALE switch and its ports. */
const hashed = (text: string): string => createHash('md5').update(text).digest('hex').slice(0, 5);

function valeOf(guest: Guest, { key, network, mac }: Card): Backend {
  if (mac !== '') return { words: `vale${hashed(network)}:${hashed(mac)}` };
  const message = `${key}: vm-bhyve names the port of a VALE switch by the MAC address, which is not set`;
  tell(guest, `${key}_switch`, 'vale', message, 'choose the port of the switch in "name" of the device');
  return { words: `vale${hashed(network)}:${hashed(key)}` };
}

function netgraphOf(guest: Guest, { key, network }: Card): Backend {
  const message = `${key}: vm-bhyve takes the first free hook of the netgraph bridge ${network}; the spec says link2`;
  tell(guest, `${key}_switch`, 'netgraph', message, 'give each VM a "peerhook" of its own');
  return { words: `netgraph,path=${network}:,peerhook=link2` };
}

/** What bhyve takes for a tap by its name. */
const tapNames = /^(tap|vmnet)/;
/** A bridge has the name of its switch where that is short enough for an interface. */
const maxSwitchName = 12;

function tapOf(guest: Guest, card: Card, freeTap: string): Backend {
  const { properties } = guest;
  const { key, network, known } = card;
  const [device, named] = [properties.get(`${key}_device`), properties.get(`${key}_name`)];
  const given = device === '' ? named : device;
  const tap = given === '' ? freeTap : given;
  const bridge = bridgeOf(card);
  const where = bridge === undefined ? '' : ` in the bridge ${bridge}`;
  if (given === '') {
    const message = `${key}: vm-bhyve makes a tap at each start; the spec says ${tap}${where}`;
    const unsure = known === undefined ? '; a vale or netgraph switch needs another backend' : '';
    tell(guest, lineKey(card), 'tap', message, `make sure that no other VM has ${tap}${unsure}`);
  } else if (network !== '' && known === undefined) {
    const message = `${key}_switch ${shown(network)} is taken for a standard switch${where === '' ? '' : `:${where}`}`;
    tell(guest, `${key}_switch`, 'switch', message, 'look at "bridge" of the device');
  }
  if (!tapNames.test(tap)) {
    const message = `${key}: bhyve takes ${tap} for a tap only with type=tap, which vm-bhyve does not say; the spec does`;
    tell(guest, device === '' ? `${key}_name` : `${key}_device`, 'tap-type', message);
  }
  tellSwitch(guest, card, bridge);
  return {
    words: `${tap}${tapNames.test(tap) ? '' : ',type=tap'}`,
    ...(bridge === undefined ? {} : { fields: { bridge } }),
    ...(given === '' ? { isTapMade: true } : {}),
  };
}

function bridgeOf({ network, known }: Card): string | undefined {
  if (known?.kind === 'manual') return known.bridge;
  return network === '' || network.length > maxSwitchName ? undefined : `vm-${network}`;
}

/** What vm-bhyve does with a tap and a spec does not say. */
function tellSwitch(guest: Guest, { key, network, known }: Card, bridge: string | undefined): void {
  const { properties } = guest;
  if (network === '') return;
  if (bridge === undefined) {
    const why = known?.kind === 'manual' ? 'names no bridge' : 'has a name that is too long to be that of its bridge';
    const message = `the switch ${shown(network)} ${why}`;
    tell(guest, `${key}_switch`, 'bridge', message, 'add "bridge" to the device: vm switch list shows it');
  }
  if (known?.isListed === false) {
    const message = `vm-bhyve has no switch ${shown(network)}: it adds the tap to no bridge`;
    tell(guest, `${key}_switch`, 'switch', message, 'check "bridge" of the device');
  }
  if (known?.isPrivate === true) {
    const message = `the switch ${shown(network)} is private: vm-bhyve keeps its guests from each other`;
    tell(guest, `${key}_switch`, 'private', message, 'do it in "hooks": ifconfig BRIDGE private TAP');
  }
  if (known?.mtu !== undefined && known.mtu !== '1500') {
    const message = `the switch ${shown(network)} has the MTU ${known.mtu}, which vm-bhyve gives to the tap as well`;
    tell(guest, `${key}_switch`, 'mtu', message, 'do it in "hooks": ifconfig TAP mtu NUMBER');
  }
  if (properties.isYes(`${key}_span`)) {
    const message = `${key}_span: vmrun adds a tap to its bridge as a member, not as a span port`;
    tell(guest, `${key}_span`, 'span', message, 'do it in "hooks": ifconfig BRIDGE span TAP');
  }
}
