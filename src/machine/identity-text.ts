import { child } from '../base/json-pointer.js';
import { formatAddress, isAddressError, parseAddress } from '../base/pci-address.js';
import { fields } from '../fields/registry.js';
import type { Problem } from '../base/problem.js';
import { failure, success, type Result } from '../base/result.js';
import { withoutQuotations } from '../base/secrets.js';
import { shown } from '../base/text.js';
import { visibleLines } from '../base/visible.js';
import { parseJson } from '../spec/json.js';
import { linesOf } from '../spec/locate.js';
import { toValue, type SourceEntry, type SourceNode } from '../spec/source-tree.js';
import { identityOf, lockable, type Identity, type LockedDevice, type LockedTarget } from './identity.js';

const version = 1;

/**
 * An identity as the text of a lock file: JSON with one device a line, by address, so that a change is a changed line.
 * The same identity always gives the same text.
 */
export function formatIdentity({ name, uuid, targets }: Identity): string {
  const sections = [...targets].map(([target, { uuid: own, devices, isStale }]) => {
    const head = [
      ...(own === undefined ? [] : [`      "uuid": ${JSON.stringify(own)},`]),
      ...(isStale === true ? ['      "stale": true,'] : []),
    ];
    const lines = devices.map((device) => `        ${deviceLine(device)}`).join(',\n');
    const list = devices.length === 0 ? '      "devices": []' : `      "devices": [\n${lines}\n      ]`;
    return `    ${JSON.stringify(target)}: {\n${[...head, list].join('\n')}\n    }`;
  });
  const lines = [
    `  "version": ${version},`,
    `  "name": ${JSON.stringify(name)},`,
    ...(uuid === undefined ? [] : [`  "uuid": ${JSON.stringify(uuid)},`]),
    `  "targets": {\n${sections.join(',\n')}\n  }`,
  ];
  return visibleLines(`{\n${lines.join('\n')}\n}\n`);
}

function deviceLine({ address, id, model, label, field, mac, serial, serials, isStale }: LockedDevice): string {
  const pairs = Object.entries({
    slot: formatAddress(address),
    id,
    model,
    label,
    field,
    mac,
    serial,
    serials,
    stale: isStale,
  })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${JSON.stringify(key)}: ${inline(value)}`);
  return `{ ${pairs.join(', ')} }`;
}

const inline = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? `{ ${Object.entries(value)
        .map(([key, text]) => `${JSON.stringify(key)}: ${JSON.stringify(text)}`)
        .join(', ')} }`
    : JSON.stringify(value);

const restore = 'restore it from a copy; without it, the guest sees what follows from the spec alone';

/** Stops the reading of a file at its first fault: what a program wrote is whole, or not to be trusted. */
class Fault extends Error {
  constructor(
    readonly node: SourceNode,
    readonly pointer: string,
    message: string,
    readonly code = 'lock-damaged',
  ) {
    super(message);
  }
}

/**
 * Reads the text of a lock file.
 * @param name of the file, for messages
 * @returns or what is wrong with it, at its place: `lock-damaged`, `lock-version`, `lock-conflict`, `syntax`, `empty`
 */
export function readIdentity(text: string, name: string): Result<Identity> {
  const lines = linesOf(text);
  const refuse = (code: string, message: string, fix: string, offset?: number, pointer = ''): Result<never> =>
    failure([
      {
        code,
        severity: 'error',
        message,
        fix,
        ...(offset === undefined ? {} : { place: { file: name, ...lines.at(offset), pointer } }),
      } satisfies Problem,
    ]);
  if (text.trim() === '') return refuse('empty', 'the lock file is empty', restore);
  const conflict = text.search(/^(<{7}|={7}|>{7})( |\r?$)/m);
  if (conflict !== -1) {
    const fix = 'take one of the two sides, then run vmrun lock';
    return refuse('lock-conflict', 'two versions of this file were merged, and they do not agree', fix, conflict);
  }
  const parsed = parseJson(text, { what: 'lock' });
  if (!parsed.ok) {
    const [{ message, offset } = { message: 'it cannot be read', offset: 0 }] = parsed.problems;
    // It is looked for beside the spec, and may be a link to a file of another kind.
    return refuse('syntax', withoutQuotations(message), restore, offset);
  }
  try {
    return success(identityIn(parsed.root));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { node, pointer, code, message } = error;
    const fix = code === 'lock-version' ? 'use a newer vmrun' : restore;
    return refuse(code, message, fix, node.start, pointer);
  }
}

function identityIn(root: SourceNode): Identity {
  const own = fieldsOf(root, '', ['version', 'name', 'uuid', 'targets']);
  const said = own.get('version');
  if (said === undefined) throw new Fault(root, '', 'this is not a lock file: it has no "version"');
  if (toValue(said) !== version) {
    const message = `it is of version ${shown(toValue(said))}, this vmrun reads version ${version}`;
    throw new Fault(said, '/version', message, 'lock-version');
  }
  const targets = own.get('targets');
  if (targets === undefined) throw new Fault(root, '/targets', 'it has no "targets"');
  const uuid = own.get('uuid');
  return identityOf({
    name: textIn(own.get('name') ?? root, '/name'),
    ...(uuid === undefined ? {} : { uuid: textIn(uuid, '/uuid', lockable.uuid) }),
    targets: new Map(
      entriesOf(targets, '/targets').map(({ key, value }) => [key, targetIn(value, child('/targets', key))]),
    ),
  });
}

const bringingFields: readonly string[] = [
  ...['hostbridge', 'lpc_slot'],
  ...fields.filter((field) => field.parts !== undefined).map(({ name }) => name),
];

function targetIn(node: SourceNode, pointer: string): LockedTarget {
  const own = fieldsOf(node, pointer, ['uuid', 'stale', 'devices']);
  const list = own.get('devices');
  if (list?.kind !== 'sequence') throw new Fault(list ?? node, `${pointer}/devices`, 'it must be a list of devices');
  const uuid = own.get('uuid');
  const holders = new Set<string>();
  const devices = list.items.map((item, index): LockedDevice => {
    const at = child(`${pointer}/devices`, index);
    const device = deviceIn(item, at);
    const address = formatAddress(device.address);
    if (device.isStale !== true && holders.has(address)) {
      throw new Fault(item, `${at}/slot`, `two devices are at ${address}`);
    }
    if (device.isStale !== true) holders.add(address);
    return device;
  });
  return {
    ...(uuid === undefined ? {} : { uuid: textIn(uuid, `${pointer}/uuid`, lockable.uuid) }),
    devices,
    ...staleIn(own.get('stale'), `${pointer}/stale`),
  };
}

function deviceIn(node: SourceNode, pointer: string): LockedDevice {
  const own = fieldsOf(node, pointer, ['slot', 'id', 'model', 'label', 'field', 'mac', 'serial', 'serials', 'stale']);
  const text = (key: string, form?: RegExp): string | undefined => {
    const value = own.get(key);
    return value === undefined ? undefined : textIn(value, child(pointer, key), form);
  };
  const slot = text('slot', /^\d+:\d+:\d+$/);
  const model = text('model');
  if (slot === undefined || model === undefined) {
    throw new Fault(node, pointer, `a device without ${slot === undefined ? '"slot"' : '"model"'}`);
  }
  const address = parseAddress(slot);
  if (isAddressError(address)) throw new Fault(own.get('slot') ?? node, `${pointer}/slot`, address.error);
  const field = text('field');
  const brought = bringingFields.find((each) => each === field);
  if (field !== undefined && brought === undefined) {
    throw new Fault(own.get('field') ?? node, `${pointer}/field`, `${shown(field)} brings no device`);
  }
  const [id, label] = [text('id'), text('label')];
  const [mac, serial] = [text('mac', lockable.mac), text('serial', lockable.serial)];
  const serials = own.get('serials');
  return {
    address,
    model,
    ...(id === undefined ? {} : { id }),
    ...(label === undefined ? {} : { label }),
    ...(brought === undefined ? {} : { field: brought }),
    ...(mac === undefined ? {} : { mac }),
    ...(serial === undefined ? {} : { serial }),
    ...(serials === undefined
      ? {}
      : {
          serials: Object.fromEntries(
            entriesOf(serials, `${pointer}/serials`).map(({ key, value }) => [
              key,
              textIn(value, child(`${pointer}/serials`, key), lockable.serial),
            ]),
          ),
        }),
    ...staleIn(own.get('stale'), `${pointer}/stale`),
  };
}

function staleIn(node: SourceNode | undefined, pointer: string): { readonly isStale?: true } {
  if (node === undefined) return {};
  if (toValue(node) !== true) throw new Fault(node, pointer, `${shown(toValue(node))} is not true`);
  return { isStale: true };
}

function entriesOf(node: SourceNode, pointer: string): readonly SourceEntry[] {
  if (node.kind !== 'mapping') throw new Fault(node, pointer, `this must be an object, found ${shown(toValue(node))}`);
  return node.entries;
}

function fieldsOf(node: SourceNode, pointer: string, names: readonly string[]): ReadonlyMap<string, SourceNode> {
  const entries = entriesOf(node, pointer);
  const stray = entries.find(({ key }) => !names.includes(key));
  if (stray !== undefined)
    throw new Fault(stray.value, child(pointer, stray.key), `${shown(stray.key)} is not known here`);
  return new Map(entries.map(({ key, value }) => [key, value]));
}

function textIn(node: SourceNode, pointer: string, form = /^[^]+$/): string {
  const value = toValue(node);
  if (typeof value === 'string' && form.test(value)) return value;
  throw new Fault(node, pointer, `${shown(value)} cannot be the ${pointer.split('/').at(-1) ?? ''} of anything`);
}
