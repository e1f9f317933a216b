import { XMLParser } from 'fast-xml-parser';
import { linesOf } from '../spec/locate.js';

/** An element with the text right inside it. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: readonly XmlElement[];
  readonly line: number;
}

export type ParsedXml =
  | { readonly ok: true; readonly root: XmlElement }
  | { readonly ok: false; readonly line: number; readonly message: string; readonly fix?: string };

const maxDepth = 64;
const attributePrefix = '@';
const attributesKey = ':@';
const textKey = '#text';

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Thrown inside this file alone. */
class XmlStop extends Error {
  constructor(
    readonly offset: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Reads one XML document. A document type is refused, and with it every entity of its own: nothing grows, and no other
 * file is read.
 */
export function parseXml(text: string): ParsedXml {
  const lines = linesOf(text);
  const lineAt = (offset: number): number => lines.at(offset).line;
  const doctype = text.search(/<!(DOCTYPE|ENTITY)/i);
  if (doctype !== -1) {
    return {
      ok: false,
      line: lineAt(doctype),
      message: 'a document type is not taken: it could define entities',
      fix: 'take the <!DOCTYPE ...> out; libvirt writes none',
    };
  }
  const fault = faultIn(text);
  if (fault !== undefined) return { ok: false, line: lineAt(fault.offset), message: fault.message };
  const parser = new XMLParser({
    preserveOrder: true,
    captureMetaData: true,
    ignoreAttributes: false,
    attributeNamePrefix: attributePrefix,
    textNodeName: textKey,
    parseTagValue: false,
    parseAttributeValue: false,
    processEntities: false,
    trimValues: false,
    ignoreDeclaration: true,
    ignorePiTags: true,
  });
  try {
    const nodes: unknown = parser.parse(text);
    const [root] = elementsIn(nodes, 0);
    return root === undefined ? { ok: false, line: 1, message: 'there is no element in it' } : { ok: true, root };
  } catch (error) {
    const offset = error instanceof XmlStop ? error.offset : 0;
    const message = error instanceof Error ? error.message.slice(0, 200) : String(error);
    return { ok: false, line: lineAt(offset), message };
  }

  function elementsIn(nodes: unknown, offset: number): readonly XmlElement[] {
    return (Array.isArray(nodes) ? nodes : []).flatMap((node: unknown) => elementOf(node, offset) ?? []);
  }

  /** A node of the parser: one key with the children, one with the attributes, and where it stands. */
  function elementOf(node: unknown, before: number): XmlElement | undefined {
    if (typeof node !== 'object' || node === null) return undefined;
    const [found] = Object.entries(node).filter(([key]) => key !== attributesKey && key !== textKey);
    if (found === undefined) return undefined;
    const [name, content] = found as [string, unknown];
    const offset = offsetOf(node) ?? before;
    return {
      name,
      attributes: attributesOf(node, offset),
      text: decode(textIn(content), offset),
      children: elementsIn(content, offset),
      line: lineAt(offset),
    };
  }
}

/** What has no tags in it, by how it begins and ends. */
const skipped: readonly (readonly [begin: string, end: string])[] = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
];

/** The parser takes what has no end, and recurses; so the tags are paired, and counted, before it sees them. */
function faultIn(text: string): { readonly offset: number; readonly message: string } | undefined {
  const open: { readonly name: string; readonly offset: number }[] = [];
  let hasRoot = false;
  let at = 0;
  for (let start = text.indexOf('<'); start !== -1; start = text.indexOf('<', at)) {
    if (open.length === 0 && text.slice(at, start).trim() !== '')
      return { offset: at, message: 'text outside of the domain' };
    const [begin, ending] = skipped.find(([opening]) => text.startsWith(opening, start)) ?? [];
    if (begin !== undefined && ending !== undefined) {
      const end = text.indexOf(ending, start + begin.length);
      if (end === -1) return { offset: start, message: `"${begin}" has no end` };
      at = end + ending.length;
      continue;
    }
    const name = nameAt(text, text[start + 1] === '/' ? start + 2 : start + 1);
    const end = tagEnd(text, start);
    if (name === '' || end === undefined) return { offset: start, message: 'a tag is not finished here' };
    at = end + 1;
    if (text[start + 1] === '/') {
      const last = open.pop();
      if (last?.name !== name) {
        const wanted = last === undefined ? 'nothing is open' : `<${last.name}> is open`;
        return { offset: start, message: `</${name}> stands where ${wanted}` };
      }
      continue;
    }
    if (open.length === 0 && hasRoot)
      return { offset: start, message: 'a second element begins here: one domain a file' };
    hasRoot = true;
    if (text[end - 1] !== '/') open.push({ name, offset: start });
    if (open.length > maxDepth)
      return { offset: start, message: `elements are nested more than ${maxDepth} levels deep` };
  }
  const last = open.at(-1);
  if (last !== undefined) return { offset: last.offset, message: `<${last.name}> has no end` };
  return hasRoot && text.slice(at).trim() === '' ? undefined : { offset: at, message: 'text outside of the domain' };
}

function nameAt(text: string, at: number): string {
  const form = /[A-Za-z_][\w.:-]{0,99}/y;
  form.lastIndex = at;
  return form.exec(text)?.[0] ?? '';
}

/** The `>` of a tag: one in quotes is none. */
function tagEnd(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text[at];
    if (char === '>') return at;
    if (char === '<') return undefined;
    if (char !== '"' && char !== "'") continue;
    at = text.indexOf(char, at + 1);
    if (at === -1) return undefined;
  }
  return undefined;
}

/** The parser puts it under a symbol of its own. */
function offsetOf(node: object): number | undefined {
  const [symbol] = Object.getOwnPropertySymbols(node);
  const entry: unknown = symbol === undefined ? undefined : Reflect.get(node, symbol);
  return typeof entry === 'object' && entry !== null && 'startIndex' in entry && typeof entry.startIndex === 'number'
    ? entry.startIndex
    : undefined;
}

function attributesOf(node: object, offset: number): Readonly<Record<string, string>> {
  const attributes: unknown = attributesKey in node ? node[attributesKey] : undefined;
  if (typeof attributes !== 'object' || attributes === null) return {};
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [
      key.slice(attributePrefix.length),
      decode(String(value), offset),
    ]),
  );
}

const textIn = (content: unknown): string =>
  (Array.isArray(content) ? content : [])
    .map((node: unknown) => (typeof node === 'object' && node !== null && textKey in node ? String(node[textKey]) : ''))
    .join('');

/** The entities that every document has; there can be no others. */
function decode(text: string, offset: number): string {
  return text.replaceAll(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|([^;\s]{0,20}));?/g, (...found) => {
    const [written = '', decimal, hex, name] = found as (string | undefined)[];
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    const known = name === undefined ? undefined : entities[name];
    if (known !== undefined && written.endsWith(';')) return known;
    if (name === undefined && code > 0 && code <= 0x10ffff) return String.fromCodePoint(code);
    throw new XmlStop(offset, `${written} is not an entity that XML has by itself`);
  });
}
