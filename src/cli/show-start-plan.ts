import path from 'node:path';
import { formatDuration } from '../base/duration.js';
import { count } from '../base/text.js';
import { readyWords, timeWords, waitWords } from '../machine/start-words.js';
import type { StartPlan } from '../report/start-plan-document.js';
import { table } from './columns.js';
import { asLines, type OwnText } from './paint.js';
import { usualWidth, wrap } from './wrap.js';

const heading = ['STEP', 'VM', 'STARTED', 'WHEN', 'READY WHEN', 'WITHIN'];

/** What a folder starts in which order, for people. What is wrong is told elsewhere. */
export function formatStartPlan({ folder, files, order }: StartPlan, width = usualWidth): OwnText {
  const { waves, manual, held } = order;
  const rows = waves.flatMap((wave, index) =>
    wave.map(({ name, waitsFor, delayMs, earliestMs, latestMs, ready }) => [
      String(index + 1),
      name,
      waitWords(waitsFor, { delayMs }),
      timeWords({ earliestMs, latestMs }),
      readyWords(ready.sign).replace(/^when /, ''),
      formatDuration(ready.timeoutMs),
    ]),
  );
  const broken = files.filter(({ spec }) => spec === undefined);
  const listed = (title: string, names: readonly string[]): readonly string[] =>
    names.length === 0 ? [] : ['', ...wrap(`${title}: ${names.join(', ')}`, width, '  ')];
  return asLines([
    ...wrap(`${folder}: ${count(files.length, 'VM')}, ${rows.length} of them started with the manager`, width, '  '),
    ...(rows.length === 0 ? [] : ['', ...table([heading, ...rows], { elastic: [1, 2, 4], indent: '  ', width })]),
    ...listed(
      'Started by hand',
      manual.map(({ name }) => name),
    ),
    ...listed(
      'Held back, each with its problem',
      held.map(({ name }) => name),
    ),
    ...listed(
      'Not started, their files have problems',
      broken.map(({ name, file }) => name ?? path.basename(file)),
    ),
  ]);
}
