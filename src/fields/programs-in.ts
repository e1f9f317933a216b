/** Programs whose first operand is a program too, and the flags of each kind that take no operand and leave it so. */
const interpreters: readonly (readonly [name: RegExp, flags: RegExp])[] = [
  [/(?:^|\/)(?:(?:ba|da|k|mk|z|c|tc|fi)?sh)[\d.]*$/, /^-[aefhnuvx]+$/],
  [/(?:^|\/)(?:perl|ruby|node|lua|tclsh|python)[\d.]*$/, /^-[wB]+$/],
];

/** env(1), whose first operand is one, behind variables. */
export const isEnv = (program: string): boolean => /(?:^|\/)env$/.test(program);

/**
 * The program of a command, and the one that it runs, as far as that is certain: options with operands, a text in place of a
 * file, or another PATH say that it is not.
 */
export function programsIn([program, ...words]: readonly string[]): readonly string[] {
  if (program === undefined) return [];
  if (isEnv(program)) return [program, ...programsBehindEnv(words)];
  const [, flags] = interpreters.find(([name]) => name.test(program)) ?? [];
  if (flags === undefined) return [program];
  const script = words.find((word) => !flags.test(word));
  return script === undefined || script.startsWith('-') ? [program] : [program, script];
}

/** Options of env(1) as FreeBSD and GNU have it: flags, and those whose operand is in the same word or the next. */
const flagOfEnv = /^-[i0v]*$/;
const settingOfEnv = /^-([uPCLU])(.*)$/s;

function programsBehindEnv(words: readonly string[]): readonly string[] {
  let isElsewhere = false;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const [, setting, operand] = settingOfEnv.exec(word) ?? [];
    if (setting !== undefined) {
      isElsewhere ||= setting !== 'u';
      if (operand === '') at += 1;
    } else if (word.indexOf('=') > 0) {
      isElsewhere ||= word.startsWith('PATH=');
    } else if (!flagOfEnv.test(word)) {
      const operands = word === '--' ? words.slice(at + 1) : words.slice(at);
      const isCertain = word === '--' || !word.startsWith('-');
      return isCertain && !(isElsewhere && operands[0]?.startsWith('/') !== true) ? programsIn(operands) : [];
    }
  }
  return [];
}
