import { forecast } from '../../../src/forecast/forecast.js';
import { bootGraph } from '../../../src/graph/boot-graph.js';
import { machineGraph } from '../../../src/graph/machine-graph.js';
import { formatIdentity, readIdentity } from '../../../src/machine/identity-text.js';
import { loadSpecText } from '../../../src/machine/load-spec.js';
import { lockIdentity } from '../../../src/machine/lock-identity.js';
import { plan } from '../../../src/machine/plan.js';
import type { SpecFormat } from '../../../src/spec/parse-spec.js';
import { specOf, specText } from '../specs.js';
import type { Reader, Readers } from './reader.js';
import { json, specs, ucl, yaml } from './texts.js';

/** What a valid spec leads to is calculated of two of its targets: two say what one does not. */
const targetsLookedAt = 2;

const spec = (format: SpecFormat, seeds: readonly string[]): Reader => ({
  seeds,
  share: format === 'yaml' ? 1 : 6,
  read: async (text) => {
    const loaded = await loadSpecText(specText(text, { format }));
    if (!loaded.ok) return { problems: loaded.problems, outcome: 'refused' };
    const targets = loaded.value.targets.slice(0, targetsLookedAt);
    const locked = lockIdentity(loaded.value);
    const foretold = forecast(loaded.value, targets, { withoutHost: true });
    bootGraph(loaded.value);
    for (const target of targets) {
      const planned = plan(loaded.value, target);
      if (planned.ok) machineGraph(planned.value);
    }
    return { problems: [...loaded.warnings, ...foretold.slice(0, 9)], outcome: `read ${locked.ok}` };
  },
});

async function lockFiles(): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const text of specs) {
    const loaded = await loadSpecText(specText(text));
    const locked = loaded.ok ? lockIdentity(loaded.value) : loaded;
    if (locked.ok) texts.push(formatIdentity(locked.value.identity));
  }
  return texts;
}

export const specReaders: Readers = {
  'a spec in JSON': () => spec('json', json),
  'a spec in YAML': () => spec('yaml', [...yaml, ...specs]),
  'a spec in UCL': () => spec('ucl', [...ucl, ...specs]),
  'a lock file': async () => {
    const loaded = await Promise.all(specs.map((text) => specOf(text)));
    return {
      seeds: await lockFiles(),
      share: 6,
      read: (text) => {
        const read = readIdentity(text, 'vm.lock.json');
        if (!read.ok) return { problems: read.problems, outcome: 'refused' };
        const identity = read.value;
        const locked = loaded.find(({ name }) => name === identity.name);
        const planned = locked?.targets.map((target) => plan(locked, target, { identity }));
        return {
          problems: planned?.flatMap((one) => (one.ok ? one.warnings : one.problems)).slice(0, 9) ?? [],
          outcome: String(locked?.name),
        };
      },
    };
  },
};
