import { Document, stringify, visit } from 'yaml';
import { hasUnseen, visibleLines } from '../base/visible.js';

const options = { lineWidth: 120 };

/** A spec as YAML 1.2, with a line end behind it. What cannot be seen is escaped, which double quotes alone allow. */
export function yamlText(spec: unknown): string {
  const text = stringify(spec, options);
  if (visibleLines(text) === text) return text;
  const document = new Document(spec);
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === 'string' && hasUnseen(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return visibleLines(document.toString(options));
}
