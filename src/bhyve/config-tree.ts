import { emptyNode, type ConfigNode } from './config-node.js';
import { type Output, crash, errnoText, exitError, fail, warn } from './outcome.js';
import type { ReadBy, Trace } from './trace.js';

/** One reader and writer of a tree, with the place where its warnings go. bhyve's config.c, function by function. */
export interface Config {
  readonly root: ConfigNode;
  /** The node at a path, or undefined; warns where the path leads through a value or has an empty part. */
  readonly find: (path: string) => ConfigNode | undefined;
  readonly findBelow: (node: ConfigNode, path: string) => ConfigNode | undefined;
  /** The same, made where it is missing. */
  readonly create: (path: string) => ConfigNode | undefined;
  /** Aborts where there is no parent: after the warnings of a failed `create` an assertion of nvlist(9) does not hold. */
  readonly createBelow: (node: ConfigNode | undefined, path: string) => ConfigNode;
  /** Sets the variable at a path; ends bhyve where a node and a value would have to be one. */
  readonly set: (path: string, value: string) => void;
  /** Sets one variable of a node; no node means the top of the tree. Ends bhyve where the name has a dot. */
  readonly setIn: (node: ConfigNode | undefined, name: string, value: string) => void;
  /** Sets a null, which breaks the node that holds the variable. */
  readonly setNull: (path: string) => void;
  /** The value at a path with its references expanded, or undefined. */
  readonly get: (path: string) => string | undefined;
  readonly getFrom: (node: ConfigNode, name: string) => string | undefined;
  /** Ends bhyve where the value is no boolean. */
  readonly bool: (path: string, whenUnset: boolean) => boolean;
  readonly boolFrom: (node: ConfigNode, name: string, whenUnset: boolean) => boolean;
}

/** A reference may lead to another reference, this deep. */
const maxReferenceDepth = 15;

/** A tree, and who is told of what is done to it. */
interface Opened {
  readonly root: ConfigNode;
  readonly output: Output;
  readonly trace: Trace | undefined;
}

export function openConfig(root: ConfigNode, output: Output, trace?: Trace): Config {
  const opened: Opened = { root, output, trace };
  const get = (path: string): string | undefined => valueAt(opened, path);
  const getFrom = (node: ConfigNode, name: string): string | undefined => valueOf(opened, node, name);
  return {
    root,
    find: (path) => look(opened, root, path, false),
    findBelow: (node, path) => look(opened, node, path, false),
    create: (path) => look(opened, root, path, true),
    createBelow: (node, path) => (node === undefined ? undefined : look(opened, node, path, true)) ?? crash('SIGABRT'),
    set(path, value) {
      set(opened, path, value);
    },
    setIn(node, name, value) {
      setIn(opened, node ?? root, name, value);
    },
    setNull(path) {
      const { node, name } = parentForWriting(opened, path);
      trace?.set?.(node, name);
      whole(node).isBroken = true;
    },
    get,
    getFrom,
    bool: (path, whenUnset) => boolean(output, path, get(path)) ?? whenUnset,
    boolFrom: (node, name, whenUnset) => boolean(output, name, getFrom(node, name)) ?? whenUnset,
  };
}

function look(
  { output, trace }: Opened,
  parent: ConfigNode,
  path: string,
  isCreating: boolean,
): ConfigNode | undefined {
  const names = path.split('.');
  let node = parent;
  for (const [index, name] of names.entries()) {
    if (name === '') {
      warn(output, `Invalid configuration node: ${path}`);
      return undefined;
    }
    const entry = whole(node).entries.get(name);
    if (typeof entry === 'string') {
      const variable = names.slice(0, index + 1).join('.');
      warn(output, `Configuration node ${path} is a child of existing variable ${variable}`);
      return undefined;
    }
    if (entry === undefined && !isCreating) return undefined;
    const next = entry ?? emptyNode();
    if (entry === undefined) {
      node.entries.set(name, next);
      trace?.make?.(next);
    }
    node = next;
  }
  return node;
}

function split(path: string): { readonly parent: string | undefined; readonly name: string } {
  const dot = path.lastIndexOf('.');
  return dot === -1 ? { parent: undefined, name: path } : { parent: path.slice(0, dot), name: path.slice(dot + 1) };
}

function parentForWriting(opened: Opened, path: string): { readonly node: ConfigNode; readonly name: string } {
  const { parent, name } = split(path);
  if (parent === undefined) return { node: opened.root, name };
  const node = look(opened, opened.root, parent, true);
  return { node: node ?? fail(opened.output, exitError, `Failed to create configuration node ${parent}`), name };
}

function set(opened: Opened, path: string, value: string): void {
  const { node, name } = parentForWriting(opened, path);
  if (isNode(whole(node).entries.get(name))) {
    opened.trace?.set?.(node, name);
    fail(opened.output, exitError, `Attempting to add value ${value} to existing node ${path}`);
  }
  setIn(opened, node, name, value);
}

function setIn({ output, trace }: Opened, node: ConfigNode, name: string, value: string): void {
  if (name.includes('.')) fail(output, exitError, `Invalid config node name ${name}`);
  trace?.set?.(node, name);
  const { entries } = whole(node);
  if (isNode(entries.get(name))) {
    // The misspelling is bhyve's; the pointer stands for an address.
    fail(output, exitError, `Attemping to add value ${value} to existing node ${name} of list 0x0`);
  }
  entries.delete(name); // a variable set again moves to the end
  entries.set(name, value);
}

function valueAt(opened: Opened, path: string): string | undefined {
  const value = rawValue(opened, path, 'code');
  return value === undefined ? undefined : expand(opened, value);
}

function valueOf(opened: Opened, node: ConfigNode, name: string): string | undefined {
  opened.trace?.read?.(node, name, 'code');
  const entry = whole(node).entries.get(name);
  if (isNode(entry)) warn(opened.output, `Attempt to fetch value of node ${name} of list 0x0`);
  return typeof entry === 'string' ? expand(opened, entry) : undefined;
}

function rawValue(opened: Opened, path: string, by: ReadBy): string | undefined {
  const { parent, name } = split(path);
  const node = parent === undefined ? opened.root : look(opened, opened.root, parent, false);
  opened.trace?.read?.(node, node === undefined ? path : name, by);
  if (node === undefined) return undefined;
  const entry = whole(node).entries.get(name);
  if (isNode(entry)) {
    warn(opened.output, `Attempting to fetch value of node ${path}`);
    return undefined;
  }
  return entry;
}

/** Backslashes count only where there is a `%`, since this is not even called without one. */
const expand = (opened: Opened, value: string): string => (value.includes('%') ? expandAll(opened, value, 0) : value);

function expandAll(opened: Opened, value: string, depth: number): string {
  const { output } = opened;
  let expanded = '';
  let at = 0;
  while (at < value.length) {
    const char = value.charAt(at);
    const end = char === '%' && value.charAt(at + 1) === '(' ? value.indexOf(')', at + 2) : -1;
    if (char === '\\') {
      if (at + 1 === value.length) warn(output, `Trailing \\ in configuration value "${value}"`);
      expanded += value.charAt(at + 1);
      at += 2;
    } else if (end !== -1 && depth <= maxReferenceDepth) {
      expanded += reference(opened, value, value.slice(at + 2, end), depth);
      at = end + 1;
    } else {
      if (char === '%') {
        const isTooDeep = depth > maxReferenceDepth;
        warn(
          output,
          isTooDeep
            ? 'Too many recursive references in configuration value'
            : `Invalid reference in configuration value "${value}"`,
        );
      }
      expanded += char;
      at += 1;
    }
  }
  return expanded;
}

function reference(opened: Opened, value: string, path: string, depth: number): string {
  if (path === '') {
    warn(opened.output, `Empty reference in configuration value "${value}"`);
    return '';
  }
  const referenced = rawValue(opened, path, 'reference');
  if (referenced === undefined) {
    warn(opened.output, `Failed to fetch referenced configuration variable ${path}`);
    return '';
  }
  return expandAll(opened, referenced, depth + 1);
}

/** @returns undefined where there is no value */
function boolean(output: Output, name: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (/^(true|on|yes|1)$/i.test(value)) return true;
  if (/^(false|off|no|0)$/i.test(value)) return false;
  return fail(output, exitError, `Invalid value ${value} for boolean variable ${name}: ${errnoText.none}`);
}

/**
 * Every variable with its full name and its text as it was set, in the order of their names. `config.dump` of bhyve
 * prints them in the order of the tree; sorted, two dumps can be compared.
 */
export function listVariables(root: ConfigNode): ReadonlyMap<string, string> {
  const found: [string, string][] = [];
  collect(root, '', found);
  return new Map(found.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

function collect({ entries, isBroken }: ConfigNode, prefix: string, found: [string, string][]): void {
  if (isBroken) return;
  for (const [name, entry] of entries) {
    if (typeof entry === 'string') found.push([prefix + name, entry]);
    else collect(entry, `${prefix}${name}.`, found);
  }
}

const isNode = (entry: string | ConfigNode | undefined): entry is ConfigNode => typeof entry === 'object';

const whole = (node: ConfigNode): ConfigNode => (node.isBroken ? crash('SIGABRT') : node);
