/** The last of a stream of text; what came before is forgotten. */
interface TailBuffer {
  readonly push: (text: string) => void;
  readonly text: () => string;
}

/** @param size kept at the most, in UTF-16 units */
export function tailBuffer(size: number): TailBuffer {
  let kept = '';
  return {
    push(text) {
      if (text.length >= size) kept = text.slice(-size);
      // Cutting copies what is kept: not at each of many short texts.
      else if ((kept += text).length > 4 * size) kept = kept.slice(-size);
    },
    text: () => kept.slice(-size),
  };
}

/** A line longer than this is passed on in pieces, so that a stream without line ends cannot fill memory. */
const longestLine = 64 * 1024;

interface LineSplitter {
  readonly push: (chunk: string) => void;
  readonly end: () => void;
}

/** Turns chunks into whole lines, each with its end; `end` passes on what is left, with a line end added. */
export function lineSplitter(onLines: (text: string) => void): LineSplitter {
  let rest = '';
  return {
    push(chunk) {
      const end = chunk.lastIndexOf('\n');
      if (end === -1 && rest.length + chunk.length < longestLine) {
        rest += chunk;
        return;
      }
      const cut = end === -1 ? chunk.length : end + 1;
      const whole = rest + chunk.slice(0, cut);
      rest = chunk.slice(cut);
      onLines(whole);
    },
    end() {
      if (rest !== '') onLines(`${rest}\n`);
      rest = '';
    },
  };
}
