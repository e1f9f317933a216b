import { child } from '../base/json-pointer.js';
import type { Problem } from '../base/problem.js';
import { shown } from '../base/text.js';
import type { EffectiveSpec } from '../spec/parse-spec.js';

/** `~/disk.img`, `$HOME/disk.img`, and the same as part of an option: only a shell knows what they stand for. */
const shellPath = /(?:^|[,=\s])(~[A-Za-z0-9_.-]*)(?=\/|$)|(?:^|[,=/\s])(\$[A-Za-z_]\w*)(?=[/.,\s]|$)/;

/** Whether a spec's text may hold one: few do. */
export const mayHaveShellPaths = (text: string): boolean => /[~$][\w.-]*\/|\/\$\w|\$[A-Z]/.test(text);

/** Commands of the user's have a check of their own, a password is no path, and `x-` keys are the user's. */
const isOther = (key: string): boolean => /^(hooks|post_start_script|password|\$schema|x-.*|targets)$/.test(key);

/** A warning for each value of a target that a shell would have to expand. */
export const shellPaths = (effective: EffectiveSpec): readonly Problem[] =>
  pathsIn(effective.written(''), '', effective);

function pathsIn(value: unknown, pointer: string, effective: EffectiveSpec): readonly Problem[] {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, item]) =>
      isOther(key) ? [] : pathsIn(item, child(pointer, key), effective),
    );
  }
  const [, home, variable] = (typeof value === 'string' ? shellPath.exec(value) : undefined) ?? [];
  const mark = home ?? variable;
  if (mark === undefined) return [];
  return [
    effective.problem({
      code: 'shell-path',
      severity: 'warning',
      pointer,
      message: `no shell reads ${shown(value)}: ${mark} is taken as it is`,
      fix: `write in its place what it stands for${home === undefined ? '' : ', e.g. "/home/jane"'}`,
    }),
  ];
}
