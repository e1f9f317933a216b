import type { PciAddress } from '../../../base/pci-address.js';
import { listWords } from '../../../base/text.js';
import { unreachable } from '../../../base/unreachable.js';
import type { HostCard } from '../../../devices/device.js';
import type { MachineRequirement } from '../../../machine/machine.js';
import {
  finding,
  fixable,
  fixFor,
  pciSelector,
  toolFinding,
  type Asked,
  type HostFinding,
  type ProbeAnswer,
  type Said,
} from '../findings.js';
import type { HostView } from '../view.js';
import type { PciCard } from './pciconf.js';

type AskedCard = Asked<'host-card'>;

/** Who has which card, by selector. */
type Holders = Map<string, AskedCard>;

type Found = { readonly card: PciCard } | { readonly said: Said };

/** Host cards. Those that are looked up by their ids are chosen here, so that no two devices share one. */
export async function checkHostCards(asked: readonly AskedCard[], view: HostView): Promise<ProbeAnswer> {
  if (asked.length === 0) return { findings: [] };
  const answer = await view.cards();
  if (answer.ok) return assignCards(asked, answer.value);
  return { findings: [toolFinding(answer.error, [...new Set(asked.map(({ need }) => describeWanted(need.card)))])] };
}

/**
 * Gives every device its card: those that name one first, then those that look one up, in order, each the lowest
 * address of its kind that is left.
 */
function assignCards(asked: readonly AskedCard[], all: readonly PciCard[]): ProbeAnswer {
  const holders: Holders = new Map();
  const cards = new Map<MachineRequirement, PciAddress>();
  const findings: HostFinding[] = [];
  const isLookup = ({ need }: AskedCard): boolean => need.card.by === 'ids';
  for (const one of [...asked.filter((each) => !isLookup(each)), ...asked.filter(isLookup)]) {
    const found = findCard(one.need.card, all, holders);
    const said = 'said' in found ? found.said : obstacle(found.card, holders);
    if (said !== undefined) findings.push(finding(one, said));
    if ('said' in found || said !== undefined) continue;
    const { card } = found;
    holders.set(selectorOf(card), one);
    cards.set(one.requirement, card.address);
    if (card.driver !== 'ppt') findings.push(otherDriver(one, card));
  }
  return { findings, cards };
}

function findCard(wanted: HostCard, all: readonly PciCard[], holders: Holders): Found {
  switch (wanted.by) {
    case 'address':
      return byAddress(pciSelector(wanted.address), all);
    case 'name':
      return byName(wanted.name, all);
    case 'ids':
      return byIds(wanted, all, holders);
    default:
      return unreachable(wanted);
  }
}

const lookHere = 'name another card; pciconf -lv lists those of this host';

function byAddress(selector: string, all: readonly PciCard[]): Found {
  const card = all.find((each) => selectorOf(each) === selector);
  if (card !== undefined) return { card };
  const elsewhere = all.find((each) => each.domain !== 0 && pciSelector(each.address) === selector);
  if (elsewhere !== undefined) return { said: otherDomain(elsewhere) };
  return { said: { code: 'card-missing', message: `this host has no PCI card at ${selector}`, fix: lookHere } };
}

function byName(name: string, all: readonly PciCard[]): Found {
  const card = all.find((each) => each.name === name);
  if (card !== undefined) return card.domain === 0 ? { card } : { said: otherDomain(card) };
  const held = all.filter(({ driver }) => driver === 'ppt').map((each) => `${each.name} (${selectorOf(each)})`);
  return {
    said: {
      code: 'card-missing',
      message: `this host has no PCI card ${name}${held.length === 0 ? ', and none on the ppt driver' : ''}`,
      fix: held.length === 0 ? 'name the card by its address, as pciconf -l shows it' : `use ${listWords(held, 'or')}`,
    },
  };
}

type Ids = Extract<HostCard, { readonly by: 'ids' }>;

function byIds(wanted: Ids, all: readonly PciCard[], holders: Holders): Found {
  const alike = all.filter((card) => hasIds(card, wanted));
  const card = alike.find((each) => each.domain === 0 && obstacle(each, holders) === undefined);
  if (card !== undefined) return { card };
  if (alike.length > 0) {
    return {
      said: {
        code: 'card-none-left',
        message: `no ${describeWanted(wanted)} is left: ${listWords(alike.map((each) => whyNot(each, holders)))}`,
        fix: 'use as many such devices as the host has cards to pass through',
      },
    };
  }
  const near = all.filter((each) => hasIds(each, wanted, 'without those of the subsystem'));
  return {
    said: {
      code: 'card-missing',
      message: `this host has no ${describeWanted(wanted)}`,
      fix: near.length === 0 ? lookHere : `look for ${listWords(near.map(describeIds), 'or')}`,
    },
  };
}

/** The upper half of each id is the card's, the lower half the subsystem's; pciconf shows 0 where a card has none. */
function hasIds(card: PciCard, { vendor, device }: Ids, subsystem?: 'without those of the subsystem'): boolean {
  const [wantedVendor, wantedSubvendor] = halves(vendor);
  const [wantedDevice, wantedSubdevice] = halves(device);
  if (card.vendor !== wantedVendor || card.device !== wantedDevice) return false;
  if (subsystem !== undefined) return true;
  return (card.subvendor ?? 0) === wantedSubvendor && (card.subdevice ?? 0) === wantedSubdevice;
}

const halves = (id: string): readonly [upper: number, lower: number] => [
  Number.parseInt(id.slice(0, 4), 16),
  Number.parseInt(id.slice(4), 16),
];

/** Why a card that is there cannot be passed through, whatever its driver. */
function obstacle(card: PciCard, holders: Holders): Said | undefined {
  const holder = holders.get(selectorOf(card));
  if (holder !== undefined) {
    return {
      code: 'card-twice',
      message: `${selectorOf(card)} is already the card of ${holder.requirement.subject}`,
      fix: 'give each passthru device a card of its own',
    };
  }
  if (card.headerType === undefined || card.headerType === 0) return undefined;
  return {
    code: 'card-is-bridge',
    message: `${selectorOf(card)} (${card.name}) is a bridge (header type ${card.headerType}), ppt takes cards only`,
    fix: 'name a card behind the bridge; pciconf -lv lists them',
  };
}

function whyNot(card: PciCard, holders: Holders): string {
  const holder = holders.get(selectorOf(card));
  if (holder !== undefined) return `${selectorOf(card)} goes to ${holder.requirement.subject}`;
  return card.domain === 0
    ? `${selectorOf(card)} is a bridge`
    : `${selectorOf(card)} is in PCI domain ${card.domain}, not 0`;
}

const otherDomain = (card: PciCard): Said => ({
  code: 'card-domain',
  message: `${selectorOf(card)} is in PCI domain ${card.domain}, bhyve passes through cards of domain 0 only`,
  fix: lookHere,
});

function otherDriver(one: AskedCard, card: PciCard): HostFinding {
  const selector = selectorOf(card);
  const fix = fixFor(
    one,
    // -f takes it from the driver that has it: devctl(8).
    { kind: 'run', argv: ['devctl', 'set', 'driver', '-f', selector, 'ppt'] },
    {
      kind: 'release-card',
      address: card.address,
      ...(card.driver === undefined ? {} : { formerDriver: card.driver }),
    },
  );
  const message =
    card.driver === undefined
      ? `${selector} has no driver, it must be on ppt`
      : `${selector} is in use by the host as ${card.name}, it must be on the ppt driver`;
  return fixable(one, { code: 'card-driver', message }, fix);
}

const selectorOf = ({ domain, address: { bus, slot, func } }: PciCard): string => `pci${domain}:${bus}:${slot}:${func}`;

function describeWanted(card: HostCard): string {
  switch (card.by) {
    case 'address':
      return pciSelector(card.address);
    case 'name':
      return card.name;
    case 'ids':
      return `card with vendor 0x${card.vendor} device 0x${card.device}`;
    default:
      return unreachable(card);
  }
}

const hex = (id: number | undefined): string => (id ?? 0).toString(16).padStart(4, '0');

const describeIds = (card: PciCard): string =>
  `vendor 0x${hex(card.vendor)}${hex(card.subvendor)} device 0x${hex(card.device)}${hex(card.subdevice)} ` +
  `(${selectorOf(card)})`;
