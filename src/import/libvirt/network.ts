import { shown } from '../../base/text.js';
import { escapeValue } from '../../machine/argv.js';
import type { SpecObject } from '../spec-object.js';
import type { XmlElement } from '../xml.js';
import { addressOf, childOf, childrenOf, set, tell, type Domain, type Wanted } from './domain.js';

interface Cards {
  readonly wanted: readonly Wanted[];
  readonly cards: ReadonlyMap<string, SpecObject>;
  readonly tapsMade: number;
}

const cardModels: Readonly<Record<string, string>> = { virtio: 'virtio-net', e1000: 'e1000' };

/** libvirt makes a tap at each start and puts it into a bridge; a spec names both. */
export function cardsOf(domain: Domain, list: XmlElement | undefined): Cards {
  const cards = new Map<string, SpecObject>();
  let tapsMade = 0;
  const wanted = childrenOf(domain, list, 'interface').flatMap((element): readonly Wanted[] => {
    const { type = '' } = element.attributes;
    const model = childOf(domain, element, 'model')?.attributes.type ?? 'virtio';
    const device = Object.hasOwn(cardModels, model) ? cardModels[model] : undefined;
    const source = childOf(domain, element, 'source')?.attributes ?? {};
    const target = childOf(domain, element, 'target')?.attributes.dev;
    const mac = childOf(domain, element, 'mac')?.attributes.address;
    const address = addressOf(domain, element);
    if (device === undefined || !['bridge', 'network', 'user', 'ethernet'].includes(type)) {
      const why = device === undefined ? `bhyve has no model ${shown(model)}` : `its type is ${shown(type)}`;
      tell(
        domain,
        element,
        'interface',
        `this network card is not carried over: ${why}`,
        'add it to "emulations" by hand',
      );
      return [];
    }
    const say = (backend: readonly string[]): Wanted => ({
      address,
      words: (prefix) => [
        ...set(`${prefix}device`, device),
        ...backend.flatMap((setting) => ['-o', prefix + setting]),
        ...(mac === undefined ? [] : set(`${prefix}mac`, mac)),
      ],
    });
    if (type === 'user') return [say(['backend=slirp', 'open=true'])];
    const isGiven = target !== undefined && !/^vnet\d*$/.test(target);
    const tap = isGiven ? target : `tap${domain.context.firstTap + tapsMade++}`;
    const bridge = source.bridge;
    if (bridge !== undefined) cards.set(tap, { bridge });
    const where = bridge === undefined ? '' : ` in the bridge ${bridge}`;
    if (!isGiven) {
      const message = `libvirt makes a tap at each start; the spec says ${tap}${where}`;
      tell(domain, element, 'tap', message, `make sure that no other VM has ${tap}`);
    }
    if (type === 'network') {
      const message = `the network ${shown(source.network)} of libvirt is not carried over: which bridge it has is known to libvirt`;
      tell(domain, element, 'network', message, 'add "bridge" to the device: virsh net-info shows it');
    }
    const isTap = /^(tap|vmnet)/.test(tap);
    return [say([`backend=${escapeValue(tap)}`, ...(isTap ? [] : ['type=tap'])])];
  });
  return { wanted, cards, tapsMade };
}
