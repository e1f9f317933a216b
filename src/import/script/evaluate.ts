import { addAll } from '../../base/long-lists.js';
import { shown, withoutEnd } from '../../base/text.js';
import { calculate } from './arithmetic.js';
import { assign, declareAs, hide } from './assign.js';
import { dispatch } from './builtins.js';
import type { Tools } from './call.js';
import { valueFor } from './conditions.js';
import { evaluateText } from './evaluate-text.js';
import { createExpander } from './expand.js';
import type { Expander } from './expander.js';
import { flat } from './flat.js';
import { literalPattern, matches } from './patterns.js';
import { isBashLike, decide, exited, mostSteps, succeeded, toBranch, toGiven, toValue } from './run.js';
import type { Choice, Field, Flow, Lost, Run } from './run.js';
import { onlySymbol } from './run.js';
import { tellExported } from './environment.js';
import { redirected, redirectForGood } from './redirection.js';
import { hasSymbol, plainText, shownText, symbolsIn } from './symbols.js';
import { literalOf, type Command, type List, type Simple } from './tree.js';
import { arithmetic } from './variables.js';

/** How deep functions and texts may call each other. */
const deepest = 40;
/** Turns of one loop. */
const mostTurns = 2000;

export const expander: Expander = createExpander(capture);

/** Follows commands one after the other. */
export function follow(run: Run, commands: List): Flow | undefined {
  for (const command of commands) {
    const flow = followOne(run, command);
    if (flow !== undefined) return flow;
    const { status } = run;
    if (run.errexit && !run.isCondition && status.kind === 'known' && status.code !== 0 && command.kind !== 'and-or') {
      return { kind: 'exit' };
    }
  }
  return undefined;
}

function followOne(run: Run, command: Command): Flow | undefined {
  run.steps += 1;
  if (run.steps > mostSteps || run.depth > deepest) return { kind: 'stop' };
  switch (command.kind) {
    case 'simple':
      return followSimple(run, command);
    case 'pipeline':
      return followPipeline(run, command.commands, command.isNegated);
    case 'and-or': {
      const aside = (walk: () => Flow | undefined): Flow | undefined =>
        condition(run, run.isLoopCondition, walk, run.openIs);
      let flow = aside(() => followOne(run, command.first));
      for (const [index, { operator, command: next }] of command.rest.entries()) {
        if (flow !== undefined) return flow;
        const isWanted = succeeded(run) === (operator === '&&');
        if (!isWanted) continue;
        const isLast = index === command.rest.length - 1;
        flow = isLast ? followOne(run, next) : aside(() => followOne(run, next));
      }
      return flow;
    }
    case 'background': {
      const { isAside, started } = run;
      const before = started.length;
      run.isAside = true;
      const flow = inSubshell(run, () => followOne(run, command.command));
      run.isAside = isAside;
      if (started.length > before) run.isBeside = true;
      run.waiting = run.status.kind === 'known' ? run.status.code : undefined;
      run.status = exited(0);
      return flow;
    }
    case 'if': {
      for (const { condition: asked, body } of command.clauses) {
        const flow = condition(run, false, () => follow(run, asked));
        if (flow !== undefined) return flow;
        const isSo = succeeded(run);
        settleStatus(run);
        if (isSo) return follow(run, body);
      }
      // In what follows "else", $? is that of the last condition.
      if (command.otherwise.length === 0) run.status = exited(0);
      return follow(run, command.otherwise);
    }
    case 'loop':
      return inLoop(run, command, () => followLoop(run, command));
    case 'for':
      return inLoop(run, command, () => followFor(run, command));
    case 'counting':
      return inLoop(run, command, () => followCounting(run, command));
    case 'case':
      return followCase(run, command);
    case 'function':
      run.functions.set(command.name, command.body);
      return undefined;
    case 'group': {
      const before = run.status;
      const flow = command.isSubshell ? inSubshell(run, () => follow(run, command.body)) : follow(run, command.body);
      if (command.isQuestion === true)
        run.answer = run.status.kind === 'known' && run.status.code === 0 ? before : run.status;
      return flow;
    }
    case 'arithmetic': {
      const text = arithmetic(run, expander.text(run, command.word), command.word.source);
      run.status = hasSymbol(text)
        ? { kind: 'open', site: -command.line, line: command.line, source: command.word.source, isNegated: false }
        : exited(text === '0' ? 1 : 0);
      return undefined;
    }
    case 'redirected':
      return redirected(run, command.redirects, expander, () => followOne(run, command.command));
  }
}

/** An expression of csh(1) leaves `$status` alone, but for a command in it that fails. */
function settleStatus(run: Run): void {
  if (run.dialect !== 'csh') return;
  run.status = run.answer ?? exited(0);
  run.answer = undefined;
}

/** Follows what only decides: `set -e` has no say there. */
function condition(run: Run, isLoop: boolean, walk: () => Flow | undefined, openIs?: boolean): Flow | undefined {
  const before = { isCondition: run.isCondition, isLoopCondition: run.isLoopCondition, openIs: run.openIs };
  Object.assign(run, { isCondition: true, isLoopCondition: isLoop, openIs });
  const flow = walk();
  Object.assign(run, before);
  return flow;
}

/** What happens there stays there, but for what is told. */
function inSubshell(run: Run, walk: () => Flow | undefined): Flow | undefined {
  const { variables, directory, directoryLine, positional, isPlainCall, shifted, dialect } = run;
  run.variables = new Map(variables);
  const flow = walk();
  Object.assign(run, { variables, directory, directoryLine, positional, isPlainCall, shifted, dialect });
  return flow?.kind === 'stop' ? flow : undefined;
}

function capture(run: Run, body: List, source: string): string {
  const { output, outputFile } = run;
  const own = { text: '', source };
  run.output = own;
  run.outputFile = undefined;
  run.depth += 1;
  run.captures += 1;
  run.status = exited(0);
  const [only] = body;
  const readsFile = body.length === 1 && only?.kind === 'simple' && only.words.length === 0;
  if (readsFile) {
    const [from] = only.redirects;
    const name = from === undefined ? '' : expander.text(run, from.target);
    own.text = run.files.get(name) ?? run.symbols.of({ source, kind: 'output' });
  } else inSubshell(run, () => follow(run, body));
  run.depth -= 1;
  run.output = output;
  run.outputFile = outputFile;
  return withoutEnd(own.text, '\n');
}

function followPipeline(run: Run, commands: List, isNegated: boolean): Flow | undefined {
  const { input, output, openIs } = run;
  if (isNegated && openIs !== undefined) run.openIs = !openIs;
  let flow: Flow | undefined;
  const last = commands.length - 1;
  for (const [index, command] of commands.entries()) {
    const own = { text: '', source: '|' };
    const starts = run.started.length;
    if (index < last) run.output = own;
    else run.output = output;
    flow = last === 0 ? followOne(run, command) : inSubshell(run, () => followOne(run, command));
    run.output = output;
    if (flow !== undefined) break;
    if (index < last && run.started.slice(starts).some(({ program }) => program === 'bhyve')) {
      run.lost.push(passedOn(commands[index + 1], command.line));
    }
    run.input = { text: own.text };
  }
  run.input = input;
  run.openIs = openIs;
  if (isNegated) {
    run.status =
      run.status.kind === 'known'
        ? exited(run.status.code === 0 ? 1 : 0)
        : { ...run.status, isNegated: !run.status.isNegated };
  }
  return flow;
}

const passedOn = (to: Command | undefined, line: number): Lost => ({
  line,
  code: 'output',
  message: `what bhyve prints goes to ${to?.kind === 'simple' ? shown(to.source) : 'other commands'} here`,
  fix: 'start vmrun with --log FILE',
});

const sourceOf = (command: Command): string => (command.kind === 'simple' ? command.source : '');

type Loop = Extract<Command, { kind: 'loop' | 'for' | 'counting' }>;

function inLoop(run: Run, loop: Loop, walk: () => Flow | undefined): Flow | undefined {
  run.loops += 1;
  const flow = noticingWaits(run, loop, walk);
  run.loops -= 1;
  return flow;
}

/** A loop that only waits for the host: it sleeps, or does nothing, until something is so. */
function noticingWaits(run: Run, loop: Loop, walk: () => Flow | undefined): Flow | undefined {
  const before = { questions: run.questions, started: run.started.length, ran: run.ran.length };
  const flow = walk();
  if (run.started.length > before.started) return flow;
  const { line } = loop;
  const source = loop.kind === 'loop' ? flat(loop.condition).map(sourceOf).join('; ') : '';
  const names = flat(loop.body).map((command) =>
    command.kind === 'simple' && command.words[0] !== undefined ? (literalOf(command.words[0]) ?? '') : '',
  );
  const isIdle = names.every((name) => /^(:|true|sleep|echo|printf|continue)$/.test(name));
  if (run.questions > before.questions && (names.includes('sleep') || (isIdle && loop.kind === 'loop'))) {
    const rest = run.ran.splice(before.ran).filter(({ fields }) => fields[0]?.text !== 'sleep');
    const { isAside, isBeside } = run;
    if (/\bkill -0\b|\bpgrep\b|\bps -p\b|\/dev\/vmm\b/.test(source)) run.isBeside = false;
    addAll(run.ran, [
      ...rest,
      {
        line,
        fields: ['wait', source].map((text) => ({ text, line })),
        after: run.started.length,
        isAside,
        isBeside,
      },
    ]);
  }
  if (flow?.kind === 'stop' && run.questions === before.questions && run.steps <= mostSteps && run.depth <= deepest) {
    run.lost.push({
      line,
      code: 'endless-loop',
      message: 'nothing in the script ends this loop, so that what follows it is never run',
    });
  }
  return flow;
}

/** @returns how the loop ends the commands around it; `next`: it goes on */
function afterBody(flow: Flow | undefined): { readonly isOver: boolean; readonly flow?: Flow } {
  if (flow === undefined) return { isOver: false };
  if (flow.kind !== 'break' && flow.kind !== 'continue') return { isOver: true, flow };
  if (flow.levels > 1) return { isOver: true, flow: { ...flow, levels: flow.levels - 1 } };
  return { isOver: flow.kind === 'break' };
}

function followLoop(
  run: Run,
  { condition: asked, isUntil, body }: Extract<Command, { kind: 'loop' }>,
): Flow | undefined {
  const { steps } = run;
  const before = new Map(run.variables);
  const starts = run.started.length;
  for (let count = 0; count < mostTurns; count += 1) {
    const turn = { isLast: false };
    const flow = condition(
      run,
      true,
      () => {
        const inner = follow(run, asked);
        turn.isLast = inner === undefined && succeeded(run) === isUntil;
        settleStatus(run);
        return inner;
      },
      isUntil,
    );
    if (flow !== undefined) return flow;
    if (turn.isLast) {
      run.status = exited(0);
      return undefined;
    }
    const { isOver, flow: outer } = afterBody(follow(run, body));
    if (isOver) return outer;
    if (run.steps - steps > mostSteps / 2) break;
  }
  if (run.started.length > starts || !forgetChanged(run, before)) return { kind: 'stop' };
  run.steps = steps;
  return undefined;
}

/** After a loop that is too long to follow: nobody knows what it has set. @returns whether it has set anything */
function forgetChanged(run: Run, before: Run['variables']): boolean {
  const names = [...run.variables].filter(([name, value]) => before.get(name) !== value).map(([name]) => name);
  for (const name of names) run.variables.set(name, run.symbols.of({ source: `$${name}`, kind: 'output' }));
  return names.length > 0;
}

function followFor(run: Run, { id, line, name, words, body }: Extract<Command, { kind: 'for' }>): Flow | undefined {
  let items: readonly string[] =
    words === undefined ? run.positional : expander.fields(run, words).map(({ text }) => text);
  const isArguments = words === undefined || words.some(({ source }) => /\$\{?[@*]/.test(source));
  if (isArguments && items.length === 0 && run.isPlainCall) {
    decide(run, { site: id, line, branch: 0, others: [toGiven(['1'], 'an argument is given')] });
  }
  const before = new Map(run.variables);
  const isCut = items.length > mostTurns;
  if (isCut) items = items.slice(0, mostTurns);
  for (const item of items) {
    run.variables.set(name, item);
    const { isOver, flow } = afterBody(follow(run, body));
    if (isOver) return flow;
  }
  if (isCut) forgetChanged(run, before);
  return undefined;
}

function followCounting(run: Run, loop: Extract<Command, { kind: 'counting' }>): Flow | undefined {
  const value = (word: typeof loop.start): string => arithmetic(run, expander.text(run, word), word.source);
  value(loop.start);
  const before = new Map(run.variables);
  const starts = run.started.length;
  const { steps } = run;
  for (let turn = 0; turn < mostTurns; turn += 1) {
    if (loop.condition.source.trim() !== '' && ['0', undefined].includes(known(value(loop.condition))))
      return undefined;
    const { isOver, flow } = afterBody(follow(run, loop.body));
    if (isOver) return flow;
    value(loop.step);
    if (run.steps - steps > mostSteps / 2) break;
  }
  if (run.started.length > starts || !forgetChanged(run, before)) return { kind: 'stop' };
  run.steps = steps;
  return undefined;
}

const known = (text: string): string | undefined =>
  calculate(text, { get: () => undefined, set: () => undefined }) === undefined ? undefined : text;

function followCase(run: Run, { id, line, subject, items }: Extract<Command, { kind: 'case' }>): Flow | undefined {
  const text = expander.text(run, subject);
  const patterns = items.map((item) => item.patterns.map((pattern) => expander.pattern(run, pattern)));
  const find = (value: string): number => patterns.findIndex((some) => some.some((each) => matches(each, value)));
  let chosen: number;
  if (!hasSymbol(text)) chosen = find(text);
  else {
    const plain = plainText(text, run.symbols);
    const usual = plain === undefined ? likely(run, patterns, text) : find(plain);
    const others = patterns.flatMap((some, branch) =>
      branch === usual ? [] : caseChoices(run, { id, text, some, branch, subject: subject.source }),
    );
    const isAlways = patterns.some((some) => some.includes('*'));
    if (plain === undefined && usual !== -1 && !isAlways) {
      others.push(toBranch(id, items.length, `${subject.source.replaceAll('"', '')} matches none of its cases`));
    }
    chosen = others.length === 0 ? usual : decide(run, { site: id, line, branch: usual, others });
  }
  run.status = exited(0);
  for (let at = chosen; at >= 0 && at < items.length; at += 1) {
    const flow = follow(run, items[at]?.body ?? []);
    if (flow?.kind === 'switch') return undefined;
    if (flow !== undefined || items[at]?.isOpen !== true) return flow;
  }
  return undefined;
}

/**
 * What a case comes to that nobody knows. Of an argument: what is meant for any. Of a question to the host: what FreeBSD
 * is, or its first answer. Of a question to the user that need not be answered: none.
 */
function likely({ symbols }: Run, patterns: readonly (readonly string[])[], text: string): number {
  const meanings = symbolsIn(text).map((symbol) => symbols.meaning(symbol));
  const any = patterns.findIndex((some) => some.includes('*'));
  if (meanings.some(({ input }) => input !== undefined)) return any;
  const ours = patterns.findIndex((some) => some.some((each) => /^(FreeBSD|amd64)\*?$/.test(each)));
  if (ours !== -1) return ours;
  const isOfHost = meanings.every(({ source }) => /^(\$\(|`)/.test(source));
  return any === -1 && !isOfHost ? -1 : 0;
}

interface CaseBranch {
  readonly id: number;
  readonly text: string;
  readonly some: readonly string[];
  readonly branch: number;
  readonly subject: string;
}

function caseChoices(run: Run, { id, text, some, branch, subject }: CaseBranch): readonly Choice[] {
  const [symbol, ...more] = symbolsIn(text);
  const meaning = symbol === undefined ? undefined : run.symbols.meaning(symbol);
  if (symbol !== undefined && meaning?.input !== undefined && meaning.input !== '#' && more.length === 0) {
    const { input, source } = meaning;
    const values = some.flatMap((pattern) => {
      const literal = literalPattern(pattern);
      return literal === undefined ? [] : (valueFor(text, symbol, literal) ?? []);
    });
    const [value] = values;
    if (value !== undefined) return [toValue(input, value, `${source} is ${JSON.stringify(value)}`)];
  }
  return [
    toBranch(
      id,
      branch,
      `${subject.replaceAll('"', '')} matches ${some.map((each) => shownText(each, run.symbols)).join('|')}`,
    ),
  ];
}

function followSimple(run: Run, command: Simple): Flow | undefined {
  const { words, assignments, redirects } = command;
  const uses = run.argumentUses;
  if (words.length === 0) {
    const { captures } = run;
    for (const assignment of assignments) assign(run, assignment, expander);
    if (run.captures === captures) run.status = exited(0);
    return redirects.length === 0 ? undefined : redirected(run, redirects, expander, () => undefined);
  }
  const name = literalOf(words[0] ?? { line: 0, source: '', parts: [] });
  const alias = aliasOf(run, command);
  if (alias !== undefined) return followAlias(run, command, alias);
  if (name === 'exec' && words.length === 1) {
    redirectForGood(run, redirects, expander);
    return;
  }
  if (name === '[[')
    return dispatch(
      run,
      command,
      words.map((word) => ({ text: word.source, line: word.line })),
      tools,
    );
  if (['export', 'readonly', 'declare', 'typeset', 'local'].includes(name ?? '')) {
    if (name === 'local' || name === 'typeset' || name === 'declare') {
      hide(run, command);
      declareAs(run, command);
    }
    for (const assignment of assignments) assign(run, assignment, expander);
    if (name === 'export') {
      const exported = [...assignments.map((each) => each.name), ...words.slice(1).map(literalOf)];
      tellExported(run, exported, command.line);
    }
    run.status = exited(0);
    return undefined;
  }
  const fields = withoutUnset(run, expander.fields(run, words), command);
  const takesArguments = run.argumentUses > uses;
  const environment = assignments.map(({ name: variable, value }) => {
    const text = 'source' in value ? expander.text(run, value) : '';
    return [variable, text] as const;
  });
  const before = environment.map(([variable]) => [variable, run.variables.get(variable)] as const);
  for (const [variable, text] of environment) run.variables.set(variable, text);
  const flow = redirected(run, redirects, expander, () =>
    dispatch(run, command, fields, { ...tools, takesArguments, environment }),
  );
  for (const [variable, value] of before) {
    if (value === undefined) run.variables.delete(variable);
    else run.variables.set(variable, value);
  }
  return flow;
}

const tools: Tools = { follow, expander, inSubshell, takesArguments: false, environment: [] };

/** What stands for the first word of a command: bash(1) takes no alias in a script. */
function aliasOf({ aliases, dialect }: Run, { words, assignments, source }: Simple): string | undefined {
  const [first] = words;
  const name = first === undefined || isBashLike({ dialect }) || assignments.length > 0 ? undefined : literalOf(first);
  // A quoted word is none, and is written otherwise than it reads.
  return name === undefined || first?.source !== name || !source.startsWith(name) ? undefined : aliases.get(name);
}

function followAlias(run: Run, command: Simple, alias: string): Flow | undefined {
  const name = command.words[0]?.source ?? '';
  const document = command.redirects.find(({ operator }) => operator === '<<');
  // Within what it stands for, a name is no alias again.
  run.aliases.delete(name);
  const text = `${alias}${command.source.slice(name.length)}`;
  const walk = (): Flow | undefined => evaluateText({ run, command, fields: [], tools, wrappers: [] }, text);
  const flow = document === undefined ? walk() : redirected(run, [document], expander, walk);
  run.aliases.set(name, alias);
  return flow;
}

/** `$SUDO bhyve …`: a variable in front that nobody sets is nothing. */
function withoutUnset(run: Run, fields: readonly Field[], { words }: Simple): readonly Field[] {
  const first = fields.findIndex(({ text }, index) => {
    const symbol = onlySymbol(text);
    const isUnset = symbol !== undefined && run.symbols.meaning(symbol).plain === '';
    return !isUnset || words[index]?.parts[0]?.isQuoted === true;
  });
  return first <= 0 ? fields : fields.slice(first);
}
