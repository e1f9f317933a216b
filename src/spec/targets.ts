import { mostHints, nearestName } from '../base/nearest-name.js';
import { child } from '../base/json-pointer.js';
import type { Finding, Problem } from '../base/problem.js';
import { listWords, shown } from '../base/text.js';
import { parentOf, targetMerger, textOf, type MergeFinding } from './merge.js';
import { entryOf, type SourceMapping, type SourceNode } from './source-tree.js';
import { exitReasons } from '../fields/exits.js';
import { stopWord } from '../fields/reboot.js';

/** The name of the spec without any target, unless a target has it. */
export const defaultTarget = 'default';

export const targetsOf = (root: SourceNode): ReadonlyMap<string, SourceMapping> => {
  const targets = entryOf(root, 'targets')?.value;
  if (targets?.kind !== 'mapping') return new Map();
  return new Map(
    targets.entries.flatMap(({ key, value }) => (value.kind === 'mapping' ? [[key, value] as const] : [])),
  );
};

/** Whether a boot of this name is possible. */
const isTarget = (targets: ReadonlyMap<string, unknown>, name: string): boolean =>
  name === defaultTarget || targets.has(name);

/**
 * What to do about a name that is no target.
 * @param others words that would do as well
 */
function targetHint(targets: ReadonlyMap<string, unknown>, name: string, others: readonly string[] = []): string {
  return hintAmong([...targets.keys(), ...(targets.has(defaultTarget) ? [] : [defaultTarget])], name, others);
}

function hintAmong(names: readonly string[], name: string, others: readonly string[] = []): string {
  const near = nearestName(name, [...names, ...others]);
  if (near !== undefined) return `did you mean ${shown(near)}?`;
  const some = names.length > 8 ? [...names.slice(0, 7), '...'] : names;
  const list = listWords(some.map((word) => (word === '...' ? word : shown(word))));
  const known = names.length === 1 ? `the only target is ${list}` : `the targets are ${list}`;
  return [known, ...others.map((word) => `or use ${shown(word)}`)].join('; ');
}

/** Somebody asks for a target that is none of those. */
export const unknownTarget = (name: string, known: readonly string[]): Problem => ({
  code: 'unknown-target',
  severity: 'error',
  message: `there is no target ${JSON.stringify(name)}`,
  fix: hintAmong(known, name),
});

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
      const hasHint = findings.length < mostHints;
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
export function checkGiveUp(
  root: SourceMapping,
  targets: ReadonlyMap<string, SourceMapping>,
  merge = targetMerger(root, targets),
): readonly MergeFinding[] {
  const said = [root, ...targets.values()].flatMap((layer) => entryOf(layer, 'on_give_up')?.value ?? []);
  if (said.length === 0) return [];
  const isLimited = new Map<SourceNode, boolean>();
  for (const name of bootableTargets(targets)) {
    const { tree } = merge(name);
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
      name = parentOf(targets.get(name));
    }
    if (name !== undefined && path.has(name)) {
      const names = [...path];
      const loop = names.slice(names.indexOf(name));
      findings.push({
        code: 'inherits-loop',
        pointer: child(child('/targets', loop[0] ?? ''), 'inherits'),
        message: `${loopWords([...loop, name])}: a loop`,
        fix: 'take one "inherits" out',
      });
    }
    for (const word of path) done.add(word);
  }
  return findings;
}

/** A long way round is cut: nobody follows it in one line. */
function loopWords(names: readonly string[]): string {
  const some = names.length > 12 ? [...names.slice(0, 10).map((name) => shown(name)), '...'] : undefined;
  return [...(some ?? names.slice(0, -1).map((name) => shown(name))), shown(names.at(-1))].join(' inherits ');
}

/** Names of the targets a spec can boot, `default` first. */
export const bootableTargets = (targets: ReadonlyMap<string, unknown>): readonly string[] => [
  ...new Set([defaultTarget, ...targets.keys()]),
];
