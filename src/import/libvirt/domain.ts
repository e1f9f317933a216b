import type { PciAddress } from '../../base/pci-address.js';
import type { Problem } from '../../base/problem.js';
import { escapeValue } from '../../machine/argv.js';
import { noteAt, type ImportContext, type OriginalText } from '../original.js';
import type { XmlElement } from '../xml.js';

/** One domain on the way to the command line of its guest. */
export interface Domain {
  readonly source: OriginalText;
  readonly root: XmlElement;
  readonly name: string;
  readonly context: ImportContext;
  readonly isArm: boolean;
  readonly notes: Problem[];
  /** Elements that were looked at; what is below one that was not is told with it. */
  readonly seen: Set<XmlElement>;
}

/** A variable of bhyve, which no comma of a file name can split. */
export const set = (variable: string, value: string): readonly string[] => ['-o', `${variable}=${escapeValue(value)}`];

/** The children of one name, which count as looked at. */
export function childrenOf({ seen }: Domain, parent: XmlElement | undefined, name: string): readonly XmlElement[] {
  const found = parent?.children.filter((child) => child.name === name) ?? [];
  for (const child of found) seen.add(child);
  return found;
}

export const childOf = (domain: Domain, parent: XmlElement | undefined, name: string): XmlElement | undefined =>
  childrenOf(domain, parent, name)[0];

/** The element at a path below the root. */
export const elementAt = (domain: Domain, ...names: readonly string[]): XmlElement | undefined =>
  names.reduce<XmlElement | undefined>((parent, name) => childOf(domain, parent, name), domain.root);

export function textOf(domain: Domain, ...names: readonly string[]): string | undefined {
  const text = elementAt(domain, ...names)?.text.trim();
  return text === '' ? undefined : text;
}

/** Counts an element and all that is in it as looked at. */
export function pass({ seen }: Domain, element: XmlElement): void {
  seen.add(element);
  for (const child of element.children) pass({ seen } as Domain, child);
}

/** Counts an element as looked at, and of what is in it only what has no part in the VM. */
export function passAlone({ seen }: Domain, element: XmlElement, without: readonly string[] = []): void {
  seen.add(element);
  for (const child of element.children) {
    if (['master', 'model', 'target', ...without].includes(child.name)) seen.add(child);
  }
}

export const tell = (
  { source, notes }: Domain,
  { line }: XmlElement,
  code: string,
  message: string,
  fix?: string,
): void => {
  notes.push(noteAt(source, line, code, message, fix));
};

export const hasFirmware = ({ root }: Domain): boolean =>
  root.children.some(
    ({ name, attributes, children }) =>
      name === 'os' && (attributes.firmware === 'efi' || children.some((child) => child.name === 'loader')),
  );

/** A device on the bus: what it wants of it, and its words once it has its place. */
export interface Wanted {
  readonly address: PciAddress | undefined;
  readonly words: (prefix: string, address: PciAddress) => readonly string[];
}

export function addressOf(domain: Domain, element: XmlElement | undefined): PciAddress | undefined {
  const address = childrenOf(domain, element, 'address').find(({ attributes }) => attributes.type === 'pci');
  if (address === undefined) return undefined;
  const [bus, slot, func] = ['bus', 'slot', 'function'].map((key) => Number(address.attributes[key] ?? '0'));
  return { bus: bus ?? 0, slot: slot ?? 0, func: func ?? 0 };
}

/** The index of the controller that a device is on. */
export const controllerOf = (domain: Domain, element: XmlElement): number =>
  Number(
    childrenOf(domain, element, 'address').find(({ attributes }) => attributes.controller !== undefined)?.attributes
      .controller ?? '0',
  );

/** A device that stands for a controller of libvirt. */
export interface Attached extends Wanted {
  readonly controller: XmlElement | undefined;
}

export type FindController = (type: string, index: number) => XmlElement | undefined;
