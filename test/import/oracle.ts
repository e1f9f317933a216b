import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { quoteWord } from '../../src/base/shell.js';
import { dialectOf, parse } from '../../src/import/script/dialect.js';
import { newScript, walk } from '../../src/import/script/explore.js';
import { plainCall, type Run } from '../../src/import/script/run.js';
import { patienceMs } from '../support/patience.js';

type Starts = readonly (readonly string[])[];

/** How the importer follows a script in a call without arguments. */
export function followed(text: string, statusAt: (count: number) => number | undefined = () => 0): Run {
  const parsed = parse(text, dialectOf(text));
  if (!parsed.ok) throw new Error(`line ${parsed.line}: ${parsed.message}`);
  const script = newScript({ tree: parsed.tree, text, readFile: () => undefined, folder: '/vm', name: 'start.sh' });
  return walk(script, plainCall, (_start, before) => statusAt(before.length));
}

/** What bhyve is started with, start after start; the stub prints an empty word where there is none. */
export const startsOf = ({ started }: Pick<Run, 'started'>): Starts =>
  started.map(({ fields }) => (fields.length === 0 ? [''] : fields.map((field) => field.text)));

/**
 * Notes its words, and ends with the next status of a list; behind its end the whole script is ended. It notes them in a
 * file: the first program of a pipeline may have ended before the shell has started what reads its output.
 */
const stub = (noted: string): string => `#!/bin/sh
{ printf "%s\\036" "$@"; printf "\\035"; } >> ${noted}
[ -n "$STATUSES" ] || exit 0
read -r status < "$STATUSES" || kill -9 "$TOP"
sed 1d "$STATUSES" > "$STATUSES.rest"
mv "$STATUSES.rest" "$STATUSES"
exit "$status"
`;

export interface RealShell {
  /** The folder that scripts run in. */
  readonly folder: string;
  /** What a script starts bhyve with in the real shell; where the statuses have come to their end, it is ended. */
  readonly started: (text: string, words?: readonly string[], statuses?: readonly number[]) => Starts;
  readonly remove: () => void;
}

/** A shell of this system, with a stub for bhyve. */
export function realShell(): RealShell {
  const bin = mkdtempSync(path.join(tmpdir(), 'vmrun-shell-'));
  const folder = mkdtempSync(path.join(tmpdir(), 'vmrun-shell-'));
  const noted = path.join(bin, 'noted');
  writeFileSync(path.join(bin, 'bhyve'), stub(quoteWord(noted)), { mode: 0o755 });
  return {
    folder,
    started(text, words = ['/bin/sh', '-f'], statuses = []) {
      const file = path.join(bin, 'start.sh');
      writeFileSync(file, text);
      const list = path.join(bin, 'statuses');
      writeFileSync(list, statuses.map((status) => `${status}\n`).join(''));
      const env = { PATH: `${bin}:/usr/bin:/bin`, STATUSES: statuses.length === 0 ? '' : list };
      writeFileSync(noted, '');
      spawnSync('/bin/sh', ['-c', 'export TOP=$$; exec "$@"', 'sh', ...words, file], {
        env,
        cwd: folder,
        // It is waited for all that holds the pipe, what a killed script leaves running, too.
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: patienceMs,
        killSignal: 'SIGKILL',
      });
      const starts = readFileSync(noted, 'utf8').split('\x1d').slice(0, -1);
      return starts.map((each) => each.split('\x1e').slice(0, -1));
    },
    remove() {
      rmSync(folder, { recursive: true });
      rmSync(bin, { recursive: true });
    },
  };
}
