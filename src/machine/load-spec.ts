import { problemList, type Problem } from '../base/problem.js';
import { failure, success, type Result } from '../base/result.js';
import {
  parseSpec,
  parseSpecValue,
  type ParsedSpec,
  type Spec,
  type SpecText,
  type SpecData,
} from '../spec/parse-spec.js';
import { defaultTarget } from '../spec/targets.js';
import { mayHaveShellPaths, shellPaths } from './shell-paths.js';
import type { Identity } from './identity.js';
import { checkTargets, type PlanOptions } from './plan.js';

/**
 * Text → spec in which every target can be planned, or every problem of the whole file at once.
 * @param options what the command is written for where the spec does not say, and what a lock file keeps; as for `plan`
 */
export const loadSpecText = async (input: SpecText, options: LoadOptions = {}): Promise<Result<Spec>> =>
  checked(await parseSpec(input), options, mayHaveShellPaths(input.text));

/**
 * Value → the same: the body of a request, or what an importer made, be it what it will. Its problems are those of the
 * text that JSON.stringify would write, each at a JSON Pointer: their `place` has no line. What JSON has no words for, as a
 * function, NaN, a Date or a circle, is a problem as well: `not-json`.
 * @param options as for `loadSpecText`
 */
export const loadSpecValue = async (input: SpecData, options: LoadOptions = {}): Promise<Result<Spec>> =>
  checked(await parseSpecValue(input), options, true);

type LoadOptions = Pick<PlanOptions, 'release' | 'arch' | 'identity'>;

function checked(parsed: ParsedSpec, options: LoadOptions, mayNameShellPaths: boolean): Result<Spec> {
  if (!parsed.ok) return failure(parsed.problems);
  const { spec } = parsed;
  const found = problemList(parsed.order);
  found.add(parsed.problems);
  for (const problems of checkTargets(spec, options)) found.add(problems);
  if (mayNameShellPaths) for (const target of spec.targets) found.add(shellPaths(spec.effective(target)));
  if (options.identity !== undefined) found.add(renamed(spec, options.identity));
  return found.hasErrors ? failure(found.all()) : success(spec, found.all());
}

/** A spec that was copied with its lock file would be known as the one that it was copied from. */
function renamed(spec: Spec, { name }: Identity): readonly Problem[] {
  if (name === spec.name) return [];
  return [
    {
      code: 'lock-name',
      severity: 'warning',
      message: `the lock file was made for the VM ${name}, this is ${spec.name}`,
      fix: 'if it was renamed: vmrun lock; if it is a copy, remove the lock file, or the two have one UUID and the same MACs',
      place: spec.effective(defaultTarget).place('/name'),
    },
  ];
}
