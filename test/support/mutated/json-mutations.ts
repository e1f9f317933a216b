import type { Draw } from './mutations.js';

type Parent = Record<string, unknown>;

const strange: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1, 1.5, 1e21, 4294967296, '', ' ', '0', 'yes', '\u0000', '\u001b[31m', '__proto__'],
  ...[[], {}, [[]], [null], { error: 'no' }, 'a'.repeat(300), '../..', '/', 'é\n', '%(name)', '{{ x }}'],
];

const longestValue = 2000;

const isParent = (value: unknown): value is Parent => typeof value === 'object' && value !== null;

/** Every place in a value, as what holds it and the key it has there. */
function placesIn(value: unknown): readonly (readonly [Parent, string])[] {
  const found: (readonly [Parent, string])[] = [];
  const left = [value];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (!isParent(next)) continue;
    for (const [key, inner] of Object.entries(next)) {
      found.push([next, key]);
      if (inner !== null) left.push(inner);
    }
  }
  return found;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * Makes JSON that still is some: a value is taken out, or exchanged with one that stands behind the same key elsewhere,
 * behind any key, or with a strange one. So it comes past the parser and further into what looks at the values.
 * @returns undefined for text that is no JSON object
 */
export function jsonMutator(draw: Draw, vocabulary: readonly string[]): (text: string) => string | undefined {
  // As text: each use is a value of its own.
  const odd = strange.map((value) => JSON.stringify(value));
  const values = [...odd];
  const byKey = new Map<string, string[]>();
  for (const [parent, key] of vocabulary.flatMap((text) => placesIn(parsed(text)))) {
    const value = JSON.stringify(parent[key]);
    if (value.length > longestValue) continue;
    values.push(value);
    const others = byKey.get(key);
    if (others === undefined) byKey.set(key, [value]);
    else others.push(value);
  }
  const pick = (items: readonly string[]): unknown => JSON.parse(items[draw(items.length)] ?? 'null');

  const keys = [...byKey.keys()];

  function once(root: Parent): void {
    const places = placesIn(root);
    const [parent, key] = places[draw(places.length)] ?? [root, 'name'];
    switch (draw(6)) {
      case 0:
        if (Array.isArray(parent)) parent.splice(Number(key), 1);
        else Reflect.deleteProperty(parent, key);
        return;
      case 1:
        parent[key] = pick(odd);
        return;
      case 2:
        parent[key] = pick(values);
        return;
      case 3:
        if (Array.isArray(parent)) parent.push(structuredClone(parent[key]));
        else parent[keys[draw(keys.length)] ?? key] = structuredClone(parent[key]);
        return;
      default:
        parent[key] = pick(byKey.get(key) ?? odd);
    }
  }

  return (text) => {
    const root = parsed(text);
    if (!isParent(root)) return undefined;
    for (let left = 1 + draw(4); left > 0; left -= 1) once(root);
    const changed = JSON.stringify(root);
    return changed.length > 20_000 ? undefined : changed;
  };
}
