import { dotOf } from './dot.js';
import { mermaidOf } from './mermaid.js';
import type { Picture } from './picture.js';
import { svgOf } from './svg.js';
import { textOf, type Look } from './text.js';

/** What a picture can be drawn as. */
export const graphFormats = ['text', 'mermaid', 'dot', 'svg'] as const;
/** One of them. */
export type GraphFormat = (typeof graphFormats)[number];

/** A terminal that has nothing. */
export const plainLook: Look = { isUnicode: false, bold: (text) => text, dim: (text) => text };

/** The picture as a text of this format, newline at its end. The same picture always gives the same text. */
export function drawGraph(picture: Picture, format: GraphFormat, look: Look = plainLook): string {
  switch (format) {
    case 'text':
      return textOf(picture, look);
    case 'mermaid':
      return mermaidOf(picture);
    case 'dot':
      return dotOf(picture);
    case 'svg':
      return svgOf(picture);
  }
}
