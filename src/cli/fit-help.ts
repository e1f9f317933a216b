import { greatest } from '../base/long-lists.js';
import { wrap } from './wrap.js';

/** What a word means stands beside it, not below, where words and meanings have so much room. */
const mostLeft = 26;
const leastRight = 24;

/**
 * Help that was written for the usual width, for a terminal that is narrower: paragraphs are filled anew, and what stands
 * beside a word moves closer to it, or below.
 */
export function fitHelp(text: string, width: number): string {
  const lines = text.split('\n');
  if (lines.every((line) => line.length <= width)) return text;
  const blocks = blocksOf(lines);
  const lefts = blocks.filter(({ meaning }) => meaning !== undefined).map(({ indent, text: left }) => indent + left);
  const column = greatest([0, ...lefts.map(({ length }) => length + 2).filter((room) => room <= mostLeft)]);
  const beside = column > 0 && width - column >= leastRight ? column : undefined;
  return blocks.flatMap((block) => fitBlock(block, width, beside)).join('\n');
}

/** What belongs together: a paragraph, or words with what they mean. */
interface Block {
  readonly indent: string;
  readonly text: string;
  readonly meaning?: string | undefined;
}

function blocksOf(lines: readonly string[]): readonly Block[] {
  const blocks: Block[] = [];
  for (const line of lines) {
    const [, indent = '', left = '', meaning] = /^( *)(.*?)(?: {2,}(\S.*))?$/.exec(line) ?? [];
    const last = blocks.at(-1);
    if (last !== undefined && isContinuation(last, indent, line)) {
      blocks[blocks.length - 1] = continued(last, line.trim(), indent);
    } else blocks.push({ indent, text: left, meaning });
  }
  return blocks;
}

/** Far to the right what a word means goes on, or begins; elsewhere a line that has not ended its sentence. */
function isContinuation({ indent, text, meaning }: Block, ownIndent: string, line: string): boolean {
  if (line.trim() === '' || text === '') return false;
  if (ownIndent.length > indent.length + 8) return true;
  if (ownIndent !== indent || meaning !== undefined) return false;
  return indent === '' ? !text.endsWith(':') : text.endsWith(',');
}

function continued({ indent, text, meaning }: Block, more: string, ownIndent: string): Block {
  if (ownIndent.length <= indent.length) return { indent, text: `${text} ${more}` };
  return { indent, text, meaning: meaning === undefined ? more : `${meaning} ${more}` };
}

function fitBlock({ indent, text, meaning }: Block, width: number, column: number | undefined): readonly string[] {
  const deeper = `${indent}    `;
  const head = wrap(indent + text, width, goesOn(indent, text));
  if (meaning === undefined) return head;
  if (column === undefined) return [...head, ...wrap(deeper + meaning, width, deeper)];
  const margin = ' '.repeat(column);
  const right = wrap(margin + meaning, width, margin);
  const [only = ''] = head;
  if (head.length > 1 || only.length > column - 2) return [...head, ...right];
  return [only + (right[0] ?? '').slice(only.length), ...right.slice(1)];
}

/** What the second line of a block begins with. */
function goesOn(indent: string, text: string): string {
  if (text.startsWith('Usage: ')) return ' '.repeat('Usage:   '.length);
  return indent === '' || text.includes(', ') ? indent : `${indent}    `;
}
