import type { ReadFile } from '../../../src/bhyve/files.js';
import { parseCommandLine, type Platform } from '../../../src/bhyve/parse.js';
import { checkStart, type StartCheck, type StartOptions } from '../../../src/bhyve/start/start-checks.js';

export const amd64: Platform = { release: 15, arch: 'amd64' };

/** Options of a start, and the files that the command line may name. */
export type Given = Partial<StartOptions> & { readonly readFile?: ReadFile };

/** A VM that a loader has made, unless told otherwise. */
export function startOf(argv: readonly string[], given: Given = {}): StartCheck {
  const options = { ...amd64, loaded: true, ...given };
  const parsed = parseCommandLine([...argv, 'vm'], { readFile: () => undefined, ...options });
  switch (parsed.kind) {
    case 'failed':
      return parsed;
    case 'help':
      throw new Error(`${argv.join(' ')} only lists`);
    case 'parsed': {
      const start = checkStart(parsed.tree, options);
      return start.kind === 'failed'
        ? { ...start, messages: [...parsed.warnings, ...start.messages] }
        : { ...start, warnings: [...parsed.warnings, ...start.warnings] };
    }
  }
}

/** What bhyve says, and its status; `started` where it goes on. The line that follows every refusal of a device is cut. */
export function outcomeOf(
  argv: readonly string[],
  given: Given = {},
): readonly [said: string, status: number | 'started'] {
  const start = startOf(argv, given);
  const lines = start.kind === 'failed' ? start.messages : start.warnings;
  const said = [...start.stdout, ...lines].join('\n').replace(/\n?[^\n]*initialization error: [^\n]*$/, '\n+init');
  return [said.trim(), start.kind === 'failed' ? start.status : 'started'];
}
