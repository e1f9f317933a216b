import { quoteCommand } from '../../base/shell.js';
import { shown } from '../../base/text.js';
import type { RunTool, ToolResult } from './tools.js';

/** What a tool that only reports said, or one sentence about why it said nothing of use. */
export type ToolAnswer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

/**
 * Runs a tool that only reports, and reads what it printed.
 * @param parse gives undefined where the text is not what the tool prints
 * @param printed what the text should have been: `a list of interfaces`
 */
export async function askTool<T>(
  run: RunTool,
  argv: readonly string[],
  printed: string,
  parse: (stdout: string) => T | undefined,
): Promise<ToolAnswer<T>> {
  const result = await run(argv);
  if (result.exitCode !== 0) return { ok: false, error: describeFailure(result) };
  const value = parse(result.stdout);
  if (value !== undefined) return { ok: true, value };
  return { ok: false, error: `${quoteCommand(argv)} printed no ${printed}: ${shown(result.stdout, 120)}` };
}

/** How a tool failed, in one line: the command, how it ended, and what it printed. */
export function describeFailure(result: ToolResult): string {
  const command = quoteCommand(result.argv);
  const printed = onOneLine(result.stderr) || onOneLine(result.stdout);
  return `${command} ${ending(result)}${printed === '' ? '' : `: ${printed}`}`;
}

function ending({ exitCode, failure = 'no exit status' }: ToolResult): string {
  if (exitCode !== undefined) return `ended with exit status ${exitCode}`;
  if (failure === 'ENOENT') return 'could not be run, it was not found';
  if (failure === 'timeout') return 'did not end in time';
  return failure.startsWith('SIG') ? `was ended by ${failure}` : `could not be run (${failure})`;
}

const maxPrinted = 300;

function onOneLine(text: string): string {
  const line = text.trim().replace(/\p{Cc}+/gu, ' ');
  return line.length <= maxPrinted ? line : `${line.slice(0, maxPrinted)}...`;
}
