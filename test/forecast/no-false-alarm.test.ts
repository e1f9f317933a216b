import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { foretell, type Foretold } from '../../src/bhyve/foretell/foretell.js';
import { forecast } from '../../src/forecast/forecast.js';
import type { Machine } from '../../src/machine/machine.js';
import { checkStart } from '../../src/bhyve/start/start-checks.js';
import { parseCommandLine } from '../../src/bhyve/parse.js';
import { parseOptionsOf, startOptionsOf, titleOf, vectors } from '../simulator/vectors.js';
import { deviceRows, optionRows, variableRows } from '../../scripts/docs/bhyve-coverage.js';
import { exampleNames, exampleSpec } from '../support/examples.js';
import { minimal, planOf, specOf, told } from '../support/specs.js';
import { wholeMachine } from '../support/whole-machines.js';
import { runs } from '../support/runs.js';

/** Nothing is forecast that bhyve would not say. */

const words = ({ kind, messages, variable }: Foretold): string => `${kind} ${variable ?? ''} ${messages.join('; ')}`;

/** Release 16 says this of every `-M`. */
const strayWarning = 'Attempting to fetch value of node monitor';

/** All of the command is looked at, as if none of it were vmrun's. */
const foretoldOf = ({ argv, release, arch, loader, isLoadedByOthers, privateConfig }: Machine): readonly Foretold[] =>
  foretell(argv, {
    release,
    arch,
    loaded: loader !== undefined || isLoadedByOthers,
    readFile: () =>
      `${privateConfig?.content ?? ''}${(privateConfig?.fromFiles ?? []).map(({ key }) => `${key}=x\n`).join('')}`,
    isSuspect: () => true,
  });

test.each(exampleNames)('nothing is forecast for examples/%s', async (name) => {
  const spec = await exampleSpec(name);
  expect(forecast(spec, spec.targets)).toEqual([]);
});

const rows = [...optionRows, ...variableRows, ...deviceRows.flatMap((device) => device.rows)];
const inOwnWords = rows.filter(({ example }) => example !== undefined && 'config' in example);
test.each(inOwnWords.map((row) => [row.name, row] as const))(
  'nothing is forecast for what docs/bhyve.md says by config: %s',
  async (_name, { from, to, arch = 'amd64', example }) => {
    const spec = await specOf({ ...minimal, release: from ?? to ?? 15, arch, ...example });
    expect(forecast(spec, spec.targets).map(told)).toEqual([]);
  },
);

describe('of a command line that bhyve starts, only what it warns of is foretold', () => {
  const started = vectors.filter((vector) => {
    const parsed = parseCommandLine(vector.argv, parseOptionsOf(vector));
    return (
      parsed.kind === 'parsed' &&
      !parsed.isDumpAsked &&
      checkStart(parsed.tree, startOptionsOf(vector)).kind === 'started'
    );
  });
  test.each(started.map((vector) => [titleOf(vector), vector] as const))('%s', (_title, vector) => {
    const told = foretell(vector.argv, {
      ...parseOptionsOf(vector),
      readFile: (path) => vector.files?.[path],
      loaded: vector.loaded === true,
      isSuspect: () => true,
    });
    expect(told.filter(({ kind }) => kind === 'refusal').map(words)).toEqual([]);
  });

  const refused = vectors.filter((vector) => {
    const parsed = parseCommandLine(vector.argv, parseOptionsOf(vector));
    // Whether a file is there is not foretold.
    if (vector.argv.some((word) => word.includes('/nonexistent/'))) return false;
    if (parsed.kind !== 'parsed') return true;
    return parsed.isDumpAsked || checkStart(parsed.tree, { ...startOptionsOf(vector) }).kind === 'failed';
  });
  test.each(
    refused
      .filter(({ files, maxcpu }) => files === undefined && maxcpu === undefined)
      .map((vector) => [titleOf(vector), vector] as const),
  )('and one that it does not start is refused: %s', (_title, vector) => {
    const told = foretell(vector.argv, {
      ...parseOptionsOf(vector),
      readFile: (path) => vector.files?.[path],
      loaded: vector.loaded === true,
      isSuspect: () => true,
    });
    expect(told.map(({ kind }) => kind)).toContain('refusal');
  });
});

test('nothing is foretold for the command of any machine', async () => {
  await fc.assert(
    fc.asyncProperty(wholeMachine, async (spec) => {
      const machine = await planOf(spec);
      // bhyve of arm64 makes no SMBIOS tables, and vmrun passes their strings on all the same.
      // Nor does nvme ask for the options of an image that it has not.
      const inMemory = machine.variables.flatMap(({ key }) =>
        key.endsWith('.ram') ? [key.slice(0, -'ram'.length)] : [],
      );
      const isUseless = ({ kind, variable = '' }: Foretold): boolean =>
        kind === 'unread' && (machine.arch === 'arm64' || inMemory.some((prefix) => variable.startsWith(prefix)));
      // bhyve takes an address in brackets for a name, which the spec lets pass.
      const isName = ({ variable }: Foretold): boolean => variable === 'gdb.address';
      const told = foretoldOf(machine).filter((each) => !isUseless(each) && !isName(each));
      expect(told.map(words).filter((each) => !each.endsWith(strayWarning))).toEqual([]);
    }),
    { numRuns: runs(150) },
  );
}, 120_000);
