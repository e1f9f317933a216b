import { codeOf } from '../base/error-code.js';
import { errorWords } from '../base/error-words.js';
import type { Problem } from '../base/problem.js';
import { count } from '../base/text.js';
import type { OutputFile, OutputOptions } from '../host/process/output-file.js';
import type { Loader } from '../machine/machine.js';
import type { Session } from './session.js';

type Stream = 'stderr' | 'stdout';
type Program = 'bhyve' | Loader['kind'];

/** What `degraded` calls it. */
const outputPart = 'output';

/** Make the files for what the next child writes, of which the words are told as they come. */
export function outputsOf(session: Session, program: Program): Readonly<Record<Stream, () => OutputFile | undefined>> {
  const troubles: string[] = [];
  const make = (stream: Stream): OutputFile | undefined => {
    const { onTrouble, ...options } = optionsOf(session, stream, program);
    const output = session.directory.makeOutput(stream, {
      ...options,
      onTrouble: (error) => {
        troubles.push(error);
        onTrouble(error);
      },
    });
    if (stream === 'stderr' && troubles.length === 0) session.state.degraded(outputPart, undefined);
    return output;
  };
  return { stdout: () => make('stdout'), stderr: () => make('stderr') };
}

/** What a bhyve writes, or has written, that another supervisor has started. */
interface AdoptedWords {
  /** Tells what was written until now; nothing after that. */
  readonly end: () => Promise<void>;
  /** The last of it. */
  readonly tails: () => { readonly stderrTail: string; readonly stdoutTail: string };
}

/** From where that supervisor has stopped to tell it. */
export function adoptWords(session: Session): AdoptedWords {
  const adopt = (stream: Stream): OutputFile | undefined => {
    const options = optionsOf(session, stream, 'bhyve');
    try {
      const output = session.directory.adoptOutput(stream, options);
      output.start();
      return output;
    } catch (error) {
      // One whose standard output is a console has no file for it.
      if (stream === 'stderr' || codeOf(error) !== 'ENOENT') options.onTrouble(errorWords(error));
      return undefined;
    }
  };
  const [stderr, stdout] = [adopt('stderr'), adopt('stdout')];
  return {
    end: async () => {
      await Promise.all([stderr?.end(), stdout?.end()]);
    },
    tails: () => ({ stderrTail: stderr?.tail() ?? '', stdoutTail: stdout?.tail() ?? '' }),
  };
}

function optionsOf({ host, state, emit, onStderr }: Session, stream: Stream, program: Program): OutputOptions {
  return {
    clock: host.clock,
    onText: (text) => {
      onStderr(text, program);
    },
    onGap: (bytes) => {
      emit({ kind: 'warning', problem: gap(bytes, `${stream} of ${program}`) });
    },
    onTrouble: (error) => {
      state.degraded(outputPart, error);
    },
  };
}

/** @param bytes that are known to be lost; undefined: nobody knows */
function gap(bytes: number | undefined, whose: string): Problem {
  const message =
    bytes === undefined
      ? `the file with the ${whose} was cut by somebody else: what was not read before is lost`
      : bytes === 0
        ? `the file with the ${whose} was cut while it was written: a line may be missing here`
        : `more was written to the ${whose} than could be read: ${count(bytes, 'byte')} or more are missing here`;
  return { code: 'output-gap', severity: 'warning', message };
}
