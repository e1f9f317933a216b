import { placeKey, type Problem } from '../base/problem.js';
import { groupBy } from '../base/group-by.js';
import { autostartOf, type Autostart, type ReadySign } from '../fields/autostart.js';
import { startOrder, type StartOrder } from '../machine/start-order.js';
import type { Spec } from '../spec/parse-spec.js';
import { defaultTarget } from '../spec/targets.js';

/** A file of a folder of specs, read. */
export interface FolderSpec {
  readonly file: string;
  /** Of its VM; undefined where nobody knows. */
  readonly name: string | undefined;
  /** Undefined where it has errors. */
  readonly spec: Spec | undefined;
  readonly problems: readonly Problem[];
}

/** A folder of specs as a whole. */
export interface StartPlan {
  readonly folder: string;
  readonly files: readonly FolderSpec[];
  /** Those that could be loaded. */
  readonly specs: readonly Spec[];
  readonly order: StartOrder;
  /** Of each file, and of all of them together, file by file. */
  readonly problems: readonly Problem[];
}

/** What a folder of specs comes to; files that have problems do not hide the others. */
export function startPlan(folder: string, files: readonly FolderSpec[]): StartPlan {
  const specs = files.flatMap(({ spec }) => spec ?? []);
  const broken = new Set(files.flatMap(({ spec, name }) => (spec === undefined ? (name ?? []) : [])));
  const order = startOrder(specs, { broken });
  const byFile = groupBy(order.problems, ({ place }) => place?.file);
  return {
    folder,
    files,
    specs,
    order,
    problems: files.flatMap(({ file, spec, problems }) => [
      ...problems,
      ...(byFile.get(spec?.source ?? file) ?? []).toSorted(byPlace),
    ]),
  };
}

const byPlace = ({ place: a }: Problem, { place: b }: Problem): number =>
  (a?.line ?? 0) - (b?.line ?? 0) || (a === undefined || b === undefined || placeKey(a) < placeKey(b) ? -1 : 1);

/** A VM in the JSON of `vmrun plan --all`. */
export interface StartDocument {
  /** Absent: nobody knows it, the file has problems. */
  readonly name?: string;
  /** The file of its spec. */
  readonly source: string;
  /**
   * `automatic`: it is started with the manager. `manual`: somebody has to start it. `held`: it would be started, and one that
   * it waits for is not, or what it waits for is wrong. `broken`: its spec has problems.
   */
  readonly start: 'automatic' | 'manual' | 'held' | 'broken';
  /** From 1: those of a step wait for VMs of the steps before. Of those that are started. */
  readonly step?: number;
  /** When it is started, in milliseconds after the manager, if all before it get ready. Of those that are started. */
  readonly earliestMs?: number;
  readonly latestMs?: number;
  /** Those that it does wait for. Of those that are started. */
  readonly waitsFor?: readonly string[];
  /** What its spec says. */
  readonly autostart?: {
    readonly after: readonly string[];
    readonly ready: { readonly sign: ReadySign; readonly timeoutMs: number };
    readonly delayMs: number;
    readonly onFailure: Autostart['onFailure'];
  };
  /** Why it is held. */
  readonly why?: Problem;
}

/** What `vmrun plan --all --json` prints: what a manager of a folder of specs starts, in which order. */
export interface StartPlanDocument {
  /** The folder of the specs. */
  readonly folder: string;
  /** In the order in which they are started, then those that are not; by name. */
  readonly vms: readonly StartDocument[];
  /** Of the specs, each by itself and all of them together, with their places. */
  readonly problems: readonly Problem[];
}

/** A plan of a folder for programs. */
export function startPlanDocument({ folder, files, specs, order, problems }: StartPlan): StartPlanDocument {
  const saidBy = new Map(
    specs.map((spec) => {
      const { isAutomatic: _, ...said } = autostartOf(spec.effective(defaultTarget).vm);
      return [spec.name, said] as const;
    }),
  );
  const said = (name: string): Pick<StartDocument, 'autostart'> => {
    const autostart = saidBy.get(name);
    return autostart === undefined ? {} : { autostart };
  };
  const steps = order.waves.flatMap((wave, index) =>
    wave.map(({ name, source, earliestMs, latestMs, waitsFor }): StartDocument => ({
      ...{ name, source, start: 'automatic', step: index + 1, earliestMs, latestMs, waitsFor, ...said(name) },
    })),
  );
  const manual = order.manual.map(({ name, source }): StartDocument => ({
    ...{ name, source, start: 'manual', ...said(name) },
  }));
  const held = order.held.map(({ name, source, why }): StartDocument => ({
    ...{ name, source, start: 'held', why, ...said(name) },
  }));
  const broken = files.flatMap(({ file, name, spec }): readonly StartDocument[] =>
    spec === undefined ? [{ ...(name === undefined ? {} : { name }), source: file, start: 'broken' }] : [],
  );
  return { folder, vms: [...steps, ...manual, ...held, ...broken], problems };
}
