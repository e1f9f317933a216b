/** Programs whose first operand is a program too. */
const interpreters = /(?:^|\/)(?:(?:ba|da|k|mk|z|c|tc|fi)?sh|perl|ruby|node|lua|tclsh|python)[\d.]*$/;

/** env(1), whose first operand is one, behind variables. */
export const isEnv = (program: string): boolean => /(?:^|\/)env$/.test(program);

/** The program of a command, and the one that it runs. */
export function programsIn([program, ...words]: readonly string[]): readonly string[] {
  if (program === undefined) return [];
  if (isEnv(program)) {
    const first = words.findIndex((word) => !word.startsWith('-') && !/^\w+=/.test(word));
    return [program, ...(first === -1 ? [] : programsIn(words.slice(first)))];
  }
  if (!interpreters.test(program)) return [program];
  const first = words.findIndex((word) => !word.startsWith('-'));
  const script = words[first];
  // The operand of -c is no file.
  const isText = words.slice(0, first).some((word) => /^-[a-z]*[ce]$/.test(word));
  return script === undefined || isText ? [program] : [program, script];
}
