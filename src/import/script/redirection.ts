import { shownText } from './symbols.js';
import type { Expander } from './expander.js';
import { exited, type Flow, type Run } from './run.js';
import type { Redirect } from './tree.js';

/** `exec >> FILE`: all that follows prints there. */
export function redirectForGood(run: Run, redirects: readonly Redirect[], expander: Expander): undefined {
  for (const { operator, descriptor, target, line } of redirects) {
    const file = expander.text(run, target);
    if (operator.startsWith('<') || /^[\d-]*$/.test(file) || file.startsWith('/dev/')) continue;
    if ((descriptor ?? 1) > 2) continue;
    run.lost.push({
      line,
      code: 'output',
      message: `what the script and bhyve print goes to ${shownText(file, run.symbols)} from here on`,
      fix: 'start vmrun with --log FILE',
    });
  }
  run.status = exited(0);
}

/** Follows a command with its standard input and output where they are redirected to. */
export function redirected(
  run: Run,
  redirects: readonly Redirect[],
  expander: Expander,
  walk: () => Flow | undefined,
): Flow | undefined {
  const { input, output, outputFile, errorFile } = run;
  const before = { ran: run.ran.length, started: run.started.length };
  let target:
    { readonly name: string; readonly isAdded: boolean; readonly own: { text: string; source: string } } | undefined;
  for (const { operator, descriptor, target: word } of redirects) {
    const text = expander.text(run, word);
    if (/^<<?<?$/.test(operator) && (descriptor ?? 0) === 0) {
      if (operator === '<') run.input = readable(run, text);
      else run.input = { text: operator === '<<<' ? `${text}\n` : text };
    } else if (isToFile(operator, text) && (descriptor ?? 1) === 1) {
      const own = { text: '', source: `> ${text}` };
      target = { name: text, isAdded: operator.endsWith('>>'), own };
      run.output = own;
      run.outputFile = text;
    } else if (operator === '>&' && (descriptor ?? 1) === 1 && (text === '2' || /^\d+$/.test(text))) {
      run.output = { text: '', source: '' };
    } else if (/^(>>?|>\|)$/.test(operator) && descriptor === 2) {
      run.errorFile = text;
    }
  }
  const flow = walk();
  const line = redirects[0]?.line ?? 0;
  if (target !== undefined && target.name !== '/dev/null') {
    const old = target.isAdded ? textBefore(run, target.name, line) : '';
    if (!target.isAdded) run.changed.delete(target.name);
    run.files.set(target.name, old + target.own.text);
    // A command that is told by its name says that it writes, too.
    const isTold = run.ran.length > before.ran || run.started.length > before.started;
    if (!isTold && !target.name.startsWith('/dev/')) {
      const fields = [
        { text: '>', line },
        { text: target.name, line },
      ];
      const { isAside, isBeside } = run;
      run.ran.push({ line, fields, after: run.started.length, isAside, isBeside });
    }
  }
  Object.assign(run, { input, output, outputFile, errorFile });
  return flow;
}

/** `> FILE`, and what bash and csh have besides: `>& FILE`. */
const isToFile = (operator: string, text: string): boolean =>
  /^(&?>>?|>\|)$/.test(operator) || (operator === '>&' && !/^[\d-]*$/.test(text));

/** What a file has before something is added to it. */
function textBefore(run: Run, name: string, line: number): string {
  const text = run.files.get(name) ?? (run.removed.has(name) ? '' : run.readFile(name));
  if (text === undefined) run.changed.set(name, { line, name: '>>' });
  return text ?? '';
}

const readable = (run: Run, name: string): { readonly text?: string; readonly file: string } => {
  run.read.add(name);
  const text = run.files.get(name);
  return text === undefined ? { file: name } : { text, file: name };
};
