import { inOrder, type Problem } from '../../src/base/problem.js';
import { loadSpecText } from '../../src/machine/load-spec.js';
import type { Machine } from '../../src/machine/machine.js';
import { plan, type PlanOptions } from '../../src/machine/plan.js';
import { parseSpec, type Spec, type SpecText } from '../../src/spec/parse-spec.js';

/** A spec as a user writes it, before anything is known about it. */
export type SpecObject = Readonly<Record<string, unknown>>;

/** The smallest spec that is valid. */
export const minimal = { name: 'vm0', cpu: 1, mem: '1G' } as const;

/** The spec of a file named vm.json, or as its format has it; relative file names stay as they are. */
export const specText = (spec: SpecObject | string, more: Partial<SpecText> = {}): SpecText => ({
  name: { json: 'vm.json', yaml: 'vm.yaml', ucl: 'vm.conf' }[more.format ?? 'json'],
  text: typeof spec === 'string' ? spec : JSON.stringify(spec, undefined, 2),
  format: 'json',
  resolveFile: (path) => path,
  ...more,
});

/** @throws Error that names the problems, where there are any but warnings */
export async function specOf(
  spec: SpecObject | string,
  more: Partial<SpecText> = {},
  host: PlanOptions = {},
): Promise<Spec> {
  const text = specText(spec, more);
  const loaded = await loadSpecText(text, host);
  if (!loaded.ok) throw new Error(`${loaded.problems.map(told).join('\n')}\n${text.text}`);
  return loaded.value;
}

/** Everything that is wrong with a spec, in the order of the file. */
export async function problemsOf(spec: SpecObject | string, more: Partial<SpecText> = {}): Promise<readonly Problem[]> {
  const loaded = await loadSpecText(specText(spec, more));
  return loaded.ok ? loaded.warnings : loaded.problems;
}

/** The same without what only a plan can say: what the schema and the target names are to blame for. */
export async function shapeProblemsOf(
  spec: SpecObject | string,
  more: Partial<SpecText> = {},
): Promise<readonly Problem[]> {
  return inOrder((await parseSpec(specText(spec, more))).problems);
}

/** `3:5 /cpu wrong-type: cpu must be …`, as a test's cell; the fix in brackets. */
export const told = ({ code, message, fix, place }: Problem): string =>
  [
    place === undefined ? '' : `${place.line}:${place.column} ${place.pointer} `,
    `${code}: ${message}`,
    fix === undefined ? '' : ` [${fix}]`,
  ].join('');

/** `code /pointer` of each problem. */
export const codesAt = (problems: readonly Problem[]): readonly string[] =>
  problems.map(({ code, place }) => `${code} ${place?.pointer ?? '-'}`);

/** @throws Error that names the problems */
export function machineOf(spec: Spec, target = 'default', options: PlanOptions = {}): Machine {
  const planned = plan(spec, target, options);
  if (!planned.ok) throw new Error(planned.problems.map(told).join('\n'));
  return planned.value;
}

export const planOf = async (
  spec: SpecObject | string,
  target?: string,
  options?: PlanOptions,
  more?: Partial<SpecText>,
): Promise<Machine> => machineOf(await specOf(spec, more, options), target, options);

/** The smallest machine with these devices. */
export const withDevices = (...emulations: readonly unknown[]): SpecObject => ({ ...minimal, emulations });

/** What follows an option in a command: `optionOf(argv, '-s')` has one item for each. */
export const valuesOf = (argv: readonly string[], option: string): readonly string[] =>
  argv.filter((_, index) => argv[index - 1] === option);
