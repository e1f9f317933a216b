import { placeWords, problemKey, ProblemsError, type Problem } from '../base/problem.js';
import { count, listWords } from '../base/text.js';
import { visible } from '../base/visible.js';
import { changeWords } from '../machine/guest-changes.js';
import type { VmView } from '../manager/vm-view.js';
import { tableRows } from './columns.js';
import { asLines, asText, type OwnText } from './paint.js';
import { formatUp } from './show-runs.js';
import { wrap } from './wrap.js';

const heading = ['NAME', 'STATE', 'TARGET', 'BOOT', 'UP', 'PID', 'WANTED'];

/** The VMs in an answer of a manager. @throws ProblemsError where it is none that this vmrun understands */
export function vmsIn(document: unknown, where: string): readonly VmView[] {
  const list = typeof document === 'object' && document !== null && 'vms' in document ? document.vms : undefined;
  if (Array.isArray(list) && list.every(isVm)) return list;
  const message = 'the manager answers what this vmrun does not understand';
  throw new ProblemsError('host', where, [
    { code: 'strange', severity: 'error', message, fix: 'are both of one version?' },
  ]);
}

/** The rest of it is as the manager has it. */
const isVm = (value: unknown): value is VmView =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  'state' in value &&
  'wanted' in value &&
  'spec' in value;

/** A table for people, a line for each VM, and below it what there is to know besides. */
export function formatVms(vms: readonly VmView[], now: Date, width = Infinity): OwnText {
  if (vms.length === 0)
    return asLines([
      'There are no VMs: put specs into the folder of specs and run vmrun reload, or run vmrun apply FILE.',
    ]);
  const [head = [], ...lines] = tableRows([heading, ...vms.map((vm) => cellsOf(vm, now))], { indent: '', width });
  const below = vms.map((vm) => notesOf(vm).flatMap((note) => wrap(`  ${visible(note)}`, width, '    ')));
  return asLines([...head, ...lines.flatMap((line, index) => [...line, ...(below[index] ?? [])])]);
}

/** What a row of the table says, as the line of a shell script: between tabs, and nothing else on it. */
export const vmLines = (vms: readonly VmView[], now: Date): OwnText =>
  asText(vms.map((vm) => `${cellsOf(vm, now).map(visible).join('\t')}\n`).join(''));

function cellsOf({ name, state, target, boot, bootSince, pid, wanted }: VmView, now: Date): readonly string[] {
  const upMs = bootSince === undefined || pid === undefined ? NaN : now.getTime() - Date.parse(bootSince);
  return [
    name,
    state,
    target ?? '-',
    boot === undefined ? '-' : String(boot),
    upMs >= 0 ? formatUp(upMs) : '-',
    pid === undefined ? '-' : String(pid),
    `${wanted.state} (${wanted.by})`,
  ];
}

function notesOf({
  state,
  waitsFor = [],
  spec,
  why,
  last,
  problems = [],
  degraded = {},
  supervisor,
}: VmView): readonly string[] {
  const { changes, guestChanges, isChanged, nextBoot } = spec;
  const errors = spec.problems.filter(({ severity }) => severity === 'error');
  const gone = spec.problems.filter(({ code }) => code === 'file-gone');
  const found = [
    ...new Map([...problems, ...errors, ...gone].map((problem) => [problemKey(problem), problem])).values(),
  ];
  const guest = guestChanges.map(changeWords);
  return [
    ...(state === 'queued' && waitsFor.length > 0 ? [`waits for ${listWords(waitsFor)}`] : []),
    ...(supervisor === undefined ? [] : [`process ${supervisor} supervises it, not the manager`]),
    ...Object.entries(degraded).map(([part, error]) => `${part} does not work: ${error}`),
    ...found.slice(0, mostProblems).map(problemWords),
    ...(found.length > mostProblems ? [`and ${count(found.length - mostProblems, 'problem')} more`] : []),
    ...(errors.length > 0 && nextBoot === 'accepted' ? ['until then it boots what its file said before'] : []),
    ...(why === undefined ? [] : [why.cause]),
    ...(why === undefined && state === 'failed' && last !== undefined ? [`boot ${last.boot} ended: ${last.end}`] : []),
    ...(isChanged
      ? [
          [
            `its spec has changed (${count(changes.length, 'setting')}): takes effect at the next boot`,
            ...(guest.length === 0 ? [] : [`the guest will notice: ${listWords(guest)}`]),
          ].join('; '),
        ]
      : []),
  ];
}

/** Those of one VM that are listed; `vmrun check` says the rest. */
const mostProblems = 5;

const problemWords = ({ place, message }: Problem): string =>
  place === undefined ? message : `${placeWords(place)}: ${message}`;
