import {
  Composer,
  type CST,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Parser,
  visit,
  type Document,
  type Node,
  type ParsedNode,
  type YAMLError,
} from 'yaml';
import { child } from '../base/json-pointer.js';
import { shown } from '../base/text.js';
import {
  maxDepth,
  ParseStop,
  tooDeep,
  type ParseResult,
  type SourceEntry,
  type SourceNode,
  type SyntaxProblem,
} from './source-tree.js';

/** Values that aliases may add to those of the text: enough for any spec, far below what exhausts memory. */
const maxAliased = 200_000;

/**
 * Parses YAML 1.2 (core schema: `no` is text) into a tree with positions. One document; tags are refused, aliases may
 * not blow up, a key given twice is an error.
 */
export function parseYaml(text: string): ParseResult {
  try {
    const composer = new Composer({
      version: '1.2',
      schema: 'core',
      merge: false,
      // The package compares each key with all others of its map; `convert` looks them up.
      uniqueKeys: false,
      prettyErrors: false,
      keepSourceTokens: false,
      logLevel: 'silent',
      intAsBigInt: true,
    });
    const [document, second] = composer.compose(shallow(new Parser().parse(text)), false, text.length);
    if (document === undefined)
      return { ok: true, root: { kind: 'scalar', value: null, start: 0, end: 0, pointer: '' } };
    const errors = [...document.errors, ...document.warnings];
    if (errors.length > 0) return { ok: false, problems: errors.map(asProblem) };
    if (second !== undefined) {
      const problem = {
        message: 'a second document begins here',
        offset: second.range[0],
        fix: 'a spec is one document; put the other into a file of its own',
      };
      return { ok: false, problems: [problem] };
    }
    return { ok: true, root: convert(document) };
  } catch (error) {
    if (error instanceof ParseStop) return { ok: false, problems: [error.problem] };
    // The parser recurses; a spec that exhausts the stack is nested absurdly deep.
    if (error instanceof RangeError) return { ok: false, problems: [tooDeep(0)] };
    throw error;
  }
}

/** What the parser finds, as far as it is not nested deeper than the package, which recurses, can take. */
function* shallow(tokens: Iterable<CST.Token>): Generator<CST.Token> {
  for (const token of tokens) {
    const waiting: [token: CST.Token, depth: number][] =
      token.type === 'document' && token.value !== undefined ? [[token.value, 1]] : [];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [{ offset }, depth] = next;
      if (depth > maxDepth) throw new ParseStop(tooDeep(offset));
      if (!('items' in next[0])) continue;
      for (const { key, value } of next[0].items) {
        if (value !== undefined) waiting.push([value, depth + 1]);
        if (key !== undefined && key !== null) waiting.push([key, depth + 1]);
      }
    }
    yield token;
  }
}

/** The parser's sentence without its final position, which we print ourselves. */
const asProblem = (error: YAMLError): SyntaxProblem => {
  const message = error.message.replace(/ at line \d+, column \d+:?[\s\S]*$/, '');
  return error.code === 'DUPLICATE_KEY' ? keyTwice(error.pos[0]) : { message, offset: error.pos[0] };
};

const keyTwice = (offset: number): SyntaxProblem => ({
  message: 'this key is given twice',
  offset,
  fix: 'keep one of the two',
});

/** What a value is, the schema says: a tag could only contradict it, or bring in a type that JSON does not have. */
function refuseTag(node: Node | null, offset: number): void {
  if (node?.tag === undefined) return;
  const tag = node.tag.replace(/^tag:yaml\.org,2002:/, '!!');
  const fix = tag === '!!str' ? 'take the tag out, and put the text in quotes' : 'take the tag out';
  throw new ParseStop({ message: `the tag ${tag} is not for specs`, offset, fix });
}

/** What each alias stands for: the last node before it with that anchor. The package looks for each from the start. */
function aliasTargets(document: Document.Parsed): ReadonlyMap<Node, Node> {
  const anchored = new Map<string, Node>();
  const targets = new Map<Node, Node>();
  visit(document, {
    Alias: (_key, alias) => {
      const target = anchored.get(alias.source);
      if (target !== undefined) targets.set(alias, target);
    },
    Value: (_key, node) => {
      if (node.anchor !== undefined) anchored.set(node.anchor, node);
    },
  });
  return targets;
}

function convert(document: Document.Parsed): SourceNode {
  const targets = aliasTargets(document);
  let aliased = 0;
  let isAliased = false;

  function walk(node: Node | null, pointer: string, depth: number, at: number): SourceNode {
    const [start, end] = node?.range ?? [at, at, at];
    if (isAliased) aliased += 1;
    if (aliased > maxAliased) throw new ParseStop({ message: 'aliases make this document too large', offset: start });
    if (depth > maxDepth) throw new ParseStop(tooDeep(start));
    if (isAlias(node)) {
      const target = targets.get(node);
      if (target === undefined) throw new ParseStop({ message: `no anchor is named ${node.source}`, offset: start });
      const wasAliased = isAliased;
      isAliased = true;
      const value = walk(target, pointer, depth + 1, start);
      isAliased = wasAliased;
      return { ...value, start, end };
    }
    refuseTag(node, start);
    if (isMap<ParsedNode, ParsedNode | null>(node)) {
      const seen = new Set<string>();
      const entries = node.items.map(({ key, value }): SourceEntry => {
        const [keyStart, keyEnd] = key.range;
        if (!isScalar(key)) throw new ParseStop({ message: 'a key must be text', offset: keyStart });
        refuseTag(key, keyStart);
        const name = typeof key.value === 'string' ? key.value : key.source;
        // To the package, `1` and `"1"` are two keys.
        if (seen.has(name)) throw new ParseStop(keyTwice(keyStart));
        seen.add(name);
        return { key: name, keyStart, keyEnd, value: walk(value, child(pointer, name), depth + 1, keyEnd) };
      });
      return { kind: 'mapping', entries, start, end, pointer };
    }
    if (isSeq<ParsedNode | null>(node)) {
      const items = node.items.map((item, index) => walk(item, child(pointer, index), depth + 1, start));
      return { kind: 'sequence', items, start, end, pointer };
    }
    const value: unknown = isScalar(node) ? node.value : null;
    return { kind: 'scalar', ...plain(value, isScalar(node) ? node.source : undefined, start), start, end, pointer };
  }

  return walk(document.contents, '', 1, 0);
}

function plain(
  value: unknown,
  source: string | undefined,
  offset: number,
): { value: string | number | boolean | null; written?: string } {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new ParseStop({ message: 'half of a surrogate pair in a string', offset });
    return { value };
  }
  if (typeof value === 'boolean' || value === null) return { value };
  if (typeof value === 'bigint' || typeof value === 'number') {
    const number = Number(value);
    return source === undefined || source === String(number) ? { value: number } : { value: number, written: source };
  }
  throw new ParseStop({ message: `${shown(source ?? value)} is not a value for a spec`, offset });
}
