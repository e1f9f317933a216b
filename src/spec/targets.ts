import { nearestName } from '../base/nearest-name.js';
import { child } from '../base/json-pointer.js';
import { mostProblems, type Finding } from '../base/problem.js';
import { listWords, shown } from '../base/text.js';
import { entryOf, type SourceEntry, type SourceMapping, type SourceNode } from './source-tree.js';
import { exitReasons, stopWord } from './vm-spec.js';

/** The name of the spec without any target, unless a target has it. */
export const defaultTarget = 'default';

/** Keys of the base that are not part of a machine. */
const notMerged = new Set(['targets', '$schema']);
/** Keys of a target that say how it is merged. */
const mergeKeys = new Set(['inherits', 'emulations']);
/** Ways to start the guest: a layer that says one takes the other away. */
const alternatives: readonly (readonly [keys: readonly string[], others: readonly string[]])[] = [
  [['loader'], ['bootrom', 'varfile']],
  [['bootrom', 'varfile'], ['loader']],
];

export const targetsOf = (root: SourceNode): ReadonlyMap<string, SourceMapping> => {
  const targets = entryOf(root, 'targets')?.value;
  if (targets?.kind !== 'mapping') return new Map();
  return new Map(
    targets.entries.flatMap(({ key, value }) => (value.kind === 'mapping' ? [[key, value] as const] : [])),
  );
};

/** What the merge of one target found to be wrong: told at a node, since a target has no place in the merged spec. */
export interface MergeFinding extends Omit<Finding, 'pointer'> {
  readonly node: SourceNode;
  /** The item of `emulations` that it is about, if it is about one. */
  readonly device?: SourceNode;
}

/**
 * The effective spec of one target: the base, then each inherited target, then the target itself. Made afresh each
 * time, so nothing adds up from boot to boot. Fields replace; devices are appended, one with the `id` of an earlier
 * one replaces it in place, and `{"id": …, "remove": true}` takes it away.
 * @param name a name for which `isTarget` holds, or `default`
 */
export function mergeTarget(
  root: SourceMapping,
  targets: ReadonlyMap<string, SourceMapping>,
  name: string,
): { readonly tree: SourceMapping; readonly findings: readonly MergeFinding[] } {
  const findings: MergeFinding[] = [];
  const fields = new Map<string, SourceEntry>();
  const devices = deviceList(findings);
  for (const entry of root.entries) if (!notMerged.has(entry.key)) fields.set(entry.key, entry);
  devices.append(fields.get('emulations')?.value);
  for (const layer of layersOf(targets, name)) {
    for (const [keys, others] of alternatives) {
      if (keys.some((key) => entryOf(layer, key) !== undefined)) for (const key of others) fields.delete(key);
    }
    for (const entry of layer.entries) if (!mergeKeys.has(entry.key)) fields.set(entry.key, entry);
    devices.append(entryOf(layer, 'emulations')?.value);
  }
  const base = fields.get('emulations');
  const at = base?.value ?? root;
  const emulations: SourceNode = {
    kind: 'sequence',
    items: devices.items(),
    start: at.start,
    end: at.end,
    pointer: at.pointer,
  };
  fields.set('emulations', {
    key: 'emulations',
    keyStart: base?.keyStart ?? root.start,
    keyEnd: base?.keyEnd ?? root.start,
    value: emulations,
  });
  return { tree: { ...root, entries: [...fields.values()] }, findings };
}

/** Collects the devices of a merge, by place and by id. */
function deviceList(findings: MergeFinding[]) {
  const slots: (SourceNode | undefined)[] = [];
  const byId = new Map<string, number>();

  /** @param seen ids that this list itself has given: there, a second is a mistake, not a replacement */
  function add(item: SourceNode, seen: Set<string>): void {
    const idNode = entryOf(item, 'id')?.value;
    const id = textOf(idNode);
    if (id === undefined || idNode === undefined) {
      slots.push(item);
      return;
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
      const near = nearestName(id, byId.keys());
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

  return {
    items: (): readonly SourceNode[] => slots.filter((item) => item !== undefined),
    append(list: SourceNode | undefined): void {
      if (list?.kind !== 'sequence') return;
      const seen = new Set<string>();
      for (const item of list.items) add(item, seen);
    },
  };
}

/** The target and what it inherits, the outermost first. A loop has been refused when the spec was loaded. */
function layersOf(targets: ReadonlyMap<string, SourceMapping>, name: string): readonly SourceMapping[] {
  const layers: SourceMapping[] = [];
  const seen = new Set<string>();
  for (let next: string | undefined = name; next !== undefined && !seen.has(next);) {
    seen.add(next);
    const target = targets.get(next);
    if (target !== undefined) layers.push(target);
    next = target === undefined ? undefined : textOf(entryOf(target, 'inherits')?.value);
  }
  return layers.reverse();
}

const textOf = (node: SourceNode | undefined): string | undefined =>
  node?.kind === 'scalar' ? String(node.value) : undefined;

/** Whether a boot of this name is possible. */
export const isTarget = (targets: ReadonlyMap<string, unknown>, name: string): boolean =>
  name === defaultTarget || targets.has(name);

/**
 * What to do about a name that is no target.
 * @param others words that would do as well
 */
export function targetHint(
  targets: ReadonlyMap<string, unknown>,
  name: string,
  others: readonly string[] = [],
): string {
  const names = [...new Set([...targets.keys(), defaultTarget])];
  const near = nearestName(name, [...names, ...others]);
  if (near !== undefined) return `did you mean ${shown(near)}?`;
  const some = names.length > 8 ? [...names.slice(0, 7), '...'] : names;
  const list = listWords(some.map((word) => (word === '...' ? word : shown(word))));
  return [`the targets are ${list}`, ...others.map((word) => `or use ${shown(word)}`)].join('; ');
}

/**
 * Checks every `next_target`, `on_give_up` and `inherits` of the file, so that no reboot finds out. Pointers lead into
 * `root`.
 */
export function checkTargetNames(root: SourceNode, targets: ReadonlyMap<string, SourceMapping>): readonly Finding[] {
  const layers: [string, SourceNode][] = [['', root]];
  for (const [name, target] of targets) layers.push([child('/targets', name), target]);
  const findings: Finding[] = [];
  for (const [pointer, layer] of layers) {
    for (const { at, name, others = [] } of namesIn(layer, pointer)) {
      if (isTarget(targets, name) || others.includes(name)) continue;
      const finding = { code: 'unknown-target', pointer: at, message: `there is no target ${shown(name)}` };
      // Each hint compares all names.
      const hasHint = findings.length < mostProblems;
      findings.push(hasHint ? { ...finding, fix: targetHint(targets, name, others) } : finding);
    }
  }
  return [...findings, ...inheritanceLoops(targets)];
}

/** Sections of one file that give one target twice, each told where it does so again. */
export function repeatedTargets(root: SourceNode): readonly MergeFinding[] {
  const targets = entryOf(root, 'targets')?.value;
  if (targets?.kind !== 'mapping') return [];
  const seen = new Set<string>();
  return targets.entries.flatMap(({ key, value }): readonly MergeFinding[] => {
    const isFirst = !seen.has(key);
    seen.add(key);
    if (isFirst) return [];
    return [
      { code: 'target-twice', node: value, message: `the target ${shown(key)} is given twice`, fix: 'join the two' },
    ];
  });
}

/**
 * An `on_give_up` that cannot be meant as it stands: there is no `restart.max` beside it in any machine that has it, so
 * there is nothing to give up; or a target has the name of the word that ends the run.
 */
export function checkGiveUp(root: SourceMapping, targets: ReadonlyMap<string, SourceMapping>): readonly MergeFinding[] {
  const said = [root, ...targets.values()].flatMap((layer) => entryOf(layer, 'on_give_up')?.value ?? []);
  if (said.length === 0) return [];
  const isLimited = new Map<SourceNode, boolean>();
  for (const name of bootableTargets(targets)) {
    const { tree } = mergeTarget(root, targets, name);
    const node = entryOf(tree, 'on_give_up')?.value;
    const restart = entryOf(tree, 'restart')?.value;
    if (node === undefined || [undefined, stopWord].includes(textOf(node))) continue;
    // What is no section at all has been reported as that.
    const hasMax = restart !== undefined && (restart.kind !== 'mapping' || entryOf(restart, 'max') !== undefined);
    isLimited.set(node, hasMax || isLimited.get(node) === true);
  }
  return said.flatMap((node): readonly MergeFinding[] => {
    if (textOf(node) === stopWord && targets.has(stopWord)) {
      return [
        {
          code: 'give-up-stop',
          severity: 'warning',
          node,
          message: `${shown(stopWord)} ends the run here, it does not boot the target of that name`,
          fix: 'give the target another name, if it is the one that is meant',
        },
      ];
    }
    if (isLimited.get(node) !== false) return [];
    return [
      {
        code: 'give-up-never',
        node,
        message: 'on_give_up never applies: restart.max is not set',
        fix: 'say after how many reboots to give up, e.g. "restart": { "max": 5 }, or leave "on_give_up" out',
      },
    ];
  });
}

interface MentionedName {
  readonly at: string;
  readonly name: string;
  /** Words that are no target and mean something there. */
  readonly others?: readonly string[];
}

/** Every target name that a layer mentions, with its pointer. */
function namesIn(layer: SourceNode, pointer: string): readonly MentionedName[] {
  const names: MentionedName[] = [];
  const add = (node: SourceNode | undefined, at: string, others: readonly string[] = []): void => {
    const name = textOf(node);
    if (name !== undefined) names.push({ at, name, others });
  };
  const next = entryOf(layer, 'next_target')?.value;
  add(next, child(pointer, 'next_target'));
  if (next?.kind === 'mapping') {
    for (const reason of exitReasons) {
      add(entryOf(next, reason)?.value, child(child(pointer, 'next_target'), reason));
    }
  }
  add(entryOf(layer, 'on_give_up')?.value, child(pointer, 'on_give_up'), [stopWord]);
  add(entryOf(layer, 'inherits')?.value, child(pointer, 'inherits'));
  return names;
}

/** Each loop of `inherits` once, told at the first target of it in the file. */
function inheritanceLoops(targets: ReadonlyMap<string, SourceMapping>): readonly Finding[] {
  const findings: Finding[] = [];
  const done = new Set<string>();
  for (const start of targets.keys()) {
    const path = new Set<string>();
    let name: string | undefined = start;
    while (name !== undefined && targets.has(name) && !done.has(name) && !path.has(name)) {
      path.add(name);
      name = textOf(toNode(targets, name));
    }
    if (name !== undefined && path.has(name)) {
      const names = [...path];
      const loop = names.slice(names.indexOf(name));
      findings.push({
        code: 'inherits-loop',
        pointer: child(child('/targets', loop[0] ?? ''), 'inherits'),
        message: `${[...loop, name].map((word) => shown(word)).join(' inherits ')}: a loop`,
        fix: 'take one "inherits" out',
      });
    }
    for (const word of path) done.add(word);
  }
  return findings;
}

const toNode = (targets: ReadonlyMap<string, SourceMapping>, name: string): SourceNode | undefined => {
  const target = targets.get(name);
  return target === undefined ? undefined : entryOf(target, 'inherits')?.value;
};

/** Names of the targets a spec can boot, `default` first. */
export const bootableTargets = (targets: ReadonlyMap<string, unknown>): readonly string[] => [
  ...new Set([defaultTarget, ...targets.keys()]),
];
