import { visible } from '../base/visible.js';
import { shortened, widthOf, type Width } from './words.js';

/** Text and attribute values of XML: quotes are only needed in the latter. */
export const escaped = (text: string): string =>
  visible(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/**
 * Width of a character in ems, never below what the fonts of the stack make of it: the fixed fonts of common systems
 * have 0.55 to 0.62, sans-serif ones less on average; another script comes from a font that nobody knows.
 */
const ems: Width = (character) => {
  if (/^[ -~]$/.test(character)) return 0.63;
  return /^[\u00a0-\u058f\u2010-\u2027\ufffd]$/.test(character) ? 0.75 : 1.4;
};

/** @returns pixels */
export const textWidth = (text: string, size: number): number => widthOf(visible(text), ems) * size;

/** Text of no more pixels than these. */
export const fitted = (text: string, size: number, pixels: number): string =>
  shortened(visible(text), pixels / size, ems);

/** A class of text: its size in pixels, and what its rule says. */
const faces = {
  heading: { size: 15, rule: 'font-weight:600' },
  caption: { size: 12, rule: '' },
  name: { size: 13, rule: 'font-weight:600', isFixed: true },
  word: { size: 12, rule: '', isFixed: true },
  small: { size: 11, rule: '', isFixed: true },
  tag: { size: 10, rule: 'letter-spacing:.02em' },
} as const;
type Face = keyof typeof faces;

export const sizeOf = (face: Face): number => faces[face].size;

/** What has a colour: its property, in light and in dark. */
const colours = {
  panel: ['fill', '#ffffff', '#0d1117'],
  frame: ['stroke', '#d1d9e0', '#30363d'],
  box: ['fill', '#f6f8fa', '#151b23'],
  border: ['stroke', '#c4ccd4', '#3d444d'],
  rule: ['stroke', '#d1d9e0', '#30363d'],
  ink: ['fill', '#1f2328', '#e6edf3'],
  muted: ['fill', '#59636e', '#9198a1'],
  wire: ['stroke', '#0969da', '#4493f8'],
  head: ['fill', '#0969da', '#4493f8'],
  'wire-warn': ['stroke', '#bc6c00', '#d29922'],
  'head-warn': ['fill', '#bc6c00', '#d29922'],
  'wire-faint': ['stroke', '#afb8c1', '#59636e'],
  'head-faint': ['fill', '#afb8c1', '#59636e'],
  bus: ['fill', '#ddf4ff', '#12304f'],
  'bus-line': ['stroke', '#54aeff', '#316dca'],
  tag: ['fill', '#0969da', '#4493f8'],
} as const;
export type Colour = keyof typeof colours;

const rules = (theme: 1 | 2): readonly string[] =>
  Object.entries(colours).map(([name, colour]) => `.vmrun .c-${name}{${colour[0]}:${colour[theme]}}`);

/** Colours by class, so that programs which know no media queries show the light ones. */
export const style = (): string =>
  [
    ".vmrun text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',sans-serif;white-space:pre}",
    ".vmrun .fixed{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}",
    ...Object.entries(faces).map(([name, { size, rule }]) => `.vmrun .t-${name}{font-size:${size}px;${rule}}`),
    '.vmrun .line{fill:none;stroke-width:1.5}',
    '.vmrun .dashed{stroke-dasharray:4 3}',
    ...rules(1),
    '@media (prefers-color-scheme:dark){',
    ...rules(2),
    '}',
  ].join('\n');

interface TextOptions {
  readonly face: Face;
  readonly colour?: Colour;
  readonly anchor?: 'start' | 'middle' | 'end';
}

/** A line of text. @param y its middle */
export function textAt(x: number, y: number, content: string, options: TextOptions): string {
  const { face, colour = 'ink', anchor = 'start' } = options;
  const fixed = 'isFixed' in faces[face] ? ' fixed' : '';
  const at = anchor === 'start' ? '' : ` text-anchor="${anchor}"`;
  const baseline = y + sizeOf(face) * 0.36;
  return `<text x="${number(x)}" y="${number(baseline)}" class="t-${face}${fixed} c-${colour}"${at}>${escaped(content)}</text>`;
}

/** At most two decimals, so that a picture reads the same on every machine. */
export const number = (value: number): string => String(Math.round(value * 100) / 100);

interface BoxOptions {
  readonly radius?: number;
  readonly isDashed?: boolean;
  readonly fill?: Colour;
  readonly stroke?: Colour;
  readonly name?: string;
}

export function boxAt(x: number, y: number, width: number, height: number, options: BoxOptions = {}): string {
  const { radius = 6, isDashed = false, fill = 'box', stroke = 'border', name = 'box' } = options;
  const classes = [name, `c-${fill}`, `c-${stroke}`, ...(isDashed ? ['dashed'] : [])].join(' ');
  return `<rect x="${number(x)}" y="${number(y)}" width="${number(width)}" height="${number(height)}" rx="${radius}" class="${classes}"/>`;
}

export const lineAt = (x1: number, y1: number, x2: number, y2: number, colour: Colour): string =>
  `<path d="M${number(x1)} ${number(y1)}L${number(x2)} ${number(y2)}" class="line c-${colour}"/>`;

/** Something with a name that a reader shows when it is pointed at. */
export const titled = (title: string, content: string): string => `<g><title>${escaped(title)}</title>${content}</g>`;

/** A part of the document, drawn from 0, 0. */
export interface Section {
  readonly title: string;
  readonly subtitle?: string;
  readonly width: number;
  readonly height: number;
  readonly body: readonly string[];
  /** The same in sentences, for those who cannot see it. */
  readonly sentences: readonly string[];
}
