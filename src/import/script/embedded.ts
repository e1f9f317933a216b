/** A command of bhyve that stands within a line: of a log, of a report, behind a label. */
export interface Embedded {
  /** The text with nothing but the command, on its own line. */
  readonly text: string;
  readonly line: number;
  /** What stands before it. */
  readonly before: string;
}

/** A command with a device: prose that only speaks of bhyve has none. */
const form = /^(.*?\s)((?:\S*\/)?bhyve\s+-(?:.*\s)?-s\s*'?\d.*)$/;

export function embeddedCommand(text: string): Embedded | undefined {
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (line.length > 20_000 || /^\s*(#|echo\b|printf\b)/.test(line)) continue;
    const [, before = '', command] = form.exec(line) ?? [];
    if (command === undefined || before.trim() === '') continue;
    let end = index;
    while (/\\\s*$/.test(lines[end] ?? '') && end < lines.length - 1) end += 1;
    const rest = lines.slice(index + 1, end + 1);
    const alone = [...Array.from({ length: index }, () => ''), command, ...rest].join('\n');
    return { text: `${alone}\n`, line: index + 1, before: before.trim() };
  }
  return undefined;
}
