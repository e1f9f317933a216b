import { greatest } from '../base/long-lists.js';
import type { Picture } from './picture.js';
import { bootsSection } from './svg-boots.js';
import { machineSection } from './svg-machine.js';
import { startsSection } from './svg-starts.js';
import { boxAt, escaped, fitted, number, sizeOf, style, textAt, textWidth, type Section } from './svg-parts.js';

const margin = 24;
const titleHeight = 36;
const subtitleHeight = 22;
const sectionGap = 36;
const mostHeading = 900;

/**
 * An SVG document, laid out here: no program and no font file is needed to draw it. It has a ground of its own, so that
 * it can be read on any page, and takes the colours that the reader prefers, light or dark.
 */
export function svgOf({ boots, machine, starts }: Picture): string {
  const sections = [
    ...(boots === undefined ? [] : [bootsSection(boots)]),
    ...(machine === undefined ? [] : [machineSection(machine)]),
    ...(starts === undefined ? [] : [startsSection(starts)]),
  ];
  const width = Math.ceil(greatest(sections.map(sectionWidth))) + 2 * margin;
  let y = margin;
  const drawn = sections.flatMap((section) => {
    const top = y;
    const head = headHeight(section);
    y = top + head + section.height + sectionGap;
    const { subtitle, body } = section;
    return [
      textAt(margin, top + titleHeight / 2 - 6, headingOf(section), { face: 'heading' }),
      ...(subtitle === undefined
        ? []
        : [textAt(margin, top + titleHeight, subtitle, { face: 'caption', colour: 'muted' })]),
      `<g transform="translate(${margin} ${number(top + head)})">`,
      ...body,
      '</g>',
    ];
  });
  const height = Math.ceil(y - sectionGap + margin);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="vmrun" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(sections.map(({ title }) => title).join('; '))}</title>`,
    `<desc>${escaped(sections.flatMap(({ sentences }) => sentences).join(' '))}</desc>`,
    `<style>\n${style()}\n</style>`,
    boxAt(0.5, 0.5, width - 1, height - 1, { radius: 10, fill: 'panel', stroke: 'frame', name: 'ground' }),
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

const headHeight = ({ subtitle }: Section): number => titleHeight + (subtitle === undefined ? 0 : subtitleHeight);

const headingOf = ({ title }: Section): string => fitted(title, sizeOf('heading'), mostHeading);

const sectionWidth = (section: Section): number => {
  const { subtitle = '', width } = section;
  return Math.max(width, textWidth(headingOf(section), sizeOf('heading')), textWidth(subtitle, sizeOf('caption')));
};
