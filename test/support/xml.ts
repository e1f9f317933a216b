/** An element of a document, with the text in it. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (Element | string)[];
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** What XML 1.0 does not have, or should not have: production 2, Char. */
const noCharacter = /[^\t\n\r\u{20}-\u{7e}\u{85}\u{a0}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;

function unescaped(text: string): string {
  if (/[<]/.test(text)) throw new Error(`< in ${JSON.stringify(text)}`);
  return text.replaceAll(/&([^;&]*);?/g, (whole, name: string) => {
    const character = whole.endsWith(';') ? entities[name] : undefined;
    if (character === undefined) throw new Error(`${whole} is not an entity`);
    return character;
  });
}

/**
 * Reads a document as strictly as XML wants it, without what these documents do not use: declarations, comments,
 * CDATA, references by number.
 * @throws Error where it is not well-formed
 */
export function parseXml(document: string): Element {
  const bad = noCharacter.exec(document);
  if (bad !== null) throw new Error(`U+${bad[0].codePointAt(0)?.toString(16) ?? ''} is not a character of XML`);
  const text = document.trim();
  const open: { name: string; attributes: Record<string, string>; children: (Element | string)[] }[] = [
    { name: '', attributes: {}, children: [] },
  ];
  let at = 0;
  const tag = /<(\/?)([A-Za-z][\w:-]*)((?:\s+[A-Za-z][\w:-]*="[^"<]*")*)\s*(\/?)>/y;
  while (at < text.length) {
    const next = text.indexOf('<', at);
    const words = text.slice(at, next === -1 ? text.length : next);
    if (words !== '') open.at(-1)?.children.push(unescaped(words));
    if (next === -1) break;
    tag.lastIndex = next;
    const match = tag.exec(text);
    if (match === null) throw new Error(`no tag: ${text.slice(next, next + 60)}`);
    const [whole, closes, name = '', written = '', isEmpty] = match;
    at = next + whole.length;
    if (closes === '/') {
      const element = open.pop();
      if (element?.name !== name || open.length === 0) throw new Error(`</${name}> closes <${element?.name ?? ''}>`);
      open.at(-1)?.children.push(element);
      continue;
    }
    const attributes: Record<string, string> = {};
    for (const [, key = '', value = ''] of written.matchAll(/([\w:-]+)="([^"]*)"/g)) {
      if (key in attributes) throw new Error(`${key} twice in <${name}>`);
      attributes[key] = unescaped(value);
    }
    const element = { name, attributes, children: [] };
    if (isEmpty === '/') open.at(-1)?.children.push(element);
    else open.push(element);
  }
  const [root] = open[0]?.children ?? [];
  if (open.length !== 1 || open[0]?.children.length !== 1 || root === undefined || typeof root === 'string') {
    throw new Error('a document is one element, closed');
  }
  return root;
}

/** Every element of a document, the outer before the inner. */
export const elementsOf = (element: Element): readonly Element[] => [
  element,
  ...element.children.flatMap((child) => (typeof child === 'string' ? [] : elementsOf(child))),
];

/** The text of an element and all in it. */
export const textOfElement = ({ children }: Element): string =>
  children.map((child) => (typeof child === 'string' ? child : textOfElement(child))).join('');
