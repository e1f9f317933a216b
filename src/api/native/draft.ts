import path from 'node:path';
import { ProblemsError } from '../../base/problem.js';
import { loadSpec } from '../../report/load-spec.js';
import { planDocument } from '../../report/plan-document.js';
import { planReport, type PlanRequest } from '../../report/plan-report.js';
import { forecastSeverity, withForecast } from '../../report/with-forecast.js';
import type { SpecFormat } from '../../spec/parse-spec.js';
import type { DraftDocument } from './documents.js';

/** A spec that is not kept, and for whom it is planned: nothing but data, so that another thread can have it. */
export interface DraftRequest extends Pick<PlanRequest, 'programs' | 'hostBhyve' | 'runBase'> {
  readonly text: string;
  readonly format: SpecFormat;
}

/** Paths in a spec of the manager's are absolute; what is not begins nowhere in particular. */
export const workingDirectory = '/';

/** Plans a draft. What is wrong with it is in the answer. */
export async function draftOf({ text, format, ...request }: DraftRequest): Promise<DraftDocument> {
  const { hostBhyve } = request;
  const foresee = { severity: forecastSeverity(''), withoutHost: true };
  try {
    const input = { text, name: 'spec', format, resolveFile: (file: string) => path.resolve(workingDirectory, file) };
    const { spec, warnings } = await loadSpec(input, hostBhyve, foresee);
    const loaded = await withForecast({ spec, warnings, locked: undefined }, { hostBhyve, foresee });
    const report = planReport(loaded, spec.targets, { ...request, isExplained: true });
    return { ok: true, problems: report.warnings, plan: planDocument(report) };
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
    return { ok: false, problems: error.problems };
  }
}
