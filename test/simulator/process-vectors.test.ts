import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { runSim, withFolder, type Ended } from './bhyve-sim.js';
import { platformOf, stderrPattern, titleOf, type Vector, vectors } from './vectors.js';

interface Play {
  readonly vector: Vector;
  readonly argv: readonly string[];
  readonly check: (ended: Ended) => void;
}

const lines = (dump: Readonly<Record<string, string>>): string =>
  Object.entries(dump)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

/** A vector with a dump is asked for the dump; one that starts also has to run a guest. */
function playsOf(vector: Vector): readonly Play[] {
  const { argv, dump, warnings, init, error, exit, signal, stage } = vector;
  const stderr = stderrPattern(error ?? warnings ?? '');
  if (dump === undefined) {
    const check = (ended: Ended): void => {
      expect(ended.stderr.trimEnd()).toMatch(stderr);
      expect(ended).toMatchObject(signal === undefined ? { status: exit, signal: null } : { status: null, signal });
      expect(ended.stdout !== '').toBe(stage === 'help' && error === '');
    };
    return [{ vector, argv, check }];
  }
  const asked: Play = {
    vector,
    argv: ['-o', 'config.dump=1', ...argv],
    check: (ended) => {
      expect(ended.stdout).toBe(lines({ 'config.dump': '1', ...dump }));
      expect(ended.stderr.trimEnd()).toMatch(stderr);
      expect(ended.status).toBe(1);
    },
  };
  const started: Play = {
    vector,
    argv,
    check: (ended) => {
      expect(ended).toMatchObject({ status: 2, stderr: '' });
    },
  };
  return init === 'ok' ? [asked, started] : [asked];
}

const environmentOf = (vector: Vector): Record<string, string> => {
  const { release, arch } = platformOf(vector);
  return {
    VMRUN_SIM_RELEASE: String(release),
    VMRUN_SIM_ARCH: arch,
    VMRUN_SIM_SCRIPT: 'halt',
    ...(vector.loaded === true ? { VMRUN_SIM_LOADED: '1' } : {}),
    ...(vector.maxcpu === undefined ? {} : { VMRUN_SIM_MAXCPU: String(vector.maxcpu) }),
  };
};

test('bhyve-sim itself does with every vector what bhyve does', async () => {
  const plays = vectors.flatMap(playsOf);
  const queue = plays.entries();
  const failures: string[] = [];
  await withFolder(async (folder) => {
    const worker = async (): Promise<void> => {
      for (const [index, { vector, argv, check }] of queue) {
        const cwd = path.join(folder, String(index));
        await mkdir(cwd);
        for (const [name, content] of Object.entries(vector.files ?? {})) {
          await writeFile(path.join(cwd, name), content);
        }
        const ended = await runSim(argv, { cwd, env: environmentOf(vector) });
        try {
          check(ended);
        } catch (error) {
          failures.push(`${titleOf(vector)}\n${String(error)}`);
        }
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, worker));
  });
  expect(failures.join('\n\n')).toBe('');
  expect(plays.length).toBeGreaterThan(vectors.length);
}, 120_000);
