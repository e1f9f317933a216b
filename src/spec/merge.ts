import { mostHints, nearestName } from '../base/nearest-name.js';
import type { Finding } from '../base/problem.js';
import { shown } from '../base/text.js';
import { entryOf, type SourceEntry, type SourceMapping, type SourceNode } from './source-tree.js';

/** Keys of the base that are not part of a machine. */
const notMerged = new Set(['targets', '$schema']);
/** Keys of a target that say how it is merged. */
const mergeKeys = new Set(['inherits', 'emulations']);
/** Ways to start the guest: a layer that says one takes the other away. */
const alternatives: readonly (readonly [keys: readonly string[], others: readonly string[]])[] = [
  [['loader'], ['bootrom', 'varfile']],
  [['bootrom', 'varfile'], ['loader']],
];

/** What the merge of one target found to be wrong: told at a node, since a target has no place in the merged spec. */
export interface MergeFinding extends Omit<Finding, 'pointer'> {
  readonly node: SourceNode;
  /** The item of `emulations` that it is about, if it is about one. */
  readonly device?: SourceNode;
}

/** What one target comes to, and what its merge found to be wrong. */
export interface Merged {
  readonly tree: SourceMapping;
  readonly findings: readonly MergeFinding[];
}

/** The base, or a target with all that it inherits, before it is a tree. Nothing changes it any more. */
interface Layers {
  readonly fields: ReadonlyMap<string, SourceEntry>;
  readonly devices: Devices;
  readonly findings: readonly MergeFinding[];
}

/**
 * The effective spec of each target: the base, then each inherited target, then the target itself. Made afresh each
 * time, so nothing adds up from boot to boot; only what others inherit is kept, since each of a long line of targets
 * would begin at the base again. Fields replace; devices are appended, one with the `id` of an earlier one replaces it
 * in place, and `{"id": …, "remove": true}` takes it away.
 * @returns takes a name for which `isTarget` holds, or `default`
 */
export function targetMerger(
  root: SourceMapping,
  targets: ReadonlyMap<string, SourceMapping>,
): (name: string) => Merged {
  const inherited = new Set(
    [...targets.values()].map(parentOf).filter((name): name is string => name !== undefined && targets.has(name)),
  );
  const known = new Map<string, Layers>();
  const findingsOfBase: MergeFinding[] = [];
  const base: Layers = {
    fields: new Map(root.entries.filter(({ key }) => !notMerged.has(key)).map((entry) => [entry.key, entry])),
    devices: withDevices({ slots: [], byId: new Map() }, devicesIn(root), findingsOfBase),
    findings: findingsOfBase,
  };

  function layersOf(name: string): Layers {
    // The target and what it inherits, as far as nobody has asked before. A loop has been refused elsewhere.
    const names = new Set<string>();
    let next: string | undefined = name;
    while (next !== undefined && targets.has(next) && !names.has(next) && !known.has(next)) {
      names.add(next);
      next = parentOf(targets.get(next));
    }
    let layers = (next === undefined || names.has(next) ? undefined : known.get(next)) ?? base;
    for (const each of [...names].reverse()) {
      const target = targets.get(each);
      if (target !== undefined) layers = withLayer(layers, target);
      if (inherited.has(each)) known.set(each, layers);
    }
    return layers;
  }

  return (name) => {
    const { fields, devices, findings } = layersOf(name);
    const given = fields.get('emulations');
    const at = given?.value ?? root;
    const emulations: SourceNode = {
      kind: 'sequence',
      items: devices.slots.filter((item) => item !== undefined),
      start: at.start,
      end: at.end,
      pointer: at.pointer,
    };
    const entries = new Map(fields).set('emulations', {
      key: 'emulations',
      keyStart: given?.keyStart ?? root.start,
      keyEnd: given?.keyEnd ?? root.start,
      value: emulations,
    });
    return { tree: { ...root, entries: [...entries.values()] }, findings };
  };
}

export const parentOf = (target: SourceMapping | undefined): string | undefined =>
  target === undefined ? undefined : textOf(entryOf(target, 'inherits')?.value);

/** The devices of a merge, by place and by id. */
interface Devices {
  readonly slots: readonly (SourceNode | undefined)[];
  readonly byId: ReadonlyMap<string, number>;
}

function withLayer(below: Layers, layer: SourceMapping): Layers {
  const fields = new Map(below.fields);
  for (const [keys, others] of alternatives) {
    if (keys.some((key) => entryOf(layer, key) !== undefined)) for (const key of others) fields.delete(key);
  }
  for (const entry of layer.entries) if (!mergeKeys.has(entry.key)) fields.set(entry.key, entry);
  const items = devicesIn(layer);
  if (items.length === 0) return { ...below, fields };
  const findings = [...below.findings];
  return { fields, devices: withDevices(below.devices, items, findings), findings };
}

function devicesIn(layer: SourceMapping): readonly SourceNode[] {
  const list = entryOf(layer, 'emulations')?.value;
  return list?.kind === 'sequence' ? list.items : [];
}

function withDevices(below: Devices, items: readonly SourceNode[], findings: MergeFinding[]): Devices {
  const slots = [...below.slots];
  const byId = new Map(below.byId);
  /** Ids that this list itself has given: there, a second is a mistake, not a replacement. */
  const seen = new Set<string>();
  for (const item of items) {
    const idNode = entryOf(item, 'id')?.value;
    const id = textOf(idNode);
    if (id === undefined || idNode === undefined) {
      slots.push(item);
      continue;
    }
    if (seen.has(id)) {
      findings.push({
        code: 'id-twice',
        node: idNode,
        device: item,
        message: `the id ${shown(id)} is given to two devices of this list`,
        fix: 'give each device an id of its own',
      });
    }
    seen.add(id);
    const place = byId.get(id);
    if (entryOf(item, 'remove') === undefined) {
      byId.set(id, place ?? slots.length);
      slots[place ?? slots.length] = item;
    } else if (place === undefined) {
      const near = findings.length < mostHints ? nearestName(id, byId.keys()) : undefined;
      findings.push({
        code: 'unknown-id',
        node: idNode,
        device: item,
        message: `there is no device ${shown(id)} to remove`,
        fix: near === undefined ? 'give the device an "id" where it is defined' : `did you mean ${shown(near)}?`,
      });
    } else {
      slots[place] = undefined;
      byId.delete(id);
    }
  }
  return { slots, byId };
}

export const textOf = (node: SourceNode | undefined): string | undefined =>
  node?.kind === 'scalar' ? String(node.value) : undefined;
