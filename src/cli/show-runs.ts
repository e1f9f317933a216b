import { quoteWord } from '../base/shell.js';
import { visible } from '../base/visible.js';
import type { ListedRun } from '../report/runs-document.js';
import type { KnownRun } from '../supervisor/runs.js';
import { formatWhen } from './clock-time.js';
import { tableRows } from './columns.js';
import { asLines, asText, type OwnText } from './paint.js';
import { toRun, type RunPlace } from './run-base.js';
import { wrap } from './wrap.js';

const heading = ['NAME', 'STATE', 'TARGET', 'BOOT', 'UP', 'PID', 'SUPERVISOR'] as const;

/**
 * A table for people, a line for each VM, and below a line what does not work beside it. Simulated ones follow, indented:
 * whoever looks for a name at the beginning of a line does not take them for real.
 * @param place of all of them; those that say that they are simulated are
 */
export function formatRuns(runs: readonly ListedRun[], now: Date, width = Infinity, place: RunPlace = {}): OwnText {
  const real = runs.filter(({ simulated }) => simulated !== true);
  if (real.length === runs.length) return asLines(tableOf(runs, { now, width, place, indent: '' }));
  const indented = tableOf(
    runs.filter(({ simulated }) => simulated === true),
    { now, width, place: { ...place, isSimulated: true }, indent: '  ' },
  );
  return asLines([
    ...(real.length === 0 ? [] : [...tableOf(real, { now, width, place, indent: '' }), '']),
    'Simulated:',
    ...indented,
  ]);
}

interface Layout {
  readonly now: Date;
  readonly width: number;
  readonly place: RunPlace;
  readonly indent: string;
}

function tableOf(runs: readonly KnownRun[], { now, width, place, indent }: Layout): readonly string[] {
  const rows = runs.map((run) => rowOf(run, now, place));
  const [head = [], ...lines] = tableRows([heading, ...rows.map(({ cells }) => cells)], { indent, width });
  const below = rows.map(({ notes }) =>
    notes.flatMap((note) =>
      // A command is copied, so it is on one line however long that is.
      typeof note === 'string'
        ? wrap(`${indent}  ${visible(note)}`, width, `${indent}    `)
        : [`${indent}    ${visible(note.command)}`],
    ),
  );
  return [...head, ...lines.flatMap((line, index) => [...line, ...(below[index] ?? [])])];
}

interface Row {
  readonly cells: readonly string[];
  readonly notes: readonly (string | { readonly command: string })[];
}

function rowOf({ name, status, pid, supervisor, state, ended }: KnownRun, now: Date, place: RunPlace = {}): Row {
  const { target, boot, bootSince, nextBootAt, phase, last, degraded = {} } = state ?? {};
  const isAlive = status === 'orphaned' || (status === 'supervised' && pid !== undefined);
  const upMs = bootSince === undefined ? NaN : now.getTime() - Date.parse(bootSince);
  const nextBoot = status === 'supervised' && phase === 'waiting' ? new Date(nextBootAt ?? '') : undefined;
  return {
    cells: [
      name,
      status === 'supervised' ? (phase ?? 'starting') : status,
      target ?? '-',
      boot === undefined ? '-' : String(boot),
      isAlive && upMs >= 0 ? formatUp(upMs) : '-',
      pid === undefined ? '-' : String(pid),
      supervisor === undefined ? '-' : String(supervisor),
    ],
    notes: [
      ...Object.entries(degraded).map(([part, error]) => `${part} does not work: ${error}`),
      ...(last?.why === undefined ? [] : [`boot ${last.boot}: ${last.why.cause}`]),
      ...(nextBoot !== undefined && nextBoot.getTime() > now.getTime()
        ? [`boot ${(boot ?? 0) + 1} begins at ${formatWhen(nextBoot, now)}`]
        : []),
      ...(status === 'orphaned' && state?.managedBy !== undefined
        ? ['its manager is gone; the next vmrun serve takes it over']
        : []),
      ...(status === 'orphaned' && state?.managedBy === undefined
        ? [
            'its supervisor is gone; take it over, or stop it:',
            { command: `vmrun -c FILE --adopt${toRun(place)}` },
            { command: `vmrun stop ${quoteWord(name)}${toRun(place)}` },
          ]
        : []),
      ...(ended === undefined ? [] : [`boot ${ended.boot} ${ended.words}`]),
      ...(ended?.why === undefined ? [] : [`boot ${ended.boot}: ${ended.why.cause}`]),
      ...(status === 'left'
        ? [
            'nothing runs; run it again, or remove what is left:',
            { command: `vmrun -c FILE${toRun(place)}` },
            { command: `vmrun stop ${quoteWord(name)}${toRun(place)}` },
          ]
        : []),
    ],
  };
}

/** One word, so that columns stay columns: `45s`, `12m`, `2h1m`, `30d4h`. */
export function formatUp(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days}d${hours % 24}h`;
  if (hours > 0) return `${hours}h${minutes % 60}m`;
  return minutes > 0 ? `${minutes}m` : `${seconds}s`;
}

/** What a row of the table says, as the line of a shell script: between tabs, and nothing else on it. */
export const runLines = (runs: readonly ListedRun[], now: Date): OwnText =>
  asText(runs.map((run) => `${rowOf(run, now).cells.map(visible).join('\t')}\n`).join(''));
