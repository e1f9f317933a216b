import { systemClock } from '../../host/clock.js';
import { descriptorSink, describeLoss } from '../../host/sinks/line-sink.js';
import type { ManagerEvent } from '../../manager/manager-events.js';
import type { Manager } from '../../manager/manager.js';
import type { Colours } from '../colours.js';
import type { Context } from '../context.js';
import { asLines } from '../paint.js';
import { isProblem } from '../show-events.js';
import { managerEventLines } from '../show-manager-events.js';

/** How much a manager says. */
export type Says = 'problems' | 'usual' | 'all';

/** What a manager says on standard error: to people at a terminal, or into a log, where each line has its time. */
export interface ManagerVoice {
  readonly say: (text: string, what?: 'problem') => void;
  readonly lines: (lines: readonly string[], what?: 'problem') => void;
  /** Tells what happens from now on. */
  readonly follow: (manager: Pick<Manager, 'events'>) => void;
  /** Has told all that it can. */
  readonly end: () => Promise<void>;
}

export function managerVoice(
  { err, divertErr, columns }: Pick<Context, 'err' | 'divertErr' | 'columns'>,
  { says, colours }: { readonly says: Says; readonly colours: Colours },
): ManagerVoice {
  // A reader that does not read must not keep a manager from its VMs.
  divertErr(descriptorSink(2, { notice: (lines, why) => `vmrun: ${describeLoss(lines, why)}\n` }));
  const isLog = columns?.(2) === undefined;
  const write = (lines: readonly string[], time: string): void => {
    err(asLines(lines.map((line) => (isLog ? `${time} vmrun: ${line.trimStart()}` : `vmrun: ${line}`))));
  };
  const lines: ManagerVoice['lines'] = (said, what) => {
    if (says !== 'problems' || what === 'problem') write(said, systemClock.now().toISOString());
  };
  let stop: (() => Promise<unknown>) | undefined;
  let told: Promise<void> = Promise.resolve();
  return {
    say: (text, what) => {
      lines([text], what);
    },
    lines,
    follow({ events }) {
      // What was wrong with specs and state was told before anybody could follow.
      const stream = events.subscribe({ fromFirst: true });
      stop = () => stream.return();
      told = (async () => {
        for await (const event of stream) {
          if (says === 'problems' && !isTrouble(event)) continue;
          write(managerEventLines(event, colours, { isVerbose: says === 'all', hasTime: false }), event.time);
        }
      })();
    },
    async end() {
      await stop?.();
      await told;
    },
  };
}

function isTrouble(event: ManagerEvent): boolean {
  switch (event.kind) {
    case 'run':
      return isProblem(event.event);
    case 'operation':
      return event.operation.state === 'failed';
    case 'ready':
      return !event.isReady;
    case 'spec':
      return event.problems.length > 0;
    case 'warning':
    case 'gap':
      return true;
    case 'wanted':
    case 'group':
      return false;
  }
}
