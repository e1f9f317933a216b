import { isStopped, stateOf } from '../host/process/process-identity.js';
import { supervisorIn } from '../host/run-directory/run-files.js';
import { runTool } from '../host/process/tools.js';
import { whoRuns } from '../host/run-directory/who-runs.js';

/** How often a supervisor is looked at that does not answer, and how often before the greeting is given up. */
const lookMs = 500;
const mostLooks = 20;

/**
 * What is to be answered: the greeting, by the supervisor itself; what was typed, or came by a pipe, when the guest has
 * read it, which may take its time.
 */
type Question = 'greeting' | 'typed' | 'piped';

/** Looks after a supervisor that is to answer. */
export interface Patience {
  readonly asked: (what: Question) => void;
  readonly answered: () => void;
  readonly end: () => void;
}

/**
 * One that was stopped, by Ctrl-Z say, holds its lock and its socket and says nothing for ever.
 * @param tell what is wrong, once; `isFinal`: there is no sense in waiting any longer
 */
export function supervisorPatience(
  base: string,
  name: string,
  tell: (text: string, isFinal: boolean) => void,
): Patience {
  let timer: NodeJS.Timeout | undefined;
  let hasTold = false;
  const answered = (): void => {
    clearInterval(timer);
    timer = undefined;
    hasTold = false;
  };
  return {
    asked(what) {
      if (timer !== undefined) return;
      let looks = 0;
      const look = async (): Promise<void> => {
        looks += 1;
        const pid = supervisorIn(whoRuns(base, name).heldBy ?? '');
        const state = pid === undefined ? undefined : await stateOf(pid, runTool);
        const isLate = what === 'greeting' && looks >= mostLooks;
        if (timer === undefined || pid === undefined || hasTold || !(isStopped(state) || isLate)) return;
        hasTold = true;
        const who = `process ${pid}, its supervisor,`;
        tell(
          isStopped(state)
            ? `${who} is stopped (state ${state ?? ''}) and does not answer: kill -CONT ${pid} makes it go on`
            : `${who} does not answer; ps -o state,wchan -p ${pid} shows what it waits for`,
          what !== 'typed',
        );
      };
      timer = setInterval(() => void look().catch(() => undefined), lookMs);
    },
    answered,
    end: answered,
  };
}
