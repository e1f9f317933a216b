import type { Problem } from '../../base/problem.js';
import { shown } from '../../base/text.js';
import { noteAt } from '../original.js';
import type { SpecObject } from '../spec-object.js';
import type { Guest } from './guest.js';

interface Cards {
  readonly words: readonly string[];
  readonly fields: ReadonlyMap<string, SpecObject>;
  readonly tapsMade: number;
}

/** vm-bhyve makes a tap at each start and puts it into the bridge of a switch; a spec names both. */
export function cardsOf(guest: Guest): Cards {
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
